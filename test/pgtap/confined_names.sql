-- Names that are used inside cannot be shadowed: neither for the caller's own gain, nor to have code run as somebody else.
\set tests 22
\ir setup/two_users.psql
CREATE TABLE stolen (what text);
GRANT INSERT, SELECT ON stolen TO PUBLIC;
-- The SQLSTATE of a statement, with the search path as it is.
CREATE FUNCTION state(statement pg_catalog.text) RETURNS pg_catalog.text LANGUAGE plpgsql AS
    $$ BEGIN EXECUTE statement; RETURN 'none'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;
-- An owner who is no superuser, as the functions run as the owner.
CREATE ROLE files_owner;
ALTER TABLE b2_files OWNER TO files_owner;
ALTER TABLE b2_uploads OWNER TO files_owner;
ALTER TABLE b2_deletions OWNER TO files_owner;
ALTER TABLE b2_identity OWNER TO files_owner;

SET ROLE alice;
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
SET search_path = evil, public, pg_catalog;
-- Each of these tells as whom it runs.
CREATE FUNCTION evil.caught(what text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.stolen VALUES (what || ' as ' || current_user); END $$;
CREATE FUNCTION evil.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN PERFORM evil.caught('text ='); RETURN true; END $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.equal);
CREATE FUNCTION evil.equal(name, name) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN PERFORM evil.caught('name ='); RETURN true; END $$;
CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.equal);
CREATE FUNCTION evil.concat(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql AS
    $$ BEGIN PERFORM evil.caught('||'); RETURN '{}'; END $$;
CREATE OPERATOR evil.|| (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = evil.concat);
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.caught('now'); RETURN pg_catalog.now(); END $$;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS
    $$ BEGIN PERFORM evil.caught('clock_timestamp'); RETURN pg_catalog.now(); END $$;
CREATE FUNCTION evil.gen_random_uuid() RETURNS uuid LANGUAGE plpgsql AS
    $$ BEGIN PERFORM evil.caught('gen_random_uuid'); RETURN pg_catalog.gen_random_uuid(); END $$;
CREATE FUNCTION evil.b2_user_id() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.caught('b2_user_id'); RETURN 'bob'; END $$;
CREATE FUNCTION evil.b2_default_server() RETURNS name LANGUAGE plpgsql AS $$ BEGIN RETURN 'private'; END $$;
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (evil.equal(VALUE::pg_catalog.text, 'x'::pg_catalog.text));
CREATE DOMAIN evil.jsonb AS pg_catalog.jsonb CHECK (false);
CREATE DOMAIN evil.name AS pg_catalog.name CHECK (false);
CREATE DOMAIN evil.timestamptz AS pg_catalog.timestamptz CHECK (false);
CREATE DOMAIN evil.int8 AS pg_catalog.int8 CHECK (false);
CREATE TABLE evil.b2_files AS SELECT 1 AS id, 'of bob'::pg_catalog.text AS object_key, 'alice'::pg_catalog.text AS user_id;
CREATE TABLE evil.b2_uploads AS SELECT * FROM public.b2_uploads;
CREATE TABLE evil.b2_identity (only_row boolean, source pg_catalog.text);
INSERT INTO evil.b2_identity VALUES (true, 'request.jwt.claims');
CREATE TEMP TABLE b2_files AS SELECT * FROM public.b2_files;
INSERT INTO pg_temp.b2_files (id, object_key, user_id, server, version_id) VALUES (99, :'bobs', 'alice', 'b2', :'bobs_version');
CREATE TEMP TABLE b2_uploads AS SELECT * FROM public.b2_uploads;
INSERT INTO pg_temp.b2_uploads SELECT :'bobs_pending', 'b2', 'alice', 'x', 'text/plain', 4, NULL, '{}', pg_catalog.now(), 'infinity';
CREATE TEMP TABLE b2_deletions (x int);
CREATE TEMP TABLE b2_identity (only_row boolean, source pg_catalog.text);
INSERT INTO pg_temp.b2_identity VALUES (true, 'request.jwt.claims');
CREATE TEMP TABLE old_rows AS SELECT 'b2'::pg_catalog.name AS server, 'theirs'::pg_catalog.text AS object_key, NULL::pg_catalog.text AS version_id;
CREATE TEMP TABLE pg_class AS SELECT 1 AS oid;
CREATE TEMP TABLE pg_foreign_server AS SELECT 'b2'::pg_catalog.name AS srvname;
CREATE TYPE evil.b2_row AS (x int);

SET search_path = pg_temp, evil, public, pg_catalog;
SELECT 'x'::pg_catalog.text = 'y'::pg_catalog.text AS operator, public.b2_user_id() AS user_id,
       public.state(pg_catalog.format('SELECT public.b2_presign_get(%L)', :'bobs')) AS link,
       public.state(pg_catalog.format('SELECT public.b2_register_file(%L)', :'bobs_pending')) AS registration,
       public.state($$SELECT public.b2_presign('GET', 'x')$$) AS any_link,
       public.state($$SELECT public.b2_set_identity('evil.b2_user_id()')$$) AS identity \gset shadowed_
SELECT object_key AS mine, presigned_url, 'mine' AS body
FROM public.b2_presign_put('mine', 'text/plain', size => 4, metadata => '{"a": 1}') \gset
RESET search_path;
\ir setup/put.psql
SET search_path = pg_temp, evil, public, pg_catalog;
SELECT user_id AS owner, server, metadata FROM public.b2_register_file(:'mine', metadata => '{"b": 2}') \gset registered_
SELECT version_id FROM public.b2_register_file(:'mine') \gset again_
SELECT public.b2_presign_get(:'mine') AS link \gset
SELECT pg_catalog.count(*) FROM public.b2_files \gset visible_
DELETE FROM public.b2_files WHERE object_key OPERATOR(pg_catalog.=) :'mine';
RESET search_path;
SELECT is(:'shadowed_operator'::text, 't', 'names are shadowed, for all that alice writes herself');
SELECT is(:'shadowed_user_id'::text, 'alice', 'the identity is the real one');
SELECT is(:'shadowed_link'::text, '42501', 'tables of one''s own give no link');
SELECT is(:'shadowed_registration'::text, 'P0002', 'nor a registration');
SELECT is(:'shadowed_any_link'::text, '42501', 'nor make one trusted');
SELECT is(:'shadowed_identity'::text, '42501', 'nor an owner');
SELECT is(:'registered_owner'::text, 'alice', 'a registration is one''s own');
SELECT is(:'registered_server'::text, 'b2', 'on the real server');
SELECT is(:'registered_metadata'::jsonb, '{"a": 1, "b": 2}'::jsonb, 'with metadata merged by the real operator');
SELECT is(:'visible_count'::int, 3, 'one''s own rows are seen');
SELECT matches(:'link'::text, 'versionId', 'with links');
RESET ROLE;
SELECT results_eq('SELECT object_key FROM public.b2_deletions', ARRAY[:'mine'], 'deleting queues what was deleted and nothing else');
SELECT is_empty($$SELECT * FROM stolen WHERE what !~ ' as alice$'$$, 'no code of alice''s has run as anybody else');
SELECT is_empty($$SELECT * FROM stolen WHERE what ~ 'b2_user_id'$$, 'nor has her b2_user_id() been asked');
SELECT is_empty($$SELECT * FROM public.b2_files WHERE user_id = 'bob' AND object_key ~ 'pending'$$, 'bob''s pending upload is as it was');

-- A trigger of the owner's that relies on the search path runs with pg_catalog alone.
CREATE FUNCTION log_file() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM now() FROM pg_class; INSERT INTO public.stolen SELECT 'path ' || current_setting('search_path') || ' as ' || current_user; RETURN NULL; END $$;
ALTER FUNCTION log_file() OWNER TO files_owner;
CREATE TRIGGER log_file AFTER INSERT ON public.b2_files FOR EACH ROW EXECUTE FUNCTION log_file();
SET ROLE alice;
SELECT object_key AS mine, presigned_url, 'mine' AS body FROM b2_presign_put('mine', 'text/plain', size => 4) \gset
\ir setup/put.psql
SET search_path = evil, public, pg_catalog;
SELECT (public.b2_register_file(:'mine')).id \g /dev/null
RESET search_path;
RESET ROLE;
SELECT results_eq($$SELECT what FROM stolen WHERE what ~ '^path'$$, ARRAY['path pg_catalog, pg_temp as files_owner'],
                  'a trigger of the owner''s runs with pg_catalog alone in the search path');
SELECT is_empty($$SELECT * FROM stolen WHERE what ~ 'as files_owner$' AND what !~ '^path'$$, 'and runs nothing of alice''s');
DROP TRIGGER log_file ON public.b2_files;

-- One that is put off to the commit would run with alice's search path and, from PostgreSQL 18 on, the owner's rights.
CREATE CONSTRAINT TRIGGER log_file AFTER INSERT ON public.b2_files DEFERRABLE FOR EACH ROW EXECUTE FUNCTION log_file();
SET ROLE alice;
SELECT object_key AS mine, presigned_url, 'mine' AS body FROM b2_presign_put('mine', 'text/plain', size => 4) \gset
\ir setup/put.psql
SET CONSTRAINTS ALL DEFERRED;
SELECT throws_ok(format('SELECT b2_register_file(%L)', :'mine'), '42501',
                 'trigger "log_file" on table "b2_files" is not run with the search path of the caller',
                 'a deferrable trigger without a search path of its own is refused');
RESET ROLE;
ALTER FUNCTION log_file() SET search_path = pg_catalog, pg_temp;
SET ROLE alice;
SELECT lives_ok(format('SELECT b2_register_file(%L)', :'mine'), 'with one it is run');
SET search_path = evil, public, pg_catalog;
SET CONSTRAINTS ALL IMMEDIATE;
RESET search_path;
RESET ROLE;
SELECT is_empty($$SELECT * FROM stolen WHERE what ~ '(text|name) = as files_owner'$$, 'when it is due, it runs nothing of alice''s');
SELECT is_empty($$SELECT * FROM stolen WHERE what ~ 'now as' AND what !~ 'as alice$'$$, 'no now() of hers either');
SELECT is((SELECT count(*) FROM stolen WHERE what ~ '^path' AND what !~ 'path pg_catalog, pg_temp'), 0::bigint,
          'and with its own search path');

SELECT * FROM finish();
ROLLBACK;
