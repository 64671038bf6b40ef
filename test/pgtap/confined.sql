-- What a role can and cannot do that row-level security on b2_files applies to.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION b2neon;
SELECT plan(54);
GRANT ALL ON TABLE __tcache__ TO PUBLIC;
GRANT ALL ON SEQUENCE __tresults___numb_seq TO PUBLIC;

CREATE SERVER b2 FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'files',
             max_upload_size '1000', max_expires_in '600', allowed_content_types 'image/*, text/plain');
CREATE USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (key_id 'k', application_key 'very_secret');
CREATE SERVER private FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'private');
CREATE USER MAPPING FOR PUBLIC SERVER private OPTIONS (key_id 'k', application_key 'very_secret');
CREATE ROLE alice;
CREATE ROLE bob;
-- What people really run.
GRANT ALL ON ALL TABLES IN SCHEMA public TO alice, bob;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO alice, bob;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO alice, bob;
GRANT USAGE ON FOREIGN SERVER b2 TO alice, bob;
INSERT INTO b2_files (object_key, user_id, version_id) VALUES ('of alice', 'alice', 'v1'), ('of bob', 'bob', 'v2');
INSERT INTO b2_files (object_key, user_id, server) VALUES ('elsewhere', 'alice', 'private');
SELECT b2_presign_put('theirs', 'image/png', user_id => 'bob', object_key => 'pending of bob');

SET ROLE alice;
SELECT is(b2_user_id(), 'alice', 'b2_user_id() is the current role');
SELECT results_eq('SELECT object_key FROM b2_files ORDER BY id', ARRAY['of alice', 'elsewhere'],
                  'one''s own rows are seen, and no others');

-- Links.
SELECT matches(b2_presign_get('of alice'), '/files/of%20alice\?.*versionId=v1',
               'one''s own file has a link, to the registered version');
SELECT matches(b2_presign_get('of alice', version_id => 'v1'), 'versionId=v1', 'that version can be named');
SELECT throws_ok($$SELECT b2_presign_get('of alice', version_id => 'v2')$$, '42501',
                 'no file "of alice" that role "alice" can see', 'another version cannot');
SELECT throws_ok($$SELECT b2_presign_get('of bob')$$, '42501',
                 'no file "of bob" that role "alice" can see', 'another user''s file has no link');
SELECT throws_ok($$SELECT b2_presign_get('of nobody')$$, '42501',
                 'no file "of nobody" that role "alice" can see',
                 'the refusal is the same for a file that is not there');
SELECT throws_ok($$SELECT b2_presign_get('pending of bob')$$, '42501',
                 'no file "pending of bob" that role "alice" can see', 'a pending upload has no link');
SELECT throws_ok($$SELECT b2_presign_get('elsewhere')$$, '42501',
                 'permission denied for foreign server private', 'the file''s own server needs USAGE too');
SELECT throws_ok($$SELECT b2_presign_get('elsewhere', server => 'b2')$$, '42501',
                 'no file "elsewhere" that role "alice" can see', 'a file is on one server only');
SELECT lives_ok($$SELECT b2_presign_get('of alice', 600)$$, 'a link may live for max_expires_in');
SELECT throws_ok($$SELECT b2_presign_get('of alice', 601)$$, '22023',
                 'a URL may live for at most 600 seconds, not 601', 'and no longer');
SELECT throws_ok($$SELECT b2_presign_get('of alice', 300, stable_for => 301)$$, '22023',
                 'a URL may live for at most 600 seconds, not 601', 'stable_for counts as well');
SELECT throws_ok($$SELECT b2_presign('GET', 'of alice')$$, '42501',
                 'b2_presign() is not allowed for role "alice"', 'b2_presign is for the unconfined');
SET row_security = off;
SELECT throws_ok($$SELECT b2_presign_get('of bob')$$, '42501', NULL, 'row_security = off changes nothing');
RESET row_security;

-- Uploads.
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png')$$, '22004', 'size must not be NULL',
                 'where max_upload_size is set the size must be declared');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1001)$$, '22023',
                 'size must be at most 1000 bytes, but is 1001', 'and not exceed it');
SELECT throws_ok($$SELECT b2_presign_put('x.html', 'text/html', size => 1)$$, '22023',
                 'content_type "text/html" is not allowed', 'other types are refused');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', 601, size => 1)$$, '22023',
                 'a URL may live for at most 600 seconds, not 601', 'long lives are refused');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', user_id => 'bob', size => 1)$$, '42501',
                 'role "alice" cannot upload as user "bob"', 'nobody uploads as somebody else');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1, object_key => 'mine')$$, 'P0002',
                 'no pending upload for object key "mine"', 'nobody chooses a key');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1, object_key => 'pending of bob')$$,
                 'P0002', 'no pending upload for object key "pending of bob"',
                 'nobody gets a URL for another user''s upload');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1, object_key => 'of alice')$$,
                 'P0002', 'no pending upload for object key "of alice"',
                 'nor for a file that is registered');
CREATE TEMP TABLE issued AS SELECT * FROM b2_presign_put('x.png', 'image/png', size => 1);
SELECT matches(object_key, '^[0-9a-f-]{36}-x\.png$', 'the key is made here') FROM issued;
SELECT is(again.object_key, issued.object_key, 'a fresh URL for one''s own pending upload is given')
FROM issued, b2_presign_put('y.png', 'image/png', size => 2, object_key => issued.object_key) AS again;

-- Registering.
SELECT throws_ok($$SELECT b2_register_file('pending of bob')$$, 'P0002',
                 'no pending upload for object key "pending of bob"', 'another user''s upload is not there');
SELECT throws_ok($$SELECT b2_register_file('of bob')$$, 'P0002',
                 'no pending upload for object key "of bob"', 'nor is another user''s file');
SELECT throws_ok($$SELECT b2_register_file('never issued')$$, 'P0002',
                 'no pending upload for object key "never issued"', 'in the same words as one never issued');
SELECT throws_ok(format('SELECT b2_register_file(%L, verify => false)', object_key), '42501',
                 'role "alice" cannot register a file without verification', 'verification is compulsory')
FROM issued;
SELECT throws_ok(format('SELECT b2_register_file(%L, public_file_url => %L)', object_key, 'https://evil.example'),
                 '42501', 'role "alice" cannot give the public URL of a file', 'URLs are not forged')
FROM issued;
SELECT throws_ok(format('SELECT b2_register_file(%L, %L)', object_key, 'bob'), '42501',
                 'role "alice" cannot register a file for user "bob"', 'nor are users') FROM issued;
SELECT is((b2_register_file('of alice')).version_id, 'v1', 'registering one''s own file again returns it');

-- The tables themselves, with every privilege granted.
SELECT throws_ok($$INSERT INTO b2_files (object_key, user_id) VALUES ('of bob', 'alice')$$, '42501',
                 'role "alice" cannot change table "b2_files" directly', 'no INSERT');
SELECT throws_ok($$UPDATE b2_files SET object_key = 'of bob 2'$$, '42501',
                 'role "alice" cannot change table "b2_files" directly', 'no UPDATE');
SELECT is_empty('SELECT * FROM b2_uploads', 'b2_uploads shows nothing');
SELECT throws_ok($$INSERT INTO b2_uploads (object_key, server, user_id, file_name, content_type, expires_at)
                   VALUES ('k', 'b2', 'alice', 'k', 'image/png', 'infinity')$$, '42501', NULL,
                 'nor takes anything');
SELECT throws_ok($$INSERT INTO b2_deletions (server, object_key) VALUES ('b2', 'of bob')$$, '42501', NULL,
                 'b2_deletions does not either');
SELECT throws_ok('TRUNCATE ' || name, '42501', format('role "alice" cannot change table "%s" directly', name),
                 'no TRUNCATE of ' || name)
FROM unnest('{b2_files,b2_uploads,b2_deletions}'::text[]) AS name;
SELECT throws_ok('DELETE FROM b2_uploads', '42501', NULL, 'no DELETE from b2_uploads');
SELECT throws_ok('DELETE FROM b2_deletions', '42501', NULL, 'no DELETE from b2_deletions');
SELECT throws_ok('SELECT * FROM pg_user_mapping', '42501', NULL, 'mappings are not read');
SELECT is_empty($$SELECT * FROM pg_user_mappings WHERE umoptions IS NOT NULL$$, 'their options are not shown');
DELETE FROM b2_files;
RESET ROLE;
SELECT results_eq('SELECT object_key FROM b2_files', ARRAY['of bob'], 'one''s own rows can be deleted, and no others');
SELECT results_eq('SELECT object_key, version_id FROM b2_deletions ORDER BY object_key',
                  $$VALUES ('elsewhere'::text, NULL::text), ('of alice', 'v1')$$, 'their objects are queued');

-- A trigger that is there all the same, whose function belongs to somebody else, is not run with the owner's rights.
GRANT CREATE ON SCHEMA public TO alice;
SET ROLE alice;
CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'code of alice runs as %', current_user;
END
$$;
RESET ROLE;
CREATE TRIGGER aaa BEFORE INSERT ON b2_files FOR EACH ROW EXECUTE FUNCTION steal();
SELECT throws_ok($$SELECT b2_register_file('pending of bob', verify => false)$$, '42501',
                 'trigger "aaa" on table "b2_files" is not run with the rights of the table''s owner',
                 'a trigger of a stranger is not run by b2_register_file');
DROP TRIGGER aaa ON b2_files;
CREATE TRIGGER aaa BEFORE INSERT ON b2_uploads FOR EACH ROW EXECUTE FUNCTION steal();
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1)$$, '42501',
                 'trigger "aaa" on table "b2_uploads" is not run with the rights of the table''s owner',
                 'nor by b2_presign_put');
ALTER FUNCTION steal() OWNER TO CURRENT_USER;
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1)$$, 'P0001',
                 format('code of alice runs as %s', current_user), 'one of the owner''s own is run');
DROP TRIGGER aaa ON b2_uploads;
SELECT lives_ok($$SELECT b2_register_file('pending of bob', verify => false)$$, 'and without it all is well');

-- Policies of the owner's own extend what is seen.
CREATE POLICY team ON b2_files FOR SELECT TO alice USING (user_id = 'bob');
SET ROLE alice;
SELECT matches(b2_presign_get('of bob'), 'versionId=v2', 'the functions go by the policies');
RESET ROLE;

-- A view in the table's place confines nobody, so it is refused.
ALTER TABLE b2_files RENAME TO files_base;
CREATE VIEW b2_files AS SELECT * FROM files_base;
SET ROLE alice;
SELECT throws_ok($$SELECT b2_presign('GET', 'of bob')$$, '42809', '"public.b2_files" is not a table',
                 'a view is not taken for the table');
RESET ROLE;
DROP VIEW b2_files;
ALTER TABLE files_base RENAME TO b2_files;

-- The owner's TRUNCATE queues like a DELETE.
DELETE FROM b2_deletions;
TRUNCATE b2_files;
SELECT results_eq('SELECT object_key, version_id FROM b2_deletions ORDER BY object_key',
                  $$VALUES ('of bob'::text, 'v2'::text), ('pending of bob', NULL)$$, 'TRUNCATE queues the objects');

-- What reaches the store as one media type is one.
SELECT throws_ok($$SELECT b2_presign_put('x', 'image/png;,text/html')$$, '22023',
                 'invalid content_type: "image/png;,text/html"', 'a second media type is not smuggled in');

SELECT * FROM finish();
ROLLBACK;
