"""Presigned URLs carry the signatures that botocore, the AWS SDK for Python, computes."""

import datetime
import json
import random
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SEED = 20130524
CASES = 3000

HOSTS = [
    "https://s3.us-west-004.backblazeb2.com",
    "https://S3.EU-Central-003.BackblazeB2.com",
    "https://s3.us-east-005.backblazeb2.com/",
    "https://s3.amazonaws.com:443",
    "https://s3.amazonaws.com:8443",
    "http://store.example.com",
    "http://store.example.com:80",
    "http://store.example.com:9000",
    "http://192.0.2.7:7480",
    "http://[2001:db8::7]:9000",
]
NUMERIC_HOSTS = HOSTS[-2:]
REGIONS = ["us-east-1", "us-west-004", "eu-central-003", "default", "x", "r" * 63]
BUCKETS = ["b2n", "my-neon-app-b2-files", "Dotted.Bucket.42", "x" * 63]
KEYS = [
    ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("0041234567890ab0000000001", "K004" + "aB3/+=" * 5),
    ("k", "s"),
    ("key.id+with=signs", "long" * 64),
]

# Whole names, and what keys, names and values are put together from.
PARTS = [
    "a", "B", "0", " ", "  ", "+", "%", "%20", "%2F", '"', "'", "`", "?", "#", "&", "=", "~", "-",
    ".", "_", "*", "(", ")", "[", "]", "{", "}", "<", ">", "|", "^", "\\", "$", "@", "!", ",", ";",
    ":", "é", "e\u0301", "ß", "Ω", "\u00a0", "\u200d", "日本語", "漢", "😀", "👩‍👩‍👧", "\ud7ff",
    "\ue000", "\U0010ffff", "/", "//",
]  # fmt: skip
HEADER_NAMES = [
    "Content-Type", "content-length", "Content-MD5", "x-amz-acl", "X-Amz-Meta-A",
    "x-amz-meta-b_c", "x-amz-meta-a-", "x-amz-meta-", "range", "If-None-Match", "Cache-Control",
    "X-A", "x", "0", "~tilde", "zebra", "g", "i", "hosu", "hos", "hostt",
]  # fmt: skip
HEADER_PARTS = ["a", "Z", " ", "  ", "    ", "/", ";", "=", '"', ",", "~", "%", "+", "-", "9"]
RESPONSE_OVERRIDES = [
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires",
]  # fmt: skip
# Encoded and plain, these sort differently, or are the beginning of one another.
PARAMETER_NAMES = [
    "a", "a-", "a=", "a!", "a b", "a/", "a:", "A", "Z", "[", "]", "_", "~", "é", "z", "日", "😀",
    "versionId", "partNumber", "uploadId", "X-A", "X-Amz-", "X-Amz-D", "X-Amz-Da", "X-Amz-E",
    "X-Amz-Si", "X-Amz-Z", "X-Amz-\u0041lgorithmus", "Y", "W", "x-amz", "x-id", "%", "%41", "+",
    "&", "#", "?", "\u00ff", "\uffee",
]  # fmt: skip

LIMITS = [0, 253402300799]  # 1970 and 9999


class QueryAuth(S3SigV4QueryAuth):
    """The SDK's signer, at a time of our choice."""

    def add_auth_at(self, request, moment):
        request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        canonical_request = self.canonical_request(request)
        string_to_sign = self.string_to_sign(request, canonical_request)
        self._inject_signature_to_request(request, self.signature(string_to_sign, request))


def expected_url(server, case):
    parts = urlsplit(server.endpoint)
    scheme, authority = parts.scheme, parts.netloc.lower()
    default_port = {"https": ":443", "http": ":80"}[scheme]
    if authority.endswith(default_port):
        authority = authority[: -len(default_port)]
    path = quote(case["object_key"], safe="/~")
    if server.url_style == "virtual":
        url = f"{scheme}://{server.bucket.lower()}.{authority}/{path}"
    else:
        url = f"{scheme}://{authority}/{server.bucket}/{path}"
    request = AWSRequest(
        method=case["method"],
        url=url,
        headers=dict(case["headers"] or {}),
        params={name: str(value) for name, value in (case["query"] or {}).items()},
    )
    moment = datetime.datetime.fromisoformat(case["signed_at"])
    auth = QueryAuth(
        Credentials(server.key_id, server.application_key),
        "s3",
        server.region,
        expires=case["expires_in"],
    )
    auth.add_auth_at(request, moment)
    return request.url


def parsed(url):
    """The URL's parts, where the order of parameters does not count."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    return parts.scheme, parts.netloc, parts.path, sorted(query), parts.fragment


@pytest.fixture(scope="module")
def servers(database):
    """Foreign servers of many kinds, by name."""
    generator = random.Random(SEED)
    servers = {}
    allowed = {endpoint.rstrip("/") for endpoint in HOSTS}
    with database.connect() as session:
        session.run("SELECT set_config('b2neon.allowed_endpoints', %s, false)", ",".join(allowed))
        for number in range(40):
            server = SimpleNamespace(
                name=f"server {number}",
                endpoint=HOSTS[number % len(HOSTS)],
                url_style=("path", "virtual")[number // len(HOSTS) % 2],
                region=generator.choice(REGIONS),
                bucket=generator.choice(BUCKETS),
            )
            server.key_id, server.application_key = generator.choice(KEYS)
            if server.endpoint in NUMERIC_HOSTS:
                server.url_style = "path"
            options = {
                name: getattr(server, name)
                for name in ("endpoint", "url_style", "region", "bucket")
            }
            mapping = {"key_id": server.key_id, "application_key": server.application_key}
            session.create_server(server.name, options, mapping)
            servers[server.name] = server
    return servers


def text_of(generator, parts, longest):
    return "".join(generator.choices(parts, k=generator.randint(1, longest)))


def random_object_key(generator):
    while True:
        key = text_of(generator, PARTS, 25)
        if not {".", ".."} & set(key.split("/")):
            return key


def random_headers(generator):
    if generator.random() < 0.3:
        return None
    names = generator.sample(HEADER_NAMES, generator.randint(0, 8))
    return {
        name: "".join(generator.choices(HEADER_PARTS, k=generator.randint(0, 20)))
        for name in names
    }


def random_query(generator):
    if generator.random() < 0.2:
        return None
    names = generator.sample(RESPONSE_OVERRIDES, generator.randint(0, 6))
    names += generator.sample(PARAMETER_NAMES, generator.randint(0, 12))
    names += [text_of(generator, PARTS, 4) for _ in range(generator.randint(0, 3))]
    return {
        name: generator.choice(
            ["", generator.randint(-5, 10**12), text_of(generator, PARTS, 10)]
        )
        for name in names
    }


def random_time(generator):
    seconds = generator.choice(
        [generator.randint(*LIMITS), generator.randint(1700000000, 1900000000), *LIMITS]
    )
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    moment += datetime.timedelta(seconds=seconds, microseconds=generator.choice([0, 1, 999999]))
    return moment.isoformat()


def random_case(generator, number, servers):
    return {
        "number": number,
        "server": generator.choice(list(servers)),
        "method": generator.choice(["GET", "PUT", "HEAD", "DELETE"]),
        "object_key": random_object_key(generator),
        "expires_in": generator.choice([1, 604800, generator.randint(1, 604800)]),
        "headers": random_headers(generator),
        "query": random_query(generator),
        "signed_at": random_time(generator),
    }


def test_thousands_of_random_requests_are_signed_as_botocore_signs_them(session, servers):
    print(f"seed {SEED}")
    generator = random.Random(SEED)
    cases = [random_case(generator, number, servers) for number in range(CASES)]
    rows = session.rows(
        "SELECT number, b2_presign(method, object_key, expires_in, headers, query, signed_at,"
        "  server) AS url"
        " FROM jsonb_to_recordset(%s) AS (number int, server name, method text, object_key text,"
        "  expires_in int, headers jsonb, query jsonb, signed_at timestamptz)",
        json.dumps(cases),
    )
    assert len(rows) == CASES
    for row in rows:
        case = cases[row.number]
        expected = expected_url(servers[case["server"]], case)
        assert parsed(row.url) == parsed(expected), f"seed {SEED}, case {case}"
        assert row.url.isascii()
        # The parameters are in the canonical order, and the signature is the last.
        names = [item.split("=")[0] for item in urlsplit(row.url).query.split("&")]
        assert names[-1] == "X-Amz-Signature" and names[:-1] == sorted(names[:-1])


def signed_at(url):
    (date,) = [value for name, value in parsed(url)[3] if name == "X-Amz-Date"]
    moment = datetime.datetime.strptime(date + "+0000", "%Y%m%dT%H%M%SZ%z")
    return moment.isoformat()


def test_download_links_are_signed_as_botocore_signs_them(session, servers):
    generator = random.Random(SEED)
    cases = []
    for number in range(500):
        case = {
            "number": number,
            "server": generator.choice(list(servers)),
            "object_key": random_object_key(generator),
            "expires_in": generator.randint(1, 604800),
            "content_type": generator.choice([None, "image/png", "text/x+y; a=\"b c\""]),
            "version_id": generator.choice([None, "4_z27c88f1d182b150646ff0b16_f1 + /"]),
        }
        cases.append(case)
    rows = session.rows(
        "SELECT number, b2_presign_get(object_key, expires_in, content_type => content_type,"
        "  version_id => version_id, server => server) AS url"
        " FROM jsonb_to_recordset(%s) AS (number int, server name, object_key text,"
        "  expires_in int, content_type text, version_id text)",
        json.dumps(cases),
    )
    assert len(rows) == len(cases)
    for row in rows:
        case = cases[row.number]
        query = {"response-content-type": case["content_type"], "versionId": case["version_id"]}
        case.update(
            method="GET",
            headers=None,
            query={name: value for name, value in query.items() if value is not None},
            signed_at=signed_at(row.url),
        )
        expected = expected_url(servers[case["server"]], case)
        assert parsed(row.url) == parsed(expected), f"seed {SEED}, case {case}"


def test_uploads_are_signed_as_botocore_signs_them(session, servers):
    generator = random.Random(SEED)
    for _ in range(100):
        case = {
            "server": generator.choice(list(servers)),
            "object_key": random_object_key(generator),
            "expires_in": generator.randint(1, 604800),
        }
        headers = {"Content-Type": generator.choice(["image/png", "text/plain; charset=utf-8"])}
        size = generator.choice([None, 0, 5000000000])
        md5 = generator.choice([None, "1B2M2Y8AsgTpgAmY7PhCfg=="])
        with session.transaction():
            row = session.row(
                "SELECT * FROM b2_presign_put('name', %s, %s, size => %s, content_md5 => %s,"
                " object_key => %s, server => %s)",
                headers["Content-Type"],
                case["expires_in"],
                size,
                md5,
                case["object_key"],
                case["server"],
            )
            session.run("DELETE FROM b2_uploads")
        if md5 is not None:
            headers["Content-MD5"] = md5
        assert row.headers == headers
        if size is not None:
            headers["Content-Length"] = str(size)
        case.update(
            method="PUT", headers=headers, query=None, signed_at=signed_at(row.presigned_url)
        )
        expected = expected_url(servers[case["server"]], case)
        assert parsed(row.presigned_url) == parsed(expected), f"seed {SEED}, case {case}"


def test_the_example_that_aws_publishes_comes_out_as_published(session):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"""
    session.run("SET b2neon.allowed_endpoints = 's3.amazonaws.com'")
    session.create_server(
        "aws",
        {
            "endpoint": "https://s3.amazonaws.com",
            "bucket": "examplebucket",
            "region": "us-east-1",
            "url_style": "virtual",
        },
        {
            "key_id": "AKIAIOSFODNN7EXAMPLE",
            "application_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        },
    )
    url = session.value(
        "SELECT b2_presign('GET', 'test.txt', 86400, signed_at => '2013-05-24 00:00:00Z',"
        " server => 'aws')"
    )
    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt"
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400"
        "&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_the_characters_of_the_test_are_the_ones_it_is_about():
    """A guard for the generator: random cases prove nothing about what they never contain."""
    generator = random.Random(SEED)
    servers = {"server": None}
    cases = [random_case(generator, number, servers) for number in range(CASES)]
    keys = "".join(case["object_key"] for case in cases)
    assert all(part in keys for part in PARTS)
    assert {case["method"] for case in cases} == {"GET", "PUT", "HEAD", "DELETE"}
    names = {name for case in cases for name in case["query"] or {}}
    assert set(PARAMETER_NAMES + RESPONSE_OVERRIDES) <= names
    assert {name for case in cases for name in case["headers"] or {}} == set(HEADER_NAMES)
