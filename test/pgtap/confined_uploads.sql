-- Uploads of a role that row-level security applies to: as itself, under keys that are made here, verified.
\set tests 71
\ir setup/two_users.psql
SET ROLE alice;

-- Presigning.
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png')$$, '22004', 'size must not be NULL',
                 'where max_upload_size is set the size must be declared');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1001)$$, '22023',
                 'size must be at most 1000 bytes, but is 1001', 'and not exceed it');
SELECT throws_ok($$SELECT b2_presign_put('x.html', 'text/html', size => 1)$$, '22023',
                 'content_type "text/html" is not allowed', 'other types are refused');
SELECT throws_ok($$SELECT b2_presign_put('x', 'image/png;,text/html', size => 1)$$, '22023',
                 'invalid content_type: "image/png;,text/html"', 'a second media type is not smuggled in');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', 601, size => 1)$$, '22023',
                 'a URL may live for at most 600 seconds, not 601', 'long lives are refused');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', user_id => 'bob', size => 1)$$, '42501',
                 'role "alice" cannot upload as user "bob"', 'nobody uploads as somebody else');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1, object_key => 'mine')$$, 'P0002',
                 'no pending upload for object key "mine"', 'nobody chooses a key');
SELECT throws_ok(format('SELECT b2_presign_put(%L, %L, size => 1, object_key => %L)', 'x', 'image/png', :'bobs_pending'),
                 'P0002', format('no pending upload for object key "%s"', :'bobs_pending'),
                 'nobody gets a URL for another user''s upload');
SELECT throws_ok(format('SELECT b2_presign_put(%L, %L, size => 1, object_key => %L)', 'x', 'image/png', :'bobs'),
                 'P0002', format('no pending upload for object key "%s"', :'bobs'), 'nor for another user''s file');
SELECT throws_ok(format('SELECT b2_presign_put(%L, %L, size => 1, object_key => %L)', 'x', 'image/png', :'alices'),
                 'P0002', format('no pending upload for object key "%s"', :'alices'), 'nor for one''s own that is registered');
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1, server => 'private')$$, '42501',
                 'permission denied for foreign server private', 'nor on a server without USAGE');
SELECT object_key AS issued, presigned_url FROM b2_presign_put('x.txt', 'text/plain', size => 5) \gset
SELECT matches(:'issued'::text, '^[0-9a-f-]{36}-x\.txt$', 'the key is made here');
SELECT is((b2_presign_put('y.txt', 'text/plain', size => 5, object_key => :'issued')).object_key, :'issued',
          'a fresh URL for one''s own pending upload is given');

-- What the store holds against whoever has the URL.
\set body 'too long'
\ir setup/put.psql
SELECT is(:'status'::text, '403', 'the store refuses another size than declared');

-- Registering.
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'issued'), '58P01', NULL,
                 'what was not uploaded is not registered');
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'bobs_pending'), 'P0002',
                 format('no pending upload for object key "%s"', :'bobs_pending'), 'another user''s upload is not there');
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'bobs'), 'P0002',
                 format('no pending upload for object key "%s"', :'bobs'), 'nor is another user''s file');
SELECT throws_ok($$SELECT b2_register_file('never issued')$$, 'P0002',
                 'no pending upload for object key "never issued"', 'in the same words as one never issued');
SELECT throws_ok(format('SELECT b2_register_file(%L, server => %L)', :'issued', 'private'), '42501',
                 'permission denied for foreign server private', 'a server without USAGE is of no use');
SELECT throws_ok(format('SELECT b2_register_file(%L, verify => false)', :'issued'), '42501',
                 'role "alice" cannot register a file without verification', 'verification is compulsory');
SELECT throws_ok(format('SELECT b2_register_file(%L, public_file_url => %L)', :'issued', 'https://evil.example'),
                 '42501', 'role "alice" cannot give the public URL of a file', 'URLs are not forged');
SELECT throws_ok(format('SELECT b2_register_file(%L, %L)', :'issued', 'bob'), '42501',
                 'role "alice" cannot register a file for user "bob"', 'nor are users');
\set body fives
\ir setup/put.psql
SELECT is(:'status'::text, '200', 'the upload as declared is taken');
SELECT is((b2_register_file(:'issued')).user_id, 'alice', 'and registered as one''s own');
SELECT is((SELECT count(*) FROM b2_register_file(:'issued') r, b2_files f WHERE r.id = f.id), 1::bigint,
          'registering it twice gives the row that is there');
SELECT is((b2_register_file(:'alices')).version_id, :'alices_version', 'as it was');

-- A deadline that has passed.
SELECT object_key AS late, presigned_url, 'late' AS body FROM b2_presign_put('late', 'text/plain', size => 4) \gset
\ir setup/put.psql
RESET ROLE;
UPDATE b2_uploads SET expires_at = now() - interval '1 day 1 minute' WHERE object_key = :'late';
SET ROLE alice;
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'late'), '55000',
                 format('too late to register object key "%s"', :'late'), 'an upload past its deadline is not registered');

-- A transaction that is rolled back has shown its URL.
SAVEPOINT before;
SELECT object_key AS undone, presigned_url, 'gone' AS body FROM b2_presign_put('undone', 'text/plain', size => 4) \gset
ROLLBACK TO before;
\ir setup/put.psql
SELECT is(:'status'::text, '200', 'the URL of a transaction that was rolled back can be used');
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'undone'), 'P0002',
                 format('no pending upload for object key "%s"', :'undone'), 'but its upload cannot be registered');
SELECT throws_ok(format('SELECT b2_presign_get(%L)', :'undone'), '42501',
                 format('no file "%s" that role "alice" can see', :'undone'), 'nor read');

-- Deleted, and registered again.
DELETE FROM b2_files WHERE object_key = :'issued';
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'issued'), 'P0002',
                 format('no pending upload for object key "%s"', :'issued'), 'a file that was deleted does not come back');

-- A key of the caller's own choice would ask the store in their name.
SELECT throws_ok($$CREATE USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS (key_id 'a', application_key 'b')$$, '42501',
                 'role "alice" cannot choose the application key for server "b2"', 'nobody brings a key of their own');
RESET ROLE;
CREATE USER MAPPING FOR alice SERVER b2 OPTIONS (key_id :'key_id', application_key :'application_key');
SET ROLE alice;
SELECT throws_ok($$ALTER USER MAPPING FOR CURRENT_USER SERVER b2 OPTIONS (SET key_id 'a')$$, '42501',
                 'role "alice" cannot choose the application key for server "b2"', 'nor changes the one that they were given');
SELECT lives_ok(format('SELECT b2_presign_get(%L)', :'alices'), 'which is used');

-- Control characters in whatever becomes a header or a part of a query.
SELECT throws_ok(format(call, character), '22023', NULL, format('%s with character %s is refused', call, ascii(character)))
FROM unnest(ARRAY[
         'SELECT b2_presign_put(%L, ''image/png'', size => 1)',
         'SELECT b2_presign_put(''x'', ''image/'' || %L, size => 1)',
         'SELECT b2_presign_put(''x'', ''image/png'', size => 1, content_md5 => %L)',
         'SELECT b2_presign_put(''x'', ''image/png'', size => 1, object_key => %L)',
         'SELECT b2_register_file(%L)',
         'SELECT b2_presign_get(%L)',
         'SELECT b2_presign_get(''k'', version_id => ''v'' || %L)']) AS call,
     unnest(ARRAY[chr(10), chr(13), chr(1), chr(127)]) AS character;
SELECT throws_ok(format(call, :'alices', chr(10)), '22023', NULL, format('%s with a line feed is refused', call))
FROM unnest(ARRAY['SELECT b2_presign_get(%L, download_as => %L)',
                  'SELECT b2_presign_get(%L, content_type => ''text/plain'' || %L)']) AS call;

-- A bucket without versions could not keep what was verified.
RESET ROLE;
\setenv UNVERSIONED :alices
\set unversioned `name=unversioned-$(printf %s "$UNVERSIONED" | cut -c1-36); curl -s -o /dev/null --noproxy '*' -X PUT --user "$S3_STORE_KEY_ID:$S3_STORE_APPLICATION_KEY" --aws-sigv4 "aws:amz:$S3_STORE_REGION:s3" -H "Host: ${S3_STORE_ENDPOINT#http://}" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$S3_STORE_ENDPOINT/$name" && printf %s "$name"`
CREATE SERVER unversioned FOREIGN DATA WRAPPER b2neon OPTIONS (endpoint :'endpoint', bucket :'unversioned', region :'region');
CREATE USER MAPPING FOR PUBLIC SERVER unversioned OPTIONS (key_id :'key_id', application_key :'application_key');
GRANT USAGE ON FOREIGN SERVER unversioned TO alice;
SET ROLE alice;
SELECT object_key AS unpinned, presigned_url, 'any' AS body
FROM b2_presign_put('x', 'text/plain', server => 'unversioned') \gset
\ir setup/put.psql
SELECT is(:'status'::text, '200', 'a bucket without versions takes uploads');
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'unpinned'), '55000',
                 'bucket of server "unversioned" keeps no versions', 'which a confined caller cannot register');
RESET ROLE;
SELECT is((b2_register_file(:'unpinned')).size, 3::bigint, 'but a trusted one can');

-- What an unconfined caller signs is checked for the same characters.
SELECT throws_ok(format(call, chr(10)), '22023', NULL, format('%s with a line feed is refused', call))
FROM unnest(ARRAY['SELECT b2_presign(''GE'' || %L, ''k'')',
                  'SELECT b2_presign(''GET'', ''k'', headers => jsonb_build_object(''x-a'', ''a'' || %L))',
                  'SELECT b2_presign(''GET'', ''k'', query => jsonb_build_object(''a'' || %L, ''b''))',
                  'SELECT b2_presign(''GET'', ''k'', query => jsonb_build_object(''a'', ''b'' || %L))']) AS call;

SELECT * FROM finish();
ROLLBACK;
