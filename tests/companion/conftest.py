"""What the companion's tests share: a home, a keyring and a game of their own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

COMPANION = Path(__file__).resolve().parents[2] / "companion_app"
if str(COMPANION) not in sys.path:  # it is a distribution of its own, and needs no installation to be tested
    sys.path.insert(0, str(COMPANION))

from tests.companion.server import Muster  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder for settings, state and log; the user's own and the real keyring stay out of reach."""
    folder = tmp_path / "home"
    user = tmp_path / "user"
    user.mkdir()
    for name in (
        "HOME",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
    ):
        monkeypatch.setenv(name, str(user))
    monkeypatch.setenv("MUSTER_COMPANION_HOME", str(folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("PYTHONPATH", str(COMPANION))
    monkeypatch.delenv("MUSTER_COMPANION_KEY", raising=False)
    return folder


@pytest.fixture
def muster() -> Iterator[Muster]:
    """Give a server that answers as Muster does."""
    with Muster() as server:
        yield server
