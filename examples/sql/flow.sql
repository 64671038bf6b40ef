-- The way of one file from upload to deletion, in psql and curl alone:
--   psql -X -d mydb -v file=cat.png -v content_type=image/png -v user_id=user_123 -f flow.sql
-- Run it as the owner of b2_files, or as a member of that role, in a database with the extension and the server b2.
-- What was downloaded is in the file `download`, which is downloaded-cat.png here if you do not name another.
\set ON_ERROR_STOP on
\if :{?content_type}
\else
  \set content_type application/octet-stream
\endif
\if :{?user_id}
\else
  \set user_id user_123
\endif
\ir file.sql
\set md5 `openssl dgst -md5 -binary -- "$FILE" | base64`

\echo '-- 1. Presign: the URL takes this file alone, of this type, size and MD5.'
SELECT presigned_url, object_key, expires_at,
       headers ->> 'Content-Type' AS header_type, headers ->> 'Content-MD5' AS header_md5
FROM b2_presign_put(:'name', :'content_type', user_id => :'user_id', size => :size, content_md5 => :'md5') \gset
\echo :object_key until :expires_at

\echo '-- 2. Upload: the bytes go straight to the store.'
\setenv URL :presigned_url
\setenv TYPE :header_type
\setenv MD5 :header_md5
\! curl -sSf --upload-file "$FILE" -H "Content-Type: $TYPE" -H "Content-MD5: $MD5" "$URL"

\echo '-- 3. Register: the database asks the store. If the upload has failed, this is an error (58P01).'
SELECT id, size, etag, version_id, verified_at FROM b2_register_file(:'object_key', user_id => :'user_id') \gx

\echo '-- 4. List: a link for each file.'
SELECT id, file_name, content_type, size, upload_timestamp,
       b2_presign_get(object_key, version_id => version_id, server => server) AS link
FROM b2_files WHERE user_id = :'user_id' ORDER BY upload_timestamp DESC LIMIT 10 \gx

\echo '-- 5. Download, under the name that the file had.'
SELECT id, b2_presign_get(object_key, download_as => file_name, version_id => version_id, server => server) AS link
FROM b2_files WHERE object_key = :'object_key' \gset
\setenv LINK :link
\! curl -sSf --output "$DOWNLOAD" "$LINK" && cmp -- "$FILE" "$DOWNLOAD" && echo "the bytes are the same"

\echo '-- 6. Delete: the row goes now, and the object with the next b2_maintain.'
DELETE FROM b2_files WHERE id = :id;
CALL b2_maintain();
\! curl -s --output /dev/null --write-out 'the link gives %{http_code} now\n' "$LINK"
