-- Links of a role that row-level security applies to: for what it can see, in the version that was verified.
\set tests 34
\ir setup/two_users.psql
SET ROLE alice;

SELECT is(b2_user_id(), 'alice', 'b2_user_id() is the current role');
SELECT results_eq('SELECT object_key FROM b2_files ORDER BY id', ARRAY[:'alices', 'elsewhere'],
                  'one''s own rows are seen, and no others');
SELECT b2_presign_get(:'alices') AS link \gset
\ir setup/get.psql
SELECT is(:'body'::text, 'of alice', 'one''s own file has a link that gives its bytes');
SELECT matches(:'link'::text, 'versionId=' || :'alices_version', 'it is of the registered version');
SELECT matches(b2_presign_get(:'alices', version_id => :'alices_version'), 'versionId=',
               'that version can be named');
SELECT throws_ok(format('SELECT b2_presign_get(%L, version_id => %L)', :'alices', :'bobs_version'), '42501',
                 format('no file "%s" that role "alice" can see', :'alices'), 'another version cannot');

-- Refusals tell nothing.
SELECT throws_ok(format('SELECT b2_presign_get(%L)', :'bobs'), '42501',
                 format('no file "%s" that role "alice" can see', :'bobs'), 'another user''s file has no link');
SELECT throws_ok($$SELECT b2_presign_get('of nobody')$$, '42501',
                 'no file "of nobody" that role "alice" can see',
                 'the refusal is the same for a file that is not there');
SELECT throws_ok(format('SELECT b2_presign_get(%L)', :'bobs_pending'), '42501',
                 format('no file "%s" that role "alice" can see', :'bobs_pending'), 'a pending upload has no link');
SELECT object_key AS own_pending FROM b2_presign_put('x.txt', 'text/plain', size => 1) \gset
SELECT throws_ok(format('SELECT b2_presign_get(%L)', :'own_pending'), '42501',
                 format('no file "%s" that role "alice" can see', :'own_pending'), 'not even one''s own');
SELECT throws_ok($$SELECT b2_presign_get('elsewhere')$$, '42501',
                 'permission denied for foreign server private', 'the file''s own server needs USAGE too');
SELECT throws_ok($$SELECT b2_presign_get('elsewhere', server => 'b2')$$, '42501',
                 'no file "elsewhere" that role "alice" can see', 'a file is on one server only');
SELECT throws_ok(format('SELECT b2_presign_get(%L, server => %L)', :'alices', 'private'), '42501',
                 format('no file "%s" that role "alice" can see', :'alices'), 'the server cannot be chosen');
SELECT set_config('b2neon.server', 'private', true) \g /dev/null
SELECT matches(b2_presign_get(:'alices'), '^' || :'endpoint', 'not even by a setting');
RESET b2neon.server;

-- Limits.
SELECT lives_ok(format('SELECT b2_presign_get(%L, 600)', :'alices'), 'a link may live for max_expires_in');
SELECT throws_ok(format('SELECT b2_presign_get(%L, 601)', :'alices'), '22023',
                 'a URL may live for at most 600 seconds, not 601', 'and no longer');
SELECT throws_ok(format('SELECT b2_presign_get(%L, 300, stable_for => 301)', :'alices'), '22023',
                 'a URL may live for at most 600 seconds, not 601', 'stable_for counts as well');

-- Many at once, by the same rules.
SELECT results_eq(format('SELECT object_key FROM b2_presign_get(ARRAY[%L, %L]) WITH ORDINALITY ORDER BY ordinality',
                         :'alices', :'alices'),
                  ARRAY[:'alices', :'alices'], 'links are in the order of the keys, one for each');
SELECT results_eq(format('SELECT object_key, presigned_url FROM b2_presign_get(ARRAY[%L], 60, stable_for => 500)', :'alices'),
                  format('VALUES (%L, b2_presign_get(%L, 60, stable_for => 500))', :'alices', :'alices'),
                  'each is what the form for one key gives, in the registered version');
SELECT presigned_url AS link FROM b2_presign_get(ARRAY[:'alices'], content_type => 'text/html') \gset
\ir setup/get.psql
SELECT is(:'body'::text, 'of alice', 'and gives the bytes');
SELECT throws_ok(format('SELECT b2_presign_get(ARRAY[%L, %L, %L])', :'alices', :'bobs', :'alices'), '42501',
                 format('no file "%s" that role "alice" can see', :'bobs'), 'one that is not seen stops all');
SELECT throws_ok(format('SELECT b2_presign_get(ARRAY[%L, %L])', :'alices', 'of nobody'), '42501',
                 'no file "of nobody" that role "alice" can see', 'so does one that is not there');
SELECT throws_ok(format('SELECT b2_presign_get(ARRAY[%L])', :'own_pending'), '42501',
                 format('no file "%s" that role "alice" can see', :'own_pending'), 'and a pending upload');
SELECT throws_ok(format('SELECT b2_presign_get(ARRAY[%L, %L])', :'alices', 'elsewhere'), '42501',
                 'permission denied for foreign server private', 'each needs USAGE on its own server');
SELECT throws_ok(format('SELECT b2_presign_get(ARRAY[%L], server => %L)', :'alices', 'private'), '42501',
                 format('no file "%s" that role "alice" can see', :'alices'), 'which cannot be chosen');
SELECT throws_ok(format('SELECT b2_presign_get(ARRAY[%L], 601)', :'alices'), '22023',
                 'a URL may live for at most 600 seconds, not 601', 'max_expires_in counts');
SELECT is_empty('SELECT * FROM b2_presign_get(ARRAY[]::text[])', 'no keys, no links');

-- The primitive, which could name any key.
SELECT throws_ok(format('SELECT b2_presign(%L, %L)', 'GET', :'alices'), '42501',
                 'b2_presign() is not allowed for role "alice"', 'b2_presign is for the unconfined');

-- Another content under the same key.
RESET ROLE;
SET ROLE bob;
SELECT object_key AS swapped, presigned_url, 'good' AS body FROM b2_presign_put('swap', 'text/plain', size => 4) \gset
\ir setup/put.psql
SELECT b2_register_file(:'swapped') \g /dev/null
\set body evil
\ir setup/put.psql
SELECT is(:'status'::text, '200', 'an upload URL can be used again until it expires');
SELECT b2_presign_get(:'swapped') AS link \gset
\ir setup/get.psql
SELECT is(:'body'::text, 'good', 'and the link still gives what was verified');
RESET ROLE;
SELECT b2_presign_get(:'swapped') AS link \gset
\ir setup/get.psql
SELECT is(:'body'::text, 'evil', 'where the newest version is another (that of an unconfined caller''s link)');

-- Policies of the owner's own extend and restrict what is seen.
CREATE POLICY team ON b2_files FOR SELECT TO alice USING (user_id = 'bob');
SET ROLE alice;
SELECT b2_presign_get(:'bobs') AS link \gset
\ir setup/get.psql
SELECT is(:'body'::text, 'of bob', 'the functions go by policies that let one in');
RESET ROLE;
CREATE POLICY quarantine ON b2_files AS RESTRICTIVE FOR SELECT TO alice USING (user_id <> 'alice');
SET ROLE alice;
SELECT throws_ok(format('SELECT b2_presign_get(%L)', :'alices'), '42501',
                 format('no file "%s" that role "alice" can see', :'alices'), 'and by those that keep one out');
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'alices'), 'P0002',
                 format('no pending upload for object key "%s"', :'alices'),
                 'registering again does not show what they hide');

SELECT * FROM finish();
ROLLBACK;
