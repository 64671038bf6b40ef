"""The pages of the documentation: their sections, headings and links."""

import re
from collections import Counter

from doc_examples import ROOT

FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)|^\[[^\]]+\]: +(\S+)", re.MULTILINE)


def pages():
    """Every page that a reader may come by, as a path from the root."""
    patterns = ["*.md", "docs/**/*.md", "examples/**/*.md", "bench/README.md"]
    found = [path for pattern in patterns for path in ROOT.glob(pattern)]
    return sorted(str(path.relative_to(ROOT)) for path in found if "node_modules" not in path.parts)


def prose(page):
    """The page without its examples."""
    return FENCED.sub("", (ROOT / page).read_text())


def sections(page):
    """The text under each heading down to the next one, whatever its level."""
    _, *parts = HEADING.split(prose(page))
    return dict(zip(parts[::2], parts[1::2]))


def rows(section, of=None):
    """The rows of the tables in a section, each as a list of its cells; of those alone whose first
    column has the heading `of`, if given."""
    found = []
    for table in re.findall(r"(?:^\|.*\n?)+", section, re.MULTILINE):
        heading, _, *body = [line.strip("|").split(" | ") for line in table.splitlines()]
        if of in (None, heading[0].strip()):
            found += [[cell.strip() for cell in row] for row in body]
    return found


def code_spans(text):
    return [span for _, span in CODE.findall(text)]


def anchors(page):
    """What a link to the page may have behind its #, by the rule of GitHub."""
    found = []
    times = Counter()
    for heading in HEADING.findall(prose(page)):
        text = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        found.append(f"{anchor}-{times[anchor]}" if times[anchor] else anchor)
        times[anchor] += 1
    return found


def relative_links(page):
    """Where the links of a page lead that stay within the project."""
    text = CODE.sub("", prose(page))
    targets = [inline or reference for inline, reference in LINK.findall(text)]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]
