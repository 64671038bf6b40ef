-- The tables themselves, for a role that row-level security applies to and that has every privilege on them.
\set tests 56
\ir setup/two_users.psql

-- A table of the owner's, whose rows b2_files goes with.
CREATE TABLE albums (album text PRIMARY KEY);
INSERT INTO albums VALUES ('a'), ('b');
ALTER TABLE b2_files ADD COLUMN album text REFERENCES albums ON DELETE CASCADE ON UPDATE CASCADE;
UPDATE b2_files SET album = CASE WHEN user_id = 'bob' THEN 'b' ELSE 'a' END;
SET ROLE alice;

-- Changing rows of b2_files.
SELECT throws_ok(statement, '42501', 'role "alice" cannot change table "b2_files" directly', statement)
FROM unnest(ARRAY[
    $$INSERT INTO b2_files (object_key, user_id) VALUES ('forged', 'alice')$$,
    $$INSERT INTO b2_files (object_key, user_id) SELECT 'forged', 'alice' WHERE false$$,
    $$INSERT INTO b2_files (object_key, user_id) VALUES ('elsewhere', 'alice') ON CONFLICT (object_key) DO NOTHING$$,
    $$INSERT INTO b2_files (object_key, user_id) VALUES ('elsewhere', 'alice')
      ON CONFLICT (object_key) DO UPDATE SET object_key = 'of bob'$$,
    $$UPDATE b2_files SET object_key = 'forged'$$,
    $$UPDATE b2_files SET user_id = 'bob'$$,
    $$UPDATE b2_files SET user_id = 'alice' WHERE user_id = 'bob'$$,
    $$UPDATE b2_files SET server = 'b2'$$,
    $$UPDATE b2_files SET version_id = NULL$$,
    $$UPDATE b2_files SET metadata = '{}'$$,
    $$WITH changed AS (UPDATE b2_files SET file_url = 'x' RETURNING *) SELECT * FROM changed$$,
    'MERGE INTO b2_files f USING (SELECT 1) s ON f.user_id = ''alice'' WHEN MATCHED THEN UPDATE SET user_id = ''alice''',
    'MERGE INTO b2_files f USING (SELECT 1) s ON false WHEN NOT MATCHED THEN
         INSERT (object_key, user_id) VALUES (''forged'', ''alice'')',
    'TRUNCATE b2_files']) AS statement;
SAVEPOINT copy;
\set ON_ERROR_STOP off
-- Not from the script itself: some versions of psql take the lines after a COPY that failed for commands.
\copy b2_files (object_key, user_id) FROM PROGRAM 'printf "forged\talice\n"'
\set copied :LAST_ERROR_SQLSTATE
\set ON_ERROR_STOP on
ROLLBACK TO copy;
SELECT is(:'copied'::text, '0A000', 'COPY FROM is refused by row-level security itself');
RESET ROLE;
SELECT is_empty($$SELECT FROM b2_files WHERE object_key LIKE 'forged%'$$, 'nothing was forged');

-- Reading more than one's own.
SET ROLE alice;
SELECT is((SELECT count(*) FROM b2_files WHERE user_id <> 'alice'), 0::bigint, 'no row of others is read');
SELECT results_eq($$SELECT DISTINCT user_id FROM b2_files$$, ARRAY['alice'], 'not even by DISTINCT');
CREATE FUNCTION leak(seen text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
    $$ BEGIN INSERT INTO leaked VALUES (seen); RETURN true; END $$;
CREATE TEMP TABLE leaked (seen text);
SELECT count(*) FROM b2_files WHERE leak(object_key) AND leak(user_id) \g /dev/null
SELECT is_empty($$SELECT * FROM leaked WHERE seen ~ 'bob'$$, 'a leaky function in a query sees one''s own rows alone');
SELECT isnt_empty('SELECT * FROM leaked', 'which it does see');
CREATE VIEW my_view AS SELECT * FROM b2_files;
SELECT is((SELECT count(*) FROM my_view WHERE user_id <> 'alice'), 0::bigint, 'nor does a view of one''s own');
SELECT throws_ok($$INSERT INTO my_view (object_key, user_id) VALUES ('forged', 'alice')$$, '42501',
                 'role "alice" cannot change table "b2_files" directly', 'through which nothing is inserted either');
CREATE RULE sneak AS ON DELETE TO my_view DO INSTEAD UPDATE b2_files SET user_id = 'alice';
SELECT throws_ok('DELETE FROM my_view', '42501', 'role "alice" cannot change table "b2_files" directly',
                 'nor by a rule on it');

-- Deleting: one's own, and nothing of others'.
DELETE FROM b2_files WHERE user_id = 'bob';
RESET ROLE;
SELECT is((SELECT count(*) FROM b2_files WHERE user_id = 'bob'), 1::bigint, 'no file of others is deleted');

-- b2_uploads, b2_deletions and b2_identity show nothing and take nothing.
SET ROLE alice;
SELECT is_empty('SELECT * FROM ' || name, name || ' shows nothing')
FROM unnest('{b2_uploads,b2_deletions,b2_identity}'::text[]) AS name;
SELECT throws_ok(statement || name, '42501', format('role "alice" cannot change table "%s" directly', name), statement || name)
FROM unnest('{b2_uploads,b2_deletions,b2_identity}'::text[]) AS name,
     unnest('{"TRUNCATE ","DELETE FROM "}'::text[]) AS statement;
SELECT throws_ok(statement, '42501', format('role "alice" cannot change table "%s" directly', substring(statement FROM 'b2_[a-z]+')), statement)
FROM unnest(ARRAY[
    $$INSERT INTO b2_uploads (object_key, server, user_id, file_name, content_type, expires_at)
      VALUES ('stolen', 'b2', 'alice', 'k', 'image/png', 'infinity')$$,
    $$UPDATE b2_uploads SET user_id = 'alice'$$,
    $$INSERT INTO b2_uploads SELECT * FROM b2_uploads ON CONFLICT (object_key) DO UPDATE SET user_id = 'alice'$$,
    $$MERGE INTO b2_uploads u USING (SELECT 1) s ON u.user_id = 'bob' WHEN MATCHED THEN UPDATE SET user_id = 'alice'$$,
    $$INSERT INTO b2_deletions (server, object_key) VALUES ('b2', 'of bob')$$,
    $$UPDATE b2_deletions SET object_key = 'of bob'$$,
    $$INSERT INTO b2_identity (source) VALUES ('request.jwt.claims')$$,
    $$UPDATE b2_identity SET source = 'request.jwt.claims'$$]) AS statement;

-- Triggers and foreign keys, whose code would be run by others.
CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'code of alice runs as %', current_user; END $$;
SELECT throws_ok(format('CREATE TRIGGER aaa %s ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s()', event, name, function), '42501',
                 format('role "alice" cannot put trigger "aaa" on table "%s"', name), format('no trigger %s on %s', event, name))
FROM (VALUES ('BEFORE DELETE', 'b2_files', 'steal'), ('BEFORE INSERT', 'b2_uploads', 'steal'),
             ('AFTER INSERT', 'b2_deletions', 'steal'), ('BEFORE UPDATE', 'b2_identity', 'steal'),
             ('AFTER UPDATE', 'b2_files', 'b2neon_queue_deletions')) AS v (event, name, function);
SELECT throws_ok('CREATE OR REPLACE TRIGGER b2_files_guard BEFORE INSERT ON b2_files EXECUTE FUNCTION steal()', '42501',
                 'role "alice" cannot put trigger "b2_files_guard" on table "b2_files"', 'the guard is not replaced');
SELECT throws_ok('CREATE CONSTRAINT TRIGGER aaa AFTER INSERT ON b2_files DEFERRABLE FOR EACH ROW EXECUTE FUNCTION steal()',
                 '42501', 'role "alice" cannot put trigger "aaa" on table "b2_files"', 'no constraint trigger');
SELECT throws_ok($$CREATE TABLE spy (k text REFERENCES b2_files (object_key) ON DELETE CASCADE)$$, '42501',
                 'role "alice" cannot let foreign key "spy_k_fkey" refer to table "b2_files"',
                 'no foreign key, which would tell of keys, block deletions and run code');
CREATE TABLE spy (k text);
SELECT throws_ok($$ALTER TABLE spy ADD FOREIGN KEY (k) REFERENCES b2_files (object_key) ON UPDATE CASCADE NOT VALID$$, '42501',
                 'role "alice" cannot let foreign key "spy_k_fkey" refer to table "b2_files"', 'nor one that is added');
SELECT throws_ok($$ALTER TABLE spy ADD FOREIGN KEY (k) REFERENCES b2_uploads$$, '42501',
                 'role "alice" cannot let foreign key "spy_k_fkey" refer to table "b2_uploads"', 'nor one to b2_uploads');
SELECT throws_ok($$CREATE SCHEMA AUTHORIZATION alice CREATE TABLE spy (k text REFERENCES b2_files (object_key))$$, '42501',
                 'role "alice" cannot let foreign key "spy_k_fkey" refer to table "b2_files"', 'nor within CREATE SCHEMA');
SELECT throws_ok($$CREATE TABLE partitioned (k text REFERENCES b2_files (object_key)) PARTITION BY LIST (k)$$, '42501',
                 'role "alice" cannot let foreign key "partitioned_k_fkey" refer to table "b2_files"', 'nor of a partitioned table');
SELECT throws_ok($$CREATE TABLE child () INHERITS (b2_files)$$, '42501', NULL, 'no table that inherits from it');
SELECT lives_ok($$CREATE TABLE own (k text PRIMARY KEY); CREATE TABLE owns (k text REFERENCES own);
                  CREATE TRIGGER t BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION steal(); ALTER TABLE owns ADD c int$$,
                'on tables of their own they can do as they like');
RESET ROLE;

-- A cascade of the owner's deletes what it should, and queues it.
DELETE FROM albums WHERE album = 'b';
SELECT results_eq('SELECT object_key, version_id FROM b2_deletions', format('VALUES (%L, %L)', :'bobs', :'bobs_version'),
                  'a cascade from a table of the owner''s queues the objects');

SELECT * FROM finish();
ROLLBACK;
