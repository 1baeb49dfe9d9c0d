"""Where the companion keeps what is its own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

HOME = "MUSTER_COMPANION_HOME"
"""The variable that moves everything into one folder: for tests, and for a stick carried from PC to PC."""
APP = "muster-companion"


@dataclass(frozen=True, slots=True)
class Places:
    """Hold the three folders; none has to exist yet."""

    config_folder: Path
    state_folder: Path
    log_folder: Path

    @property
    def config(self) -> Path:
        """Give the file of the settings."""
        return self.config_folder / "config.json"

    @property
    def keys(self) -> Path:
        """Give the folder of the keys that no keyring holds."""
        return self.config_folder / "keys"

    @property
    def state(self) -> Path:
        """Give the file of what the server acknowledged."""
        return self.state_folder / "state.json"

    @property
    def lock(self) -> Path:
        """Give the file that the running companion holds locked."""
        return self.state_folder / "running.lock"

    @property
    def log(self) -> Path:
        """Give the log file."""
        return self.log_folder / f"{APP}.log"


def find_places(environment: Mapping[str, str] = os.environ) -> Places:
    """Give the user's folders as the platform has them, or the one of MUSTER_COMPANION_HOME."""
    if home := environment.get(HOME):
        folder = Path(home).expanduser().absolute()
        return Places(folder, folder, folder)
    return Places(
        # The settings stay on this PC: they name its folders and refer to its keyring.
        platformdirs.user_config_path(APP, appauthor=False, roaming=False),
        platformdirs.user_state_path(APP, appauthor=False, roaming=False),
        platformdirs.user_log_path(APP, appauthor=False),
    )
