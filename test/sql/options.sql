-- Options of foreign servers and user mappings, checked where they are given.
CREATE SERVER bare FOREIGN DATA WRAPPER b2neon;
CREATE SERVER no_bucket FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com');
CREATE SERVER unknown FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'files', buckett 'x');
CREATE SERVER leaky FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'files', application_key 'x');
ALTER FOREIGN DATA WRAPPER b2neon OPTIONS (ADD endpoint 'x');

-- The endpoint is a URL of scheme and host, and nothing more.
CREATE FUNCTION try_endpoint(endpoint text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
BEGIN
    EXECUTE format('CREATE SERVER tried FOREIGN DATA WRAPPER b2neon
                    OPTIONS (endpoint %L, bucket ''files'', region ''us-west-004'')', endpoint);
    DROP SERVER tried;
    RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value OR insufficient_privilege THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || CASE detail WHEN '' THEN message ELSE detail END;
END
$$;
SELECT endpoint, try_endpoint(endpoint) FROM unnest(ARRAY[
    'https://s3.us-west-004.backblazeb2.com',
    'https://s3.us-west-004.backblazeb2.com/',
    'https://s3.us-west-004.backblazeb2.com:443',
    'https://s3.us-west-004.backblazeb2.com:8443',
    'HTTPS://s3.us-west-004.backblazeb2.com',
    's3.us-west-004.backblazeb2.com',
    'http://s3.us-west-004.backblazeb2.com',
    'ftp://s3.us-west-004.backblazeb2.com',
    'https://s3.us-west-004.backblazeb2.com/bucket',
    'https://s3.us-west-004.backblazeb2.com?x=y',
    'https://s3.us-west-004.backblazeb2.com#x',
    'https://user:secret@s3.us-west-004.backblazeb2.com',
    'https://x.backblazeb2.com@evil.example',
    'https://backblazeb2.com.evil.example',
    'https://evilbackblazeb2.com',
    'https://backblazeb2.com',
    'https://',
    'https://:443',
    'https://s3.backblazeb2.com:0',
    'https://s3.backblazeb2.com:65536',
    'https://s3 .backblazeb2.com',
    E'https://s3.backblazeb2.com\n',
    'https://127.0.0.1',
    'https://[::1]',
    '']) AS endpoint;

-- Everything else.
CREATE FUNCTION try_option(name text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE format('CREATE SERVER tried FOREIGN DATA WRAPPER b2neon
                    OPTIONS (endpoint ''https://s3.us-west-004.backblazeb2.com'', %s %I %L)',
                   CASE name WHEN 'bucket' THEN '' ELSE 'bucket ''files'',' END, name, value);
    DROP SERVER tried;
    RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END
$$;
SELECT name, left(value, 40) AS value, try_option(name, value) FROM (VALUES
    ('bucket', 'my-neon-app-b2-files'), ('bucket', 'Dotted.Name'), ('bucket', 'ab'),
    ('bucket', repeat('a', 64)), ('bucket', '-ab'), ('bucket', 'a..b'), ('bucket', 'a/b'),
    ('region', 'eu-central-003'), ('region', 'EU'), ('region', ''), ('region', 'a/b'),
    ('url_style', 'path'), ('url_style', 'virtual'), ('url_style', 'dns'),
    ('public', 'true'), ('public', 'no'), ('public', 'maybe'),
    ('public_url', 'https://cdn.example.com/files/'), ('public_url', 'cdn.example.com'),
    ('public_url', 'https://cdn.example.com/?x'), ('public_url', 'https://cdn.example.com/a b'),
    ('key_prefix', 'uploads/'), ('key_prefix', ''), ('key_prefix', '../'),
    ('key_prefix', repeat('x', 513)),
    ('max_upload_size', '0'), ('max_upload_size', '-1'), ('max_upload_size', '10MB'),
    ('max_upload_size', '99999999999999999999'),
    ('max_expires_in', '604800'), ('max_expires_in', '604801'), ('max_expires_in', '0'),
    ('allowed_content_types', 'image/*, application/pdf'), ('allowed_content_types', ''),
    ('allowed_content_types', 'image/png; x="y"'),
    ('upload_grace', '0'), ('upload_grace', 'x'),
    ('connect_timeout', '1'), ('connect_timeout', '0'), ('request_timeout', '600001')
) AS v (name, value);

-- A region is needed where the host name does not tell it.
CREATE SERVER far FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://files.backblazeb2.com', bucket 'files');
CREATE SERVER contradictory FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'files',
             public_url 'https://cdn.example.com', public 'false');

CREATE SERVER b2 FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.us-west-004.backblazeb2.com', bucket 'my-neon-app-b2-files');
ALTER SERVER b2 OPTIONS (DROP bucket);
CREATE USER MAPPING FOR PUBLIC SERVER b2;
CREATE USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (key_id 'k');
CREATE USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (key_id '', application_key 's');
CREATE USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (key_id 'k', application_key 'a secret');
CREATE USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (key_id 'a/b', application_key 's');
CREATE USER MAPPING FOR PUBLIC SERVER b2 OPTIONS (key_id 'k', application_key 's', bucket 'x');
CREATE USER MAPPING FOR PUBLIC SERVER b2
    OPTIONS (key_id 'k', application_key 's', upload_key_id 'u');
CREATE USER MAPPING FOR PUBLIC SERVER b2
    OPTIONS (key_id '0041234567890ab0000000001', application_key 'K004secret');

-- Settings.
SHOW b2neon.server;
SHOW b2neon.allowed_endpoints;
SET b2neon.allowed_endpoints = '*.backblazeb2.com, https://host/path';
SET b2neon.server = 'a name that is far longer than any name of an object in PostgreSQL can be';
SET b2neon.srever = 'x';
DROP FUNCTION try_endpoint, try_option;
