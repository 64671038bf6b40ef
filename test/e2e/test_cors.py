"""b2_check() says of an origin what a browser would say, and which rule is missing."""

import json
import re
import shlex
from contextlib import contextmanager

import listener
import pytest
from cluster import refused
from cors_rule import cors_rule
from doc_examples import examples, run_examples
from http_request import put, send

pytestmark = pytest.mark.own_database

APP = "https://app.example"
OTHER = "https://other.example"
UPLOAD_HEADERS = "content-md5,content-type"

RULE = cors_rule(APP)


@contextmanager
def rules(store, *rules):
    """The bucket with these rules; those whose value is None are left out of a rule."""
    configuration = {"CORSRules": [{k: v for k, v in rule.items() if v is not None} for rule in rules]}
    store.s3.put_bucket_cors(Bucket=store.bucket, CORSConfiguration=configuration)
    try:
        yield
    finally:
        store.s3.delete_bucket_cors(Bucket=store.bucket)


def check(session, origin, server="b2"):
    (row,) = (
        row
        for row in session.rows("SELECT * FROM b2_check(%s, %s)", origin, server)
        if row.item == "CORS"
    )
    return row


def browser_may(method, url, origin, headers=None):
    """Whether a browser, which has its own words for it, would go on after the preflight."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    answer = send("OPTIONS", url, None, asked)
    listed = (answer.headers.get("Access-Control-Allow-Headers") or "").lower().split(",")
    return (
        answer.status == 200
        and answer.headers.get("Access-Control-Allow-Origin") in ("*", origin)
        and answer.headers.get("Access-Control-Allow-Methods") == method
        and set(headers.split(",") if headers else []) <= {name.strip() for name in listed}
    )


def test_with_the_documented_rule_a_page_can_upload_download_and_read_the_etag(session, store):
    with rules(store, RULE):
        row = check(session, APP)
        assert row.ok
        assert row.detail == (
            f'A page of "{APP}" can PUT, with Content-Type and Content-MD5, GET and HEAD, and read the ETag.'
        )
        # What it says is so: with the very URLs that a page would use.
        upload = session.row("SELECT * FROM b2_presign_put('a', 'text/plain', user_id => 'u')")
        assert browser_may("PUT", upload.presigned_url, APP, UPLOAD_HEADERS)
        answer = put(upload, b"bytes", Origin=APP)
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert answer.headers["Access-Control-Expose-Headers"] == "ETag"
        link = session.value("SELECT b2_presign_get(%s)", upload.object_key)
        answer = send("GET", link, None, {"Origin": APP})
        assert (answer.body, answer.headers["Access-Control-Allow-Origin"]) == (b"bytes", APP)


@pytest.mark.parametrize("origins", [["*"], ["https://*.example"], [OTHER, APP]])
@pytest.mark.parametrize("headers", [["*"], ["Content-*"], ["Content-MD5", "Content-Type", "range"]])
def test_wildcards_and_lists_are_fine(session, store, origins, headers):
    with rules(store, {**RULE, "AllowedOrigins": origins, "AllowedHeaders": headers}):
        assert check(session, APP).ok


@pytest.mark.parametrize(
    "change, said",
    [
        ({"AllowedOrigins": [OTHER]}, "no rule lets it in"),
        ({"AllowedOrigins": [APP.replace("https", "http")]}, "no rule lets it in"),
        ({"AllowedOrigins": [APP + "/"]}, "no rule lets it in"),
        ({"AllowedMethods": ["GET", "HEAD"]}, "PUT is not allowed"),
        ({"AllowedMethods": ["PUT", "HEAD"]}, "GET is not allowed"),
        ({"AllowedMethods": ["PUT", "GET"]}, "HEAD is not allowed"),
        ({"AllowedHeaders": ["content-type"]}, "the headers Content-Type and Content-MD5 are not both allowed"),
        ({"AllowedHeaders": ["content-md5"]}, "the headers Content-Type and Content-MD5 are not both allowed"),
        ({"AllowedHeaders": None}, "the headers Content-Type and Content-MD5 are not both allowed"),
        ({"ExposeHeaders": None}, "ETag is not exposed"),
        ({"ExposeHeaders": ["x-amz-version-id"]}, "ETag is not exposed"),
        ({"AllowedMethods": ["GET"], "ExposeHeaders": None}, "PUT is not allowed; HEAD is not allowed; ETag is not exposed"),
    ],
)  # fmt: skip
def test_what_is_missing_in_a_rule_is_told(session, store, change, said):
    with rules(store, {**RULE, **change}):
        row = check(session, APP)
    assert not row.ok
    assert row.detail.startswith(f'A page of "{APP}" could not work with the bucket: {said}. Add this rule')


def test_two_rules_that_each_allow_one_header_do_not_allow_both(session, store):
    """A preflight is answered by one rule."""
    with rules(store, {**RULE, "AllowedHeaders": ["content-type"]}, {**RULE, "AllowedHeaders": ["content-md5"]}):
        assert "not both allowed" in check(session, APP).detail


def test_the_advice_works_as_it_stands(session, store):
    """The S3 form is set on the store as it was given; B2's own form says the same."""
    detail = check(session, APP).detail
    b2_command, s3_command = re.findall(r"(?:b2 bucket|aws s3api) .*", detail)

    words = shlex.split(s3_command)
    assert words[words.index("--bucket") + 1] == store.bucket
    assert words[words.index("--endpoint-url") + 1] == store.endpoint
    configuration = json.loads(words[-1])
    assert configuration == {"CORSRules": [RULE]}
    with rules(store, *configuration["CORSRules"]):
        assert check(session, APP).ok

    words = shlex.split(b2_command)
    assert words[:4] == ["b2", "bucket", "update", "--cors-rules"] and words[-1] == store.bucket
    assert json.loads(words[4]) == [
        {
            "corsRuleName": "b2neon",
            "allowedOrigins": [APP],
            "allowedOperations": ["s3_put", "s3_get", "s3_head"],
            "allowedHeaders": ["content-type", "content-md5"],
            "exposeHeaders": ["etag"],
            "maxAgeSeconds": 3600,
        }
    ]


def test_the_page_on_cors_has_the_rule_in_forms_that_work(session, own_database, cluster, store, monkeypatch):
    (sql,) = examples("docs/cors.md")
    (python,) = examples("docs/cors.md", language="python")
    (native,) = examples("docs/cors.md", language="json")
    origin = "https://app.example.com"
    detail = check(session, origin).detail
    assert json.loads(native) == json.loads(re.search(r"--cors-rules '(.*)' ", detail)[1])

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.application_key)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    python = python.replace("https://s3.us-west-004.backblazeb2.com", store.endpoint)
    python = python.replace("my-neon-app-b2-files", store.bucket).replace("us-west-004", store.region)
    with rules(store, {**RULE, "AllowedOrigins": [OTHER]}):
        exec(python, {})
        assert check(session, origin).ok
        assert not check(session, OTHER).ok
    run_examples(cluster, own_database, [sql], store.endpoint)


def test_a_403_has_no_cors_headers_even_with_the_rule(session, store):
    """So a browser shows it as a network error (docs/cors.md)."""
    with rules(store, RULE):
        upload = session.row("SELECT * FROM b2_presign_put('a', 'text/plain', user_id => 'u')")
        answer = put(upload, b"bytes", Origin=APP, Content_Type="text/html")
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_objects_of_the_check_are_gone_afterwards(session, store):
    before = store.keys("")
    with rules(store, RULE):
        session.rows("SELECT * FROM b2_check(%s)", APP)
    assert store.keys("") == before


@pytest.mark.parametrize(
    "origin, said",
    [
        ("", "no slash"),
        ("*", "no slash"),
        ("null", "no slash"),
        ("app.example", "no slash"),
        ("ftp://app.example", "no slash"),
        ("https://app.example/", "no slash"),
        ("https://app.example/upload", "no path"),
        ("https://*.example", "no slash"),
        ("https://a\nHost: b", "no slash"),
        ("https://a'b", "no slash"),
        ("https://App.example", "lower case"),
        ("https://app.example:443", "own port"),
        ("http://localhost:80", "own port"),
    ],
)
def test_what_is_no_origin_is_refused(session, origin, said):
    with refused("22023", message="invalid origin", detail=said):
        session.run("SELECT b2_check(%s)", origin)


NO_OBJECTS = '<?xml version="1.0"?><ListBucketResult><Name>b</Name></ListBucketResult>'


def scripted(session, options="200 OK", download=None, **headers):
    """What the check says of a store that answers preflights with these headers, and downloads with
    those of `download` or the same."""
    sent = []

    def answer(request):
        method = request.split()[0]
        sent.append(request)
        if method == "OPTIONS":
            return listener.http(options, **headers)
        if method == "GET":
            is_list = "list-type" in request
            body = NO_OBJECTS if is_list else "b2neon tries whether uploads work"
            return listener.http("200 OK", body, **(headers if download is None else download))
        return listener.http("204 No Content" if method == "DELETE" else "200 OK", x_amz_version_id="v1")

    with listener.scripted(answer) as other:
        session.run(f"SET b2neon.allowed_endpoints = '{other.endpoint}'")
        session.run(f"ALTER SERVER b2 OPTIONS (SET endpoint '{other.endpoint}')")
        row = check(session, APP)
    return row, sent


def test_stars_in_the_answer_let_everybody_in(session):
    row, sent = scripted(
        session,
        "204 No Content",
        Access_Control_Allow_Origin="*",
        Access_Control_Allow_Methods="*",
        Access_Control_Allow_Headers="*",
        Access_Control_Expose_Headers="*",
    )
    assert row.ok
    # As browsers do: on the URL that is signed for the method to come.
    assert all("X-Amz-Signature" in request for request in sent if request.startswith("OPTIONS"))


@pytest.mark.parametrize(
    "headers, said",
    [
        ({}, "no rule lets it in"),
        ({"Access_Control_Allow_Origin": OTHER}, "no rule lets it in"),
        ({"Access_Control_Allow_Origin": APP}, "PUT is not allowed; ETag"),
        ({"Access_Control_Allow_Origin": APP, "Access_Control_Allow_Methods": "put"}, "PUT is not allowed; ETag"),
        ({"Access_Control_Allow_Origin": APP, "Access_Control_Allow_Methods": "PUT"}, "not both allowed; ETag"),
    ],
)  # fmt: skip
def test_an_answer_of_success_can_still_be_a_no(session, headers, said):
    row, _ = scripted(session, **headers)
    assert not row.ok and said in row.detail


def test_an_answer_that_a_page_may_not_read_is_told(session):
    row, _ = scripted(
        session,
        download={"Access_Control_Expose_Headers": "ETag"},
        Access_Control_Allow_Origin=APP,
        Access_Control_Allow_Methods="PUT",
        Access_Control_Allow_Headers=UPLOAD_HEADERS,
    )
    assert not row.ok
    assert ": the answer to a GET may not be read." in row.detail


def test_where_the_key_cannot_read_only_the_etag_stays_open(session, store, store_admin):
    with store_admin.uploader(store) as (key_id, application_key), rules(store, RULE):
        session.run(
            "ALTER USER MAPPING FOR PUBLIC SERVER b2"
            f" OPTIONS (SET key_id '{key_id}', SET application_key '{application_key}')"
        )
        row = check(session, APP)
    assert row.ok
    assert "whether it can read the ETag was not tried" in row.detail


def test_a_store_that_does_not_answer_preflights_is_not_called_wrong(session):
    session.run("ALTER SERVER b2 OPTIONS (ADD request_timeout '500')")
    row, sent = scripted(session, "503 Slow Down")
    assert not row.ok
    assert "cannot be told" in row.detail and "503" in row.detail
    assert "b2 bucket update" not in row.detail
    assert sent[-1].startswith("DELETE")
