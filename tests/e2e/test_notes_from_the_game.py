"""From a note in the game to a link in the audit channel: real addon, real companion, real bot, and kill -9 of each."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import NullPool

from db import locks
from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from sandbox.companion import key_in
from sandbox.discord import plain_text
from sandbox.notes import Note
from sandbox.stage import LONG
from tests.e2e.conftest import Home
from tests.e2e.players_pc import PlayersPc, Wire
from tests.e2e.small import small_guild

HOUR = 3600
LOOK_EVERY = 0.1
MASTERS_PC = "Aldric's PC"
TOLD = "Notes from the game"
UPLOADS = """
    SELECT u.state, k.name, u.officer_notes, u.result ->> 'applied', u.followed_at IS NOT NULL
    FROM guild_identity.uploads AS u JOIN guild_identity.upload_keys AS k ON k.id = u.key_id
    WHERE export_id = :export_id"""
NOTES = """
    SELECT guild_note, officer_note FROM guild_identity.character_notes AS n
    JOIN common.wow_characters AS c ON c.id = n.character_id WHERE c.name = :name"""
LINKED = """
    SELECT count(*) FROM guild_identity.action_log JOIN common.wow_characters AS c ON c.id = subject_id
    WHERE action = 'link.add' AND c.name = :name"""


class Town(Home):
    """The stage, the PC of its guild master, and what the tests ask of both; `url` gives the database's address."""

    def __init__(self, folder: Path, pc: PlayersPc) -> None:
        super().__init__(small_guild(), settings={"MUSTER_DATA_DIR": str(folder)})
        self._url = EmbeddedPostgres(folder).url()
        self._now = int(time.time()) - 12 * HOUR
        self.pc = pc
        self.wire = Wire(self.web_port)

    def note(self, **notes: Note) -> None:
        """Let notes of the game say something else."""
        named = {self.sample.world.find(name): note for name, note in notes.items()}
        self.sample = replace(self.sample, notes={**self.sample.notes, **named})

    def play(self, name: str = "Aldric", **how: Any) -> str:
        """Let somebody play, an hour after the last one did; give the id of the export."""
        self._now += HOUR
        return self.pc.play(self.sample, self.sample.world.find(name), at=self._now, **how)

    def member(self, username: str) -> int:
        return next(one.id for one in self.discord.backend.users.values() if one.name == username)

    def told(self) -> list[str]:
        """Give what the audit channel says about notes, by post."""
        posts = ["\n".join(plain_text(one)) for one in self.discord.messages(self.audit_channel)]
        return [post for post in posts if TOLD in post]

    async def is_told(self, line: str) -> None:
        """Wait until the audit channel tells of a link; a command makes the sender look before its 15 s are over."""
        await self.say("sync members")
        await self.meanwhile(
            self.discord.until(lambda: any(line in post for post in self.told()), f"{line!r} in #audit", LONG)
        )

    async def followed(self, export_id: str) -> tuple[Any, ...]:
        """Wait until an upload has its end and everything that follows from it; give it, there is but one."""
        async with asyncio.timeout(LONG):
            while True:
                match await self.rows(UPLOADS, export_id=export_id):
                    case [(state, *_, True) as upload] if state == "applied":
                        return upload
                    case [_, _, *_] as uploads:
                        pytest.fail(f"twice: {uploads}")
                await asyncio.sleep(LOOK_EVERY)

    async def until_acknowledged(self, export_id: str) -> None:
        """Wait until the companion knows that the server has an export."""
        async with asyncio.timeout(LONG):
            while not self.pc.acknowledged(export_id):  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(LOOK_EVERY)

    async def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        async with self.session() as session:
            return [tuple(row) for row in await session.execute(sa.text(sql), values)]

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Give a session on the bot's own database, while the bot runs."""
        engine = create_engine(self._url, poolclass=NullPool)
        async with AsyncSession(engine) as session:
            yield session
        await engine.dispose()


@pytest.fixture(scope="module")
async def town(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Give a guild that was read, and its master's PC with a companion that has a key and does not run yet."""
    async with Town(data_dir, PlayersPc(tmp_path_factory.mktemp("pc"))) as town, town.wire:
        await town.raise_curtain()
        await town.set_up()
        town.note(Mulea=Note("bank", "Discord: tall_heron"), Muleb=Note("Twink von Mulea", ""))
        town.play()
        key = key_in((await town.meanwhile(town.make_key(MASTERS_PC))).text)
        said = await town.meanwhile(town.pc.set_up(town.wire.address, key))
        assert f"it is for {town.sample.guild.name}" in said
        assert MASTERS_PC in said
        assert "26 rows" in said
        yield town


async def test_a_note_that_somebody_wrote_in_the_game_is_a_link_in_the_audit_channel(town: Town) -> None:
    export_id = town.play()
    with town.pc.companion():
        assert await town.followed(export_id) == ("applied", MASTERS_PC, True, "26", True)
    heron = town.member("tall_heron")
    await town.is_told(f"- **Mulea** → <@{heron}>: officers noted it")
    await town.is_told(f"- **Muleb** → <@{heron}>: the public note says “Mulea”")
    assert len(town.told()) == 1
    assert "Mulea" in await town.say("whois", {"member": heron})
    assert "26 characters with news" in await town.say("addon status")


async def test_an_export_that_could_not_see_officer_notes_erases_none(town: Town) -> None:
    town.note(Mulea=Note("the bank", "Discord: tall_heron"), Mulec=Note("alt of Bryndis", "unseen"))
    export_id = town.play("Bryndis", account="200#1", sees_officer_notes=False)
    with town.pc.companion():
        assert await town.followed(export_id) == ("applied", MASTERS_PC, False, "2", True)
    assert await town.rows(NOTES, name="Mulea") == [("the bank", "Discord: tall_heron")]
    assert await town.rows(NOTES, name="Mulec") == [("alt of Bryndis", "")]
    await town.is_told(f"- **Mulec** → <@{town.member('loud_bear')}>")
    assert "Mulea" in await town.say("whois", {"member": town.member("tall_heron")})


async def test_what_was_acknowledged_before_the_bot_was_killed_is_applied_when_it_is_back(town: Town) -> None:
    town.note(Muled=Note("", "Discord: tall_heron"))
    async with town.session() as session:
        # Nothing of this server is applied before this ends, and that is with the process.
        await locks.hold(session, locks.Lock.PEOPLE, town.server_id)
        export_id = town.play()
        with town.pc.companion():
            await town.until_acknowledged(export_id)
        assert [upload[0] for upload in await town.rows(UPLOADS, export_id=export_id)] == ["received"]
        await town.bot.kill()
        await session.invalidate()
    town.discord.sockets.drop()
    await town.raise_curtain()
    # Two are news: also the officer note that the export before could not see.
    assert await town.followed(export_id) == ("applied", MASTERS_PC, True, "2", True)
    assert await town.rows(NOTES, name="Mulec") == [("alt of Bryndis", "unseen")]
    await town.is_told(f"- **Muled** → <@{town.member('tall_heron')}>: officers noted it")
    assert await town.rows(LINKED, name="Muled") == [(1,)]


async def test_a_companion_that_was_killed_before_it_heard_the_answer_uploads_nothing_twice(town: Town) -> None:
    town.note(Mulee=Note("", "Discord: tall_heron"))
    export_id = town.play()
    town.wire.loses_answers = True
    with town.pc.companion():
        await asyncio.wait_for(_stored(town, export_id), LONG)
        await asyncio.wait_for(town.wire.lost.wait(), LONG)
    assert not town.pc.acknowledged(export_id)
    town.wire.loses_answers = False
    with town.pc.companion():
        await town.until_acknowledged(export_id)
    assert "Nothing is new" in await town.meanwhile(town.pc.look_once())
    assert await town.followed(export_id) == ("applied", MASTERS_PC, True, "1", True)
    await town.is_told(f"- **Mulee** → <@{town.member('tall_heron')}>: officers noted it")
    assert sum("Mulee" in post for post in town.told()) == 1
    assert await town.rows(LINKED, name="Mulee") == [(1,)]


async def test_no_key_stands_in_a_log_and_nothing_failed(town: Town) -> None:
    log = "\n".join(town.bot.log)
    assert "muster_" not in log
    assert " ERROR " not in log


async def _stored(town: Town, export_id: str) -> None:
    while not await town.rows(UPLOADS, export_id=export_id):  # noqa: ASYNC110 (another process writes it)
        await asyncio.sleep(LOOK_EVERY)
