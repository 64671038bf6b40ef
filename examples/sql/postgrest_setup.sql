-- Lets PostgREST serve b2neon, so that clients need no backend. To be run once, by a superuser, in a database with the
-- extension and the server b2. docs/row-level-security.md, set-up 3, says what each statement is for.
--   psql -X -d mydb -f postgrest_setup.sql
-- With pg_session_jwt and the roles of Neon's Data API:
--   psql -X -d mydb -v identity='auth.user_id()' -v user_role=authenticated -v anon_role=anonymous -f postgrest_setup.sql
\set ON_ERROR_STOP on
\if :{?identity}
\else
  \set identity request.jwt.claims
\endif
\ir roles.sql

BEGIN;

SELECT b2_set_identity(:'identity') AS identity;

SELECT format('CREATE ROLE %I %s', role, attributes) AS "create role"
FROM (VALUES ('authenticator', 'LOGIN NOINHERIT'), (:'user_role', 'NOLOGIN'), (:'anon_role', 'NOLOGIN'))
     AS needed (role, attributes)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
GRANT :"user_role", :"anon_role" TO authenticator;

-- The other role is granted nothing: who is not signed in is refused.
GRANT SELECT, DELETE ON b2_files TO :"user_role";
GRANT USAGE ON FOREIGN SERVER b2 TO :"user_role";

-- Strangers upload: within limits, so that each URL is for a known size. Limits that are there already stay.
SELECT format('ALTER SERVER b2 OPTIONS (ADD %I %L)', name, value) AS "limit"
FROM (VALUES ('max_upload_size', '20000000'), ('max_expires_in', '3600'),
             ('allowed_content_types', 'image/*, text/plain, application/pdf')) AS needed (name, value)
WHERE NOT EXISTS (SELECT FROM pg_foreign_server, unnest(srvoptions) AS option
                  WHERE srvname = 'b2' AND starts_with(option, name || '=')) \gexec

-- A computed column: GET /b2_files?select=id,file_name,link
CREATE OR REPLACE FUNCTION link(file b2_files) RETURNS text LANGUAGE sql STABLE
  AS $$ SELECT b2_presign_get(file.object_key, download_as => file.file_name) $$;
COMMENT ON FUNCTION link(b2_files) IS 'a URL from which the file can be downloaded for five minutes';

NOTIFY pgrst, 'reload schema';

COMMIT;
