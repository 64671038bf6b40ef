-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION b2neon" to load this file. \quit

-- Everything is created in the extension's schema, which comes first in the search path here.
-- Operators are qualified where that schema could hold others of the same name.

---------------------------------------------------------------------------------------------------
-- Configuration
---------------------------------------------------------------------------------------------------

CREATE FUNCTION b2neon_fdw_validator(options pg_catalog.text[], catalog pg_catalog.oid)
    RETURNS pg_catalog.void
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2neon_fdw_validator(pg_catalog.text[], pg_catalog.oid) IS
    'checks the options of foreign servers and user mappings of b2neon';
REVOKE EXECUTE ON FUNCTION b2neon_fdw_validator(pg_catalog.text[], pg_catalog.oid) FROM PUBLIC;

CREATE FOREIGN DATA WRAPPER b2neon VALIDATOR b2neon_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER b2neon IS
    'buckets of Backblaze B2: a server is a bucket, a user mapping holds an application key';
GRANT USAGE ON FOREIGN DATA WRAPPER b2neon TO @extowner@;

CREATE FUNCTION b2_default_server()
    RETURNS pg_catalog.name
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_default_server() IS
    'the server that functions use where a call names none: the setting b2neon.server';

CREATE FUNCTION b2_user_id()
    RETURNS pg_catalog.text
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_user_id() IS
    'who the caller is, for row-level security and as the default of every user_id';

---------------------------------------------------------------------------------------------------
-- Tables
---------------------------------------------------------------------------------------------------

CREATE TABLE b2_uploads (
    object_key pg_catalog.text PRIMARY KEY,
    server pg_catalog.name NOT NULL,
    user_id pg_catalog.text NOT NULL,
    file_name pg_catalog.text NOT NULL,
    content_type pg_catalog.text NOT NULL,
    size pg_catalog.int8,
    content_md5 pg_catalog.text,
    metadata pg_catalog.jsonb NOT NULL DEFAULT '{}',
    issued_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    expires_at pg_catalog.timestamptz NOT NULL,
    registered_at pg_catalog.timestamptz,
    generated pg_catalog.bool NOT NULL DEFAULT false,
    kept pg_catalog.bool NOT NULL DEFAULT false
);
COMMENT ON TABLE b2_uploads IS 'uploads for which b2_presign_put() has issued a URL';
COMMENT ON COLUMN b2_uploads.object_key IS 'where the object goes in the bucket';
COMMENT ON COLUMN b2_uploads.server IS 'the foreign server, which is the bucket';
COMMENT ON COLUMN b2_uploads.user_id IS 'the user that the URL was issued to';
COMMENT ON COLUMN b2_uploads.file_name IS 'the file''s name as the client gave it';
COMMENT ON COLUMN b2_uploads.content_type IS 'the declared media type, bound by the signature';
COMMENT ON COLUMN b2_uploads.size IS 'the declared size in bytes, bound by the signature; NULL: any';
COMMENT ON COLUMN b2_uploads.content_md5 IS
    'the declared MD5 in base64, bound by the signature; NULL: any';
COMMENT ON COLUMN b2_uploads.metadata IS 'what the caller wants to be kept with the file';
COMMENT ON COLUMN b2_uploads.issued_at IS 'when the first URL was issued';
COMMENT ON COLUMN b2_uploads.expires_at IS 'when the last URL expires';
COMMENT ON COLUMN b2_uploads.registered_at IS
    'when b2_register_file() took it over into b2_files; NULL: pending';
COMMENT ON COLUMN b2_uploads.generated IS 'whether b2_presign_put() has made the key';
COMMENT ON COLUMN b2_uploads.kept IS
    'whether the row of b2_files was deleted with b2neon.keep_objects, so that b2_maintain() leaves the object alone';
CREATE INDEX b2_uploads_server_expires_at_idx ON b2_uploads (server, expires_at);

CREATE TABLE b2_deletions (
    id pg_catalog.uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    server pg_catalog.name NOT NULL,
    object_key pg_catalog.text NOT NULL,
    version_id pg_catalog.text,
    all_versions pg_catalog.bool NOT NULL DEFAULT false,
    since pg_catalog.timestamptz,
    queued_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    attempts pg_catalog.int4 NOT NULL DEFAULT 0,
    next_attempt_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    last_error pg_catalog.text,
    began_at pg_catalog.timestamptz,
    done_xid pg_catalog.xid8,
    -- To delete an object without naming a version would only hide it.
    CONSTRAINT b2_deletions_version_check CHECK (all_versions OR coalesce(version_id, '') OPERATOR(pg_catalog.<>) '')
);
COMMENT ON TABLE b2_deletions IS
    'objects to be deleted by b2_maintain(), as far as no row of b2_files names them then';
-- Not from a sequence: GRANT ALL ON ALL SEQUENCES would let anybody exhaust it.
COMMENT ON COLUMN b2_deletions.id IS 'the entry';
COMMENT ON COLUMN b2_deletions.server IS 'the foreign server, which is the bucket';
COMMENT ON COLUMN b2_deletions.object_key IS 'the object''s key';
COMMENT ON COLUMN b2_deletions.version_id IS 'the version that the row named; NULL, where all are to go: not known';
COMMENT ON COLUMN b2_deletions.all_versions IS
    'whether every version of exactly that key is to go, and not that one alone';
COMMENT ON COLUMN b2_deletions.since IS
    'where all versions are to go: when the first URL for the key was issued; older versions stay. NULL: none stays';
COMMENT ON COLUMN b2_deletions.queued_at IS 'when the row was deleted';
COMMENT ON COLUMN b2_deletions.attempts IS 'how often the store refused to delete it';
COMMENT ON COLUMN b2_deletions.next_attempt_at IS
    'when it is tried again; infinity: parked, until somebody sets another time';
COMMENT ON COLUMN b2_deletions.last_error IS 'why it is still there';
COMMENT ON COLUMN b2_deletions.began_at IS
    'since when the object may be gone, so that no row can come to name it; NULL: it is still there';
COMMENT ON COLUMN b2_deletions.done_xid IS
    'the object is gone, and the entry goes when all transactions before this one have ended; NULL: it is not yet';
CREATE INDEX b2_deletions_done_xid_idx ON b2_deletions (done_xid) WHERE done_xid IS NOT NULL;
CREATE INDEX b2_deletions_server_next_attempt_at_idx ON b2_deletions (server, next_attempt_at);
CREATE INDEX b2_deletions_object_key_idx ON b2_deletions (object_key);

-- A copy of the database must not delete the files of its original. pg_dump carries this row, and
-- CREATE DATABASE copies it: then it says where the queue came from. A dump that is restored over a
-- new extension makes two of them, and where one names another database that counts.
CREATE TABLE b2_lineage (
    system_identifier pg_catalog.text NOT NULL,
    database_oid pg_catalog.oid NOT NULL,
    timeline pg_catalog.text,
    taken_over_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE b2_lineage IS 'the database whose b2_maintain() may delete objects; b2_take_over() changes it';
COMMENT ON COLUMN b2_lineage.system_identifier IS 'of the cluster, as in pg_control_system()';
COMMENT ON COLUMN b2_lineage.database_oid IS 'of the database, as in pg_database';
COMMENT ON COLUMN b2_lineage.timeline IS 'Neon''s timeline, which is a branch; NULL where there is none';
COMMENT ON COLUMN b2_lineage.taken_over_at IS 'since when';

-- Text, not regprocedure: pg_upgrade refuses tables with columns of that type. The owner's name is
-- kept so that another function which takes the place of the chosen one is not called.
CREATE TABLE b2_identity (
    only_row pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (only_row),
    source pg_catalog.text NOT NULL CHECK (source OPERATOR(pg_catalog.=) ANY ('{request.jwt.claims,function}')),
    function_schema pg_catalog.text,
    function_name pg_catalog.text,
    function_owner pg_catalog.text
);
COMMENT ON TABLE b2_identity IS
    'where b2_user_id() gets the user from, as b2_set_identity() chose it; no row: current_user';
COMMENT ON COLUMN b2_identity.only_row IS 'always true: there is one choice';
COMMENT ON COLUMN b2_identity.source IS
    'request.jwt.claims: the claim "sub" in that setting; function: the function named here';
COMMENT ON COLUMN b2_identity.function_schema IS 'the function''s schema';
COMMENT ON COLUMN b2_identity.function_name IS 'the function''s name; it has no arguments';
COMMENT ON COLUMN b2_identity.function_owner IS
    'the role that the function belonged to when it was chosen';

-- Only the functions and the owner use these four: no policy lets anybody else in.
ALTER TABLE b2_uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE b2_deletions ENABLE ROW LEVEL SECURITY;
ALTER TABLE b2_identity ENABLE ROW LEVEL SECURITY;
ALTER TABLE b2_lineage ENABLE ROW LEVEL SECURITY;
ALTER TABLE b2_uploads OWNER TO @extowner@;
ALTER TABLE b2_deletions OWNER TO @extowner@;
ALTER TABLE b2_identity OWNER TO @extowner@;
ALTER TABLE b2_lineage OWNER TO @extowner@;
SELECT pg_catalog.pg_extension_config_dump('b2_uploads', '');
SELECT pg_catalog.pg_extension_config_dump('b2_deletions', '');
SELECT pg_catalog.pg_extension_config_dump('b2_identity', '');
SELECT pg_catalog.pg_extension_config_dump('b2_lineage', '');

CREATE FUNCTION b2neon_guard()
    RETURNS pg_catalog.trigger
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2neon_guard() IS
    'trigger: roles that row-level security applies to change a table through functions only';

CREATE TRIGGER b2_uploads_guard
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON b2_uploads
    FOR EACH STATEMENT EXECUTE FUNCTION b2neon_guard();
COMMENT ON TRIGGER b2_uploads_guard ON b2_uploads IS
    'roles that row-level security applies to change the table through functions only';
CREATE TRIGGER b2_deletions_guard
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON b2_deletions
    FOR EACH STATEMENT EXECUTE FUNCTION b2neon_guard();
COMMENT ON TRIGGER b2_deletions_guard ON b2_deletions IS
    'roles that row-level security applies to change the table through functions only';

CREATE TRIGGER b2_identity_guard
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON b2_identity
    FOR EACH STATEMENT EXECUTE FUNCTION b2neon_guard();
COMMENT ON TRIGGER b2_identity_guard ON b2_identity IS
    'roles that row-level security applies to change the table through functions only';

CREATE TRIGGER b2_lineage_guard
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON b2_lineage
    FOR EACH STATEMENT EXECUTE FUNCTION b2neon_guard();
COMMENT ON TRIGGER b2_lineage_guard ON b2_lineage IS
    'roles that row-level security applies to change the table through functions only';

CREATE FUNCTION b2_set_identity(source pg_catalog.text)
    RETURNS pg_catalog.text
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_set_identity(pg_catalog.text) IS
    'chooses where b2_user_id() gets the user from: current_user, request.jwt.claims, or a function such as auth.user_id()';
REVOKE EXECUTE ON FUNCTION b2_set_identity(pg_catalog.text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION b2_set_identity(pg_catalog.text) TO @extowner@ WITH GRANT OPTION;

-- GRANT ALL ON ALL TABLES includes TRIGGER and REFERENCES. Either lets its grantee have code of
-- theirs run by whoever changes the table, and a trigger on the table itself cannot prevent it,
-- because theirs can come first. The commands are those that can make a trigger or foreign key, or
-- make one anew, and the one by which a role can take itself out of policies.
CREATE FUNCTION b2neon_guard_definitions()
    RETURNS pg_catalog.event_trigger
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2neon_guard_definitions() IS
    'event trigger: roles that row-level security applies to put no trigger on, and no foreign key to a table of b2neon';
CREATE EVENT TRIGGER b2neon_guard_definitions ON ddl_command_start
    WHEN TAG IN ('CREATE TRIGGER', 'CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE FOREIGN TABLE',
                 'ALTER FOREIGN TABLE', 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW',
                 'ALTER INDEX', 'ALTER SEQUENCE', 'DROP OWNED')
    EXECUTE FUNCTION b2neon_guard_definitions();
COMMENT ON EVENT TRIGGER b2neon_guard_definitions IS
    'roles that row-level security applies to put no trigger on, and no foreign key to a table of b2neon';

CREATE FUNCTION b2neon_queue_deletions()
    RETURNS pg_catalog.trigger
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2neon_queue_deletions() IS
    'trigger on b2_files and b2_uploads: queues the objects that no row names any more in b2_deletions';

CREATE FUNCTION b2neon_check_named()
    RETURNS pg_catalog.trigger
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2neon_check_named() IS
    'trigger on b2_files: no row names an object that b2_maintain() is deleting at that moment';

CREATE TRIGGER b2_uploads_queue_deletions
    AFTER DELETE ON b2_uploads REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION b2neon_queue_deletions();
COMMENT ON TRIGGER b2_uploads_queue_deletions ON b2_uploads IS
    'queues what was uploaded and is not named by a row of b2_files';
CREATE TRIGGER b2_uploads_queue_truncation
    BEFORE TRUNCATE ON b2_uploads
    FOR EACH STATEMENT EXECUTE FUNCTION b2neon_queue_deletions();
COMMENT ON TRIGGER b2_uploads_queue_truncation ON b2_uploads IS
    'queues what was uploaded and is not named by a row of b2_files';

-- b2_files is the user's own table, so that a dump carries it with all that they add to it: it is
-- created here, given to the installer, and let go. One that is there already is taken over, if it
-- is the table of Neon's guide or one that was left by DROP EXTENSION. While a dump is being
-- restored, which pg_dump marks by row_security = off, the table comes from the dump.
--
-- A table that is taken over belongs to somebody who may not be a superuser, while this script runs
-- as one. So nothing here may run code of theirs: columns are added without a scan or a rewrite (no
-- volatile default), and no row is written.
DO $script$
DECLARE
    files CONSTANT pg_catalog.text := '@extschema@.b2_files';
    existing CONSTANT pg_catalog.regclass := pg_catalog.to_regclass('@extschema@.b2_files');
    wanted RECORD;
    found_type pg_catalog.text;
    owner pg_catalog.text;
    demanding pg_catalog.text;
    added pg_catalog.text[] := '{}';
BEGIN
    IF existing IS NULL AND pg_catalog.current_setting('row_security') OPERATOR(pg_catalog.=) 'off' THEN
        RETURN;
    END IF;

    IF existing IS NULL THEN
        CREATE TABLE @extschema@.b2_files (
            id pg_catalog.int8 GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            object_key pg_catalog.text NOT NULL UNIQUE,
            file_url pg_catalog.text,
            user_id pg_catalog.text NOT NULL,
            upload_timestamp pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now()
        );
        COMMENT ON TABLE @extschema@.b2_files IS
            'files in Backblaze B2; yours to extend, b2neon reads and writes it by column name';
        COMMENT ON COLUMN @extschema@.b2_files.id IS 'the file''s number';
        COMMENT ON COLUMN @extschema@.b2_files.object_key IS 'the object''s key (path and name) in B2';
        COMMENT ON COLUMN @extschema@.b2_files.file_url IS 'public URL, only for a public bucket';
        COMMENT ON COLUMN @extschema@.b2_files.user_id IS 'the user that the file belongs to';
        COMMENT ON COLUMN @extschema@.b2_files.upload_timestamp IS 'when the row was recorded';
    ELSE
        SELECT c.relowner::pg_catalog.regrole::pg_catalog.text INTO owner
        FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) existing;
        IF owner OPERATOR(pg_catalog.<>) '@extowner@'::pg_catalog.regrole::pg_catalog.text THEN
            RAISE EXCEPTION 'relation "b2_files" exists and cannot be taken over'
                USING ERRCODE = 'duplicate_table',
                      DETAIL = pg_catalog.format('It belongs to role %s, not to %s, which creates the extension.',
                                                 owner, '@extowner@'::pg_catalog.regrole),
                      HINT = pg_catalog.format('Create the extension as that role (SET ROLE %s), which needs CREATE on the database for it, or rename the table.', owner);
        END IF;
        IF NOT EXISTS (
            SELECT FROM pg_catalog.pg_class c
            WHERE c.oid OPERATOR(pg_catalog.=) existing
              AND c.relkind OPERATOR(pg_catalog.=) 'r'
              AND NOT c.relispartition AND NOT c.relhassubclass
              AND c.relpersistence OPERATOR(pg_catalog.=) 'p'
        ) THEN
            RAISE EXCEPTION 'relation "b2_files" exists and cannot be taken over'
                USING ERRCODE = 'duplicate_table',
                      DETAIL = 'It is not an ordinary table of its own.',
                      HINT = 'Rename it, or create the extension in another schema.';
        END IF;
        FOR wanted IN
            SELECT v.name, v.types
            FROM (VALUES ('id', '{bigint,integer}'::pg_catalog.text[]), ('object_key', '{text}'),
                         ('file_url', '{text}'), ('user_id', '{text}'),
                         ('upload_timestamp', '{"timestamp with time zone"}')) AS v (name, types)
        LOOP
            SELECT pg_catalog.format_type(a.atttypid, NULL) INTO found_type
            FROM pg_catalog.pg_attribute a
            WHERE a.attrelid OPERATOR(pg_catalog.=) existing
              AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) wanted.name
              AND NOT a.attisdropped;
            IF found_type IS NULL OR NOT found_type OPERATOR(pg_catalog.=) ANY (wanted.types) THEN
                RAISE EXCEPTION 'table "b2_files" exists and cannot be taken over'
                    USING ERRCODE = 'duplicate_table',
                          DETAIL = pg_catalog.format(
                              'Column "%s" must be of type %s, but %s.', wanted.name,
                              pg_catalog.array_to_string(wanted.types, ' or '),
                              CASE WHEN found_type IS NULL THEN 'is missing' ELSE 'is of type ' OPERATOR(pg_catalog.||) found_type END),
                          HINT = 'Rename the table, or create the extension in another schema.';
            END IF;
        END LOOP;
        IF NOT EXISTS (
            SELECT FROM pg_catalog.pg_attribute a
            WHERE a.attrelid OPERATOR(pg_catalog.=) existing
              AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) 'id'
              AND (a.atthasdef OR a.attidentity OPERATOR(pg_catalog.<>) '')
        ) THEN
            RAISE EXCEPTION 'table "b2_files" exists and cannot be taken over'
                USING ERRCODE = 'duplicate_table',
                      DETAIL = 'Column "id" must have a default, or be an identity column.',
                      HINT = 'Add one, rename the table, or create the extension in another schema.';
        END IF;
        IF EXISTS (
            SELECT FROM pg_catalog.pg_policy p
            WHERE p.polrelid OPERATOR(pg_catalog.=) existing
              AND p.polname::pg_catalog.text OPERATOR(pg_catalog.=) 'b2_files_own'
        ) OR EXISTS (
            SELECT FROM pg_catalog.pg_trigger t
            WHERE t.tgrelid OPERATOR(pg_catalog.=) existing
              AND t.tgname::pg_catalog.text OPERATOR(pg_catalog.=)
                  ANY ('{b2_files_guard,b2_files_queue_deletions,b2_files_queue_replaced,b2_files_check_named,b2_files_queue_truncation}'::pg_catalog.text[])
        ) THEN
            RAISE EXCEPTION 'table "b2_files" exists and cannot be taken over'
                USING ERRCODE = 'duplicate_table',
                      DETAIL = 'A policy or trigger of it has a name that the extension needs: b2_files_own, b2_files_guard, b2_files_queue_deletions, b2_files_queue_replaced, b2_files_check_named or b2_files_queue_truncation.',
                      HINT = 'Rename or drop it, rename the table, or create the extension in another schema.';
        END IF;
        IF EXISTS (
            SELECT FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_collation c ON c.oid OPERATOR(pg_catalog.=) a.attcollation
            WHERE a.attrelid OPERATOR(pg_catalog.=) existing AND NOT c.collisdeterministic
              AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ('{object_key,user_id}'::pg_catalog.text[])
        ) THEN
            RAISE EXCEPTION 'table "b2_files" exists and cannot be taken over'
                USING ERRCODE = 'duplicate_table',
                      DETAIL = 'Columns "object_key" and "user_id" must have a deterministic collation: B2 tells apart what others find equal.',
                      HINT = 'Change the collation, rename the table, or create the extension in another schema.';
        END IF;
        IF NOT EXISTS (
            SELECT FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_attribute a
                ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid
               AND a.attnum OPERATOR(pg_catalog.=) i.indkey[0]
            WHERE i.indrelid OPERATOR(pg_catalog.=) existing
              AND i.indisunique AND i.indisvalid AND i.indimmediate
              AND i.indnkeyatts OPERATOR(pg_catalog.=) 1::pg_catalog.int2
              AND i.indpred IS NULL
              AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) 'object_key'
        ) THEN
            RAISE EXCEPTION 'table "b2_files" exists and cannot be taken over'
                USING ERRCODE = 'duplicate_table',
                      DETAIL = 'Column "object_key" must be unique.',
                      HINT = 'Add the constraint, rename the table, or create the extension in another schema.';
        END IF;
    END IF;

    -- What strangers have attached before would have their code run by whoever changes the table.
    FOR wanted IN
        SELECT pg_catalog.pg_describe_object('pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 0) AS object,
               p.proowner AS author
        FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
        WHERE t.tgrelid OPERATOR(pg_catalog.=) existing AND NOT t.tgisinternal
        UNION ALL
        SELECT pg_catalog.pg_describe_object('pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 0), c.relowner
        FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) k.conrelid
        WHERE k.confrelid OPERATOR(pg_catalog.=) existing AND k.contype OPERATOR(pg_catalog.=) 'f'
    LOOP
        CONTINUE WHEN pg_catalog.pg_has_role(wanted.author, '@extowner@'::pg_catalog.regrole, 'USAGE');
        RAISE WARNING 'table "b2_files" has something attached by a role that does not have its owner''s rights'
            USING DETAIL = pg_catalog.format('%s: role %s.', wanted.object, wanted.author::pg_catalog.regrole),
                  HINT = 'Its code runs with the rights of whoever changes the table. Drop it, unless that is meant.';
    END LOOP;

    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname::pg_catalog.text), ', ' ORDER BY a.attnum) INTO demanding
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid OPERATOR(pg_catalog.=) existing
      AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped
      AND a.attnotnull AND NOT a.atthasdef AND a.attidentity OPERATOR(pg_catalog.=) ''
      AND NOT a.attname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ('{id,object_key,user_id,upload_timestamp,server}'::pg_catalog.text[]);
    IF demanding IS NOT NULL THEN
        RAISE WARNING 'table "b2_files" demands values that b2neon may not have'
            USING DETAIL = pg_catalog.format('NOT NULL and without a default: %s.', demanding),
                  HINT = 'Files cannot be registered without them, and a private bucket has no file_url: ALTER TABLE ... ALTER COLUMN ... DROP NOT NULL.';
    END IF;

    FOR wanted IN
        SELECT v.name, v.type, v.definition, v.meaning
        FROM (VALUES
            ('server', 'name', 'NOT NULL DEFAULT @extschema@.b2_default_server()',
             'the foreign server, which is the bucket'),
            ('file_name', 'text', '', 'the file''s name as the client gave it'),
            ('content_type', 'text', '', 'the media type that the object has in B2'),
            ('size', 'bigint', '', 'bytes'),
            ('etag', 'text', '', 'the object''s ETag, without quotes'),
            ('version_id', 'text', '', 'the version that was verified; links carry it'),
            ('metadata', 'jsonb', 'NOT NULL DEFAULT ''{}''', 'what the caller wanted to be kept'),
            ('verified_at', 'timestamp with time zone', '',
             'when B2 confirmed the object; NULL: only the client''s word')
        ) AS v (name, type, definition, meaning)
    LOOP
        SELECT pg_catalog.format_type(a.atttypid, NULL) INTO found_type
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(files)
          AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) wanted.name
          AND NOT a.attisdropped;
        IF found_type IS NULL THEN
            EXECUTE pg_catalog.format('ALTER TABLE %s ADD COLUMN %I pg_catalog.%s %s', files, wanted.name,
                pg_catalog.replace(pg_catalog.replace(wanted.type, 'timestamp with time zone', 'timestamptz'),
                                   'bigint', 'int8'),
                wanted.definition);
            EXECUTE pg_catalog.format('COMMENT ON COLUMN %s.%I IS %L', files, wanted.name, wanted.meaning);
            added := pg_catalog.array_append(added, wanted.name);
        ELSIF found_type OPERATOR(pg_catalog.<>) wanted.type THEN
            RAISE EXCEPTION 'table "b2_files" exists and cannot be taken over'
                USING ERRCODE = 'duplicate_table',
                      DETAIL = pg_catalog.format('Column "%s" must be of type %s, but is of type %s.',
                                                 wanted.name, wanted.type, found_type),
                      HINT = 'Rename the column or the table, or create the extension in another schema.';
        END IF;
    END LOOP;
    ALTER TABLE @extschema@.b2_files ALTER COLUMN server SET DEFAULT @extschema@.b2_default_server();

    IF pg_catalog.to_regclass('@extschema@.b2_files_user_id_upload_timestamp_idx') IS NULL THEN
        CREATE INDEX b2_files_user_id_upload_timestamp_idx
            ON @extschema@.b2_files (user_id, upload_timestamp DESC);
    END IF;

    -- Everybody but the owner is confined to their own rows from the start.
    ALTER TABLE @extschema@.b2_files ENABLE ROW LEVEL SECURITY;
    CREATE POLICY b2_files_own ON @extschema@.b2_files
        USING (user_id OPERATOR(pg_catalog.=) (SELECT @extschema@.b2_user_id()))
        WITH CHECK (false);
    COMMENT ON POLICY b2_files_own ON @extschema@.b2_files IS
        'users see and delete their own files; b2_register_file() adds them';
    CREATE TRIGGER b2_files_guard
        BEFORE INSERT OR UPDATE OR TRUNCATE ON @extschema@.b2_files
        FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.b2neon_guard();
    COMMENT ON TRIGGER b2_files_guard ON @extschema@.b2_files IS
        'roles that row-level security applies to change the table through functions only';
    CREATE TRIGGER b2_files_queue_deletions
        AFTER DELETE ON @extschema@.b2_files REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.b2neon_queue_deletions();
    COMMENT ON TRIGGER b2_files_queue_deletions ON @extschema@.b2_files IS
        'queues the objects of deleted rows in b2_deletions';
    CREATE TRIGGER b2_files_queue_replaced
        AFTER UPDATE ON @extschema@.b2_files REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.b2neon_queue_deletions();
    COMMENT ON TRIGGER b2_files_queue_replaced ON @extschema@.b2_files IS
        'queues the objects that changed rows no longer name in b2_deletions';
    CREATE TRIGGER b2_files_check_named
        AFTER INSERT ON @extschema@.b2_files REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.b2neon_check_named();
    COMMENT ON TRIGGER b2_files_check_named ON @extschema@.b2_files IS
        'no row names an object that is being deleted';
    CREATE TRIGGER b2_files_queue_truncation
        BEFORE TRUNCATE ON @extschema@.b2_files
        FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.b2neon_queue_deletions();
    COMMENT ON TRIGGER b2_files_queue_truncation ON @extschema@.b2_files IS
        'queues the objects of all rows in b2_deletions';

    IF existing IS NULL THEN
        ALTER TABLE @extschema@.b2_files OWNER TO @extowner@;
        ALTER EXTENSION b2neon DROP TABLE @extschema@.b2_files;
        EXECUTE pg_catalog.format('ALTER EXTENSION b2neon DROP SEQUENCE %s',
                                  pg_catalog.pg_get_serial_sequence(files, 'id'));
    ELSE
        -- CREATE EXTENSION silences notices; the installer has to see this one.
        IF pg_catalog.current_setting('client_min_messages') OPERATOR(pg_catalog.=) 'warning' THEN
            PERFORM pg_catalog.set_config('client_min_messages', 'notice', true);
        END IF;
        RAISE NOTICE 'table "b2_files" was there and is used'
            USING DETAIL = CASE WHEN pg_catalog.cardinality(added) OPERATOR(pg_catalog.>) 0
                                THEN pg_catalog.format('Added were the columns %s.',
                                                       pg_catalog.array_to_string(added, ', '))
                                ELSE 'No column had to be added.' END,
                  HINT = 'Row-level security is now on: other roles than the owner see only rows whose user_id is b2_user_id().';
    END IF;
END
$script$;

---------------------------------------------------------------------------------------------------
-- Functions
---------------------------------------------------------------------------------------------------

CREATE FUNCTION b2_presign(
    method pg_catalog.text,
    object_key pg_catalog.text,
    expires_in pg_catalog.int4 DEFAULT 300,
    headers pg_catalog.jsonb DEFAULT NULL,
    query pg_catalog.jsonb DEFAULT NULL,
    signed_at pg_catalog.timestamptz DEFAULT NULL,
    server pg_catalog.name DEFAULT NULL)
    RETURNS pg_catalog.text
    LANGUAGE c STABLE PARALLEL SAFE COST 40
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_presign(
    pg_catalog.text, pg_catalog.text, pg_catalog.int4, pg_catalog.jsonb, pg_catalog.jsonb,
    pg_catalog.timestamptz, pg_catalog.name) IS
    'presigns any request to an object: method, signed headers, query parameters, signing time';

CREATE FUNCTION b2_presign_get(
    object_key pg_catalog.text,
    expires_in pg_catalog.int4 DEFAULT 300,
    download_as pg_catalog.text DEFAULT NULL,
    content_type pg_catalog.text DEFAULT NULL,
    version_id pg_catalog.text DEFAULT NULL,
    stable_for pg_catalog.int4 DEFAULT 0,
    server pg_catalog.name DEFAULT NULL)
    RETURNS pg_catalog.text
    LANGUAGE c STABLE PARALLEL SAFE COST 20
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_presign_get(
    pg_catalog.text, pg_catalog.int4, pg_catalog.text, pg_catalog.text, pg_catalog.text,
    pg_catalog.int4, pg_catalog.name) IS
    'a URL under which an object can be downloaded for expires_in seconds';

CREATE FUNCTION b2_presign_get(
    object_keys pg_catalog.text[],
    expires_in pg_catalog.int4 DEFAULT 300,
    content_type pg_catalog.text DEFAULT NULL,
    stable_for pg_catalog.int4 DEFAULT 0,
    server pg_catalog.name DEFAULT NULL,
    OUT object_key pg_catalog.text,
    OUT presigned_url pg_catalog.text)
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 ROWS 100
    AS 'MODULE_PATHNAME', 'b2_presign_get_set';
COMMENT ON FUNCTION b2_presign_get(
    pg_catalog.text[], pg_catalog.int4, pg_catalog.text, pg_catalog.int4, pg_catalog.name) IS
    'URLs under which many objects can be downloaded for expires_in seconds, in the order of object_keys';

CREATE FUNCTION b2_presign_put(
    file_name pg_catalog.text,
    content_type pg_catalog.text,
    expires_in pg_catalog.int4 DEFAULT 300,
    user_id pg_catalog.text DEFAULT NULL,
    size pg_catalog.int8 DEFAULT NULL,
    content_md5 pg_catalog.text DEFAULT NULL,
    metadata pg_catalog.jsonb DEFAULT NULL,
    object_key pg_catalog.text DEFAULT NULL,
    server pg_catalog.name DEFAULT NULL,
    OUT presigned_url pg_catalog.text,
    OUT object_key pg_catalog.text,
    OUT public_file_url pg_catalog.text,
    OUT headers pg_catalog.jsonb,
    OUT expires_at pg_catalog.timestamptz)
    RETURNS record
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_presign_put(
    pg_catalog.text, pg_catalog.text, pg_catalog.int4, pg_catalog.text, pg_catalog.int8,
    pg_catalog.text, pg_catalog.jsonb, pg_catalog.text, pg_catalog.name) IS
    'a URL to which a file can be PUT for expires_in seconds; to be followed by b2_register_file()';

CREATE FUNCTION b2_register_file(
    object_key pg_catalog.text,
    user_id pg_catalog.text DEFAULT NULL,
    public_file_url pg_catalog.text DEFAULT NULL,
    verify pg_catalog.bool DEFAULT true,
    metadata pg_catalog.jsonb DEFAULT NULL,
    server pg_catalog.name DEFAULT NULL,
    OUT id pg_catalog.int8,
    OUT object_key pg_catalog.text,
    OUT file_url pg_catalog.text,
    OUT user_id pg_catalog.text,
    OUT upload_timestamp pg_catalog.timestamptz,
    OUT server pg_catalog.name,
    OUT file_name pg_catalog.text,
    OUT content_type pg_catalog.text,
    OUT size pg_catalog.int8,
    OUT etag pg_catalog.text,
    OUT version_id pg_catalog.text,
    OUT metadata pg_catalog.jsonb,
    OUT verified_at pg_catalog.timestamptz)
    RETURNS record
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_register_file(
    pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.jsonb,
    pg_catalog.name) IS
    'takes an upload over into b2_files, once B2 confirms that it is there and as declared';

CREATE FUNCTION b2_register_files(
    object_keys pg_catalog.text[],
    user_id pg_catalog.text DEFAULT NULL,
    verify pg_catalog.bool DEFAULT true,
    server pg_catalog.name DEFAULT NULL,
    OUT id pg_catalog.int8,
    OUT object_key pg_catalog.text,
    OUT file_url pg_catalog.text,
    OUT user_id pg_catalog.text,
    OUT upload_timestamp pg_catalog.timestamptz,
    OUT server pg_catalog.name,
    OUT file_name pg_catalog.text,
    OUT content_type pg_catalog.text,
    OUT size pg_catalog.int8,
    OUT etag pg_catalog.text,
    OUT version_id pg_catalog.text,
    OUT metadata pg_catalog.jsonb,
    OUT verified_at pg_catalog.timestamptz)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 100
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_register_files(pg_catalog.text[], pg_catalog.text, pg_catalog.bool, pg_catalog.name) IS
    'takes many uploads over into b2_files, all or none, once B2 confirms them side by side';

CREATE FUNCTION b2_check(
    origin pg_catalog.text DEFAULT NULL,
    server pg_catalog.name DEFAULT NULL,
    OUT item pg_catalog.text,
    OUT ok pg_catalog.bool,
    OUT detail pg_catalog.text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 10
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_check(pg_catalog.text, pg_catalog.name) IS
    'tries a server with two small objects, which it deletes again, and says what is wrong';
REVOKE EXECUTE ON FUNCTION b2_check(pg_catalog.text, pg_catalog.name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION b2_check(pg_catalog.text, pg_catalog.name) TO @extowner@ WITH GRANT OPTION;

CREATE FUNCTION b2_lineage_problem()
    RETURNS pg_catalog.text
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_lineage_problem() IS
    'why this database is a copy of the one that the objects belong to; NULL: it is that one';
REVOKE EXECUTE ON FUNCTION b2_lineage_problem() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION b2_lineage_problem() TO @extowner@ WITH GRANT OPTION;

CREATE FUNCTION b2_take_over()
    RETURNS pg_catalog.void
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_take_over() IS
    'makes this database the one that deletes objects, after a restore for example';
REVOKE EXECUTE ON FUNCTION b2_take_over() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION b2_take_over() TO @extowner@ WITH GRANT OPTION;

CREATE PROCEDURE b2_maintain(
    batch_size pg_catalog.int4 DEFAULT 1000,
    time_limit pg_catalog.int4 DEFAULT NULL,
    older_than pg_catalog.interval DEFAULT '0',
    dry_run pg_catalog.bool DEFAULT false,
    server pg_catalog.name DEFAULT NULL)
    LANGUAGE c
    AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE b2_maintain(
    pg_catalog.int4, pg_catalog.int4, pg_catalog.interval, pg_catalog.bool, pg_catalog.name) IS
    'deletes the objects of rows that are gone, and what was uploaded and never registered; commits as it goes';
REVOKE EXECUTE ON PROCEDURE b2_maintain(
    pg_catalog.int4, pg_catalog.int4, pg_catalog.interval, pg_catalog.bool, pg_catalog.name) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE b2_maintain(
    pg_catalog.int4, pg_catalog.int4, pg_catalog.interval, pg_catalog.bool, pg_catalog.name)
    TO @extowner@ WITH GRANT OPTION;

-- A dump that is being restored brings the row with it.
DO $script$
BEGIN
    IF pg_catalog.current_setting('row_security') OPERATOR(pg_catalog.<>) 'off' THEN
        PERFORM @extschema@.b2_take_over();
    END IF;
END
$script$;

CREATE FUNCTION b2_orphans(
    prefix pg_catalog.text DEFAULT NULL,
    older_than pg_catalog.interval DEFAULT '1 day',
    server pg_catalog.name DEFAULT NULL,
    OUT object_key pg_catalog.text,
    OUT version_id pg_catalog.text,
    OUT size pg_catalog.int8,
    OUT etag pg_catalog.text,
    OUT last_modified pg_catalog.timestamptz)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1000
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_orphans(pg_catalog.text, pg_catalog.interval, pg_catalog.name) IS
    'objects and versions in the bucket that no row names';
REVOKE EXECUTE ON FUNCTION b2_orphans(pg_catalog.text, pg_catalog.interval, pg_catalog.name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION b2_orphans(pg_catalog.text, pg_catalog.interval, pg_catalog.name)
    TO @extowner@ WITH GRANT OPTION;

CREATE FUNCTION b2_missing(
    prefix pg_catalog.text DEFAULT NULL,
    older_than pg_catalog.interval DEFAULT '1 day',
    server pg_catalog.name DEFAULT NULL,
    OUT object_key pg_catalog.text,
    OUT version_id pg_catalog.text,
    OUT size pg_catalog.int8,
    OUT etag pg_catalog.text,
    OUT last_modified pg_catalog.timestamptz)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1000
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2_missing(pg_catalog.text, pg_catalog.interval, pg_catalog.name) IS
    'files whose object, in the version that their row names, is not in the bucket';
REVOKE EXECUTE ON FUNCTION b2_missing(pg_catalog.text, pg_catalog.interval, pg_catalog.name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION b2_missing(pg_catalog.text, pg_catalog.interval, pg_catalog.name)
    TO @extowner@ WITH GRANT OPTION;

-- What an operator looks at. A function, because nothing in a query over the view comes before it.
CREATE FUNCTION b2neon_maintenance(
    OUT server pg_catalog.name,
    OUT waiting pg_catalog.int8,
    OUT failing pg_catalog.int8,
    OUT parked pg_catalog.int8,
    OUT oldest pg_catalog.timestamptz,
    OUT last_error pg_catalog.text,
    OUT pending_uploads pg_catalog.int8,
    OUT expired_uploads pg_catalog.int8,
    OUT lineage_problem pg_catalog.text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION b2neon_maintenance() IS 'the rows of the view b2_maintenance';
REVOKE EXECUTE ON FUNCTION b2neon_maintenance() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION b2neon_maintenance() TO @extowner@ WITH GRANT OPTION;
CREATE VIEW b2_maintenance AS
    SELECT server, waiting, failing, parked, oldest, last_error, pending_uploads, expired_uploads, lineage_problem
    FROM b2neon_maintenance();
COMMENT ON VIEW b2_maintenance IS 'what waits for b2_maintain(), a row for each server';
COMMENT ON COLUMN b2_maintenance.server IS 'the foreign server, which is the bucket';
COMMENT ON COLUMN b2_maintenance.waiting IS 'entries of b2_deletions, those that fail and are parked included';
COMMENT ON COLUMN b2_maintenance.failing IS 'entries that could not be deleted so far, and that are tried again';
COMMENT ON COLUMN b2_maintenance.parked IS 'entries that were refused so often that they are not tried any more';
COMMENT ON COLUMN b2_maintenance.oldest IS 'when the entry was queued that waits for the longest time';
COMMENT ON COLUMN b2_maintenance.last_error IS 'why an entry is still there, of the one that was tried most often';
COMMENT ON COLUMN b2_maintenance.pending_uploads IS 'uploads whose URL can be used, and that were not registered yet';
COMMENT ON COLUMN b2_maintenance.expired_uploads IS
    'uploads whose URL has expired; after upload_grace b2_maintain() deletes what was not registered';
COMMENT ON COLUMN b2_maintenance.lineage_problem IS
    'why b2_maintain() refuses to run in this database; NULL: it does not';
ALTER VIEW b2_maintenance OWNER TO @extowner@;
