"""Tests of pg_upgrade: an old cluster and a new one, each with the extension installed.

They run within upgrade-tests (script/lib), and use what the end-to-end tests know of servers,
stores and databases.
"""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "e2e"))
pytest.register_assert_rewrite("cluster", "origin")
