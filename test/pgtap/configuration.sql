-- What is configured takes effect at the next call.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION b2neon;
SELECT plan(30);

CREATE SERVER b2 FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'first');
PREPARE link AS SELECT b2_presign_get('k');

SELECT throws_ok('EXECUTE link', '42704', 'no application key for server "b2" and role "postgres"',
                 'without a user mapping there is no link');
CREATE USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (key_id 'first_key', application_key 's');
SELECT matches(b2_presign_get('k'), '^https://s3\.us-west-004\.backblazeb2\.com/first/k\?.*first_key%2F',
               'a user mapping for PUBLIC serves everybody');
ALTER SERVER b2 OPTIONS (SET bucket 'second');
SELECT matches(b2_presign_get('k'), '/second/k\?', 'ALTER SERVER takes effect');
ALTER SERVER b2 OPTIONS (ADD url_style 'virtual');
SELECT matches(b2_presign_get('k'), '^https://second\.s3\.us-west-004\.backblazeb2\.com/k\?',
               'the virtual style puts the bucket into the host name');
ALTER USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (SET key_id 'second_key');
SELECT matches(b2_presign_get('k'), 'second_key%2F', 'ALTER USER MAPPING takes effect');
ALTER USER MAPPING FOR PUBLIC SERVER b2
    OPTIONS (ADD upload_key_id 'upload_key', ADD upload_application_key 'u');
SELECT matches(b2_presign_get('k'), 'second_key%2F', 'downloads are signed with the key');
SELECT matches((SELECT presigned_url FROM b2_presign_put('x', 'image/png')), 'upload_key%2F',
               'uploads are signed with the upload key');
SELECT matches(b2_presign('PUT', 'k'), 'upload_key%2F', 'so is any PUT');
SELECT isnt(b2_presign('DELETE', 'k'), NULL, 'other methods can be signed');

CREATE ROLE own_key SUPERUSER;
CREATE USER MAPPING FOR own_key SERVER b2 OPTIONS (key_id 'own_key', application_key 's');
GRANT ALL ON TABLE __tcache__ TO PUBLIC;
GRANT ALL ON SEQUENCE __tresults___numb_seq TO PUBLIC;
SET ROLE own_key;
SELECT matches(b2_presign_get('k'), 'own_key%2F', 'a role''s own mapping goes before that for PUBLIC');
RESET ROLE;
SELECT matches(b2_presign_get('k'), 'second_key%2F', 'a role switch takes effect');
SET ROLE own_key;
SELECT matches(b2_presign_get('k'), 'own_key%2F', 'and back again');
RESET ROLE;
DROP USER MAPPING FOR own_key SERVER b2;
SET ROLE own_key;
SELECT matches(b2_presign_get('k'), 'second_key%2F', 'DROP USER MAPPING takes effect');
RESET ROLE;

CREATE SERVER other FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.eu-central-003.backblazeb2.com', bucket 'other');
CREATE USER MAPPING FOR PUBLIC SERVER other OPTIONS (key_id 'other_key', application_key 's');
SELECT matches(b2_presign_get('k', server => 'other'), 'eu-central-003', 'a call can name a server');
SET b2neon.server = 'other';
SELECT matches(b2_presign_get('k'), 'eu-central-003', 'b2neon.server names it for calls that do not');
SELECT is(b2_default_server(), 'other', 'b2_default_server() gives that setting');
INSERT INTO b2_files (object_key, user_id) VALUES ('imported', 'user_1');
SELECT is((SELECT server FROM b2_files WHERE object_key = 'imported'), 'other',
          'a plain INSERT takes the server from it');
RESET b2neon.server;

SAVEPOINT before_drop;
DROP SERVER other CASCADE;
SELECT throws_ok($$SELECT b2_presign_get('k', server => 'other')$$, '42704',
                 'server "other" does not exist', 'DROP SERVER takes effect');
ROLLBACK TO before_drop;
SELECT matches(b2_presign_get('k', server => 'other'), 'eu-central-003', 'and so does its rollback');

CREATE ROLE plain;
SET ROLE plain;
SELECT throws_ok($$SELECT b2_presign('GET', 'k')$$, '42501',
                 'b2_presign() is not allowed for role "plain"', 'a confined role cannot call b2_presign');
SELECT throws_ok($$SELECT b2_presign_put('x', 'image/png')$$, '42501',
                 'permission denied for foreign server b2', 'USAGE on the server is needed');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER b2 TO plain;
SET ROLE plain;
SELECT lives_ok($$SELECT b2_presign_put('x', 'image/png')$$, 'GRANT USAGE takes effect');
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER b2 FROM plain;
SET ROLE plain;
SELECT throws_ok($$SELECT b2_presign_put('x', 'image/png')$$, '42501',
                 'permission denied for foreign server b2', 'REVOKE USAGE takes effect');
RESET ROLE;
ALTER ROLE plain BYPASSRLS;
GRANT USAGE ON FOREIGN SERVER b2 TO plain;
SET ROLE plain;
SELECT isnt(b2_presign('GET', 'k'), NULL, 'a role with BYPASSRLS is not confined');
RESET ROLE;
ALTER ROLE plain NOBYPASSRLS;
SET ROLE plain;
SELECT throws_ok($$SELECT b2_presign('GET', 'k')$$, '42501',
                 'b2_presign() is not allowed for role "plain"', 'and without it it is confined again');
RESET ROLE;

CREATE FOREIGN DATA WRAPPER something_else;
CREATE SERVER foreign_one FOREIGN DATA WRAPPER something_else;
SELECT throws_ok($$SELECT b2_presign_get('k', server => 'foreign_one')$$, '42704',
                 'server "foreign_one" is not a server of b2neon',
                 'a server of another wrapper is not taken for a bucket');

SET b2neon.allowed_endpoints = 'store.example, http://127.0.0.1:9000';
SELECT lives_ok($$CREATE SERVER local FOREIGN DATA WRAPPER b2neon
                  OPTIONS (endpoint 'http://127.0.0.1:9000', bucket 'files', region 'local')$$,
                'a superuser can allow another endpoint');
SELECT throws_ok($$ALTER SERVER b2 OPTIONS (SET bucket 'third')$$, '42501',
                 'endpoint "https://s3.us-west-004.backblazeb2.com" is not allowed',
                 'and disallow one');
CREATE ROLE tenant;
GRANT USAGE ON FOREIGN DATA WRAPPER b2neon TO tenant;
SET ROLE tenant;
SELECT throws_ok($$SET b2neon.allowed_endpoints = '*.example'$$, '42501',
                 'permission denied to set parameter "b2neon.allowed_endpoints"',
                 'nobody else can');
SELECT throws_ok($$CREATE SERVER s FOREIGN DATA WRAPPER b2neon
                   OPTIONS (endpoint 'https://169.254.169.254', bucket 'files', region 'x')$$, '42501',
                 'endpoint "https://169.254.169.254" is not allowed',
                 'a metadata service is no store');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
