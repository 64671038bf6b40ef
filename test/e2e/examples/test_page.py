"""The examples serve the page of examples/browser, and nothing else of the machine."""

import pytest
from backend import EXAMPLES

pytestmark = pytest.mark.local

PAGES = {
    "/": ("index.html", "text/html"),
    "/app.js": ("app.js", "text/javascript"),
    "/style.css": ("style.css", "text/css"),
}


@pytest.mark.parametrize("path", PAGES)
def test_the_page_is_served(backend, path):
    name, content_type = PAGES[path]
    answer = backend.send("GET", path)
    assert answer.status == 200
    assert answer.body == (EXAMPLES / "browser" / name).read_bytes()
    assert answer.headers.get_content_type() == content_type


@pytest.mark.parametrize(
    "path",
    [
        "/../setup.sql",
        "/%2e%2e/setup.sql",
        "/..%2fsetup.sql",
        "/..%5csetup.sql",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/hono/server.js",
        "/app.py",
        "/.env",
    ],
)
def test_no_other_file_is_served(backend, path):
    assert backend.send("GET", path).status in (400, 404)
