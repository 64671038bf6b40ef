-- What PostgREST does in the database for the requests of one user, after postgrest_setup.sql, with curl as the client:
--   psql -X -d mydb -U authenticator -v file=cat.png -v content_type=image/png -f postgrest.sql
-- Each request is a transaction with the role and the claims of its token. What was downloaded is in the file `download`.
\set ON_ERROR_STOP on
\ir roles.sql
\ir file.sql
SELECT json_build_object('role', :'user_role', 'sub', 'user_1') AS claims_1,
       json_build_object('role', :'user_role', 'sub', 'user_2') AS claims_2,
       json_build_object('role', :'anon_role') AS claims_of_nobody \gset

\echo '-- POST /rpc/b2_presign_put {"file_name": "cat.png", "content_type": "image/png", "size": 12345}'
BEGIN;
SET LOCAL ROLE :"user_role";
SELECT set_config('request.jwt.claims', :'claims_1', true) AS claims \gset
SELECT presigned_url, object_key, headers ->> 'Content-Type' AS header_type
FROM b2_presign_put(file_name => :'name', content_type => :'content_type', size => :size) \gset
COMMIT;
\echo :object_key

\echo '-- PUT <presigned_url>'
\setenv URL :presigned_url
\setenv TYPE :header_type
\! curl -sSf --upload-file "$FILE" -H "Content-Type: $TYPE" "$URL"

\echo '-- POST /rpc/b2_register_file {"object_key": "0198…-cat.png"}'
BEGIN;
SET LOCAL ROLE :"user_role";
SELECT set_config('request.jwt.claims', :'claims_1', true) AS claims \gset
SELECT id, user_id, file_name, size, verified_at FROM b2_register_file(object_key => :'object_key') \gx
COMMIT;

\echo '-- GET /b2_files?select=id,file_name,size,link&order=id.desc'
BEGIN READ ONLY;
SET LOCAL ROLE :"user_role";
SELECT set_config('request.jwt.claims', :'claims_1', true) AS claims \gset
SELECT id, file_name, size, b2_files.link FROM b2_files ORDER BY id DESC \gx
SELECT id, b2_files.link FROM b2_files WHERE object_key = :'object_key' \gset
COMMIT;

\echo '-- GET <link>'
\setenv LINK :link
\! curl -sSf --output "$DOWNLOAD" "$LINK" && cmp -- "$FILE" "$DOWNLOAD" && echo "the bytes are the same"

\echo '-- GET /b2_files, of another user, and DELETE /b2_files?id=eq.1 of somebody else''s file'
BEGIN;
SET LOCAL ROLE :"user_role";
SELECT set_config('request.jwt.claims', :'claims_2', true) AS claims \gset
SELECT id, file_name FROM b2_files WHERE id = :id;
DELETE FROM b2_files WHERE id = :id RETURNING object_key;
COMMIT;

\echo '-- GET /b2_files and POST /rpc/b2_presign_put, without a token: 42501'
\set ON_ERROR_STOP off
BEGIN READ ONLY;
SET LOCAL ROLE :"anon_role";
SELECT set_config('request.jwt.claims', :'claims_of_nobody', true) AS claims \gset
SELECT id, b2_files.link FROM b2_files;
\echo :SQLSTATE
ROLLBACK;
BEGIN;
SET LOCAL ROLE :"anon_role";
SELECT set_config('request.jwt.claims', :'claims_of_nobody', true) AS claims \gset
SELECT * FROM b2_presign_put(file_name => 'cat.png', content_type => 'image/png', size => 12345);
\echo :SQLSTATE
ROLLBACK;
\set ON_ERROR_STOP on

\echo '-- DELETE /b2_files?id=eq.1'
BEGIN;
SET LOCAL ROLE :"user_role";
SELECT set_config('request.jwt.claims', :'claims_1', true) AS claims \gset
DELETE FROM b2_files WHERE id = :id RETURNING object_key;
COMMIT;
