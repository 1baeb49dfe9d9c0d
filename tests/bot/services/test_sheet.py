"""Importing a spreadsheet: what it writes, what it leaves, and that a second time nothing is written."""

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from bot.services import links, matching, privacy
from bot.services.context import Context
from bot.services.sheet import Imported, import_sheet
from db.tables.guilds import Character
from db.tables.identity import PastLink
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember, RejectedCandidate
from db.tables.reference import Realm
from domain.errors import Conflict, NotFound
from domain.links import Confidence, LinkEnd, Source, is_proven
from domain.regions import Region
from domain.sheet import read_characters, read_ids
from domain.sheet_plan import Fate
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
    leave_guild,
    load_actions,
    load_links,
)
from tests.support.statements import statements

IDS = "Discord,DiscordID\nDave,1\nEve,2\n"


async def bring_in(ctx: Context, *rows: str, ids: str = IDS, dry_run: bool = False, server: int = SERVER) -> Imported:
    """Import rows of Discord, Character, Main/Alt, Class, Realm."""
    text = "\n".join(("Discord,Character,Main/Alt,Class,Realm", *rows))
    return await import_sheet(
        ctx, server, characters=read_characters(text.encode()), ids=read_ids(ids.encode()), dry_run=dry_run
    )


async def infer(ctx: Context) -> None:
    assert (await matching.match_server(ctx, SERVER)).linked


async def add(ctx: Context, character_id: int, user_id: int) -> None:
    await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def sources(ctx: Context, character_id: int, user_id: int) -> tuple[Source, Source]:
    async with ctx.sessions() as session:
        owned = await session.get_one(PlayerCharacter, (SERVER, character_id))
        attached = await session.get_one(PlayerMember, (SERVER, user_id))
        assert owned.player_id == attached.player_id
        return owned.source, attached.source


async def mains(ctx: Context) -> set[int | None]:
    async with ctx.sessions() as session:
        return set(await session.scalars(sa.select(Player.main_character_id)))


async def past(ctx: Context) -> Sequence[PastLink]:
    async with ctx.sessions() as session:
        return (await session.scalars(sa.select(PastLink).order_by(PastLink.id))).all()


def told(imported: Imported) -> list[tuple[int, str]]:
    return [(remark.line, remark.text) for remark in imported.remarks]


async def test_characters_are_joined_by_folded_name_and_people_by_discord_id(ctx: Context, guild: int) -> None:
    ana, bo, cy = await insert_characters(ctx, guild, "Ána", "Bo", "Cy")
    await insert_members(ctx, facts(1), facts(2))

    imported = await bring_in(ctx, "Dave,ana,Main,,", "dave,BO,Alt,,", "Eve,Cy,Main,,")

    assert await load_links(ctx) == {ana: {1}, bo: {1}, cy: {2}}
    assert (imported.fates, imported.mains, imported.remarks) == ({Fate.NEW: 3}, 2, ())
    assert await mains(ctx) == {ana, cy}
    async with ctx.sessions() as session:
        for half in (
            await session.get_one(PlayerCharacter, (SERVER, ana)),
            await session.get_one(PlayerMember, (SERVER, 1)),
        ):
            assert (half.source, half.confidence, half.linked_by) == (Source.MIGRATED_SHEET, Confidence.HIGH, None)
            assert half.evidence["sheet"]["discord"] == "Dave"
    added = await load_actions(ctx, "link.add")
    assert [(one.subject_id, one.after and one.after["source"]) for one in added] == [
        (ana, "migrated_sheet"),
        (bo, "migrated_sheet"),
        (cy, "migrated_sheet"),
    ]
    assert len(await load_actions(ctx, "player.main")) == 2


async def test_a_sheet_proves_nothing(ctx: Context, guild: int) -> None:
    [leader] = await insert_characters(ctx, guild, Toon("Leader", rank=0))
    await insert_members(ctx, facts(1))

    await bring_in(ctx, "Dave,Leader,Main,,")

    assert not is_proven(*await sources(ctx, leader, 1))
    assert (await links.whois_member(ctx, SERVER, 1)).rank is None


async def test_a_second_import_writes_nothing(ctx: Context, guild: int, clock: FakeClock) -> None:
    await insert_characters(ctx, guild, "Ana", "Bo", "Cy")
    await insert_members(ctx, facts(1), facts(2))
    rows = ("Dave,Ana,Main,,", "Dave,Bo,Alt,,", "Eve,Cy,Main,,", "Eve,Nobody,Alt,,")
    first = await bring_in(ctx, *rows)
    before = await whole(ctx)
    clock.advance(days=1)

    with statements() as sent:
        again = await bring_in(ctx, *rows)

    assert not [one for one in sent if not one.lstrip().startswith("SELECT")]
    assert await whole(ctx) == before
    assert (again.fates, again.mains, again.remarks) == ({Fate.KEPT: 3}, 0, first.remarks)


async def test_a_dry_run_writes_nothing_and_tells_the_same(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1, "bo"), facts(2))
    await infer(ctx)
    before = await whole(ctx)
    rows = ("Dave,Ana,Main,,", "Eve,Bo,,,", "Eve,Nobody,,,", ",,,x,")

    dry = await bring_in(ctx, *rows, dry_run=True)

    assert await whole(ctx) == before
    real = await bring_in(ctx, *rows)
    assert (dry.fates, dry.mains, dry.remarks, dry.id_remarks) == (
        real.fates,
        real.mains,
        real.remarks,
        real.id_remarks,
    )
    assert (dry.written, real.written) == (False, True)
    assert await whole(ctx) != before


async def whole(ctx: Context) -> list[list[str]]:
    """Give all rows of the tables that an import may write."""
    async with ctx.sessions() as session:
        return [
            sorted(map(str, await session.execute(sa.text(f"SELECT * FROM guild_identity.{table}"))))  # noqa: S608
            for table in ("players", "player_members", "player_characters", "link_history", "action_log")
        ]


async def test_an_inferred_link_to_somebody_else_gives_way_and_stays_in_the_history(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2, "ana"))
    await infer(ctx)

    imported = await bring_in(ctx, "Dave,Ana,Main,,")

    assert imported.fates == {Fate.MOVED: 1}
    assert await load_links(ctx) == {ana: {1}}
    assert await sources(ctx, ana, 1) == (Source.MIGRATED_SHEET, Source.MIGRATED_SHEET)
    async with ctx.sessions() as session:
        assert "reasons" not in (await session.get_one(PlayerCharacter, (SERVER, ana))).evidence
    [ended] = await past(ctx)
    assert (ended.user_ids, ended.source, ended.ended, ended.ended_by) == ([2], Source.NAME, LinkEnd.MOVED, None)
    async with ctx.sessions() as session:
        assert await session.get(PlayerMember, (SERVER, 2)) is None
    [action] = [one for one in await load_actions(ctx, "link.add") if one.rule is None]
    assert action.before is not None
    assert action.before["source"] == "name"


async def test_two_people_whose_characters_a_rule_had_swapped_are_set_right(ctx: Context, guild: int) -> None:
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1, "bo"), facts(2, "ana"))
    await infer(ctx)
    async with ctx.sessions.begin() as session:
        for character_id in (ana, bo):
            owned = await session.get_one(PlayerCharacter, (SERVER, character_id))
            main = sa.update(Player).where(Player.id == owned.player_id)
            await session.execute(main.values(main_character_id=character_id, offspec_character_id=character_id))

    await bring_in(ctx, "Dave,Ana,Main,,", "Eve,Bo,Main,,")

    assert await load_links(ctx) == {ana: {1}, bo: {2}}
    async with ctx.sessions() as session:
        found = await session.execute(
            sa.select(PlayerMember.user_id, Player.main_character_id, Player.offspec_character_id).join(
                Player, Player.id == PlayerMember.player_id
            )
        )
        assert {tuple(row) for row in found} == {(1, ana, None), (2, bo, None)}


async def test_an_equal_inferred_link_then_rests_on_the_sheet(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)

    imported = await bring_in(ctx, "Dave,Ana,,,")

    assert imported.fates == {Fate.CONFIRMED: 1}
    assert await sources(ctx, ana, 1) == (Source.MIGRATED_SHEET, Source.MIGRATED_SHEET)
    async with ctx.sessions() as session:
        for half in (
            await session.get_one(PlayerCharacter, (SERVER, ana)),
            await session.get_one(PlayerMember, (SERVER, 1)),
        ):
            assert half.evidence["sheet"]["discord"] == "Dave"
            assert [reason["rule"] for reason in half.evidence["reasons"]] == ["equal_name"]
    [ended] = await past(ctx)
    assert (ended.ended, ended.source) == (LinkEnd.CONFIRMED, Source.NAME)
    assert [one.subject_id for one in await load_actions(ctx, "link.confirm")] == [ana, 1]


async def test_an_officers_word_is_never_replaced(ctx: Context, guild: int) -> None:
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 2)
    await add(ctx, bo, 1)

    imported = await bring_in(ctx, "Dave,Ana,Main,,", "Dave,Bo,,,")

    assert await load_links(ctx) == {ana: {2}, bo: {1}}
    assert await sources(ctx, ana, 2) == (Source.OFFICER, Source.OFFICER)
    assert await sources(ctx, bo, 1) == (Source.OFFICER, Source.OFFICER)
    assert told(imported) == [(2, "Ana is another player's by a person's word: `/whois` tells whose")]
    assert await past(ctx) == []


async def test_a_rule_does_not_undo_what_the_sheet_said(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2, "ana"))

    await bring_in(ctx, "Dave,Ana,,,")
    await matching.match_server(ctx, SERVER)

    assert await load_links(ctx) == {ana: {1}}


async def test_what_an_officer_took_apart_the_sheet_does_not_join(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await add(ctx, ana, 1)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)
    async with ctx.sessions() as session:
        assert (await session.scalars(sa.select(RejectedCandidate.user_id))).all() == [1]

    imported = await bring_in(ctx, "Dave,Ana,,,")

    assert await load_links(ctx) == {}
    assert "an officer has said" in told(imported)[0][1]


@pytest.mark.parametrize("ids", ["Dave,2", "Dave,2\nDave,1"])
async def test_another_account_of_who_opted_out_gets_nothing_from_a_sheet(ctx: Context, guild: int, ids: str) -> None:
    main, _ = await insert_characters(ctx, guild, "Main", "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, main, 1)
    await links.add(ctx, SERVER, character_id=main, user_id=2, actor_id=OFFICER, also=True)
    await privacy.opt_out(ctx, SERVER, 1)

    imported = await bring_in(ctx, "Dave,Ana,,,", ids=f"Discord,DiscordID\n{ids}\n")

    assert await load_links(ctx) == {main: {1, 2}}
    assert [remark.text for remark in imported.id_remarks] == ["`Dave` has opted out; 1 character not linked"]


async def test_a_pair_taken_apart_stays_apart_for_another_account_of_the_same_player(ctx: Context, guild: int) -> None:
    main, ana = await insert_characters(ctx, guild, "Main", "Ana")
    await insert_members(ctx, facts(1), facts(2))
    for one in (main, ana):
        await add(ctx, one, 1)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)
    await links.add(ctx, SERVER, character_id=main, user_id=2, actor_id=OFFICER, also=True)

    [remark] = (await bring_in(ctx, "Dave,Ana,,,", ids="Discord,DiscordID\nDave,2\n")).remarks

    assert remark.text == "an officer has said that Ana is not this member's: `/link add` takes that back"
    assert await load_links(ctx) == {main: {1, 2}}


async def test_members_who_opted_out_who_left_and_who_are_unknown_are_listed(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana", "Bo", "Cy")
    await insert_members(ctx, facts(1), facts(2))
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).where(Member.user_id == 1).values(opted_out_at=ctx.clock()))
        await session.execute(sa.update(Member).where(Member.user_id == 2).values(left_at=ctx.clock()))

    ids = IDS + "Fay,3\nGus,no\n"
    imported = await bring_in(ctx, "Dave,Ana,Main,,", "Eve,Bo,,,", "Fay,Cy,,,", ids=ids)

    assert await load_links(ctx) == {}
    assert [(one.line, one.text) for one in imported.id_remarks] == [
        (2, "`Dave` has opted out; 1 character not linked"),
        (3, "`Eve` has left the server; 1 character not linked"),
        (4, "`Fay` has an id that is no member's of this server: 3; 1 character not linked"),
        (5, "`no` is no Discord id"),
    ]


async def test_an_ambiguous_name_is_listed_and_a_realm_decides_by_any_of_its_names(ctx: Context, guild: int) -> None:
    here, there = await insert_characters(ctx, guild, Toon("Bo", "stormrage"), Toon("Bo", "azjol-nerub"))
    await insert_members(ctx, facts(1))
    async with ctx.sessions.begin() as session:
        names = {"en_GB": "Azjol-Nerub", "ru_RU": "Азжол-Неруб"}
        session.add(Realm(region=Region.EU, id=77, slug="azjol-nerub", names=names, fetched_at=ctx.clock()))
        await session.execute(sa.update(Character).where(Character.id == here).values(realm_name="Stormrage"))

    imported = await bring_in(ctx, "Dave,Bo,,,", "Dave,Bo,,,Азжол-Неруб", "Dave,Bo,,,Everrealm")

    assert await load_links(ctx) == {there: {1}}
    assert told(imported) == [
        (2, "several characters are called `Bo`: Bo-Stormrage, Bo-azjol-nerub"),
        (4, "no character `Bo` of the guild is on `Everrealm`, but on Stormrage, azjol-nerub"),
    ]


async def test_a_character_that_left_the_guild_is_not_in_it(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await leave_guild(ctx, ana)

    imported = await bring_in(ctx, "Dave,Ana,,,")

    assert await load_links(ctx) == {}
    assert told(imported) == [(2, "no character `Ana` is in the guild")]


async def test_another_class_is_listed_by_its_name(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))

    imported = await bring_in(ctx, "Dave,Ana,,Mage,")

    assert told(imported) == [(2, "Ana is no `Mage` but Warrior: perhaps another character of this name")]
    assert (await bring_in(ctx, "Dave,Ana,,warrior,")).fates == {Fate.NEW: 1}


async def test_an_import_costs_the_same_statements_whatever_its_size(scratch_ctx: Context) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx))
    await insert_characters(
        scratch_ctx, guild, *(f"Toon{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}" for n in range(60))
    )
    await insert_members(scratch_ctx, *(facts(n) for n in range(1, 61)))
    counts = []
    for first, last in ((0, 2), (2, 60)):
        rows = [f"u{n},Toon{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]},Main,," for n in range(first, last)]
        ids = "Discord,DiscordID\n" + "\n".join(f"u{n},{n + 1}" for n in range(first, last))
        with statements() as sent:
            imported = await bring_in(scratch_ctx, *rows, ids=ids)
        assert imported.fates == {Fate.NEW: last - first}
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_two_imports_at_once_make_one(scratch_ctx: Context) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx))
    [ana] = await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1))

    done = await asyncio.gather(*(bring_in(scratch_ctx, "Dave,Ana,Main,,") for _ in range(4)))

    assert await load_links(scratch_ctx) == {ana: {1}}
    assert sorted(list(one.fates) for one in done) == [[Fate.KEPT]] * 3 + [[Fate.NEW]]
    assert len(await load_actions(scratch_ctx, "link.add")) == 1


async def test_a_failure_in_the_middle_leaves_nothing(scratch_ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx))
    await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1))

    async def fail(*_: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr("db.sheet.set_mains", fail)
    with pytest.raises(RuntimeError, match="power"):
        await bring_in(scratch_ctx, "Dave,Ana,Main,,")

    assert await load_links(scratch_ctx) == {}
    assert await mains(scratch_ctx) == set()


async def test_a_server_that_is_unknown_without_guild_or_not_read_yet_is_told_what_to_do(ctx: Context) -> None:
    with pytest.raises(NotFound, match="does not know this server"):
        await bring_in(ctx, "Dave,Ana,,,")
    await insert_server(ctx)
    with pytest.raises(NotFound, match="/setup guild"):
        await bring_in(ctx, "Dave,Ana,,,")
    await insert_guild(ctx, SERVER, roster_synced=False)
    with pytest.raises(Conflict, match="/sync roster"):
        await bring_in(ctx, "Dave,Ana,,,")


async def test_other_servers_of_the_guild_keep_their_own_links(ctx: Context) -> None:
    here, there = await insert_server(ctx), await insert_server(ctx, 200)
    guild = await insert_guild(ctx, here, there)
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), server_id=here)
    await insert_members(ctx, facts(1), server_id=there)

    await bring_in(ctx, "Dave,Ana,Main,,")

    assert await load_links(ctx) == {ana: {1}}
    assert await load_links(ctx, there) == {}
