"""How long the long series are: `make soak COUNT=200 SERVERS=1000` for all of it, less where nothing is said."""

from pathlib import Path

import pytest

KILLS = 15
SERVERS = 60


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
