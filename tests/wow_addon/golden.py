"""Makes the golden files of the upload contract: `python -m tests.wow_addon.golden`.

Of each case's client.json the real addon makes SavedVariables.lua, and Lua itself reads that into upload.json.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.wow_addon.client import GOLDEN, Client, golden_world
from tests.wow_addon.lua import read_saved

CASES = ("plain", "hidden_officer_notes", "realms", "hostile_notes", "empty_notes")
# Written as older clients do, with indentation and numbers; the others as today's.
INDENTED = frozenset({"hostile_notes", "empty_notes"})


def saved_of(case: str) -> bytes:
    """Give the SavedVariables file that the addon leaves in a case."""
    client = Client(golden_world(case)).login()
    client.advance(60)
    return client.logout(bare=case not in INDENTED)


def upload_of(saved: bytes) -> dict[str, Any]:
    """Give the upload of a file's only export."""
    (export,) = read_saved(saved)["exports"].values()
    return dict(export)


def made(case: str) -> dict[str, bytes]:
    """Give what is made of a case's client.json, by file name."""
    saved = saved_of(case)
    upload = json.dumps(upload_of(saved), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    return {"SavedVariables.lua": saved, "upload.json": upload.encode()}


def folder(case: str) -> Path:
    """Give where a case's files lie."""
    return GOLDEN / case


def main() -> None:
    """Make all cases anew."""
    for case in CASES:
        for name, content in made(case).items():
            (folder(case) / name).write_bytes(content)
        sys.stdout.write(f"{case}\n")


if __name__ == "__main__":
    main()
