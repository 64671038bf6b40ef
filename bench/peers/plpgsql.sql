-- Presigning in PL/pgSQL with pgcrypto, as carefully as it can be done there. What is the same for
-- all URLs of a statement is worked out once, by bench_presign_parts(): the signing key, and all
-- that stands before and behind the object key. bench_presign_get() takes these as arguments. It encodes
-- only keys that need it, and hashes with the server's own sha256().

CREATE EXTENSION pgcrypto;

CREATE FUNCTION bench_signing_key(application_key text, day text, region text) RETURNS bytea
    LANGUAGE sql IMMUTABLE AS $$
    SELECT hmac('aws4_request', hmac('s3', hmac(convert_to(region, 'UTF8'),
        hmac(day, 'AWS4' || application_key, 'sha256'), 'sha256'), 'sha256'), 'sha256') $$;

CREATE FUNCTION bench_presign_parts(
    host text, region text, bucket text, key_id text, application_key text, expires_in integer,
    signed_at timestamptz,
    OUT canonical_head text, OUT canonical_tail text, OUT to_sign_head text, OUT signing_key bytea,
    OUT url_head text, OUT url_tail text)
    LANGUAGE plpgsql AS $$
DECLARE
    amz_date text := to_char(signed_at AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS"Z"');
    day text := left(amz_date, 8);
    scope text := format('%s/%s/s3/aws4_request', day, region);
    parameters text := 'X-Amz-Algorithm=AWS4-HMAC-SHA256'
        || '&X-Amz-Credential=' || replace(key_id || '/' || scope, '/', '%2F')
        || '&X-Amz-Date=' || amz_date
        || '&X-Amz-Expires=' || expires_in
        || '&X-Amz-SignedHeaders=host';
BEGIN
    canonical_head := format(E'GET\n/%s/', bucket);
    canonical_tail := format(E'\n%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD', parameters, host);
    to_sign_head := format(E'AWS4-HMAC-SHA256\n%s\n%s\n', amz_date, scope);
    signing_key := bench_signing_key(application_key, day, region);
    url_head := format('https://%s/%s/', host, bucket);
    url_tail := format('?%s&X-Amz-Signature=', parameters);
END $$;

CREATE FUNCTION bench_percent_encoded(path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT string_agg(
        CASE WHEN c ~ '[A-Za-z0-9_.~/-]' THEN c
            ELSE regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '..', '%\&', 'g') END,
        '' ORDER BY n)
    FROM regexp_split_to_table(path, '') WITH ORDINALITY t (c, n) $$;

CREATE FUNCTION bench_presign_get(
    object_key text,
    canonical_head text, canonical_tail text, to_sign_head text, signing_key bytea, url_head text,
    url_tail text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    path text := object_key;
BEGIN
    IF path ~ '[^A-Za-z0-9_.~/-]' THEN
        path := bench_percent_encoded(path);
    END IF;
    RETURN url_head || path || url_tail || encode(hmac(
        convert_to(to_sign_head || encode(sha256(
            convert_to(canonical_head || path || canonical_tail, 'UTF8')), 'hex'), 'UTF8'),
        signing_key, 'sha256'), 'hex');
END $$;
