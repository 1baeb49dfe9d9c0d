"""Uploads applied: notes, titles of ranks, and what is told of them."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import ranks, servers, upload_format, uploads
from bot.services.context import Context
from bot.services.upload_keys import Uploader
from bot.services.uploads import BODIES_KEPT
from db import uploads as stored
from db.tables.guilds import Character
from db.tables.reference import Realm
from db.tables.servers import GuildRank
from db.tables.uploads import Upload
from domain.errors import NotFound
from domain.regions import Region
from domain.uploads import UploadState
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_actions,
    load_links,
    rename_character,
)
from tests.support.uploads import READ, body, insert_key, load_uploads, notes_of, row, send, sent

ELSEWHERE = 200
LATER = READ + timedelta(hours=1)


@pytest.fixture
async def bob(ctx: Context, guild: int) -> Uploader:
    """Give somebody with a key for the guild."""
    return await insert_key(ctx, guild)


async def query(ctx: Context, sql: str) -> list[Any]:
    async with ctx.sessions() as session:
        return list(await session.scalars(sa.text(sql)))


async def rank_names(ctx: Context) -> dict[int, str | None]:
    async with ctx.sessions() as session:
        return {rank.rank_index: rank.name for rank in await session.scalars(sa.select(GuildRank))}


async def test_an_upload_is_applied_and_tells_what_became_of_it(
    ctx: Context, bob: Uploader, guild: int, clock: FakeClock
) -> None:
    ana, _, _ = await insert_characters(ctx, guild, "Ana", "Thòra", "Thóra")
    rows = [row("Ana", "hello", "discord: ana"), row("Nobody", realm="Area52"), row("Thora"), row("Bob", 5)]
    receipt = await send(ctx, bob, *rows, ranks=["Guild Master"])
    clock.advance(seconds=5)
    await uploads.process(ctx, SERVER)
    found = await uploads.view(ctx, bob, receipt.upload)
    assert (found.state, found.applied_at) == (UploadState.APPLIED, clock())
    assert found.result == {
        "applied": 1,
        "unchanged": 0,
        "emptied": 0,
        "unknown": ["Nobody-Area52"],
        "ambiguous": ["Thora"],
        "invalid": [{"row": 3, "field": "note", "problem": "not a text"}],
        "joined_by": "name",
        "ranks": ["Guild Master"],
    }
    assert await notes_of(ctx) == {ana: ("hello", "discord: ana")}
    assert await query(ctx, "SELECT counts::text FROM common.sync_log WHERE source = 'addon_upload'") == [
        '{"uploads": 1, "notes_new": 1}'
    ]


async def test_a_member_without_the_right_erases_no_officer_note(ctx: Context, bob: Uploader, guild: int) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await sent(ctx, bob, row("Ana", "public", "secret"))
    await sent(ctx, bob, row("Ana", "", ""), at=LATER, officer_notes=False)
    assert await notes_of(ctx) == {ana: ("", "secret")}


async def test_an_officer_erases_an_officer_note_by_an_empty_one(ctx: Context, bob: Uploader, guild: int) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await sent(ctx, bob, row("Ana", "public", "secret"))
    await sent(ctx, bob, row("Ana", "public", ""), at=LATER)
    assert await notes_of(ctx) == {ana: ("public", "")}


async def test_characters_that_lose_a_note_are_counted_and_their_links_stay(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    ana, *_ = await insert_characters(ctx, guild, "Ana", "Bo", "Cid")
    await insert_members(ctx, facts(1, "mia_the_great"))
    await sent(ctx, bob, row("Ana", "x", "discord: mia_the_great"), row("Bo", "", "y"), row("Cid", "z", ""))
    result = await sent(ctx, bob, row("Ana", "new"), row("Bo", "", ""), row("Cid", None, None), at=LATER)
    assert (result["applied"], result["emptied"]) == (2, 1)
    result = await sent(ctx, bob, *(row(name, "", "") for name in ("Ana", "Bo", "Cid")), at=LATER + timedelta(hours=1))
    assert (result["applied"], result["emptied"]) == (2, 2)
    assert await load_links(ctx) == {ana: {1}}


async def test_the_same_name_on_two_realms_stays_two_also_on_a_hyphenated_and_a_localised_one(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    async with ctx.sessions.begin() as session:
        names = {"de_DE": "Der Wald", "ru_RU": "Сумеречный бор"}
        session.add(Realm(region=Region.EU, id=60, slug="stormrage", names={}, fetched_at=ctx.clock()))
        session.add(Realm(region=Region.EU, id=61, slug="dusk-forest", names=names, fetched_at=ctx.clock()))
    here, there, far = await insert_characters(
        ctx, guild, "Thora", Toon("Thora", realm="azjol-nerub"), Toon("Thora", realm="dusk-forest")
    )
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Character).where(Character.id == far).values(realm_id=61))
    result = await sent(
        ctx,
        bob,
        row("Thora", "here"),
        row("Thora", "there", realm="Azjol-Nerub"),
        row("Thora", "far", realm="Сумеречныйбор"),
    )
    assert (result["applied"], result["unknown"], result["ambiguous"]) == (3, [], [])
    assert {id_: note for id_, (note, _) in (await notes_of(ctx)).items()} == {here: "here", there: "there", far: "far"}


async def test_an_older_export_after_a_newer_one_is_kept_and_not_applied(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await sent(ctx, bob, row("Ana", "new", "new"), at=LATER)
    assert await sent(ctx, bob, row("Ana", "old", "old")) is None
    _, older = await load_uploads(ctx)
    assert (older.state, older.applied_at) == (UploadState.OLDER, None)
    assert older.body is not None
    assert await notes_of(ctx) == {ana: ("new", "new")}


async def test_of_two_that_wait_the_newer_one_makes_the_other_one_old(ctx: Context, bob: Uploader, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana")
    await send(ctx, bob, row("Ana", "new"), at=LATER)
    await send(ctx, bob, row("Ana", "old"))
    await uploads.process(ctx, SERVER)
    assert [one.state for one in await load_uploads(ctx)] == [UploadState.APPLIED, UploadState.OLDER]


async def test_an_officers_export_counts_also_after_a_newer_one_of_somebody_without_the_right(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await sent(ctx, bob, row("Ana", "new"), at=LATER, officer_notes=False, ranks=["New"])
    result = await sent(ctx, bob, row("Ana", "old", "secret"), ranks=["Old"])
    assert (result["applied"], result["ranks"]) == (1, [])
    assert await notes_of(ctx) == {ana: ("new", "secret")}
    assert await rank_names(ctx) == {0: "New"}


async def test_officer_notes_never_cross_servers_of_one_guild(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx), await insert_server(ctx, ELSEWHERE))
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await sent(ctx, await insert_key(ctx, guild), row("Ana", "x", "secret"), at=LATER, export_id="the-same-export")
    await sent(ctx, await insert_key(ctx, guild, ELSEWHERE), row("Ana", "y", None), export_id="the-same-export")
    assert await notes_of(ctx, ELSEWHERE) == {ana: ("y", None)}
    assert await notes_of(ctx) == {ana: ("x", "secret")}


async def test_a_format_0_upload_counts_an_empty_officer_note_as_unknown(
    ctx: Context, bob: Uploader, guild: int, clock: FakeClock
) -> None:
    (ana,) = await insert_characters(ctx, guild, Toon("Ana", realm="argent-dawn"))
    await sent(ctx, bob, row("Ana", "x", "secret", realm="ArgentDawn"))
    clock.advance(hours=1)
    earlier = {"name": "Ana", "realm": "Argent Dawn", "guild_note": "", "officer_note": "", "rank": 5}
    content = body({"characters": [{**earlier, "rank_name": "Raider"}], "uploaded_by": "Bob"})
    await uploads.receive(ctx, bob, content)
    await uploads.process(ctx, SERVER)
    assert await notes_of(ctx) == {ana: ("", "secret")}
    assert await rank_names(ctx) == {5: "Raider"}
    assert (await uploads.receive(ctx, bob, content)).repeated


async def test_a_renamed_character_is_found_by_its_guid(ctx: Context, bob: Uploader, guild: int) -> None:
    ids = await insert_characters(ctx, guild, *(f"N{letter}" for letter in "abcdefghijklmnopqrst"))
    async with ctx.sessions() as session:
        known = list(await session.scalars(sa.select(Character).order_by(Character.id)))
    rows = [row(one.name, "x", guid=f"Player-60-{one.blizzard_id:08X}") for one in known]
    await rename_character(ctx, ids[0], "Oldname")
    result = await sent(ctx, bob, *rows)
    assert (result["joined_by"], result["applied"], result["unknown"]) == ("guid", 20, [])
    wrong = [{**one, "guid": "Player-60-00000001"} for one in rows[:2]] + rows[2:]
    result = await sent(ctx, bob, *wrong, at=LATER)
    assert (result["joined_by"], result["unchanged"], result["unknown"]) == ("name", 19, ["Na"])


async def test_matching_and_audit_follow_once_under_the_uploads_run(ctx: Context, bob: Uploader, guild: int) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "mia_the_great"))
    for number in range(3):
        await send(ctx, bob, row("Ana", "x", "discord: mia_the_great"), at=READ + timedelta(minutes=number))
    await uploads.process(ctx, SERVER)
    assert await load_links(ctx) == {ana: {1}}
    [linked] = await load_actions(ctx, "link.add")
    assert linked.run_id in await query(ctx, "SELECT id FROM common.sync_log WHERE source = 'addon_upload'")
    states = [(one.state, one.followed_at is not None) for one in await load_uploads(ctx)]
    assert states == [(UploadState.OLDER, False), (UploadState.OLDER, False), (UploadState.APPLIED, True)]


@pytest.mark.parametrize("case", ["unchanged", "new"])
async def test_10_rows_and_1000_take_as_many_statements(
    ctx: Context, bob: Uploader, guild: int, statements: Any, case: str
) -> None:
    names = [f"N{'abcdefghij'[n // 100]}{'abcdefghij'[n // 10 % 10]}{'abcdefghij'[n % 10]}" for n in range(1_000)]
    await insert_characters(ctx, guild, *names)
    await sent(ctx, bob, *(row(name, "x", "") for name in names), ranks=["GM"])
    counts = []
    for number, size in enumerate((10, 1_000), start=1):
        note = f"since {number}" if case == "new" else "x"
        at = READ + timedelta(minutes=number)
        with statements() as seen:
            result = await sent(ctx, bob, *(row(name, note, "") for name in names[:size]), at=at, ranks=["GM"])
        assert result["applied"] == (size if case == "new" else 0)
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_notes_that_a_newer_export_does_not_change_are_not_written(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    await insert_characters(ctx, guild, "Ana", "Bo", "Cid")
    versions = "SELECT ctid::text || xmin::text FROM guild_identity.character_notes ORDER BY 1"
    await sent(ctx, bob, row("Ana", "x", "y"), row("Bo", "", None), row("Cid", "z"))
    before = await query(ctx, versions)
    result = await sent(ctx, bob, row("Ana", "x", "y"), row("Bo", "", None), row("Cid", "z"), at=LATER)
    assert (result["applied"], result["unchanged"]) == (0, 3)
    assert await query(ctx, versions) == before
    result = await sent(ctx, bob, row("Ana", "x", "y"), row("Bo", "", None), row("Cid", "new"), at=LATER)
    assert (result["applied"], result["unchanged"]) == (1, 2)
    assert len(set(before) - set(await query(ctx, versions))) == 1


async def test_an_officers_export_from_between_does_not_bring_back_what_two_others_agree_about(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    (ana,) = await insert_characters(ctx, guild, "Ana")
    await sent(ctx, bob, row("Ana", "x", "secret"))
    await sent(ctx, bob, row("Ana", "x"), at=LATER, officer_notes=False)
    await sent(ctx, bob, row("Ana", "not for long", "news"), at=READ + timedelta(minutes=30))
    assert await notes_of(ctx) == {ana: ("x", "news")}


# Titles of ranks


async def test_an_upload_names_the_ranks_that_no_officer_named(ctx: Context, bob: Uploader, guild: int) -> None:
    await insert_characters(ctx, guild, Toon("Ana", rank=1), Toon("Bo", rank=2))
    assert await ranks.rename(ctx, SERVER, 2, "Veterans", actor_id=OFFICER)
    result = await sent(ctx, bob, row("Ana"), ranks=["Guild Master", "Officer", "Raider", " ", "x" * 40])
    assert result["ranks"] == ["Guild Master", "Officer", "x" * 31 + "…"]
    assert await rank_names(ctx) == {0: "Guild Master", 1: "Officer", 2: "Veterans", 4: "x" * 31 + "…"}
    [logged] = await load_actions(ctx, "rank.titles")
    assert (logged.actor_id, logged.subject_id) == (None, SERVER)
    assert logged.run_id is not None
    assert logged.before == {"guild_id": guild, "names": {"0": None, "1": None, "4": None}}
    assert logged.after is not None
    assert logged.after["names"]["1"] == "Officer"


async def test_an_upload_renames_what_an_upload_named_and_never_what_an_officer_did(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    await insert_characters(ctx, guild, Toon("Ana", rank=0), Toon("Bo", rank=1), Toon("Cid", rank=2))
    await sent(ctx, bob, row("Ana"), ranks=["Guild Master", "Officer", "Raider"])
    assert await ranks.rename(ctx, SERVER, 1, "Council", actor_id=OFFICER)
    result = await sent(ctx, bob, row("Ana"), at=LATER, ranks=["King", "Lord", "Raider"])
    assert result["ranks"] == ["King"]
    assert await rank_names(ctx) == {0: "King", 1: "Council", 2: "Raider"}
    *_, logged = await load_actions(ctx, "rank.titles")
    assert (logged.before, logged.after) == (
        {"guild_id": guild, "names": {"0": "Guild Master"}},
        {"guild_id": guild, "names": {"0": "King"}},
    )


async def test_a_name_that_an_officer_takes_back_leaves_the_rank_to_the_game_again(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    await insert_characters(ctx, guild, Toon("Ana", rank=1))
    await ranks.rename(ctx, SERVER, 1, "Council", actor_id=OFFICER)
    await ranks.rename(ctx, SERVER, 1, "", actor_id=OFFICER)
    await sent(ctx, bob, row("Ana"), ranks=["GM", "Officer"])
    assert (await rank_names(ctx))[1] == "Officer"


async def test_titles_that_are_no_news_write_and_log_nothing(ctx: Context, bob: Uploader, guild: int) -> None:
    versions = "SELECT ctid::text || xmin::text FROM guild_identity.guild_ranks ORDER BY 1"
    await sent(ctx, bob, row("Ana"), ranks=["GM", "Officer"])
    before = await query(ctx, versions)
    assert (await sent(ctx, bob, row("Ana"), at=LATER, ranks=["GM", "Officer"]))["ranks"] == []
    assert await query(ctx, versions) == before
    assert len(await load_actions(ctx, "rank.titles")) == 1


async def test_a_role_stays_a_ranks_when_the_game_names_it(ctx: Context, bob: Uploader, guild: int) -> None:
    async with ctx.sessions.begin() as session:
        session.add(GuildRank(server_id=SERVER, guild_id=guild, rank_index=0, role_id=33))
    await sent(ctx, bob, row("Ana"), ranks=["GM"])
    async with ctx.sessions() as session:
        rank = await session.get_one(GuildRank, (SERVER, guild, 0))
    assert (rank.name, rank.titled, rank.role_id) == ("GM", True, 33)


# What is kept and shown


async def test_of_a_servers_bodies_the_last_are_kept_and_those_that_wait(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    waiting = await send(ctx, bob, row("Ana"), at=READ)
    async with ctx.sessions.begin() as session:
        [first] = await session.scalars(sa.select(Upload))
        for number in range(BODIES_KEPT + 5):
            session.add(
                Upload(
                    **{
                        column.name: getattr(first, column.name)
                        for column in Upload.__table__.columns
                        if column.name not in ("id", "public_id", "export_id", "state")
                    },
                    public_id=f"upload-{number}",
                    export_id=f"earlier-{number}",
                    state=UploadState.OLDER,
                )
            )
    await send(ctx, bob, row("Ana"), at=LATER)
    await uploads.process(ctx, SERVER)
    kept = [one.public_id for one in await load_uploads(ctx) if one.body is not None]
    assert len(kept) == BODIES_KEPT
    assert waiting.upload not in kept  # its turn has come


async def test_an_upload_whose_turn_has_not_come_keeps_its_body(ctx: Context, bob: Uploader) -> None:
    await send(ctx, bob, row("Ana"))
    async with ctx.sessions.begin() as session:
        await stored.prune(session, SERVER, keep=0)
    assert [one.body is None for one in await load_uploads(ctx)] == [False]


async def test_the_newest_uploads_of_a_server_are_listed_with_who_sent_them(
    ctx: Context, bob: Uploader, guild: int
) -> None:
    eve = await insert_key(ctx, guild, name="Eve's PC")
    assert await uploads.newest(ctx, bob) is None
    await send(ctx, bob, row("Ana"))
    second = await send(ctx, eve, row("Ana"), at=LATER)
    found = await uploads.recent(ctx, SERVER, 5)
    assert [(one.uploader, one.exported_at) for one in found] == [("Eve's PC", LATER), ("Bob's PC", READ)]
    assert len(await uploads.recent(ctx, SERVER, 1)) == 1
    assert await uploads.newest(ctx, bob) == await uploads.view(ctx, bob, second.upload)


async def test_an_upload_of_another_server_does_not_exist_for_a_key(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx), await insert_server(ctx, ELSEWHERE))
    receipt = await send(ctx, await insert_key(ctx, guild, ELSEWHERE), row("Ana"))
    with pytest.raises(NotFound):
        await uploads.view(ctx, await insert_key(ctx, guild), receipt.upload)


@pytest.mark.parametrize("case", ["another guild", "none"])
async def test_what_waits_when_the_server_leaves_the_guild_fails_and_says_so(
    ctx: Context, bob: Uploader, guild: int, case: str
) -> None:
    await insert_characters(ctx, guild, "Ana")
    await send(ctx, bob, row("Ana", "x"))
    if case == "none":
        await servers.note_absence(ctx, SERVER)
    else:
        other = await insert_guild(ctx, SERVER, name="Others")
        await insert_characters(ctx, other, "Ana")
    await uploads.process(ctx, SERVER)
    [failed] = await load_uploads(ctx)
    assert (failed.state, failed.result) == (UploadState.FAILED, {"reason": uploads.NOT_FOLLOWED})
    assert await notes_of(ctx) == {}


async def test_what_an_earlier_release_took_and_this_one_refuses_fails_and_says_why(
    ctx: Context, bob: Uploader, guild: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(ctx, bob, row("Ana"), row("Bo"))
    monkeypatch.setattr(upload_format, "ROWS_LIMIT", 1)
    await uploads.process(ctx, SERVER)
    [failed] = await load_uploads(ctx)
    assert (failed.state, failed.result) == (UploadState.FAILED, {"reason": "`rows`: longer than 1 rows."})
    assert await query(ctx, "SELECT status FROM common.sync_log WHERE source = 'addon_upload'") == ["partial"]
