-- Where a role that is no superuser can point a server: at Backblaze, and at nothing else that it was not allowed.
\set tests 49
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE EXTENSION b2neon;
SELECT plan(:tests);
GRANT ALL ON TABLE __tcache__ TO PUBLIC;
GRANT ALL ON SEQUENCE __tresults___numb_seq TO PUBLIC;
CREATE ROLE tenant;
GRANT USAGE ON FOREIGN DATA WRAPPER b2neon TO tenant;
SET LOCAL b2neon.allowed_endpoints = '*.backblazeb2.com';  -- the default

CREATE FUNCTION create_server(endpoint text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SERVER s FOREIGN DATA WRAPPER b2neon OPTIONS (endpoint %L, bucket ''bucket'', region ''x'')', endpoint);
END
$$;
SET ROLE tenant;
SELECT throws_ok(format('SELECT create_server(%L)', endpoint), '42501',
                 format('endpoint "%s" is not allowed', endpoint), format('no server at %s', endpoint))
FROM unnest(ARRAY[
    'https://169.254.169.254', 'https://127.0.0.1', 'https://127.1', 'https://10.0.0.1', 'https://192.168.1.1', 'https://0.0.0.0',
    'https://2130706433', 'https://0x7f000001', 'https://[::1]', 'https://[::ffff:127.0.0.1]', 'https://[fd00::1]',
    'https://localhost', 'https://metadata.google.internal', 'https://evil.example',
    'https://backblazeb2.com', 'https://backblazeb2.com.evil.example', 'https://evilbackblazeb2.com', 'https://x.backblazeb2.com.evil.example',
    'http://s3.us-west-004.backblazeb2.com', 'https://s3.us-west-004.backblazeb2.com:8443', 'https://s3.us-west-004.backblazeb2.com:80']) AS endpoint;
SELECT throws_ok(format('SELECT create_server(%L)', endpoint), '22023', NULL, format('%s is no endpoint', quote_literal(endpoint)))
FROM unnest(ARRAY[
    'https://x.backblazeb2.com@evil.example', 'https://user:password@x.backblazeb2.com', 'https://evil.example\@x.backblazeb2.com',
    'https://evil.example/x.backblazeb2.com', 'https://evil.example?x.backblazeb2.com', 'https://evil.example#x.backblazeb2.com',
    E'https://x.backblazeb2.com\n', E'https://evil.example\n.backblazeb2.com', E'https://evil.example\r\nHost: x.backblazeb2.com',
    'https://evil.example .backblazeb2.com', 'https://evil.example%2f.backblazeb2.com', 'https://evil.example%00.backblazeb2.com',
    'https://.backblazeb2.com', 'https://x..backblazeb2.com', 'https://x.backblazeb2.com.', 'https://*.backblazeb2.com',
    'file:///etc/passwd', 'gopher://x.backblazeb2.com', 'ftp://x.backblazeb2.com', 'x.backblazeb2.com', '//x.backblazeb2.com', '']) AS endpoint;
SELECT is((SELECT count(*) FROM pg_foreign_server), 0::bigint, 'none of these was created');

SELECT lives_ok($$SELECT create_server('https://s3.us-west-004.backblazeb2.com')$$, 'a server at Backblaze can be');
SELECT throws_ok($$ALTER SERVER s OPTIONS (SET endpoint 'https://127.0.0.1')$$, '42501',
                 'endpoint "https://127.0.0.1" is not allowed', 'and cannot be led elsewhere afterwards');
SELECT throws_ok($$SET b2neon.allowed_endpoints = '*.example'$$, '42501', NULL, 'nor is the list the tenant''s to set');
SELECT throws_ok($$SELECT set_config('b2neon.allowed_endpoints', '*.example', false)$$, '42501', NULL, 'not by set_config either');
SELECT throws_ok($$ALTER ROLE tenant SET b2neon.allowed_endpoints = '*.example'$$, '42501', NULL, 'nor for later sessions');

SELECT * FROM finish();
ROLLBACK;
