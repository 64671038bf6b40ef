-- What each role can do with the grants that it is meant to have, and which grant it is told of when one is missing.
\set tests 32
\ir setup/two_users.psql

-- A user who has been granted nothing yet.
CREATE ROLE carol;
SET ROLE carol;
SELECT is(b2_user_id(), 'carol', 'everybody can ask who they are');
RESET ROLE;
CREATE FUNCTION hint_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ': ' || hint;
END
$$;
SET ROLE carol;
SELECT is(hint_of($$SELECT b2_presign_put('x', 'text/plain', size => 5)$$),
          '42501: Its owner can GRANT USAGE ON FOREIGN SERVER b2 TO carol.', 'a missing USAGE is named by b2_presign_put');
SELECT is(hint_of($$SELECT b2_presign_get('x')$$),
          '42501: Its owner can GRANT SELECT ON public.b2_files TO carol.', 'a missing SELECT is named by b2_presign_get');
SELECT throws_ok('SELECT * FROM b2_files', '42501', 'permission denied for table b2_files', 'b2_files is not open to all');
SELECT throws_ok('DELETE FROM b2_files', '42501', 'permission denied for table b2_files', 'nor for deleting');
SELECT is(hint_of($$SELECT b2_presign('GET', 'x')$$),
          '42501: The owner of b2_files, roles that inherit its rights, superusers and roles with BYPASSRLS can call it.', 'trust is explained');
RESET ROLE;

-- The two grants of a user.
GRANT SELECT, DELETE ON b2_files TO carol;
GRANT USAGE ON FOREIGN SERVER b2 TO carol;
SET ROLE carol;
SELECT object_key, presigned_url, headers, 'hello' AS body
FROM b2_presign_put('a.txt', 'text/plain', 60, size => 5, content_md5 => 'XUFAKrxLKna5cZ2REBfFkg==', metadata => '{"a": 1}') \gset
SELECT is(:'headers'::jsonb, '{"Content-Type": "text/plain", "Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="}'::jsonb, 'a user can upload');
\set curl_options '-H "Content-MD5: XUFAKrxLKna5cZ2REBfFkg=="'
\ir setup/put.psql
\set curl_options ''
SELECT is(:'status'::text, '200', 'the store takes it');
SELECT row_eq(format('SELECT user_id, file_name, content_type, size, metadata FROM b2_register_file(%L)', :'object_key'),
              ROW('carol'::text, 'a.txt'::text, 'text/plain'::text, 5::bigint, '{"a": 1}'::jsonb), 'can register');
SELECT isnt(verified_at, NULL, 'what was verified') FROM b2_files;
SELECT results_eq('SELECT object_key FROM b2_files', ARRAY[:'object_key'], 'can list');
SELECT b2_presign_get(object_key, 60, download_as => 'b.txt', version_id => version_id, server => server) AS link FROM b2_files \gset
\ir setup/get.psql
SELECT is(:'body'::text, 'hello', 'can download');
SELECT lives_ok('DELETE FROM b2_files', 'can delete');
SELECT is((SELECT count(*) FROM b2_files), 0::bigint, 'which takes the row');
RESET ROLE;
SELECT is((SELECT count(*) FROM b2_deletions WHERE object_key = :'object_key'), 1::bigint, 'and queues the object');
REVOKE SELECT ON b2_files FROM alice;
GRANT SELECT (object_key, version_id, server, user_id) ON b2_files TO alice;
SET ROLE alice;
SELECT matches(b2_presign_get(:'alices'), 'versionId=', 'SELECT on the columns that matter is enough for a link');
RESET ROLE;

-- A role that only reads.
CREATE ROLE reader;
GRANT SELECT ON b2_files TO reader;
GRANT USAGE ON FOREIGN SERVER b2 TO reader;
CREATE POLICY readable ON b2_files FOR SELECT TO reader USING (true);
SET ROLE reader;
SELECT is((SELECT count(b2_presign_get(object_key)) FROM b2_files WHERE server = 'b2'), 2::bigint, 'a policy lets a role read all files');
SELECT throws_ok('DELETE FROM b2_files', '42501', 'permission denied for table b2_files', 'without deleting any');
RESET ROLE;
GRANT DELETE ON b2_files TO reader;
SET ROLE reader;
DELETE FROM b2_files;
RESET ROLE;
SELECT is((SELECT count(*) FROM b2_files WHERE server = 'b2'), 2::bigint, 'even with the grant, where policies let it delete none');

-- A backend's role, as a member of the tables' owner.
CREATE ROLE files_owner;
CREATE ROLE app;
GRANT files_owner TO app;
ALTER TABLE b2_files OWNER TO files_owner;
ALTER TABLE b2_uploads OWNER TO files_owner;
ALTER TABLE b2_deletions OWNER TO files_owner;
ALTER TABLE b2_identity OWNER TO files_owner;
GRANT USAGE ON FOREIGN SERVER b2 TO app;
SET ROLE app;
SELECT object_key, presigned_url, 'x' AS body FROM b2_presign_put('x', 'text/plain', 604800, user_id => 'dave') \gset
\ir setup/put.psql
SELECT is((b2_register_file(:'object_key', metadata => '{"by": "app"}')).user_id, 'dave', 'acts for any user');
SELECT lives_ok($$SELECT b2_presign_put('x', 'application/x', user_id => 'dave', size => 1000)$$, 'past the limits for users');
SELECT throws_ok($$SELECT b2_presign_put('x', 'application/x', user_id => 'dave', size => 1001)$$, '22023', NULL, 'though not past max_upload_size');
SELECT lives_ok($$SELECT b2_presign_put('x', 'text/plain', user_id => 'dave', object_key => 'chosen')$$, 'chooses keys');
SELECT is((b2_register_file('chosen', verify => false, public_file_url => 'https://cdn.example/chosen')).file_url, 'https://cdn.example/chosen',
          'registers without verification');
SELECT matches(b2_presign('DELETE', 'chosen'), 'X-Amz-Signature', 'signs anything');
SELECT is((SELECT count(b2_presign_get(object_key)) FROM b2_files WHERE server = 'b2'), 4::bigint, 'reads all files');
SELECT lives_ok($$INSERT INTO b2_files (object_key, file_url, user_id) VALUES ('imported', NULL, 'dave')$$, 'imports');
SELECT lives_ok($$UPDATE b2_files SET user_id = 'erin' WHERE user_id = 'dave'$$, 'changes rows');
SELECT lives_ok('DELETE FROM b2_files', 'deletes them');
SELECT isnt_empty('SELECT * FROM b2_deletions', 'sees the queue');
DELETE FROM b2_uploads WHERE object_key = :'bobs_pending';
SELECT is_empty($$SELECT * FROM b2_uploads WHERE user_id = 'bob' AND registered_at IS NULL$$, 'and drops pending uploads');
SELECT is_empty('SELECT * FROM pg_user_mappings WHERE umoptions IS NOT NULL', 'but does not see the application key');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
