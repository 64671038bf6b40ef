-- b2_presign_get: download links.
CREATE FUNCTION without_time(url text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(url, '(?<=Date=|%2F)\d{8}(T\d{6}Z)?(?=[%&])', '<time>', 'g'),
                          'Signature=[0-9a-f]{64}$', 'Signature=<signature>')
$$;
SELECT without_time(b2_presign_get('folder/test b2.png'));
SELECT without_time(b2_presign_get('k', 3600, 'Überblick "2026" 100%.pdf', 'application/pdf',
                                   version_id => '4_z1/2', stable_for => 900));
SELECT b2_presign_get('k', stable_for => 86400) = b2_presign_get('k', stable_for => 86400) AS stable;
SELECT b2_presign_get(NULL) IS NULL AS no_file_no_link;
-- A link to each of many rows.
SELECT count(DISTINCT b2_presign_get('k' || i)) FROM generate_series(1, 1000) i;

SELECT b2_presign_get('k', NULL);
SELECT b2_presign_get('k', 0);
SELECT b2_presign_get('k', stable_for => NULL);
SELECT b2_presign_get('k', stable_for => -1);
SELECT b2_presign_get('k', 604800, stable_for => 1);
SELECT b2_presign_get('k', stable_for => 2147483647);
SELECT b2_presign_get('', 300);
SELECT b2_presign_get('k', download_as => '');
SELECT b2_presign_get('k', download_as => E'a\nb');
SELECT b2_presign_get('k', download_as => repeat('ü', 128));
SELECT b2_presign_get('k', content_type => 'html');
SELECT b2_presign_get('k', content_type => E'text/html\r\nX: y');
SELECT b2_presign_get('k', version_id => '');
SELECT b2_presign_get('k', version_id => E'a\x01');
SELECT b2_presign_get('k', server => 'nowhere');

-- The form for many keys.
SELECT ordinality, object_key, without_time(presigned_url)
FROM b2_presign_get(ARRAY['b', 'a/ä', 'b']) WITH ORDINALITY;
SELECT without_time(presigned_url)
FROM b2_presign_get(object_keys => '{k}', expires_in => 60, content_type => 'text/plain', stable_for => 60);
SELECT presigned_url = b2_presign_get(object_key) AS same FROM b2_presign_get(ARRAY['k', 'l']);
SELECT count(*) FROM b2_presign_get('{}'::text[]);
SELECT count(DISTINCT presigned_url) FROM b2_presign_get(ARRAY(SELECT 'k' || i FROM generate_series(1, 100000) i));
-- Without a type it is one key.
SELECT without_time(b2_presign_get('{a,b}'));
SELECT * FROM b2_presign_get(NULL::text[]);
SELECT * FROM b2_presign_get(ARRAY['a', NULL]);
SELECT * FROM b2_presign_get('{{a},{b}}'::text[]);
SELECT * FROM b2_presign_get(ARRAY['a', '../b']);
SELECT * FROM b2_presign_get(ARRAY['a'], 0);
SELECT * FROM b2_presign_get(ARRAY['a'], content_type => 'html');
SELECT * FROM b2_presign_get(ARRAY['a'], stable_for => NULL);
SELECT * FROM b2_presign_get(ARRAY['a'], server => 'nowhere');
SELECT * FROM b2_presign_get(ARRAY(SELECT 'k' || i FROM generate_series(1, 100001) i));
DROP FUNCTION without_time;
