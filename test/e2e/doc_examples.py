"""The SQL examples of the documentation."""

import re
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def examples(page, heading=None, language="sql"):
    """The examples of a page in their order; of the section under `heading` alone, if given."""
    text = (ROOT / page).read_text()
    if heading:
        (text,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run_examples(cluster, database, sql, allowed_endpoints):
    """Runs them in psql as a superuser; the first error is a failure."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        # Examples use Backblaze's host names too, which the tests do not allow by default.
        script.write(f"SET b2neon.allowed_endpoints = '*.backblazeb2.com, {allowed_endpoints}';\n")
        script.write("\n".join(sql))
        script.flush()
        options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.name, "-f", script.name]
        cluster.program("psql", *options)
