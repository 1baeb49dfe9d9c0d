"""What a finding tells: the facts that lines, cards and fixes are made of, and what is left to another rule."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.services import audit, links, members
from bot.services.context import Context
from db.tables.audit import Issue, RuleSetting
from db.tables.guilds import Character, Guild
from db.tables.identity import LinkSuggestion
from db.tables.people import Availability, Member, PendingProof, Player, RejectedCandidate
from db.tables.reference import Race
from db.tables.roles import RoleChange
from db.tables.servers import Server, ServerGuild
from db.tables.uploads import Upload, UploadKey
from domain.audit import State
from domain.links import Confidence
from domain.role_sync import ChangeState
from domain.uploads import UploadState
from tests.support.causes import CAUSES
from tests.support.causes_data import old_notes, plan_role, ranked, stale, strange, upload
from tests.support.causes_links import doubly_proven, left_behind, mainless, stranger, suggest, suggested
from tests.support.changes import Planted, bo_leaves, going, holding, insert, linking, setting
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_player,
    insert_server,
    leave_guild,
    map_rank,
)
from tests.support.uploads import insert_key


async def run(ctx: Context) -> dict[str, list[Issue]]:
    """Run the rules; give what stands, by rule."""
    async with ctx.sessions.begin() as session:
        outcome = await audit.run_rules(ctx, session, server_id=SERVER)
        assert outcome.failed == ()
        found: dict[str, list[Issue]] = {}
        for issue in await session.scalars(sa.select(Issue).where(Issue.state != State.RESOLVED).order_by(Issue.id)):
            found.setdefault(issue.rule, []).append(issue)
    return found


async def only(ctx: Context, rule: str) -> Issue:
    """Run the rules; give the one finding of a rule."""
    [issue] = (await run(ctx))[rule]
    return issue


async def switch_off(ctx: Context, rule: str) -> None:
    await insert(ctx, RuleSetting(server_id=SERVER, rule=rule, enabled=False, set_by=OFFICER, set_at=ctx.clock()))


async def test_a_proof_names_the_member_whose_it_is_and_who_else_they_would_be(ctx: Context, guild: int) -> None:
    await doubly_proven(ctx, guild)
    await members.member_changed(ctx, SERVER, facts(1, "mia", nick="Mia"))

    issue = await only(ctx, "duplicate_discord")

    async with ctx.sessions() as session:
        proof = await session.scalar(sa.select(PendingProof.public_id))
    assert (issue.subject_id, issue.fingerprint) == (1, proof)
    assert issue.facts == {
        "proof": proof,
        "name": "Mia",
        "other_ids": [2],
        "character": "Bo",
        "realm": "stormrage",
        "source": "claim",
    }


async def test_a_hold_is_one_finding_that_names_five(ctx: Context, guild: int) -> None:
    ids = await insert_characters(ctx, guild, "Cid", "Ana", "Fay", "Bo", "Eve", "Dan", "Gus")
    hold = next(cause for cause in CAUSES if cause.rule == "held_departures").renews["another one waits too"]
    for id_ in ids[:-1]:
        await hold(Planted(ctx, guild, SERVER, bo=id_))

    issue = await only(ctx, "held_departures")

    assert issue.subject_id == SERVER
    names = ["Ana", "Bo", "Cid", "Dan", "Eve"]
    assert issue.facts == {"guild": "Raiders of Dawn", "characters": 6, "names": names}


async def test_who_left_is_told_with_their_highest_character_and_how_many_are_in_the_guild(
    ctx: Context, guild: int
) -> None:
    await map_rank(ctx, guild, 2, None)
    ids = await insert_characters(ctx, guild, Toon("Low", rank=7), Toon("High", rank=2), Toon("Gone", rank=0))
    await insert_members(ctx, facts(1, "mia", nick="Mia"))
    await insert_player(ctx, ids[:1], [1], inferred=ids[1:])
    await leave_guild(ctx, ids[2])
    await members.member_left(ctx, SERVER, 1)

    found = await run(ctx)

    [issue] = found["stale_discord_link"]
    assert issue.facts == {
        "name": "Mia",
        "username": "mia",
        "left_at": int(ctx.clock().timestamp()),
        "characters": 2,
        "character": "High",
        "rank": 2,
        "rank_name": None,
    }
    assert "orphan_wow" not in found


async def test_a_player_of_whom_another_member_is_here_is_told_of_the_one_who_left(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await insert_player(ctx, [ana], [1, 2])
    await members.member_left(ctx, SERVER, 2)

    assert {rule: [one.subject_id for one in found] for rule, found in (await run(ctx)).items()} == {
        "stale_discord_link": [2]
    }


async def test_a_suggestion_names_those_who_are_still_possible_in_their_order(ctx: Context, guild: int) -> None:
    planted = await stranger(ctx, guild)
    await insert_members(ctx, *(facts(user_id) for user_id in (2, 3, 4, 5)))
    await suggest(planted, 5, 4, 3, 2, 1)
    await going(4)(planted)
    await setting(Member, Member.user_id == 3, opted_out_at=ctx.clock())(planted)
    refused = {"server_id": SERVER, "character_id": planted.ana, "rejected_by": OFFICER, "rejected_at": ctx.clock()}
    await insert(ctx, RejectedCandidate(user_id=2, **refused))

    issue = await only(ctx, "link_suggestion")

    known = {"name": "Ana", "realm": "stormrage", "rank": 5, "rank_name": None}
    assert issue.facts == {**known, "user_ids": [5, 1], "confidence": None}
    assert issue.fingerprint == "1 5"


async def test_the_same_people_in_another_order_are_the_same_question(ctx: Context, guild: int) -> None:
    planted = await suggested(ctx, guild)
    await insert_members(ctx, facts(2))
    await suggest(planted, 1, 2)
    before = await only(ctx, "link_suggestion")

    await suggest(planted, 2, 1)

    after = await only(ctx, "link_suggestion")
    assert (after.facts["user_ids"], after.fingerprint) == ([2, 1], before.fingerprint)


async def test_a_suggestion_that_only_the_mode_leaves_to_officers_says_how_sure_it_is(ctx: Context, guild: int) -> None:
    planted = await suggested(ctx, guild)
    await setting(LinkSuggestion, confidence=Confidence.MEDIUM)(planted)

    assert (await only(ctx, "link_suggestion")).facts["confidence"] == "medium"


@pytest.mark.parametrize("rule", ["link_suggestion", "stale_discord_link"])
async def test_a_rule_that_is_off_silences_no_other(ctx: Context, guild: int, rule: str) -> None:
    planted = await (suggested if rule == "link_suggestion" else left_behind)(ctx, guild)
    assert "orphan_wow" not in await run(ctx)

    await switch_off(ctx, rule)

    found = await run(ctx)
    assert rule not in found
    assert [issue.subject_id for issue in found["orphan_wow"]] == [planted.ana]


async def test_a_player_without_any_member_leaves_their_characters_without_one(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_player(ctx, [ana], [])

    assert [issue.subject_id for issue in (await run(ctx))["orphan_wow"]] == [ana]


async def test_a_main_that_is_gone_is_named_and_both_when_both_are(ctx: Context, guild: int) -> None:
    planted = await mainless(ctx, guild)
    known = {"user_ids": [1], "name": "Ana", "realm": "stormrage"}
    assert (await only(ctx, "main_not_linked")).facts == {**known, "which": ["main"]}

    await bo_leaves(planted)
    assert (await only(ctx, "main_not_linked")).facts == {**known, "which": ["main", "offspec"]}

    await setting(Player, main_character_id=None)(planted)
    assert (await only(ctx, "main_not_linked")).facts == {**known, "name": "Bo", "which": ["offspec"]}


@pytest.mark.parametrize(
    ("kind", "column", "name"), [(1, "class_id", "class"), (2, "spec_id", "specialization"), (3, "race_id", "race")]
)
async def test_what_is_new_to_muster_is_one_finding_however_many_have_it(
    ctx: Context, guild: int, kind: int, column: str, name: str
) -> None:
    await insert_characters(ctx, guild, "Bo")
    planted = await strange(kind, column)(ctx, guild)
    [cid] = await insert_characters(ctx, guild, "Cid")
    await setting(Character, Character.id == cid, **{column: 999})(planted)

    issue = await only(ctx, "unknown_reference")

    assert issue.subject_id == kind * 10_000_000 + 999
    assert issue.facts == {"kind": name, "id": 999, "characters": 2, "name": "Ana"}


async def test_before_the_first_race_is_known_none_is_unknown(ctx: Context, guild: int) -> None:
    await strange(3, "race_id")(ctx, guild)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.delete(Race))

    assert "unknown_reference" not in await run(ctx)


@pytest.mark.usefixtures("guild")
async def test_data_that_is_out_of_date_is_told_for_roster_and_members_apart(ctx: Context, clock: FakeClock) -> None:
    read_at = int(clock().timestamp())
    clock.advance(days=3)
    assert "stale_data" not in await run(ctx)

    clock.advance(seconds=1)
    roster, listed = (await run(ctx))["stale_data"]

    assert (roster.subject_id, listed.subject_id) == (1, 2)
    assert roster.facts == {"source": "roster", "read_at": read_at, "days": 3}
    assert listed.facts == {"source": "members", "read_at": read_at, "days": 3}


async def test_what_was_never_read_is_out_of_date_too_once_that_takes_days(ctx: Context, clock: FakeClock) -> None:
    await insert_guild(ctx, await insert_server(ctx), roster_synced=False)
    assert await run(ctx) == {}

    clock.advance(days=4)

    roster, _ = (await run(ctx))["stale_data"]
    assert (roster.facts, roster.fingerprint) == ({"source": "roster", "read_at": None, "days": 3}, "")


@pytest.mark.parametrize("since", ["followed", "invited again"])
async def test_data_from_before_a_guild_was_followed_or_muster_invited_again_are_given_time(
    ctx: Context, guild: int, clock: FakeClock, since: str
) -> None:
    clock.advance(days=400)
    table, column = (ServerGuild, "followed_at") if since == "followed" else (Server, "returned_at")
    await setting(table, **{column: clock() - timedelta(days=3)})(Planted(ctx, guild, 1))
    assert "stale_data" not in await run(ctx)

    clock.advance(seconds=1)
    assert len((await run(ctx))["stale_data"]) == 2


async def read_now(ctx: Context) -> None:
    """Let roster and members be read whole now."""
    for table, column in ((Guild, "roster_synced_at"), (Server, "members_synced_at")):
        await setting(table, **{column: ctx.clock()})(Planted(ctx, 0, 0))


async def test_notes_that_never_came_are_old_as_long_after_the_first_key(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    clock.advance(days=400)
    await insert_key(ctx, guild)
    clock.advance(days=6)
    await insert_key(ctx, guild, name="Eve's PC")
    clock.advance(days=1)
    await read_now(ctx)
    assert "stale_data" not in await run(ctx)

    clock.advance(seconds=1)
    issue = await only(ctx, "stale_data")
    assert (issue.subject_id, issue.fingerprint) == (3, "")
    assert issue.facts == {"source": "notes", "read_at": None, "days": 7}


async def test_notes_are_as_old_as_the_newest_export_that_was_applied(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    planted = await old_notes(ctx, guild)
    read_at = int((clock() - timedelta(days=8)).timestamp())
    await upload(planted, clock() - timedelta(days=9))
    await upload(planted, clock() - timedelta(days=1))
    await setting(Upload, Upload.exported_at == clock() - timedelta(days=1), state=UploadState.FAILED)(planted)
    assert (await only(ctx, "stale_data")).facts == {"source": "notes", "read_at": read_at, "days": 7}


async def test_without_a_key_for_the_guild_no_notes_are_expected(ctx: Context, guild: int, clock: FakeClock) -> None:
    other = await insert_guild(ctx, name="Others")
    await insert_key(ctx, other)
    await insert_key(ctx, guild)
    await setting(UploadKey, UploadKey.guild_id == guild, revoked_at=clock())(Planted(ctx, guild, 3))
    clock.advance(days=400)
    await read_now(ctx)
    assert "stale_data" not in await run(ctx)


@pytest.mark.usefixtures("guild")
async def test_a_guild_that_nobody_follows_is_not_out_of_date(ctx: Context, clock: FakeClock) -> None:
    clock.advance(days=400)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.delete(ServerGuild))

    assert await run(ctx) == {}


async def test_a_hiatus_that_ends_lets_a_character_be_stale_again(ctx: Context, guild: int, clock: FakeClock) -> None:
    planted = await stale(ctx, guild)
    assert (await only(ctx, "stale_character")).facts["user_ids"] == [1]
    word = {"server_id": SERVER, "player_id": planted.player, "reason": "baby", "set_by": OFFICER, "set_at": clock()}
    await insert(ctx, Availability(away_until=clock() + timedelta(hours=1), **word))
    assert "stale_character" not in await run(ctx)

    clock.advance(hours=1)

    assert [issue.subject_id for issue in (await run(ctx))["stale_character"]] == [planted.ana]


@pytest.mark.parametrize("state", [ChangeState.DONE, ChangeState.SKIPPED, ChangeState.FAILED])
async def test_a_role_that_did_not_come_about_is_missed_again(ctx: Context, guild: int, state: ChangeState) -> None:
    planted = await ranked(ctx, guild)
    await plan_role(planted)
    assert "no_guild_role" not in await run(ctx)

    await setting(RoleChange, state=state, finished_at=ctx.clock())(planted)

    assert [issue.subject_id for issue in (await run(ctx))["no_guild_role"]] == [planted.player]


async def test_a_planned_role_of_somebody_else_silences_nobody(ctx: Context, guild: int) -> None:
    planted = await ranked(ctx, guild)
    await insert_members(ctx, facts(2))
    await plan_role(planted)
    await setting(RoleChange, user_id=2)(planted)

    assert "no_guild_role" in await run(ctx)


async def test_unlinking_anew_is_a_new_problem_and_a_rename_is_not(ctx: Context, guild: int) -> None:
    planted = await stranger(ctx, guild)
    before = (await only(ctx, "orphan_wow")).fingerprint
    await setting(Character, name="Anya")(planted)
    assert (await only(ctx, "orphan_wow")).fingerprint == before

    await linking(1)(planted)
    await links.remove(ctx, SERVER, character_id=planted.ana, actor_id=OFFICER)

    assert (await only(ctx, "orphan_wow")).fingerprint != before


async def test_a_finding_about_ranks_waits_until_the_guild_was_read_whole(ctx: Context, guild: int) -> None:
    planted = await ranked(ctx, guild)
    await holding()(planted)
    await setting(Guild, roster_synced_at=None)(planted)

    assert await run(ctx) == {}
