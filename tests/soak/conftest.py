"""How long the long series are: `make soak COUNT=200 SERVERS=1000` for all of it, less where nothing is said."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

KILLS = 15
SERVERS = 60
FEW_SECONDS, ALL_SECONDS = 10, 60
"""How long uploads rush in, where no count of kills is given and where more are."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the long series."""
    group = parser.getgroup("soak", "the long series")
    group.addoption("--soak-count", type=int, default=KILLS, metavar="N", help=f"how many kills ({KILLS})")
    group.addoption("--soak-servers", type=int, default=SERVERS, metavar="N", help=f"servers of the day ({SERVERS})")
    group.addoption("--soak-seed", type=int, default=1, metavar="N", help="what the random moments follow from (1)")
    group.addoption("--soak-json", type=Path, metavar="FILE", help="write the figures of the day there too")


@pytest.fixture(scope="session")
def kills(pytestconfig: pytest.Config) -> int:
    """Give how many times the process is killed."""
    return int(pytestconfig.getoption("--soak-count", KILLS))


@pytest.fixture(scope="session")
def upload_seconds(kills: int) -> int:
    """Give for how long uploads rush in."""
    return ALL_SECONDS if kills > KILLS else FEW_SECONDS


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that PostgreSQL's own user reaches, on a disk: what is durable must be so there."""
    with tempfile.TemporaryDirectory(prefix="muster-soak-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> int:
    """Give how many servers live through the day."""
    return int(pytestconfig.getoption("--soak-servers", SERVERS))


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """Give what all random moments follow from."""
    return int(pytestconfig.getoption("--soak-seed", 1))


@pytest.fixture(scope="session")
def figures_file(pytestconfig: pytest.Config) -> Path | None:
    """Give where the figures go as JSON, None for nowhere."""
    file: Path | None = pytestconfig.getoption("--soak-json", None)
    return file
