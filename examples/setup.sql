-- Makes of a database one that the backends in hono/ and flask/ can use. To be run once, by a superuser or by the
-- database's owner with CREATEROLE, in psql 15 or later, with the variables of .env.example in the environment:
--   psql -d mydb -f setup.sql
-- SECURITY.md says how to keep the application key out of the server's log.
\set ON_ERROR_STOP on
\getenv key_id B2_APPLICATION_KEY_ID
\getenv application_key B2_APPLICATION_KEY
\getenv bucket B2_BUCKET_NAME
\getenv endpoint B2_ENDPOINT_URL
\set is_public false
\getenv is_public B2_BUCKET_IS_PUBLIC
\set region ''
\getenv region B2_REGION

SELECT :{?key_id} AND :{?application_key} AND :{?bucket} AND :{?endpoint} AS is_complete \gset
\if :is_complete
\else
DO $$ BEGIN RAISE 'B2_APPLICATION_KEY_ID, B2_APPLICATION_KEY, B2_BUCKET_NAME or B2_ENDPOINT_URL is not set'; END $$;
\endif

BEGIN;

CREATE EXTENSION IF NOT EXISTS b2neon;

-- The bucket, with what is given of its options. Links for confined roles live for an hour at most. A server that is
-- there already stays as it is.
SELECT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = 'b2') AS has_server \gset
\if :has_server
\echo 'the server "b2" is there already and is used'
\else
SELECT format('CREATE SERVER b2 FOREIGN DATA WRAPPER b2neon OPTIONS (%s)',
              string_agg(format('%I %L', name, value), ', ')) AS "create server"
FROM (VALUES ('endpoint', rtrim(:'endpoint', '/')), ('bucket', :'bucket'), ('region', :'region'),
             ('public', :'is_public'), ('max_expires_in', '3600')) AS options (name, value)
WHERE value <> '' \gexec

CREATE USER MAPPING FOR PUBLIC SERVER b2
  OPTIONS (key_id :'key_id', application_key :'application_key');
\endif

-- The user is the one in the claims that a backend sets for each transaction. This is for the whole database.
SELECT b2_set_identity('request.jwt.claims') AS identity;

-- The backends' role. Row-level security applies to it, so it sees and deletes that user's files alone, registers
-- nothing that is not in the bucket, and cannot read the application key.
SELECT 'CREATE ROLE files_backend LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'files_backend') \gexec
GRANT SELECT, DELETE ON b2_files TO files_backend;
GRANT USAGE ON FOREIGN SERVER b2 TO files_backend;

COMMIT;
