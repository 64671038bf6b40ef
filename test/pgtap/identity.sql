-- b2_user_id(): the owner of b2neon's tables chooses where it comes from, and nobody else changes that.
\set tests 77
\ir setup/two_users.psql
CREATE ROLE owner;
GRANT owner TO CURRENT_USER;
GRANT ALL ON SCHEMA public TO owner;
SELECT format('GRANT CREATE ON DATABASE %I TO owner', current_database()) \gexec
ALTER TABLE b2_files OWNER TO owner;
ALTER TABLE b2_uploads OWNER TO owner;
ALTER TABLE b2_deletions OWNER TO owner;
ALTER TABLE b2_identity OWNER TO owner;
GRANT EXECUTE ON FUNCTION b2_set_identity(text) TO owner, alice;
GRANT USAGE ON FOREIGN SERVER b2 TO owner;

-- current_user, unless something else was chosen.
SET ROLE alice;
SELECT is(b2_user_id(), 'alice', 'without a choice it is current_user');
SELECT set_config('request.jwt.claims', '{"sub": "bob"}', true) \g /dev/null
SELECT set_config('role', 'alice', true) \g /dev/null
SELECT is(b2_user_id(), 'alice', 'claims that were not chosen do not count');
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO PUBLIC;
CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT 'bob'::text $$;
SELECT is(b2_user_id(), 'alice', 'nor does a function that happens to be called auth.user_id()');
SELECT is((SELECT count(*) FROM b2_files WHERE user_id = 'bob'), 0::bigint, 'and nothing of bob''s is seen');

-- Who may choose.
SELECT throws_ok($$SELECT b2_set_identity('auth.user_id()')$$, '42501', 'must be owner of table b2_identity', 'alice cannot choose');
SELECT throws_ok($$SELECT b2_set_identity('current_user')$$, '42501', 'must be owner of table b2_identity', 'not even what is');
SELECT throws_ok($$INSERT INTO b2_identity (source) VALUES ('request.jwt.claims')$$, '42501',
                 'role "alice" cannot change table "b2_identity" directly', 'nor by INSERT');
SELECT throws_ok($$ALTER TABLE b2_identity DISABLE ROW LEVEL SECURITY$$, '42501', NULL, 'nor by another way');
SELECT throws_ok($$CREATE OR REPLACE FUNCTION public.b2_user_id() RETURNS text LANGUAGE sql AS 'SELECT ''bob''::text'$$, '42501', NULL,
                 'nor is b2_user_id() replaced');
SELECT throws_ok($$ALTER FUNCTION public.b2_user_id() SET role = 'bob'$$, '42501', NULL, 'or altered');
RESET ROLE;
DROP SCHEMA auth CASCADE;

-- What can be chosen.
SET ROLE owner;
CREATE SCHEMA auth;
CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT pg_catalog.current_setting('app.user_name', true) $$;
SELECT throws_ok('SELECT b2_set_identity(NULL)', '22004', 'source must not be NULL', 'a source is needed');
SELECT throws_ok(format('SELECT b2_set_identity(%L)', text), '22023', format('invalid source: "%s"', text), format('"%s" is none', text))
FROM unnest(ARRAY['', 'session_user', 'auth.user_id', 'request.jwt.claim.sub', 'Request.JWT.Claims']) AS text;
SELECT throws_ok($$SELECT b2_set_identity('auth.nobody()')$$, '42883', NULL, 'nor is a function that is not there');
SELECT throws_ok(format('SELECT b2_set_identity(%L)', text), '22023', format('invalid source: "%s"', text), format('"%s" is none', text))
FROM unnest(ARRAY['auth.user_id(', 'auth.user_id();', 'pg_catalog.upper(text)', '()']) AS text;
SELECT throws_ok($$SELECT b2_set_identity('b2_user_id()')$$, '22023', 'b2_user_id() cannot be its own source', 'nor itself');
SELECT throws_ok(format('SELECT b2_set_identity(%L)', function), '42809', NULL, format('%s cannot say who the caller is', function))
FROM unnest(ARRAY['pg_catalog.count()', 'pg_catalog.now()', 'pg_catalog.pg_ls_waldir()',
                  'pg_catalog.pg_listening_channels()']) AS function;
CREATE FUNCTION auth.changing() RETURNS text LANGUAGE sql AS $$ SELECT 'x'::text $$;
SELECT throws_ok($$SELECT b2_set_identity('auth.changing()')$$, '22023', 'function auth.changing() is not both stable and parallel safe',
                 'it must be stable and parallel safe');
ALTER FUNCTION auth.changing() STABLE;
SELECT throws_ok($$SELECT b2_set_identity('auth.changing()')$$, '22023', NULL, 'both');
REVOKE EXECUTE ON FUNCTION auth.changing() FROM PUBLIC, owner;
SELECT throws_ok($$SELECT b2_set_identity('auth.changing()')$$, '42501', 'permission denied for function auth.changing()', 'and executable');
SELECT is(b2_user_id(), 'owner', 'what was refused has changed nothing');

-- A function.
SELECT is(b2_set_identity('auth.user_id()'), 'auth.user_id()', 'a function can be chosen');
SELECT row_eq('SELECT source, function_schema, function_name, function_owner FROM b2_identity',
              ROW('function'::text, 'auth'::text, 'user_id'::text, 'owner'::text), 'the choice is on record');
SET app.user_name = 'bob';
SELECT is(b2_user_id(), 'bob', 'it says who the caller is');
RESET ROLE;
SET ROLE alice;
SELECT is(b2_user_id(), 'bob', 'whatever the role');
SELECT results_eq('SELECT DISTINCT user_id FROM b2_files', ARRAY['bob'], 'row-level security goes by it');
SELECT matches(b2_presign_get(:'bobs'), 'versionId=', 'and links do');
SELECT throws_ok(format('SELECT b2_presign_get(%L)', :'alices'), '42501', NULL, 'only');
SELECT throws_ok($$SELECT b2_presign_put('x', 'text/plain', size => 4, user_id => 'alice')$$, '42501',
                 'role "alice" cannot upload as user "alice"', 'uploads as well');
SELECT object_key AS uploaded, presigned_url, 'mine' AS body FROM b2_presign_put('x', 'text/plain', size => 4) \gset
\ir setup/put.psql
SELECT is((b2_register_file(:'uploaded')).user_id, 'bob', 'and registrations');
SET app.user_name = '';
SELECT throws_ok(statement, '42501', 'no user is signed in (role "alice")', format('without a user there is no %s', statement))
FROM unnest(ARRAY['SELECT b2_user_id()', 'SELECT * FROM b2_files', 'DELETE FROM b2_files',
                  $$SELECT b2_presign_put('x', 'text/plain', size => 4)$$, $$SELECT b2_register_file('x')$$,
                  $$SELECT b2_presign_get('x')$$]) AS statement;
RESET app.user_name;
SELECT throws_ok('SELECT b2_user_id()', '42501', 'no user is signed in (role "alice")', 'NULL is no user either');
SET app.user_name = 'bob';

-- It runs as the caller, with pg_catalog alone in the search path.
RESET ROLE;
SET ROLE owner;
CREATE OR REPLACE FUNCTION auth.user_id() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS
    $$ BEGIN RETURN current_user || ' ' || current_setting('search_path'); END $$;
RESET ROLE;
SET ROLE alice;
SET search_path = auth, public;
SELECT is(b2_user_id(), 'alice pg_catalog, pg_temp', 'the function is called as the caller, with no path of theirs');
SELECT is(current_setting('search_path'), 'auth, public', 'which is back afterwards');
RESET search_path;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION auth.user_id() FROM PUBLIC;
SET ROLE alice;
PREPARE own AS SELECT count(*) FROM b2_files;
SELECT throws_ok('EXECUTE own', '42501', 'permission denied for function auth.user_id()', 'EXECUTE on it is needed');
RESET ROLE;
GRANT EXECUTE ON FUNCTION auth.user_id() TO PUBLIC;

-- No other function takes its place.
ALTER SCHEMA auth OWNER TO alice;
SET ROLE alice;
DROP FUNCTION auth.user_id();
SELECT throws_ok('SELECT b2_user_id()', '42501', 'function auth.user_id() does not say any more who the caller is', 'one that is gone says nothing');
CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT 'bob'::text $$;
SELECT throws_ok('SELECT b2_user_id()', '42501', 'function auth.user_id() does not say any more who the caller is', 'nor does one of alice''s in its place');
SELECT throws_ok('SELECT * FROM b2_files', '42501', 'function auth.user_id() does not say any more who the caller is', 'to nobody');
DROP FUNCTION auth.user_id();
CREATE FUNCTION auth.user_id(x text DEFAULT 'bob') RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT x $$;
SELECT throws_ok('SELECT b2_user_id()', '42501', 'function auth.user_id() does not say any more who the caller is', 'nor one with a default argument');
CREATE AGGREGATE auth.user_id(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
SELECT throws_ok('SELECT b2_user_id()', '42809', NULL, 'nor an aggregate');
RESET ROLE;
DROP SCHEMA auth CASCADE;

-- Functions of a third role, as an authentication service would have, with other result types.
CREATE ROLE auth_service;
CREATE SCHEMA auth AUTHORIZATION auth_service;
GRANT USAGE ON SCHEMA auth TO PUBLIC;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT '6c84fb90-12c4-11e1-840d-7b25c5ee775a'::uuid $$;
CREATE FUNCTION auth.number() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT 9007199254740993 $$;
ALTER FUNCTION auth.uid() OWNER TO auth_service;
ALTER FUNCTION auth.number() OWNER TO auth_service;
SET ROLE owner;
SELECT is(b2_set_identity('auth.uid()'), 'auth.uid()', 'a function of another role can be chosen');
SELECT is(b2_user_id(), '6c84fb90-12c4-11e1-840d-7b25c5ee775a', 'a uuid is written as text');
SELECT b2_set_identity('auth.number()') \g /dev/null
SELECT is(b2_user_id(), '9007199254740993', 'and so is a bigint');

-- A superuser does not run the code of others.
RESET ROLE;
SELECT throws_ok('SELECT b2_user_id()', '42501', 'function auth.number() is not run with the rights of a superuser',
                 'a superuser does not run another role''s function');
SELECT throws_ok($$SELECT b2_presign_put('x', 'text/plain')$$, '42501', NULL, 'and has to name the user');
SELECT lives_ok($$SELECT b2_presign_put('x', 'text/plain', user_id => 'u')$$, 'as it can');

-- The claims of a token, which PostgREST has checked.
SET ROLE owner;
SELECT is(b2_set_identity('request.jwt.claims'), 'request.jwt.claims', 'claims can be chosen');
SELECT set_config('request.jwt.claims', '{"sub": "bob", "role": "alice"}', true) \g /dev/null
RESET ROLE;
SET ROLE alice;
SELECT is(b2_user_id(), 'bob', 'then the claim "sub" says who the caller is');
SELECT set_config('request.jwt.claims', '{"sub": 42}', true) \g /dev/null
SELECT is(b2_user_id(), '42', 'also as a number');
CREATE FUNCTION with_claims(claims text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('request.jwt.claims', claims, true); RETURN b2_user_id(); END $$;
SELECT throws_ok(format('SELECT with_claims(%L)', claims), '42501', 'no user is signed in (role "alice")', format('%s names nobody', claims))
FROM unnest(ARRAY['', '{}', '[]', '"bob"', '{"sub": null}', '{"sub": ""}', '{"sub": ["bob"]}', '{"user": {"sub": "bob"}}']) AS claims;
SELECT throws_ok(format('SELECT with_claims(%L)', jsonb_build_object('sub', repeat('x', 1025))), '22023',
                 'user id of the caller is longer than 1024 bytes', 'nor does one that is too long');
SELECT is(with_claims(jsonb_build_object('sub', repeat('x', 1024))::text), repeat('x', 1024), 'one of 1024 bytes is a user');
SELECT throws_ok($$SELECT with_claims('{"sub": "bob"')$$, '22P02', NULL, 'claims that are no JSON are an error');
RESET ROLE;

-- And back.
SET ROLE owner;
SELECT is(b2_set_identity('Current_User'), 'current_user', 'the choice can be taken back');
SELECT is_empty('SELECT * FROM b2_identity', 'which leaves nothing behind');
SELECT is(b2_user_id(), 'owner', 'but current_user');

SELECT * FROM finish();
ROLLBACK;
