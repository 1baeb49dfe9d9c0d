"""A file as large as the addon's can get, for what is measured: python -m tests.companion.large FILE [BYTES]."""

import sys
from pathlib import Path

from tests.support.saved_variables import written

ROWS = 1000


def large_file(size: int = 5_000_000) -> bytes:
    """Give SavedVariables of at least so many bytes: guilds of 1,000 members, notes with escapes in half the rows."""
    guilds: list[bytes] = []
    while sum(map(len, guilds)) < size:
        guilds.append(_guild(len(guilds)))
    return b'\nMusterDB = {\n\t["exports"] = {\n' + b"".join(guilds) + b'\t},\n\t["schema"] = 1,\n}\n'


def _guild(number: int) -> bytes:
    export = {
        "format": 1,
        "export_id": f"1767225600-5f3a9c1e-{number:08x}",
        "exported_at": 1767225600,
        "addon_version": "1.0.0",
        "guild": {"name": f"Guild {number}", "realm": "Argent Dawn", "region": "eu"},
        "exporter": {"name": "Bob", "realm": "ArgentDawn", "officer_notes": True},
        "ranks": ["Guild Master", "Officer", "Raider"],
        "rows": [_row(number * ROWS + row) for row in range(ROWS)],
    }
    lines = written("x", {"x": {f"eu/Argent Dawn/Guild {number}": export}}).splitlines(keepends=True)
    return b"".join(lines[3:-2])  # without what is around the one entry


def _row(number: int) -> dict[str, object]:
    return {
        "guid": f"Player-3702-{number:08X}",
        "name": f"Bob{number}",
        "realm": "ArgentDawn",
        "class": "MAGE",
        "level": number % 91,
        "rank": number % 10,
        "note": f"alt of Añn{number // 7}",
        "officer_note": f'asked "{number}" \\o/' if number % 2 else "trial until May",
        "last_online": 1767225600 - number,
        "online": number % 9 == 0,
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(large_file(*map(int, sys.argv[2:])))
