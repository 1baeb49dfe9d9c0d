"""`muster match` as a process: the outcome in a file or on the screen, and what is refused."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"sqlalchemy", "discord", "asyncpg", "alembic", "pydantic_settings"}


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


async def python(folder: Path, *arguments: str) -> Ended:
    """Run Python in a folder, without any setting."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def muster_match(folder: Path, *arguments: str) -> Ended:
    ended = await python(folder, "-m", "bot", "match", *arguments)
    assert "Traceback" not in ended.err
    return ended


def character(number: int, name: str) -> dict[str, object]:
    others = {"class_id": 1, "level": 80, "rank": 5, "guild_note": None, "officer_note": None}
    return {"id": number, "name": name, "realm_slug": "stormrage", **others}


def member(number: str, nick: str) -> dict[str, object]:
    return {"id": number, "username": f"user{number}", "global_name": None, "nick": nick, "bot": False, "roles": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    content = {
        "server": {"region": "eu", "home_realm_slug": "stormrage"},
        "ranks": [],
        "characters": [character(1, "Ána"), character(2, "Borin")],
        "members": [member("10", "Ána"), member("20", "Nobody")],
    }
    (tmp_path / "case.json").write_text(json.dumps(content), encoding="utf-8-sig")
    return tmp_path


def links(written: str) -> Sequence[tuple[int, str, str]]:
    return [(link["character"], link["member"], link["confidence"]) for link in json.loads(written)["links"]]


async def test_the_outcome_goes_to_a_file_and_a_summary_to_the_screen(folder: Path) -> None:
    ended = await muster_match(folder, "case.json", "-o", "out.json")

    assert (ended.code, ended.err) == (0, "")
    assert "2 characters, 0 of them with a note; 2 members" in ended.out
    assert "1 (1 high)" in ended.out
    written = (folder / "out.json").read_text(encoding="utf-8")
    assert links(written) == [(1, "10", "high")]
    assert "Ána" in written
    assert {one.name for one in folder.iterdir()} == {"case.json", "out.json"}


async def test_a_dash_prints_the_outcome_and_nothing_else(folder: Path) -> None:
    ended = await muster_match(folder, "case.json", "-o", "-")

    assert ended.code == 0
    assert links(ended.out) == [(1, "10", "high")]
    assert "1 (1 high)" in ended.err


async def test_a_device_is_written_to_and_not_replaced(folder: Path) -> None:
    ended = await muster_match(folder, "case.json", "-o", "/dev/stdout")

    assert ended.code == 0
    assert '"member": "10"' in ended.out
    assert Path("/dev/stdout").is_symlink()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "case.json: not JSON"),
        ('{"server": {}}', "case.json: server.region: missing"),
        (None, "case.json: No such file"),
    ],
)
async def test_a_bad_file_is_one_line_exit_1_and_leaves_the_former_outcome(
    folder: Path, content: str | None, told: str
) -> None:
    (folder / "out.json").write_text("before")
    (folder / "case.json").unlink() if content is None else (folder / "case.json").write_text(content)

    ended = await muster_match(folder, "case.json", "-o", "out.json")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"muster: {told}")
    assert len(ended.err.splitlines()) == 1
    assert (folder / "out.json").read_text() == "before"


async def test_the_case_is_never_written_over(folder: Path) -> None:
    before = (folder / "case.json").read_bytes()

    ended = await muster_match(folder, "case.json", "-o", "./case.json")

    assert ended.code == 1
    assert "is the case itself" in ended.err
    assert (folder / "case.json").read_bytes() == before


async def test_matching_a_file_loads_no_database_no_discord_and_no_settings(folder: Path) -> None:
    program = (
        "import sys, bot.cli\n"
        "sys.argv = ['muster', 'match', 'case.json', '-o', 'out.json']\n"
        "try:\n"
        "    bot.cli.main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print(sorted(sys.modules))\n"
    )
    ended = await python(folder, "-c", program)

    assert ended.code == 0, ended.err
    loaded = ended.out.splitlines()[-1]
    assert "domain.matching" in loaded
    assert not [name for name in HEAVY if f"'{name}'" in loaded]
