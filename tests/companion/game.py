"""A game folder whose files are written as the game writes them."""

import os
import time
from pathlib import Path
from typing import Any

from tests.support.saved_variables import written


def export(
    number: int, *, guild: str = "Night Watch", realm: str = "Argent Dawn", rows: int = 2, **changed: Any
) -> dict[str, Any]:
    """Make an export; a larger number is a newer one."""
    made = {
        "format": 1,
        "export_id": f"{1_760_000_000 + number}-5f3a9c1e-0a1b2c3d",
        "exported_at": 1_760_000_000 + number,
        "addon_version": "1.0.0",
        "guild": {"name": guild, "realm": realm, "region": "eu"},
        "exporter": {"name": "Bob", "realm": "ArgentDawn", "officer_notes": True},
        "ranks": ["Guild Master", "Officer"],
        "rows": [
            {"name": f"Bob{chr(97 + row % 26)}", "realm": "ArgentDawn", "class": "MAGE", "level": 90, "rank": 1,
             "note": f"alt of Ann {row}", "officer_note": "", "online": False}
            for row in range(rows)
        ],
    }  # fmt: skip
    return made | changed


def saved(*exports: dict[str, Any]) -> bytes:
    """Give SavedVariables with these exports."""
    kept = {f"eu/{one['guild']['realm']}/{one['guild']['name']}": one for one in exports}
    return written("MusterDB", {"schema": 1, "options": {}, "exports": kept})


class Game:
    """Hold one installation below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "World of Warcraft"
        (self.folder / "_retail_" / "WTF" / "Account").mkdir(parents=True)

    def file(self, account: str = "100#1", flavour: str = "_retail_") -> Path:
        """Give the addon's file of an account."""
        return self.folder / flavour / "WTF" / "Account" / account / "SavedVariables" / "Muster.lua"

    def write(self, *exports: dict[str, Any], account: str = "100#1", flavour: str = "_retail_") -> Path:
        """Write as the game does at /reload: the old file becomes the backup, and a new one is created."""
        file = self.file(account, flavour)
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            os.replace(file, file.with_name("Muster.lua.bak"))
        file.write_bytes(saved(*exports))
        return file

    def break_off(self, account: str = "100#1") -> None:
        """Leave what a crash leaves: the first half of the file."""
        file = self.file(account)
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])

    def write_slowly(
        self, *exports: dict[str, Any], account: str = "100#1", parts: int = 4, pause: float = 0.3
    ) -> None:
        """Write in several goes."""
        file = self.file(account)
        file.parent.mkdir(parents=True, exist_ok=True)
        content = saved(*exports)
        with file.open("wb", buffering=0) as stream:
            for part in range(parts):
                stream.write(content[part * len(content) // parts : (part + 1) * len(content) // parts])
                time.sleep(pause)
