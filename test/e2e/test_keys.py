"""Object keys that are hard to get right, each through the store and back."""

import unicodedata
from urllib.parse import quote

import pytest
from cluster import refused
from http_request import get, put, send

pytestmark = pytest.mark.bucket

KEYS = [
    # What URLs and query strings give a meaning to.
    " ", "a b", " leading", "trailing ", "two  spaces", "a+b", "+", "a%b", "%", "%20", "a%2Fb",
    "%2e%2e", "%00", "%zz", "%E4%B8", "a?b", "?", "a?versionId=x", "a#b", "#", "a&b=c", "&", "=",
    "a;b", "a:b", "a@b", "a,b", "$a", "!a", "*", "(a)", "[a]", "{a}", "<a>", "|", "^", "`", "~",
    "~user", "-", "_",
    # Quotes, for SQL, HTTP and XML.
    "'", "''", 'a"b', '"', "a'; DROP TABLE b2_files; --", "$$a$$", "&amp;", "&lt;b>", "]]>", "<!--",
    # Dots that are no path segments of their own.
    "...", "a/.../b", ".hidden", "a.", "a..b", ".a/..b", "..a",
    # Slashes and backslashes.
    "a/b/c", "/a", "//a", "a//b", "a/", "a//", "a\\b", "\\", "C:\\fakepath\\x.png",
    # Names that mean something to S3 or to b2neon.
    "?acl", "?versions", "a/?list-type=2", "null", "NULL", "undefined", "X-Amz-Signature",
    "index.html", "a&X-Amz-Signature=b",
    # Letters with marks, composed and decomposed: two keys, not one.
    "é", unicodedata.normalize("NFD", "é"), "Å", unicodedata.normalize("NFD", "Å"), "ﬁ", "ẞß",
    "İıiI",
    # Other scripts, directions and planes.
    "日本語/漢字.txt", "ｆｕｌｌ　ｗｉｄｔｈ", "한국어", unicodedata.normalize("NFD", "한국어"), "Ελλάδα",
    "עברית", "العربية\u200f.png", "ไทย", "हिन्दी", "😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "𝒜𝓁𝓅𝒽𝒶", "𠜎",
    "\u00a0", "a\u00a0b", "\u2028", "\u200b", "\ufeffa", "\u202egnp.x", "\ufffd", "\ufffc",
    "\ufdd0", "\U0001f600\U0010fffd", "\U0001fffe", "\U0010ffff", "\u0080", "\u009f", "\ue000",
    "\ud7ff",
]  # fmt: skip

LONG_KEYS = ["x", "é", "日", "😀", "ab/"]

REFUSED = {
    "empty": "",
    "dot": ".",
    "two dots": "..",
    "leading dot segment": "./a",
    "leading parent segment": "../a",
    "dot segment": "a/./b",
    "parent segment": "a/../b",
    "trailing dot segment": "a/.",
    "trailing parent segment": "a/..",
    "DEL": "a\x7fb",
    "1025 bytes": "x" * 1025,
    "1025 bytes of two-byte letters": "é" * 512 + "x",
    "U+FFFE": "a\ufffeb",
    "U+FFFF": "\uffff",
    **{f"control character {code:#04x}": f"a{chr(code)}b" for code in range(1, 32)},
}


def name_of(text):
    return text.encode("unicode_escape").decode()[:24]


def go_up_and_down(session, store, key):
    body = ("the bytes of " + key).encode()
    presigned = session.row(
        "SELECT * FROM b2_presign_put('x', 'text/plain', object_key => %s)", key
    )
    assert presigned.object_key == key
    assert presigned.presigned_url.isascii()
    assert put(presigned, body).status == 200

    # The SDK finds the object under exactly this key, with exactly these bytes.
    assert store.keys(key).count(key) == 1
    assert store.download(key) == body

    registered = session.row("SELECT * FROM b2_register_file(%s)", key)
    assert (registered.object_key, registered.size) == (key, len(body))
    row = session.row(
        "SELECT b2_presign_get(object_key) AS link,"
        " b2_presign('HEAD', object_key) AS head, b2_presign('DELETE', object_key) AS delete"
        " FROM b2_files WHERE object_key = %s",
        key,
    )
    answer = get(row.link)
    assert (answer.status, answer.body) == (200, body)
    assert send("HEAD", row.head).headers["Content-Length"] == str(len(body))
    assert send("DELETE", row.delete).status == 204
    assert not store.has(key)


def test_there_are_enough_keys_and_no_two_are_the_same():
    assert len(KEYS) == len(set(KEYS)) >= 60


@pytest.mark.parametrize("key", KEYS, ids=name_of)
def test_the_object_goes_up_and_comes_down_under_exactly_this_key(session, store, key):
    go_up_and_down(session, store, store.prefix + key)


@pytest.mark.parametrize("character", LONG_KEYS, ids=name_of)
def test_a_key_may_have_1024_bytes(session, store, character):
    room = 1024 - len(store.prefix)
    key = store.prefix + (character * room).encode()[:room].decode(errors="ignore")
    key += "y" * (1024 - len(key.encode()))
    assert len(key.encode()) == 1024
    go_up_and_down(session, store, key)


@pytest.mark.parametrize("name", KEYS, ids=name_of)
def test_the_name_of_a_file_ends_its_generated_key(session, name):
    """A generated key ends in whatever comes after the last slash or backslash."""
    component = name.replace("\\", "/").rpartition("/")[2]
    if component == "":
        with refused("22023", message="file_name"):
            session.row("SELECT * FROM b2_presign_put(%s, 'text/plain')", name)
        return
    presigned = session.row("SELECT * FROM b2_presign_put(%s, 'text/plain')", name)
    assert presigned.object_key.endswith("-" + component)
    path = presigned.presigned_url.split("?")[0]
    assert path.endswith(quote("-" + component, safe="~"))


CALLS = [
    "SELECT b2_presign_get(%s)",
    "SELECT b2_presign('GET', %s)",
    "SELECT b2_presign_put('x', 'text/plain', object_key => %s)",
]


@pytest.mark.parametrize("call", CALLS, ids=["b2_presign_get", "b2_presign", "b2_presign_put"])
@pytest.mark.parametrize("key", REFUSED.values(), ids=REFUSED.keys())
def test_the_key_is_refused(session, call, key):
    with refused("22023", message="invalid object_key", detail="object_key was refused because"):
        session.run(call, key)


def test_a_request_to_no_object_is_refused(session):
    with refused("22004", message="object_key must not be NULL"):
        session.run("SELECT b2_presign('GET', NULL)")


def test_two_normal_forms_are_two_objects(session, store):
    composed = store.new_key("é")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    for key in (composed, decomposed):
        presigned = session.row(
            "SELECT * FROM b2_presign_put('x', 'text/plain', object_key => %s)", key
        )
        assert put(presigned, key.encode()).status == 200
    for key in (composed, decomposed):
        assert get(session.value("SELECT b2_presign_get(%s)", key)).body == key.encode()
