-- b2_presign_put and b2_register_file, as far as no store is needed.
SELECT headers, public_file_url,
       regexp_replace(object_key, '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-', '<uuid>-') AS key,
       expires_at - now() BETWEEN '298 s' AND '301 s' AS expires_in_300_seconds,
       substring(presigned_url FROM 'X-Amz-SignedHeaders=([^&]*)') AS signed
FROM b2_presign_put('test-b2.png', 'image/png', user_id => 'user_123');
SELECT headers, substring(presigned_url FROM 'X-Amz-SignedHeaders=([^&]*)') AS signed,
       substring(presigned_url FROM 'X-Amz-Expires=([^&]*)') AS expires
FROM b2_presign_put('a/b.txt', 'text/plain; charset="utf-8"', 60, user_id => 'user_123', size => 0,
                    content_md5 => '1B2M2Y8AsgTpgAmY7PhCfg==', metadata => '{"a": 1, "b": 2}');
SELECT object_key LIKE '%-x y.png' AS last_component FROM b2_presign_put('C:\fakepath\x y.png', 'image/png');
SELECT substr(object_key, 38) AS name, server, user_id = current_user AS mine, file_name, content_type,
       size, content_md5, metadata, registered_at
FROM b2_uploads ORDER BY issued_at, file_name;

-- A public bucket.
CREATE SERVER shown FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com/', bucket 'shown', public 'true',
             key_prefix 'up/', max_upload_size '1000');
CREATE USER MAPPING FOR PUBLIC SERVER shown OPTIONS (key_id 'k', application_key 's');
SELECT regexp_replace(public_file_url, '[0-9a-f]{8}-[0-9a-f-]{27}', '<uuid>') AS public_file_url
FROM b2_presign_put('ü b.png', 'image/png', server => 'shown');
ALTER SERVER shown OPTIONS (DROP public, ADD public_url 'https://cdn.example.com/x/');
SELECT regexp_replace(public_file_url, '[0-9a-f]{8}-[0-9a-f-]{27}', '<uuid>') AS public_file_url
FROM b2_presign_put('ü b.png', 'image/png', server => 'shown');

-- Bad arguments.
SELECT b2_presign_put(NULL, 'image/png');
SELECT b2_presign_put('x', NULL);
SELECT b2_presign_put('', 'image/png');
SELECT b2_presign_put('a/', 'image/png');
SELECT b2_presign_put(E'a\tb', 'image/png');
SELECT b2_presign_put('x', '');
SELECT b2_presign_put('x', 'png');
SELECT b2_presign_put('x', E'image/png\r\nX-Evil: 1');
SELECT b2_presign_put('x', 'image/ü');
SELECT b2_presign_put('x', 'image/png', 604801);
SELECT b2_presign_put('x', 'image/png', NULL);
SELECT b2_presign_put('x', 'image/png', user_id => '');
SELECT b2_presign_put('x', 'image/png', size => -1);
SELECT b2_presign_put('x', 'image/png', size => 5000000001);
SELECT b2_presign_put('x', 'image/png', size => 1001, server => 'shown');
SELECT b2_presign_put('x', 'image/png', content_md5 => 'd41d8cd98f00b204e9800998ecf8427e');
SELECT b2_presign_put('x', 'image/png', content_md5 => '1B2M2Y8AsgTpgAmY7PhCfh==');
SELECT b2_presign_put('x', 'image/png', metadata => '[1]');
SELECT b2_presign_put('x', 'image/png', object_key => '');
SELECT b2_presign_put('x', 'image/png', object_key => 'a/./b');

-- A key of one's own, a fresh URL for it, and keys that are taken.
SELECT object_key FROM b2_presign_put('x.png', 'image/png', 600, 'user_1', object_key => 'own/x.png');
SELECT object_key FROM b2_presign_put('y.jpg', 'image/jpeg', 60, 'user_1', 7, object_key => 'own/x.png');
SELECT file_name, content_type, size, expires_at > now() + interval '500 s' AS as_long_as_the_longest
FROM b2_uploads WHERE object_key = 'own/x.png';
SELECT b2_presign_put('x.png', 'image/png', user_id => 'user_2', object_key => 'own/x.png');
SELECT b2_presign_put('x.png', 'image/png', user_id => 'user_1', object_key => 'own/x.png', server => 'shown');

-- Registering on the client's word alone.
SELECT b2_register_file(NULL);
SELECT b2_register_file('own/x.png', verify => NULL);
SELECT b2_register_file('never issued');
SELECT b2_register_file('own/x.png', 'user_2');
SELECT b2_register_file('own/x.png', server => 'shown');
SELECT b2_register_file('own/x.png', metadata => '1');
SELECT b2_register_file('own/x.png', public_file_url => '', verify => false);
SELECT object_key, file_url, user_id, upload_timestamp > now() - interval '1 min' AS recorded_now, server, file_name,
       content_type, size, etag, version_id, metadata, verified_at
FROM b2_register_file('own/x.png', verify => false, metadata => '{"c": 3}',
                      public_file_url => 'https://example.com/x');
SELECT count(*) FROM b2_files WHERE object_key = 'own/x.png';
-- Again: the row that is there.
SELECT a.id = f.id AS same, a.metadata
FROM b2_register_file('own/x.png', 'user_1', metadata => '{"d": 4}') a, b2_files f
WHERE f.object_key = 'own/x.png';
SELECT b2_register_file('own/x.png', 'user_2');
SELECT registered_at IS NOT NULL AS registered FROM b2_uploads WHERE object_key = 'own/x.png';
SELECT b2_presign_put('x.png', 'image/png', user_id => 'user_1', object_key => 'own/x.png');
-- Deleted means deleted.
DELETE FROM b2_files WHERE object_key = 'own/x.png';
SELECT b2_register_file('own/x.png');
SELECT b2_presign_put('x.png', 'image/png', user_id => 'user_1', object_key => 'own/x.png');

-- Too late.
ALTER SERVER b2 OPTIONS (ADD upload_grace '0');
SELECT object_key FROM b2_presign_put('x', 'image/png', object_key => 'late');
UPDATE b2_uploads SET expires_at = '2026-01-01 00:00:00+00' WHERE object_key = 'late';
SET timezone = 'UTC';
SELECT b2_register_file('late', verify => false);
ALTER SERVER b2 OPTIONS (DROP upload_grace);
SELECT object_key FROM b2_register_file('late', verify => false);

-- Nothing is written in a read-only transaction.
BEGIN READ ONLY;
SELECT b2_presign_put('x', 'image/png');
ROLLBACK;
BEGIN READ ONLY;
SELECT object_key FROM b2_register_file('late');
ROLLBACK;

-- A trigger of the user's own runs, with the rights of the table's owner and a safe search path.
ALTER TABLE b2_files ADD COLUMN album text DEFAULT 'none';
CREATE TABLE log (key text, by text, path text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.log VALUES (NEW.object_key, current_user, current_setting('search_path'));
    RETURN NEW;
END
$$;
CREATE TRIGGER log BEFORE INSERT ON b2_files FOR EACH ROW EXECUTE FUNCTION log();
SELECT object_key FROM b2_presign_put('x', 'image/png', object_key => 'logged');
SELECT object_key FROM b2_register_file('logged', verify => false);
SELECT key, by = current_user AS by_owner, path FROM log;
SHOW search_path;
DROP TABLE log;
DROP FUNCTION log() CASCADE;

-- A column that the user has made compulsory is theirs to fill: nothing is half done.
ALTER TABLE b2_files ADD COLUMN folder text NOT NULL DEFAULT '/';
ALTER TABLE b2_files ALTER COLUMN folder DROP DEFAULT;
SELECT object_key FROM b2_presign_put('x', 'image/png', object_key => 'compulsory');
\set VERBOSITY terse
SELECT b2_register_file('compulsory', verify => false);
\set VERBOSITY default
SELECT registered_at IS NULL AS pending FROM b2_uploads WHERE object_key = 'compulsory';
SELECT current_user = session_user AS role_is_back;
ALTER TABLE b2_files DROP COLUMN folder;
SELECT object_key FROM b2_register_file('compulsory', verify => false);

-- Without the table there is a hint.
ALTER TABLE b2_files RENAME TO renamed;
SELECT b2_register_file('x');
ALTER TABLE renamed RENAME TO b2_files;

-- The owner may do to the internal tables what they like; a wild pointer it never is.
SELECT object_key FROM b2_presign_put('x', 'image/png', object_key => 'odd');
ALTER TABLE b2_uploads ALTER metadata DROP NOT NULL, ALTER expires_at DROP NOT NULL;
UPDATE b2_uploads SET metadata = NULL, expires_at = NULL WHERE object_key = 'odd';
SELECT b2_register_file('odd', verify => false);
UPDATE b2_uploads SET expires_at = 'infinity' WHERE object_key = 'odd';
BEGIN;
ALTER TABLE b2_uploads ALTER metadata DROP DEFAULT, ALTER metadata TYPE bigint USING 4660;
SELECT b2_register_file('odd', verify => false);
ROLLBACK;
BEGIN;
ALTER TABLE b2_uploads ALTER content_md5 TYPE char(24);
SELECT object_key FROM b2_register_file('odd', verify => false);
ROLLBACK;
SELECT object_key, metadata FROM b2_register_file('odd', verify => false);

-- A trigger may register another file, while the catalogs change under it.
CREATE FUNCTION companion() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF NEW.object_key = 'outer' THEN
        PERFORM b2_presign_put('inner', 'image/png', object_key => 'inner');
        ALTER SERVER b2 OPTIONS (ADD max_expires_in '600');
        PERFORM b2_register_file('inner', verify => false);
        ALTER SERVER b2 OPTIONS (DROP max_expires_in);
        FOR i IN 1..50 LOOP
            EXECUTE format('PREPARE p%s (int) AS SELECT $1 + %s, %L', i, i, repeat('Z', 3000));
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER companion AFTER INSERT ON b2_files FOR EACH ROW EXECUTE FUNCTION companion();
SELECT object_key FROM b2_presign_put('x', 'image/png', object_key => 'outer');
SELECT object_key FROM b2_register_file('outer', verify => false);
SELECT object_key FROM b2_files WHERE object_key IN ('inner', 'outer') ORDER BY 1;
DROP FUNCTION companion() CASCADE;

-- A trigger that keeps the row out is told of.
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER nothing BEFORE INSERT ON b2_files FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT object_key FROM b2_presign_put('x', 'image/png', object_key => 'kept out');
SELECT b2_register_file('kept out', verify => false);
DROP FUNCTION nothing() CASCADE;

-- Bounds.
SELECT b2_presign_put(repeat('a', 4096) || '/x.png', 'image/png');
SELECT b2_presign_put('x', 'image/png', user_id => repeat('u', 1025));
SELECT b2_presign_put('x', 'image/png', metadata => jsonb_build_object('a', repeat('x', 1100000)));

-- Many at once, all or none.
SELECT object_key FROM b2_presign_put('1', 'text/plain', object_key => 'many/1', user_id => 'u');
SELECT object_key FROM b2_presign_put('2', 'text/plain', object_key => 'many/2', user_id => 'u');
SELECT b2_register_files(NULL);
SELECT b2_register_files(ARRAY['many/1', NULL]);
SELECT b2_register_files('{{many/1}, {many/2}}');
SELECT b2_register_files('{many/1, ""}');
SELECT b2_register_files('{}');
SELECT b2_register_files('{many/1, none, many/2, other}', verify => false);
SELECT object_key, user_id, verified_at
FROM b2_register_files('{many/2, many/1, many/2}', 'u', verify => false);
SELECT object_key FROM b2_register_files('{many/1}');
