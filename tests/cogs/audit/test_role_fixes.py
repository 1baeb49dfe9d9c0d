"""Set role: from a finding about a role to its end, as officers live through it."""

from typing import Any

import discord
import pytest
import simcord

from bot.services import audit, pipeline, roles
from bot.services.role_plans import STOPS
from cogs.audit.fixes import roles_texts as texts
from cogs.common import role_watch
from cogs.common import texts as common_texts
from domain.audit import Finding
from domain.role_sync import Stop
from tests.cogs.home import Home, labels_of, text_of
from tests.cogs.ranked import (
    follow_at_once,
    furnish,
    give_by_hand,
    held,
    nobody,
    rank_of,
    role_calls,
    role_named,
    server_of,
    switch,
    wanted,
)


@pytest.fixture
async def hall(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A server whose three proven members lack their rank's role, which is found, and where role sync is on."""
    monkeypatch.setattr(role_watch, "LOOK_EVERY", 0.05)
    follow_at_once(monkeypatch)
    # Nobody's role follows by itself here, only what an officer does is seen.
    monkeypatch.setattr(roles, "AT_ONCE", 0)
    await furnish(home)
    await pipeline.follow_up(home.services.ctx, home.server.id)
    await switch(home, on=True)
    return home


def first(home: Home) -> tuple[str, simcord.MemberActor]:
    """Give the first namesake, by name and member."""
    return next(iter(home.namesakes.items()))


async def about(home: Home, member: simcord.MemberActor) -> list[Finding]:
    """Give the findings about a member's roles."""
    standing = await audit.standing(home.services.ctx, home.server.id)
    return [finding for finding in standing if member.id in finding.facts.get("user_ids", ())]


async def open_finding(home: Home, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open the finding about the first namesake."""
    [finding] = await about(home, first(home)[1])
    result = await (actor or home.officer).slash(home.general, "audit show", finding=finding.public_id)
    assert result.ephemeral
    assert result.response is not None
    return result.response


async def open_dry_run(home: Home, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open what would change for them."""
    shown = await open_finding(home, actor)
    await (actor or home.officer).click(shown, label=texts.SET_ROLE)
    return shown


async def test_a_missing_role_is_shown_then_given_and_its_finding_closes(hall: Home) -> None:
    name, member = first(hall)
    assert [finding.rule for finding in await about(hall, member)] == ["no_guild_role"]
    shown = await open_dry_run(hall)
    role = role_named(hall, f"Rank {rank_of(hall)[name]}")
    assert f"- <@{member.id}> · gets <@&{role.id}>" in text_of(shown)
    assert labels_of(shown) == [texts.APPLY, texts.BACK]
    assert held(hall) == nobody(hall)
    await hall.restart()
    await hall.officer.click(shown, label=texts.APPLY)
    assert held(hall) == nobody(hall) | {name: wanted(hall)[name]}
    assert text_of(shown).startswith("1 ✅ made")
    assert await about(hall, member) == []


async def test_another_ranks_role_given_by_hand_stays_and_the_right_one_closes_the_finding(hall: Home) -> None:
    name, member = first(hall)
    other = next(role for role in wanted(hall).values() if role != wanted(hall)[name])
    await switch(hall, on=False)
    await give_by_hand(hall, member, role_named(hall, next(iter(other))))
    await switch(hall, on=True)
    assert [finding.rule for finding in await about(hall, member)] == ["role_mismatch"]
    shown = await open_dry_run(hall)
    await hall.officer.click(shown, label=texts.APPLY)
    assert held(hall)[name] == wanted(hall)[name] | other
    assert await about(hall, member) == []


async def test_the_dry_run_changes_nothing_and_leads_back(hall: Home) -> None:
    shown = await open_dry_run(hall)
    await hall.officer.click(shown, label=texts.BACK)
    assert texts.SET_ROLE in labels_of(shown)
    assert role_calls(hall) == []


async def test_of_two_officers_who_set_a_role_one_does_and_the_other_hears_it(hall: Home) -> None:
    mine, theirs = await open_dry_run(hall), await open_dry_run(hall, hall.deputy)
    await hall.officer.click(mine, label=texts.APPLY)
    await hall.deputy.click(theirs, label=texts.APPLY)
    assert text_of(theirs).startswith("⚠️ ")
    assert len(role_calls(hall)) == 1


async def test_while_role_sync_is_off_the_dry_run_says_so_and_offers_no_change(hall: Home) -> None:
    await switch(hall, on=False)
    shown = await open_dry_run(hall)
    assert STOPS[Stop.OFF] in text_of(shown)
    assert labels_of(shown) == [texts.BACK]


async def test_a_dry_run_from_before_role_sync_was_switched_off_changes_nothing(hall: Home) -> None:
    shown = await open_dry_run(hall)
    await switch(hall, on=False)
    await hall.officer.click(shown, label=texts.APPLY)
    assert text_of(shown).startswith(f"⚠️ {STOPS[Stop.OFF]}")
    assert role_calls(hall) == []


async def test_a_rank_that_moved_since_the_dry_run_is_looked_at_again(hall: Home) -> None:
    name, _ = first(hall)
    shown = await open_dry_run(hall)
    character = next(one for one in hall.sample.world.members(hall.sample.guild) if one.name == name)
    hall.sample.world.set_rank(character, next(rank for rank in rank_of(hall).values() if rank != rank_of(hall)[name]))
    await switch(hall, on=False)
    await hall.sync_roster()
    await switch(hall, on=True)
    await hall.officer.click(shown, label=texts.APPLY)
    assert text_of(shown).startswith("⚠️ What would change is not what you were shown any more.")
    assert role_calls(hall) == []


async def test_what_discord_refuses_is_told_with_the_reason_and_the_finding_stays(hall: Home) -> None:
    _, member = first(hall)
    path = f"/guilds/{hall.server.id}/members/{member.id}/roles/*"
    hall.env.inject_error("PUT", path, status=403, code=50013, times=None)
    shown = await open_dry_run(hall)
    await hall.officer.click(shown, label=texts.APPLY)
    assert text_of(shown).startswith(f"1 ❌ failed\n❌ <@{member.id}> · ")
    assert len(await about(hall, member)) == 1


async def test_a_role_above_musters_own_is_told_with_the_remedy(hall: Home) -> None:
    name, _ = first(hall)
    high = role_named(hall, f"Rank {rank_of(hall)[name]}")
    top = server_of(hall).me.top_role
    hall.env.backend.reorder_roles(hall.server.id, [{"id": high.id, "position": top.position + 1}])
    await hall.env.settle()
    shown = await open_dry_run(hall)
    assert texts.NOTHING in text_of(shown)
    assert "move Muster's role above it" in text_of(shown)
    assert labels_of(shown) == [texts.BACK]


async def test_a_warning_of_the_dry_run_stands_apart_from_the_list_of_changes(hall: Home) -> None:
    await switch(hall, on=False)
    shown = await open_dry_run(hall)
    container: Any = shown.components[0]
    _, changes, warning = (part["content"] for part in container["components"][:3])
    assert [line[:2] for line in changes.splitlines()] == ["- "]
    assert warning == f"⚠️ {STOPS[Stop.OFF]}"


async def test_who_lost_the_right_since_the_dry_run_sets_no_role(hall: Home) -> None:
    shown = await open_dry_run(hall, hall.deputy)
    await switch(hall, on=False)
    await hall.take_rights(hall.deputy)
    await switch(hall, on=True)
    late = await hall.deputy.click(shown, label=texts.APPLY)
    assert text_of([*([late.response] if late.response else []), *late.followups][-1]) == common_texts.OFFICERS_ONLY
    assert role_calls(hall) == []
