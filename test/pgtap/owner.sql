-- What the owner does to the tables: triggers, views in their place, TRUNCATE, FORCE.
\set tests 13
\ir setup/two_users.psql

-- A trigger that is there all the same, whose function belongs to somebody else, is not run with the owner's rights.
SET ROLE alice;
CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'code of alice runs as %', current_user;
END
$$;
RESET ROLE;
CREATE TRIGGER aaa BEFORE INSERT ON b2_files FOR EACH ROW EXECUTE FUNCTION steal();
SELECT throws_ok(format('SELECT b2_register_file(%L, verify => false)', :'bobs_pending'), '42501',
                 'trigger "aaa" on table "b2_files" is not run with the rights of the table''s owner',
                 'a trigger of a stranger is not run by b2_register_file');
ALTER TABLE b2_files DISABLE TRIGGER aaa;
SELECT lives_ok(format('SELECT b2_register_file(%L, verify => false)', :'bobs_pending'), 'one that is disabled does no harm');
DROP TRIGGER aaa ON b2_files;
CREATE TRIGGER aaa BEFORE INSERT ON b2_uploads FOR EACH ROW EXECUTE FUNCTION steal();
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1)$$, '42501',
                 'trigger "aaa" on table "b2_uploads" is not run with the rights of the table''s owner',
                 'nor by b2_presign_put');
ALTER FUNCTION steal() OWNER TO CURRENT_USER;
SELECT throws_ok($$SELECT b2_presign_put('x.png', 'image/png', size => 1)$$, 'P0001',
                 format('code of alice runs as %s', current_user), 'one of the owner''s own is run');
DROP TRIGGER aaa ON b2_uploads;
ALTER FUNCTION steal() OWNER TO alice;
CREATE TRIGGER aaa BEFORE INSERT ON b2_identity FOR EACH ROW EXECUTE FUNCTION steal();
SELECT throws_ok($$SELECT b2_set_identity('request.jwt.claims')$$, '42501',
                 'trigger "aaa" on table "b2_identity" is not run with the rights of the table''s owner', 'nor by b2_set_identity');

-- A view in the table's place confines nobody, so it is refused.
ALTER TABLE b2_files RENAME TO files_base;
CREATE VIEW b2_files AS SELECT * FROM files_base;
SET ROLE alice;
SELECT throws_ok($$SELECT b2_presign('GET', 'x')$$, '42809', '"public.b2_files" is not an ordinary table',
                 'a view is not taken for the table');
RESET ROLE;
DROP VIEW b2_files;
ALTER TABLE files_base RENAME TO b2_files;

-- b2_identity is read without looking at what it has become: it must still be what it was.
CREATE ROLE files_owner;
SAVEPOINT before;
DROP TRIGGER aaa ON b2_identity;
INSERT INTO b2_identity (source) VALUES ('request.jwt.claims');
ALTER TABLE b2_identity DROP CONSTRAINT b2_identity_source_check, ALTER source TYPE integer USING 0;
SELECT throws_ok('SELECT b2_user_id()', '42804', NULL, 'a column of another type is not read');
ROLLBACK TO before;
ALTER TABLE b2_identity RENAME TO old_identity;
SELECT throws_ok('SELECT b2_user_id()', '42P01', 'table "public.b2_identity" does not exist', 'nor is a table that is missing guessed');
CREATE TABLE b2_identity (only_row boolean, source text) PARTITION BY LIST (source);
SELECT throws_ok('SELECT b2_user_id()', '42809', NULL, 'nor a partitioned table read');
DROP TABLE b2_identity;
ALTER TABLE old_identity RENAME TO b2_identity;

-- The owner's TRUNCATE queues like a DELETE.
DELETE FROM b2_deletions;
TRUNCATE b2_files;
SELECT set_eq('SELECT object_key, version_id FROM b2_deletions',
              format('VALUES (%L, %L), (%L, %L), (%L, NULL), (%L, %L)', :'alices', :'alices_version', :'bobs', :'bobs_version',
                     :'bobs_pending', 'elsewhere', 'v1'), 'TRUNCATE queues the objects');

-- FORCE confines the owner too, and nobody less.
ALTER TABLE b2_files OWNER TO files_owner;
ALTER TABLE b2_files FORCE ROW LEVEL SECURITY;
GRANT USAGE ON FOREIGN SERVER b2 TO files_owner;
SET ROLE files_owner;
SELECT throws_ok($$SELECT b2_presign('GET', 'x')$$, '42501', NULL, 'FORCE confines the owner');
SELECT throws_ok($$INSERT INTO b2_files (object_key, user_id) VALUES ('x', 'y')$$, '42501', NULL, 'in the table too');
RESET ROLE;
SET ROLE alice;
SELECT object_key, presigned_url, 'x' AS body FROM b2_presign_put('x', 'text/plain', size => 1) \gset
\ir setup/put.psql
SELECT is((b2_register_file(:'object_key')).user_id, 'alice', 'while users go on as before');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
