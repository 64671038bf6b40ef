"""The example backends at work, against a database of their own and the local store."""

import secrets

import pytest
from backend import COMMANDS, Backend, install
from example_database import set_up, url_of


@pytest.fixture(scope="session")
def database(cluster, store):
    database = cluster.create_database()
    # setup.sql makes it.
    database.roles = ["files_backend"]
    done = set_up(database, store)
    assert done.returncode == 0, done.stdout
    yield database
    database.drop()


@pytest.fixture(scope="session", params=COMMANDS)
def kind(request):
    return request.param


@pytest.fixture(scope="session")
def installed(kind, tmp_path_factory):
    directory = tmp_path_factory.mktemp(kind) / "examples"
    install(kind, directory)
    return directory


@pytest.fixture
def start(installed, kind):
    """Starts a backend for a database's URL, which ends with the test."""
    backends = []

    def start(url, **variables):
        backends.append(Backend(kind, installed, DATABASE_URL=url, **variables))
        return backends[-1]

    yield start
    for backend in backends:
        backend.close()


@pytest.fixture(scope="session")
def backend(installed, kind, database):
    backend = Backend(kind, installed, DATABASE_URL=url_of(database), ALLOW_DEMO_USER="1")
    yield backend
    backend.close()


@pytest.fixture
def session(database):
    with database.connect() as session:
        yield session


@pytest.fixture
def user():
    """A user whom no other test knows."""
    return f"user_{secrets.token_hex(6)}"
