"""`muster import-sheet` as a process: what it prints, its exit codes, and what it refuses before it writes."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.services.context import Context
from db.embedded import EmbeddedPostgres
from db.engine import create_engine, create_sessions
from tests.support.people import (
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_links,
)

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "DISCORD_BOT_TOKEN": "MTIzNDU2.abcdef.ghijklmnop",
    "BLIZZARD_CLIENT_ID": "client",
    "BLIZZARD_CLIENT_SECRET": "very-secret",
}
FILES = ("--server", str(SERVER), "--characters", "members.csv", "--discord-ids", "ids.csv")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a small sheet that PostgreSQL's own user reaches too."""
    with tempfile.TemporaryDirectory(prefix="muster-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        rows = "Discord;Character;Class;Spec;Role;Main/Alt\r\nJürgen;Ana;;;;Main\r\nJürgen;Nobody;;;;Alt\r\n"
        (Path(name) / "members.csv").write_bytes(rows.encode("cp1252"))
        (Path(name) / "ids.csv").write_text("Discord,DiscordID\nJürgen,1\nFay,9\n", encoding="utf-8-sig")
        yield Path(name)


@pytest.fixture
async def ctx(database: str) -> AsyncIterator[Context]:
    """Give a database that holds a server, a character and a member."""
    engine = create_engine(database)
    ctx = Context(create_sessions(engine))
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    yield ctx
    await engine.dispose()


async def import_sheet(folder: Path, *arguments: str, **settings: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "import-sheet",
        *arguments,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120", **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    ended = Ended(process.returncode or 0, out.decode(), err.decode())
    assert "Traceback" not in ended.err
    return ended


async def test_a_dry_run_an_import_and_a_second_one_tell_what_they_did(
    folder: Path, ctx: Context, database: str
) -> None:
    dry = await import_sheet(folder, *FILES, "--dry-run", **SETTINGS, DATABASE_URL=database)
    assert dry.code == 0, dry.err
    assert await load_links(ctx) == {}

    real = await import_sheet(folder, *FILES, **SETTINGS, DATABASE_URL=database)
    assert real.code == 0, real.err
    assert {user for users in (await load_links(ctx)).values() for user in users} == {1}
    assert dry.out == f"dry run: nothing was written\n{real.out}"
    assert real.out.splitlines() == [
        "note   members.csv: not in UTF-8, so read as Windows-1252: look whether names with accents are right",
        "read   2 characters, 2 Discord ids",
        "links  1 new",
        "mains  1 set",
        "left to you in members.csv:",
        "  line 3: no character `Nobody` is in the guild",
        "left to you in ids.csv:",
        "  line 3: `Fay` has an id that is no member's of this server: 9",
    ]

    again = await import_sheet(folder, *FILES, **SETTINGS, DATABASE_URL=database)
    assert (again.code, "links  1 there already\nmains  0 set" in again.out) == (0, True)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("members.csv", None, "members.csv: No such file"),
        ("members.csv", "Name;Toon\n", "members.csv: no column Discord"),
        ("ids.csv", "", "ids.csv: no column Discord"),
    ],
)
async def test_files_that_cannot_be_a_sheet_are_one_line_and_exit_1(
    folder: Path, file: str, content: str | None, told: str
) -> None:
    (folder / file).unlink() if content is None else (folder / file).write_text(content)
    ended = await import_sheet(folder, *FILES, **SETTINGS, DATABASE_URL="postgres://u@127.0.0.1:1/d")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"muster: {told}")
    assert len(ended.err.splitlines()) == 1


async def test_an_unknown_server_is_exit_1(folder: Path, ctx: Context, database: str) -> None:
    ended = await import_sheet(folder, *FILES[2:], "--server", "77", **SETTINGS, DATABASE_URL=database)
    assert ended.code == 1
    assert "does not know this server" in ended.err


@pytest.mark.parametrize("server", ["Raiders", "0", "9" * 30])
async def test_what_is_no_servers_id_is_refused(folder: Path, server: str) -> None:
    ended = await import_sheet(folder, *FILES[2:], "--server", server, **SETTINGS)
    assert ended.code == 2
    assert "--server" in ended.err


async def test_a_database_of_an_earlier_release_is_refused_with_the_command_to_run(
    folder: Path, empty_database: str
) -> None:
    ended = await import_sheet(folder, *FILES, **SETTINGS, DATABASE_URL=empty_database)
    assert ended.code == 2
    assert "run `muster migrate` first" in ended.err


async def test_the_data_folder_of_a_running_muster_is_refused_clearly(folder: Path) -> None:
    with EmbeddedPostgres(folder / "data", durable=False):
        ended = await import_sheet(folder, *FILES, **SETTINGS, MUSTER_DATA_DIR=str(folder / "data"))
    assert ended.code == 1
    assert "in use by another Muster; stop it first" in ended.err


async def test_missing_settings_are_one_line_and_exit_2(folder: Path) -> None:
    ended = await import_sheet(folder, *FILES)
    assert ended.code == 2
    assert "DISCORD_BOT_TOKEN" in ended.err
