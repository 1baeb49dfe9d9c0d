"""Notes of the game, kept: what an export changes, and what it leaves as it was."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.services.context import Context
from bot.services.notes import NoteRow, NotesApplied
from db.tables.guilds import Membership
from db.tables.identity import CharacterNote
from db.tables.reference import Realm
from domain.regions import Region
from tests.support.people import SERVER, Toon, insert_characters, insert_guild, insert_server, leave_guild
from tests.support.uploads import apply_notes

ELSEWHERE = 200
READ = datetime(2025, 12, 31, 20, tzinfo=UTC)
LATER = READ + timedelta(hours=1)

Stored = tuple[str | None, datetime | None, str | None, datetime | None]


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx), await insert_server(ctx, ELSEWHERE))


async def stored(ctx: Context, server_id: int = SERVER) -> dict[int, Stored]:
    """Load a server's notes by character id."""
    async with ctx.sessions() as session:
        found = await session.scalars(sa.select(CharacterNote).where(CharacterNote.server_id == server_id))
        return {
            one.character_id: (one.guild_note, one.guild_note_at, one.officer_note, one.officer_note_at)
            for one in found
        }


async def versions(ctx: Context) -> list[str]:
    """Give which version of each row is stored: equal lists mean that nothing was written."""
    async with ctx.sessions() as session:
        query = sa.text("SELECT ctid::text || xmin::text FROM guild_identity.character_notes ORDER BY 1")
        return list(await session.scalars(query))


async def test_an_export_is_kept_and_counted(ctx: Context, guild: int) -> None:
    ana, borin = await insert_characters(ctx, guild, "Ana", Toon("Borin", realm="area-52"))
    told = await apply_notes(
        ctx,
        SERVER,
        [
            NoteRow("Ana", None, "hello", "Discord: ana"),
            NoteRow("Borin", "Area52", "Ana's alt"),
            NoteRow("Nobody-Area52", None, "?"),
        ],
        as_of=READ,
    )
    assert told == NotesApplied(applied=2, unchanged=0, unknown=("Nobody-Area52",))
    assert await stored(ctx) == {
        ana: ("hello", READ, "Discord: ana", READ),
        borin: ("Ana's alt", READ, None, None),
    }


async def test_the_realm_is_understood_in_every_language(ctx: Context, guild: int) -> None:
    async with ctx.sessions.begin() as session:
        names = {"en_GB": "Dusk Forest", "ru_RU": "Сумеречный бор"}
        session.add(Realm(region=Region.EU, id=60, slug="dusk-forest", names=names, fetched_at=ctx.clock()))
    (here,) = await insert_characters(ctx, guild, Toon("Ярослав", realm="dusk-forest"))
    for number, realm in enumerate(("dusk-forest", "DuskForest", "Сумеречныйбор", "Сумеречный бор")):
        await apply_notes(ctx, SERVER, [NoteRow("Ярослав", realm, f"{number}")], as_of=READ)
        assert (await stored(ctx))[here][0] == f"{number}"


async def test_the_same_export_twice_writes_nothing(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana", "Borin", "Cedric")
    rows = [NoteRow("Ana", None, "hello", ""), NoteRow("Borin", None, "", None), NoteRow("Cedric")]
    await apply_notes(ctx, SERVER, rows, as_of=READ)
    before = await versions(ctx)
    assert await apply_notes(ctx, SERVER, rows, as_of=READ) == NotesApplied(applied=0, unchanged=3)
    assert len(before) == 2
    assert await versions(ctx) == before


async def test_unknown_leaves_an_officer_note_and_empty_erases_it(ctx: Context, guild: int) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await apply_notes(ctx, SERVER, [NoteRow("Ana", None, "public", "secret")], as_of=READ)
    await apply_notes(ctx, SERVER, [NoteRow("Ana", None, "", None)], as_of=LATER)
    assert await stored(ctx) == {ana: ("", LATER, "secret", READ)}
    await apply_notes(ctx, SERVER, [NoteRow("Ana", None, None, "")], as_of=LATER)
    assert await stored(ctx) == {ana: ("", LATER, "", LATER)}


async def test_an_older_export_after_a_newer_one_changes_nothing(ctx: Context, guild: int) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await apply_notes(ctx, SERVER, [NoteRow("Ana", None, "new")], as_of=LATER)
    assert await apply_notes(ctx, SERVER, [NoteRow("Ana", None, "old")], as_of=READ) == NotesApplied(0, 1)
    assert await stored(ctx) == {ana: ("new", LATER, None, None)}


async def test_who_left_keeps_their_notes_until_they_return(ctx: Context, guild: int) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await apply_notes(ctx, SERVER, [NoteRow("Ana", None, "before")], as_of=READ)
    await leave_guild(ctx, ana)
    assert (await apply_notes(ctx, SERVER, [NoteRow("Ana", None, "")], as_of=LATER)).unknown == ("Ana",)
    assert await stored(ctx) == {ana: ("before", READ, None, None)}
    async with ctx.sessions.begin() as session:
        session.add(Membership(guild_id=guild, character_id=ana, rank=5, joined_at=ctx.clock()))
    assert (await apply_notes(ctx, SERVER, [NoteRow("Ana", None, "after")], as_of=LATER)).applied == 1


async def test_officer_notes_never_cross_servers_of_one_guild(ctx: Context, guild: int) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await apply_notes(ctx, SERVER, [NoteRow("Ana", None, "public", "secret")], as_of=READ)
    assert await stored(ctx, ELSEWHERE) == {}
    await apply_notes(ctx, ELSEWHERE, [NoteRow("Ana", None, "ours", None)], as_of=LATER)
    assert await stored(ctx, ELSEWHERE) == {ana: ("ours", LATER, None, None)}
    assert await stored(ctx) == {ana: ("public", READ, "secret", READ)}


async def test_notes_of_any_bytes_are_kept_as_far_as_a_database_can(ctx: Context, guild: int) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    odd = "a\x00b\ud800c\x1b[31m\u202ed\U0001f409"
    await apply_notes(ctx, SERVER, [NoteRow("Ana\x00\udfff", None, odd), NoteRow("Ana", None, odd)], as_of=READ)
    assert (await stored(ctx))[ana][0] == "abc\x1b[31m\u202ed\U0001f409"


async def test_a_large_export_takes_as_many_statements_as_a_small_one(ctx: Context, guild: int, statements) -> None:
    names = [f"N{'abcdefghij'[n // 100]}{'abcdefghij'[n // 10 % 10]}{'abcdefghij'[n % 10]}" for n in range(600)]
    await insert_characters(ctx, guild, *names)
    counts = []
    for size in (3, 600):
        with statements() as sent:
            rows = [NoteRow(name, None, f"{size}", "") for name in names[:size]]
            assert (await apply_notes(ctx, SERVER, rows, as_of=READ + timedelta(minutes=size))).applied == size
        counts.append(len(sent))
    assert counts[0] == counts[1]
