-- Whoever is the current role counts, at every call, however it came to be the current role.
\set tests 19
\ir setup/two_users.psql
CREATE ROLE files_owner;
CREATE ROLE app;
CREATE ROLE member NOINHERIT;
GRANT files_owner TO app;
GRANT files_owner TO member;
ALTER TABLE b2_files OWNER TO files_owner;
GRANT USAGE ON FOREIGN SERVER b2 TO files_owner, app, member;
GRANT SELECT ON b2_files TO member;
CREATE ROLE trusted BYPASSRLS;
GRANT SELECT ON b2_files TO trusted;
GRANT USAGE ON FOREIGN SERVER b2 TO trusted;

SET ROLE alice;
SET row_security = off;
SELECT throws_ok(format('SELECT b2_presign_get(%L)', :'bobs'), '42501', NULL, 'row_security = off gives no link');
SELECT throws_ok('SELECT * FROM b2_files', '42501', NULL, 'nor rows');
SELECT throws_ok($$SELECT b2_presign('GET', 'x')$$, '42501', NULL, 'nor trust');
SELECT throws_ok($$UPDATE b2_files SET user_id = 'alice'$$, '42501', NULL, 'nor changes');
RESET row_security;
RESET ROLE;

-- One prepared statement, one plan, several roles.
SET plan_cache_mode = force_generic_plan;
PREPARE links AS SELECT b2_presign_get(object_key) FROM b2_files WHERE server = 'b2' ORDER BY id;
PREPARE link (text) AS SELECT b2_presign_get($1);
PREPARE any_link (text) AS SELECT b2_presign('GET', $1);
PREPARE files AS SELECT object_key FROM b2_files WHERE server = 'b2' ORDER BY id;
SELECT results_eq('EXECUTE files', ARRAY[:'alices', :'bobs'], 'a superuser sees all files');
SELECT isnt_empty(format('EXECUTE any_link(%L)', :'bobs'), 'and signs any link');
SET ROLE alice;
SELECT results_eq('EXECUTE files', ARRAY[:'alices'], 'the same plan shows alice hers');
SELECT throws_ok(format('EXECUTE link(%L)', :'bobs'), '42501', NULL, 'and no link to bob''s');
SELECT throws_ok(format('EXECUTE any_link(%L)', :'bobs'), '42501', NULL, 'nor any link');
RESET ROLE;
SET ROLE bob;
SELECT results_eq('EXECUTE files', ARRAY[:'bobs'], 'it shows bob his');
SELECT isnt_empty(format('EXECUTE link(%L)', :'bobs'), 'with a link');
RESET ROLE;
SET ROLE app;
SELECT results_eq('EXECUTE files', ARRAY[:'alices', :'bobs'], 'and a member of the owner all');
SELECT isnt_empty(format('EXECUTE any_link(%L)', :'bobs'), 'with any link');
RESET ROLE;
SET ROLE member;
SELECT throws_ok(format('EXECUTE any_link(%L)', :'bobs'), '42501', NULL, 'a member that does not inherit is confined');
SET ROLE files_owner;
SELECT isnt_empty(format('EXECUTE any_link(%L)', :'bobs'), 'until it becomes the owner');
RESET ROLE;
SET ROLE trusted;
SELECT isnt_empty(format('EXECUTE any_link(%L)', :'bobs'), 'BYPASSRLS is trusted');
RESET ROLE;

-- Functions that run as their owner.
CREATE FUNCTION as_app(key text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT public.b2_presign('GET', key) $$;
ALTER FUNCTION as_app(text) OWNER TO app;
SET ROLE alice;
SELECT matches(as_app(:'bobs'), '^http', 'a SECURITY DEFINER function acts as its owner');
SELECT throws_ok(format('EXECUTE any_link(%L)', :'bobs'), '42501', NULL, 'and leaves the caller as confined as before');
CREATE FUNCTION as_alice(key text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT public.b2_presign('GET', key) $$;
RESET ROLE;
SELECT throws_ok(format('SELECT as_alice(%L)', :'bobs'), '42501', NULL, 'one of alice''s is confined whoever calls it');

SELECT * FROM finish();
ROLLBACK;
