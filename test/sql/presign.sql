-- b2_presign: the signer, with AWS's published example.
SET b2neon.allowed_endpoints = '*.backblazeb2.com, https://s3.amazonaws.com';
CREATE SERVER aws FOREIGN DATA WRAPPER b2neon
    OPTIONS (endpoint 'https://s3.amazonaws.com', bucket 'examplebucket', region 'us-east-1',
             url_style 'virtual');
CREATE USER MAPPING FOR PUBLIC SERVER aws
    OPTIONS (key_id 'AKIAIOSFODNN7EXAMPLE', application_key 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');

-- https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
SELECT b2_presign('GET', 'test.txt', 86400, signed_at => '2013-05-24 00:00:00+00', server => 'aws');

-- Path style, a key of many characters, headers and parameters in canonical order.
SELECT b2_presign('PUT', 'a b+c/ü~''"?#%.png', 60,
                  headers => '{"Content-Type": "image/png", "content-length": 12, "X-Amz-Meta-A": "  two   words "}',
                  query => '{"x-id": "PutObject", "X": "", "a/": 1, "a-": 2}',
                  signed_at => '2026-01-31 23:59:59.999+00');
-- The day turns, and turns back.
SELECT right(b2_presign('GET', 'k', signed_at => '2026-02-01 00:00:00+00'), 64) AS next_day,
       right(b2_presign('GET', 'k', signed_at => '2026-01-31 23:59:59+00'), 64) AS day_before;

-- No time means now.
SELECT b2_presign('HEAD', 'k') ~ ('X-Amz-Date=' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24'));

SELECT b2_presign(NULL, 'k');
SELECT b2_presign('get', 'k');
SELECT b2_presign('', 'k');
SELECT b2_presign('GET', NULL);
SELECT b2_presign('GET', '');
SELECT b2_presign('GET', repeat('x', 1025));
SELECT b2_presign('GET', E'a\nb');
SELECT b2_presign('GET', E'a\x7fb');
SELECT b2_presign('GET', 'a/../b');
SELECT b2_presign('GET', '.');
SELECT b2_presign('GET', U&'\FFFE');
SELECT b2_presign('GET', 'k', 0);
SELECT b2_presign('GET', 'k', 604801);
SELECT b2_presign('GET', 'k', -1);
SELECT b2_presign('GET', 'k', NULL);
SELECT b2_presign('GET', 'k', headers => '[]');
SELECT b2_presign('GET', 'k', headers => '{"a": {"b": 1}}');
SELECT b2_presign('GET', 'k', headers => '{"a": null}');
SELECT b2_presign('GET', 'k', headers => '{"Host": "x"}');
SELECT b2_presign('GET', 'k', headers => '{"a b": "x"}');
SELECT b2_presign('GET', 'k', headers => '{"a": "x\r\ny"}');
SELECT b2_presign('GET', 'k', headers => '{"a": "ü"}');
SELECT b2_presign('GET', 'k', headers => '{"range": "x", "Range": "y"}');
SELECT b2_presign('GET', 'k', headers => (SELECT jsonb_object_agg('h' || i, 'x') FROM generate_series(1, 65) i));
SELECT b2_presign('GET', 'k', query => '{"": "x"}');
SELECT b2_presign('GET', 'k', query => '{"x-amz-signature": "x"}');
SELECT b2_presign('GET', 'k', query => '{"a": "x\ny"}');
SELECT b2_presign('GET', 'k', signed_at => 'infinity');
SELECT b2_presign('GET', 'k', signed_at => '1969-12-31 23:59:59+00');
SELECT b2_presign('GET', 'k', server => 'nowhere');
