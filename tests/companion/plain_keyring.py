"""A keyring for tests, in the file that TEST_KEYRING names; TEST_KEYRING_FAULT makes it lock or forget."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class Keyring(KeyringBackend):
    """Keep passwords in a JSON file."""

    priority = 10

    def get_password(self, service: str, username: str) -> str | None:
        """Give a password."""
        self._check()
        return self._load().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password."""
        self._check()
        if os.environ.get("TEST_KEYRING_FAULT") != "forgets":
            self._file.write_text(json.dumps(self._load() | {f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        """Drop a password."""
        self._check()
        known = self._load()
        if known.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError
        self._file.write_text(json.dumps(known))

    @property
    def _file(self) -> Path:
        return Path(os.environ["TEST_KEYRING"])

    def _load(self) -> dict[str, str]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    @staticmethod
    def _check() -> None:
        if os.environ.get("TEST_KEYRING_FAULT") == "locked":
            raise KeyringLocked("locked")


class WeakKeyring(Keyring):
    """One that keyring itself would not choose."""

    priority = 0.5
