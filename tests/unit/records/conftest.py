from collections.abc import Iterator

import pytest

from veilset.testing.postgres import private_server, server_binaries


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    pytest.importorskip("pg8000", reason="the driver pg8000 is not installed")
    if server_binaries() is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    with private_server() as url:
        yield url
