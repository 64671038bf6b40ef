-- What CREATE EXTENSION makes, what DROP EXTENSION leaves, and that both can be repeated.
CREATE EXTENSION b2neon;

-- Everything says what it is for.
SELECT pg_describe_object(classid, objid, objsubid) AS without_comment
FROM pg_depend d
WHERE refclassid = 'pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'b2neon')
  AND deptype = 'e'
  AND classid IN ('pg_proc'::regclass, 'pg_foreign_data_wrapper'::regclass, 'pg_event_trigger'::regclass)
  AND obj_description(objid, classid::regclass::name) IS NULL;
SELECT c.relname, a.attname AS without_comment
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relname IN ('b2_files', 'b2_uploads', 'b2_deletions', 'b2_identity')
  AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL);

-- The table of files is the user's own: it and its sequence are no members.
SELECT pg_describe_object(classid, objid, objsubid) AS member
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'b2neon')
  AND deptype = 'e'
  AND classid = 'pg_class'::regclass
ORDER BY 1;

INSERT INTO b2_files (object_key, file_url, user_id)
VALUES ('kept.png', 'https://example.com/kept.png', 'user_123');
SELECT id, object_key, file_url, user_id, upload_timestamp > now() - interval '1 min' AS recorded_now, server, metadata
FROM b2_files WHERE user_id = 'user_123';

DROP EXTENSION b2neon;
DROP EXTENSION b2neon CASCADE;
SELECT id, object_key, user_id, server FROM b2_files;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'b2_files'::regclass;
SELECT count(*) AS policies FROM pg_policy WHERE polrelid = 'b2_files'::regclass;

CREATE EXTENSION b2neon;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'b2_files'::regclass ORDER BY 1;
SELECT polname FROM pg_policy WHERE polrelid = 'b2_files'::regclass;
INSERT INTO b2_files (object_key, user_id) VALUES ('new.png', 'user_123') RETURNING id, server;

-- A deleted row leaves its object in the queue; a rolled back one does not.
BEGIN;
DELETE FROM b2_files;
ROLLBACK;
SELECT count(*) FROM b2_deletions;
UPDATE b2_files SET version_id = 'v1' WHERE object_key = 'new.png';
DELETE FROM b2_files WHERE user_id = 'user_123';
SELECT server, object_key, version_id FROM b2_deletions ORDER BY object_key;

-- The triggers' functions serve b2_files alone.
CREATE TABLE mine (server name, object_key text, version_id text);
CREATE TRIGGER sneak AFTER DELETE ON mine REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION b2neon_queue_deletions();
INSERT INTO mine VALUES ('b2', 'somebody else''s', NULL);
DELETE FROM mine;
DROP TABLE mine;
CREATE TRIGGER sneak AFTER UPDATE ON b2_files REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION b2neon_queue_deletions();
INSERT INTO b2_files (object_key, user_id) VALUES ('alive.png', 'user_123');
UPDATE b2_files SET metadata = '{"seen": true}';
DROP TRIGGER sneak ON b2_files;
SELECT count(*) AS queued_alive FROM b2_deletions WHERE object_key = 'alive.png';
DELETE FROM b2_files;
SELECT b2neon_guard();
