"""Every link within the documentation leads to a file, and to a heading of it."""

import pytest
from doc_examples import ROOT
from doc_pages import anchors, pages, relative_links

pytestmark = pytest.mark.local


def problem(page, link):
    """Why the link leads nowhere; None: it does not."""
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    if not target.exists():
        return f"{link}: there is no such file"
    if anchor and anchor not in anchors(target):
        return f"{link}: there is no such heading"
    return None


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page):
    assert [found for link in relative_links(page) if (found := problem(page, link))] == []


def test_links_are_found():
    assert "docs/functions.md" in pages()
    assert "errors.md" in relative_links("docs/functions.md")
    assert "configuration.md#server-and-user-mapping" in relative_links("docs/functions.md")
    assert problem("docs/functions.md", "errors.md") is None
    assert problem("docs/functions.md", "error.md") == "error.md: there is no such file"
    assert problem("docs/functions.md", "#b2_presign_gets") is not None


def test_anchors_go_by_the_rule_of_github():
    found = anchors("docs/row-level-security.md")
    assert "who-the-caller-is-b2_user_id" in found
    assert "set-up-4-neons-authuser_id" in found
