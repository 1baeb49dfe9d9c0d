"""The command line as a process: exit codes, one line instead of tracebacks, no secret told."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from db import migrate

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "MTIzNDU2.abcdef.ghijklmnop"
SETTINGS = {"DISCORD_BOT_TOKEN": TOKEN, "BLIZZARD_CLIENT_ID": "client", "BLIZZARD_CLIENT_SECRET": "very-secret"}
SECRETS = (TOKEN, "very-secret", "hunter2")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Give a folder without `.env` that PostgreSQL's own user reaches too."""
    with tempfile.TemporaryDirectory(prefix="muster-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def muster(folder: Path, *arguments: str, **settings: str) -> Ended:
    """Run a command in a folder with only these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120", **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    ended = Ended(process.returncode or 0, out.decode(), err.decode())
    assert "Traceback" not in ended.err
    assert not any(secret in ended.out + ended.err for secret in SECRETS)
    return ended


@dataclass
class Outside:
    """Stand for Battle.net's and Discord's doors: what each answers."""

    battlenet: int = 200
    discord: int = 200
    url: str = ""

    @property
    def settings(self) -> dict[str, str]:
        return {"MUSTER_BATTLENET_OAUTH": self.url, "MUSTER_DISCORD_API": f"{self.url}/api/v10"}


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    doors = Outside()

    async def token(request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "expires_in": 86399}, status=doors.battlenet)

    async def me(request: web.Request) -> web.Response:
        return web.json_response({"id": "1"}, status=doors.discord)

    app = web.Application()
    app.router.add_post("/token", token)
    app.router.add_get("/api/v10/users/@me", me)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    doors.url = "http://{}:{}".format(*runner.addresses[0][:2])
    yield doors
    await runner.cleanup()


@pytest.mark.parametrize("arguments", [[], ["run"], ["demo"], ["doctor"], ["migrate"], ["match"], ["import-sheet"]])
async def test_every_command_explains_itself(elsewhere: Path, arguments: list[str]) -> None:
    ended = await muster(elsewhere, *arguments, "--help")
    assert ended.code == 0
    assert "Usage" in ended.out


@pytest.mark.parametrize("command", ["run", "doctor", "migrate"])
async def test_missing_settings_are_one_line_and_exit_2(elsewhere: Path, command: str) -> None:
    ended = await muster(elsewhere, command)
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert "DISCORD_BOT_TOKEN" in ended.err


async def test_no_place_for_data_is_exit_2_and_names_both_choices(elsewhere: Path) -> None:
    ended = await muster(elsewhere, "run", **SETTINGS)
    assert ended.code == 2
    assert "DATABASE_URL" in ended.err
    assert "MUSTER_DATA_DIR" in ended.err


async def test_an_unreachable_database_is_one_line_and_exit_1(elsewhere: Path) -> None:
    ended = await muster(elsewhere, "migrate", **SETTINGS, DATABASE_URL="postgres://u:hunter2@127.0.0.1:1/d")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert "database does not answer" in ended.err


async def test_migrate_brings_an_empty_database_to_head_and_then_rests(elsewhere: Path, empty_database: str) -> None:
    first = await muster(elsewhere, "migrate", **SETTINGS, DATABASE_URL=empty_database)
    assert first.code == 0
    assert await migrate.current(empty_database) == migrate.head()
    again = await muster(elsewhere, "migrate", **SETTINGS, DATABASE_URL=empty_database)
    assert (again.code, again.out) == (0, f"database at {migrate.head()}\n")


async def test_migrate_makes_and_fills_a_data_folder(elsewhere: Path) -> None:
    ended = await muster(elsewhere, "migrate", **SETTINGS, MUSTER_DATA_DIR=str(elsewhere / "data"))
    assert ended.code == 0
    assert (elsewhere / "data" / "cluster" / "PG_VERSION").exists()


async def test_a_data_folder_that_cannot_be_is_one_line_and_exit_1(elsewhere: Path) -> None:
    (elsewhere / "file").write_text("")
    ended = await muster(elsewhere, "migrate", **SETTINGS, MUSTER_DATA_DIR=str(elsewhere / "file" / "data"))
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1


async def test_the_doctor_is_content_when_all_answers(elsewhere: Path, database: str, outside: Outside) -> None:
    ended = await muster(elsewhere, "doctor", **SETTINGS, **outside.settings, DATABASE_URL=database)
    assert ended.code == 0
    assert "MISSING" not in ended.out
    assert "timers are off" in ended.out


async def test_the_doctor_names_what_is_missing(elsewhere: Path, empty_database: str, outside: Outside) -> None:
    outside.battlenet, outside.discord = 401, 401
    ended = await muster(elsewhere, "doctor", **SETTINGS, **outside.settings, DATABASE_URL=empty_database)
    assert ended.code == 1
    for told in ("muster migrate", "refused BLIZZARD_CLIENT_ID", "refused DISCORD_BOT_TOKEN"):
        assert told in ended.out


async def test_the_doctor_survives_services_that_do_not_answer(elsewhere: Path, database: str) -> None:
    nowhere = {"MUSTER_BATTLENET_OAUTH": "http://127.0.0.1:1", "MUSTER_DISCORD_API": "http://127.0.0.1:1/api/v10"}
    ended = await muster(elsewhere, "doctor", **SETTINGS, **nowhere, DATABASE_URL=database)
    assert ended.code == 1
    assert ended.out.count("does not answer") == 2


async def test_a_roster_file_that_is_not_there_is_refused(elsewhere: Path) -> None:
    ended = await muster(elsewhere, "demo", "--once", "--roster", "nowhere.json")
    assert ended.code == 2
    assert "nowhere.json" in ended.err
