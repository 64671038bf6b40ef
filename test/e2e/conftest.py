"""Tests of the installed extension on a real PostgreSQL server with a real S3 store.

They run within with-s3-store, with-postgres and with-cluster (script/lib). With
B2_APPLICATION_KEY_ID, B2_APPLICATION_KEY, B2_BUCKET_NAME and B2_ENDPOINT_URL set, the tests that
are marked `bucket` run against that bucket instead, under a prefix of their own that is removed
afterwards, and the others are not collected.
"""

from contextlib import contextmanager

import pytest
from certificates import CertificateAuthority
from cluster import Cluster
from private_cluster import PrivateCluster
from store import Store, StoreAdmin, is_real_bucket


def pytest_configure(config):
    config.addinivalue_line("markers", "bucket: can run against a real bucket of Backblaze B2")
    config.addinivalue_line("markers", "own_database: `session` is in a database of the test's own")
    config.addinivalue_line("markers", "local: needs the local store, even if marked bucket")
    # Debian's botocore still asks for the time in the old way.
    config.addinivalue_line("filterwarnings", "ignore:datetime.datetime.utcnow")


def pytest_collection_modifyitems(items):
    if is_real_bucket():
        items[:] = [
            item
            for item in items
            if item.get_closest_marker("bucket") and not item.get_closest_marker("local")
        ]


@pytest.fixture(scope="session")
def store():
    store = Store()
    yield store
    if store.prefix:
        store.remove_ours()


@pytest.fixture(scope="session")
def store_admin():
    return StoreAdmin()


@pytest.fixture(scope="session")
def cluster(store):
    """The PostgreSQL server, which lets databases talk to the store and nobody else."""
    cluster = Cluster(store.endpoint)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def authority():
    """The one certificate authority that the private server trusts."""
    authority = CertificateAuthority()
    yield authority
    authority.close()


@pytest.fixture(scope="session")
def private_cluster(store, authority):
    """A server that a test may shut down, in a network whose name server never answers."""
    cluster = PrivateCluster(store.endpoint, authority.trusted)
    yield cluster
    cluster.close()


@contextmanager
def database_with_server(cluster, store):
    """A database with the extension and the server `b2`, which only its owner may use yet."""
    database = cluster.create_database()
    with database.connect() as session:
        session.run("CREATE EXTENSION b2neon")
        session.create_server("b2", store.server_options(), store.mapping_options())
    yield database
    database.drop()


@pytest.fixture(scope="module")
def database(cluster, store):
    """A database with the extension, and the server `b2` that everybody may use."""
    with database_with_server(cluster, store) as database:
        with database.connect() as session:
            session.run("GRANT USAGE ON FOREIGN SERVER b2 TO PUBLIC")
        yield database


@pytest.fixture(scope="module")
def private_database(private_cluster, store):
    """The same on the private server."""
    with database_with_server(private_cluster, store) as database:
        yield database


@pytest.fixture
def own_database(cluster, store):
    """The same for one test alone; nobody else may use the server yet."""
    with database_with_server(cluster, store) as database:
        yield database


@pytest.fixture
def empty_database(cluster):
    """A database of the test's own, without the extension."""
    database = cluster.create_database()
    yield database
    database.drop()


@pytest.fixture
def session(request):
    """A superuser's session in `database`, or with the mark own_database in one of the test's own."""
    is_own = request.node.get_closest_marker("own_database")
    database = request.getfixturevalue("own_database" if is_own else "database")
    with database.connect() as session:
        session.database = database
        yield session
