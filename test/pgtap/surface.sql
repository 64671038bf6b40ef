-- The SQL surface is what the documentation promises: names, order, defaults, types, properties.
BEGIN;
CREATE EXTENSION pgtap;
CREATE EXTENSION b2neon;
SELECT plan(35);

CREATE FUNCTION signature(function text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(pg_get_function_arguments(oid), E'\n' ORDER BY oid)
    FROM pg_proc WHERE proname = function
$$;
CREATE FUNCTION properties(function text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(provolatile::text || ' ' || proparallel::text || CASE WHEN proisstrict THEN ' strict' ELSE '' END
                      || CASE WHEN prosecdef THEN ' security definer' ELSE '' END, E'\n' ORDER BY oid)
    FROM pg_proc WHERE proname = function
$$;

SELECT is(signature('b2_presign_put'),
    'file_name text, content_type text, expires_in integer DEFAULT 300, user_id text DEFAULT NULL::text, '
    'size bigint DEFAULT NULL::bigint, content_md5 text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, '
    'object_key text DEFAULT NULL::text, server name DEFAULT NULL::name, OUT presigned_url text, '
    'OUT object_key text, OUT public_file_url text, OUT headers jsonb, OUT expires_at timestamp with time zone',
    'b2_presign_put has the documented arguments');
SELECT is(signature('b2_presign_get'),
    'object_key text, expires_in integer DEFAULT 300, download_as text DEFAULT NULL::text, '
    'content_type text DEFAULT NULL::text, version_id text DEFAULT NULL::text, '
    'stable_for integer DEFAULT 0, server name DEFAULT NULL::name'
    || chr(10) || 'object_keys text[], expires_in integer DEFAULT 300, content_type text DEFAULT NULL::text, '
    'stable_for integer DEFAULT 0, server name DEFAULT NULL::name, OUT object_key text, OUT presigned_url text',
    'b2_presign_get has the documented arguments, for one key and for many');
SELECT is(signature('b2_presign'),
    'method text, object_key text, expires_in integer DEFAULT 300, headers jsonb DEFAULT NULL::jsonb, '
    'query jsonb DEFAULT NULL::jsonb, signed_at timestamp with time zone DEFAULT NULL::timestamp with time zone, '
    'server name DEFAULT NULL::name',
    'b2_presign has the documented arguments');
SELECT is(signature('b2_register_file'),
    'object_key text, user_id text DEFAULT NULL::text, public_file_url text DEFAULT NULL::text, '
    'verify boolean DEFAULT true, metadata jsonb DEFAULT NULL::jsonb, server name DEFAULT NULL::name, '
    'OUT id bigint, OUT object_key text, OUT file_url text, OUT user_id text, '
    'OUT upload_timestamp timestamp with time zone, OUT server name, OUT file_name text, OUT content_type text, '
    'OUT size bigint, OUT etag text, OUT version_id text, OUT metadata jsonb, '
    'OUT verified_at timestamp with time zone',
    'b2_register_file has the documented arguments');
SELECT is(signature('b2_register_files'),
    'object_keys text[], user_id text DEFAULT NULL::text, verify boolean DEFAULT true, server name DEFAULT NULL::name, '
    'OUT id bigint, OUT object_key text, OUT file_url text, OUT user_id text, '
    'OUT upload_timestamp timestamp with time zone, OUT server name, OUT file_name text, OUT content_type text, '
    'OUT size bigint, OUT etag text, OUT version_id text, OUT metadata jsonb, '
    'OUT verified_at timestamp with time zone',
    'b2_register_files has the documented arguments');
SELECT is(signature('b2_user_id'), '', 'b2_user_id has no arguments');
SELECT is(signature('b2_set_identity'), 'source text', 'b2_set_identity has the documented argument');
SELECT is(signature('b2_check'),
    'origin text DEFAULT NULL::text, server name DEFAULT NULL::name, OUT item text, OUT ok boolean, OUT detail text',
    'b2_check has the documented arguments');
SELECT function_returns('b2_presign', 'text');
SELECT function_returns('b2_presign_get', ARRAY['text', 'integer', 'text', 'text', 'text', 'integer', 'name'], 'text');
SELECT function_returns('b2_presign_get', ARRAY['text[]', 'integer', 'text', 'integer', 'name'], 'setof record');
SELECT function_returns('b2_user_id', 'text');
SELECT function_returns('b2_presign_put', 'record');
SELECT function_returns('b2_register_file', 'record');
SELECT function_returns('b2_register_files', 'setof record');

SELECT is(properties('b2_presign'), 's s', 'b2_presign is stable and parallel safe');
SELECT is(properties('b2_presign_get'), E's s\ns s', 'b2_presign_get is stable and parallel safe');
SELECT is(properties('b2_user_id'), 's s', 'b2_user_id is stable and parallel safe');
SELECT is(properties('b2_presign_put'), 'v u', 'b2_presign_put is volatile and parallel unsafe');
SELECT is(properties('b2_register_file'), 'v u', 'b2_register_file is volatile and parallel unsafe');
SELECT is(properties('b2_register_files'), 'v u', 'b2_register_files is volatile and parallel unsafe');
SELECT is_empty(
    $$SELECT p.proname FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
      WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
        AND d.deptype = 'e' AND p.prosecdef
        AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'b2neon')$$,
    'no function is SECURITY DEFINER');
SELECT is_empty(
    $$SELECT p.proname FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
      WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
        AND d.deptype = 'e' AND p.proleakproof
        AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'b2neon')$$,
    'no function is LEAKPROOF');

SELECT columns_are('b2_files', ARRAY['id', 'object_key', 'file_url', 'user_id', 'upload_timestamp', 'server',
    'file_name', 'content_type', 'size', 'etag', 'version_id', 'metadata', 'verified_at']);
SELECT col_is_pk('b2_files', 'id', 'id is the primary key of b2_files');
SELECT col_is_unique('b2_files', 'object_key', 'object_key is unique in b2_files');
SELECT index_is_unique('b2_files', 'b2_files_object_key_key');
SELECT has_index('b2_files', 'b2_files_user_id_upload_timestamp_idx',
                 'the files of a user, newest first, have an index');
SELECT col_is_pk('b2_uploads', 'object_key', 'object_key is the primary key of b2_uploads');
SELECT col_is_pk('b2_deletions', 'id', 'id is the primary key of b2_deletions');
SELECT ok((SELECT bool_and(relrowsecurity) FROM pg_class
           WHERE relname IN ('b2_files', 'b2_uploads', 'b2_deletions', 'b2_identity', 'b2_lineage')),
          'row-level security is on for all five tables');
SELECT is_empty(
    $$SELECT p.proname FROM pg_proc p
      WHERE p.proname IN ('b2_check', 'b2_set_identity', 'b2neon_fdw_validator')
        AND has_function_privilege('public', p.oid, 'EXECUTE')$$,
    'what configures is not executable by PUBLIC');
SELECT is((SELECT array_agg(e ORDER BY e) FROM (
               SELECT unnest(extconfig)::regclass::text AS e FROM pg_extension WHERE extname = 'b2neon') x),
          ARRAY['b2_deletions', 'b2_identity', 'b2_lineage', 'b2_uploads'],
          'the rows of the internal tables are dumped');
SELECT is((SELECT extrelocatable FROM pg_extension WHERE extname = 'b2neon'), false,
          'the extension is not relocatable');
SELECT is((SELECT trusted FROM pg_available_extension_versions WHERE name = 'b2neon' LIMIT 1), true,
          'the extension is trusted');

SELECT * FROM finish();
ROLLBACK;
