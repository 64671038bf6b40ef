"""Requests that are not right: both examples answer the same."""

import json

import pytest

pytestmark = pytest.mark.local

GOOD = {"fileName": "test.txt", "contentType": "text/plain"}

BAD_FIELDS = [
    ({"fileName": None}, "fileName is missing."),
    ({"fileName": ""}, "fileName must be a text."),
    ({"fileName": 5}, "fileName must be a text."),
    ({"fileName": ["test.txt"]}, "fileName must be a text."),
    ({"fileName": "zero\0.txt"}, "fileName must be a text."),
    ({"fileName": "half \ud83d.txt"}, "fileName must be a text."),
    ({"contentType": None}, "contentType is missing."),
    ({"contentType": True}, "contentType must be a text."),
    ({"size": "3"}, "size must be a number of bytes."),
    ({"size": -1}, "size must be a number of bytes."),
    ({"size": 1.5}, "size must be a number of bytes."),
    ({"size": True}, "size must be a number of bytes."),
    ({"size": 2**53}, "size must be a number of bytes."),
    ({"size": 10**400}, "size must be a number of bytes."),
    ({"contentMd5": ""}, "contentMd5 must be a text."),
    ({"contentMd5": 5}, "contentMd5 must be a text."),
]


@pytest.mark.parametrize("change, sentence", BAD_FIELDS)
def test_a_field_that_is_missing_or_of_a_wrong_type_is_named(backend, change, sentence):
    answer = backend.ask("POST", "/presign-b2-upload", {**GOOD, **change})
    assert answer.is_refusal(400)
    assert answer.body["error"] == sentence


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"contentType": "text"}, 'Invalid content_type: "text". '),
        ({"contentMd5": "not base64"}, 'Invalid content_md5: "not base64". '),
        ({"size": 5_000_000_001}, "Size must be "),
        ({"fileName": "line\nbreak"}, "Invalid file_name"),
        ({"fileName": "n" * 4097}, "Invalid file_name"),
    ],
)
def test_a_value_that_the_database_refuses_is_named_in_its_words(backend, change, sentence):
    answer = backend.ask("POST", "/presign-b2-upload", {**GOOD, **change})
    assert answer.status == 400
    assert answer.body["error"].startswith(sentence), answer


@pytest.mark.parametrize("value", [None, "", 5, {"a": 1}, "zero\0"])
def test_an_object_key_must_be_a_text(backend, value):
    answer = backend.ask("POST", "/save-b2-metadata", {"objectKey": value})
    assert answer.is_refusal(400)
    assert answer.body["error"].startswith("objectKey ")


NOT_JSON = [b"", b"{", b"{'fileName': 'a'}", b'{"fileName": "\xff"}', b"[" * 10000, b'{"size": NaN']
NO_OBJECT = [b"null", b"[]", b'"text"', b"5"]


@pytest.mark.parametrize("path", ["/presign-b2-upload", "/save-b2-metadata"])
def test_a_body_must_be_a_json_object(backend, path):
    for body in NOT_JSON:
        answer = backend.ask("POST", path, body)
        assert answer.is_refusal(400)
        assert answer.body["error"] == "The request is not valid JSON."
    for body in NO_OBJECT:
        answer = backend.ask("POST", path, body)
        assert answer.is_refusal(400)
        assert answer.body["error"] == "The request must be a JSON object."


@pytest.mark.parametrize("path", ["/presign-b2-upload", "/save-b2-metadata"])
def test_a_body_must_be_sent_as_json(backend, path):
    body = json.dumps(GOOD)
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp"):
        assert backend.ask("POST", path, body, Content_Type=content_type).is_refusal(415)
    with_charset = backend.ask(
        "POST", "/presign-b2-upload", body, Content_Type="Application/JSON; charset=utf-8"
    )
    assert with_charset.status == 200


def test_a_body_may_have_16_kib(backend):
    def body(size):
        text = json.dumps({**GOOD, "padding": ""})
        return text.replace('""', '"' + "x" * (size - len(text)) + '"')

    assert backend.ask("POST", "/presign-b2-upload", body(16 * 1024)).status == 200
    for path in ("/presign-b2-upload", "/save-b2-metadata"):
        for size in (16 * 1024 + 1, 1024 * 1024):
            assert backend.ask("POST", path, body(size)).is_refusal(413)


@pytest.mark.parametrize(
    "before", ["x", "x_1", "infinity_", "infinity_x", "%00_1", "infinity_" + "9" * 30]
)
def test_a_page_that_cannot_be_is_refused(backend, before):
    assert backend.files(query=f"?before={before}").is_refusal(400)


@pytest.mark.parametrize(
    "method, path", [("GET", "/nothing"), ("DELETE", "/files/x"), ("POST", "/a/b")]
)
def test_what_is_not_there_is_not_found(backend, method, path):
    assert backend.ask(method, path).is_refusal(404)
