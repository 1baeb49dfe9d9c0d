from typing import Any

import pytest
import simcord
from discord import app_commands

from bot.services import audit, options, servers
from cogs.setup import texts
from domain.options import BOUNDS, Options
from tests.cogs.home import Home, card_of, text_of
from tests.support.people import load_actions, load_links, load_suggestions

FRESH = [
    "## Options",
    "Change one by filling it in: `/setup options`.",
    "Time zone: UTC",
    "Language: English",
    "Links: Muster links by itself where the evidence is strong, marked as inferred",
    "Roster: every 6 hours or more often",
    "Members: every 15 minutes",
    "Profiles: fresh for 24 hours",
    "Long away: after 30 days without a login",
    "Reports: 20 findings of one type by name",
    "Out of date: after 3 days without a roster or a member list",
    "Old notes: after 7 days without an upload, where there is a key",
    "Weekly digest: Mondays at 9:00 in the audit channel",
]


async def setup(home: Home, **given: Any) -> simcord.InteractionResult:
    """Let the officer see or change the options."""
    result = await home.officer.slash(home.general, "setup options", **given)
    assert result.ephemeral
    return result


async def stored(home: Home) -> Options:
    """Load the options of the server."""
    return (await servers.view(home.services.ctx, home.server.id)).options


async def test_without_arguments_the_present_options_are_shown(home: Home) -> None:
    assert card_of(await setup(home)).splitlines() == FRESH
    assert await load_actions(home.services.ctx, "setup.options", home.server.id) == []


async def test_what_is_filled_in_is_changed_and_marked_among_all(home: Home) -> None:
    lines = card_of(await setup(home, time_zone="Asia/Seoul", roster_hours=1, report_lines=20)).splitlines()
    assert lines == [
        "## Options",
        "2 options changed.",
        "**✏️ Time zone: Asia/Seoul**",
        *FRESH[3:5],
        "**✏️ Roster: every 1 hour or more often**",
        *FRESH[6:],
    ]
    assert await stored(home) == Options(time_zone="Asia/Seoul", roster_hours=1)
    [logged] = await load_actions(home.services.ctx, "setup.options", home.server.id)
    assert logged.actor_id == home.officer.id


async def test_a_language_that_muster_does_not_speak_yet_is_said_to_be_so(home: Home) -> None:
    lines = card_of(await setup(home, locale="ru")).splitlines()
    assert lines[3] == f"**✏️ Language: Русский{texts.NOT_TRANSLATED}**"


async def test_a_time_zone_that_does_not_exist_is_refused_with_what_to_type(home: Home) -> None:
    text = home.refused(await setup(home, time_zone="Mordor @everyone", roster_hours=1))
    assert text.startswith("There is no time zone `Mordor @everyone`. Type a large city near you")
    assert await stored(home) == Options()


async def test_time_zones_are_offered_to_officers_by_any_part_of_their_name(home: Home) -> None:
    async def offered(actor: simcord.MemberActor, typed: str) -> list[str]:
        found = await actor.autocomplete(home.general, "setup options", "time_zone", typed)
        return [choice["value"] for choice in found]

    assert await offered(home.officer, "mordor") == []
    assert await offered(home.officer, "BERL") == ["Europe/Berlin"]
    assert len(await offered(home.officer, "")) == 25
    home.allow("setup", home.plain)
    assert await offered(home.plain, "berl") == []


async def test_who_is_no_officer_sees_and_changes_nothing(home: Home) -> None:
    home.allow("setup", home.plain)
    result = await home.plain.slash(home.general, "setup options", roster_hours=1)
    assert "Only officers" in home.refused(result)
    assert await stored(home) == Options()


async def test_discord_is_told_the_bounds_that_the_rules_know(home: Home) -> None:
    group = home.bot.tree.get_command("setup")
    assert isinstance(group, app_commands.Group)
    command = group.get_command("options")
    assert isinstance(command, app_commands.Command)
    told = {one.name: (one.min_value, one.max_value) for one in command.parameters if one.name in BOUNDS}
    assert told == dict(BOUNDS)
    assert [one.name for one in command.parameters if one.required] == []


async def test_with_links_left_to_officers_the_rules_link_nobody_until_it_is_switched_back(home: Home) -> None:
    await setup(home, link_mode="suggest")
    await home.sync_roster()
    await home.sync_members()
    assert await load_links(home.services.ctx, home.server.id) == {}
    await setup(home, link_mode="automatic")
    linked = await load_links(home.services.ctx, home.server.id)
    assert {user_id for users in linked.values() for user_id in users} == {one.id for one in home.namesakes.values()}
    await setup(home, link_mode="suggest")
    assert await load_links(home.services.ctx, home.server.id) == linked


async def test_switched_off_the_rules_neither_link_nor_suggest_and_what_was_suggested_goes(home: Home) -> None:
    ctx, server_id = home.services.ctx, home.server.id
    await setup(home, link_mode="suggest")
    await home.sync_roster()
    await home.sync_members()
    assert await load_suggestions(ctx, server_id)
    lines = card_of(await setup(home, link_mode="off")).splitlines()
    assert lines[4] == "**✏️ Links: Muster neither links nor suggests. Links that exist stay**"
    assert (await load_links(ctx, server_id), await load_suggestions(ctx, server_id)) == ({}, {})


@pytest.mark.parametrize("lines", [5, 25])
async def test_a_report_names_as_many_findings_of_a_type_as_the_options_say(home: Home, lines: int) -> None:
    await home.sync_roster()
    await home.sync_members()
    await options.change(home.services.ctx, home.server.id, {"report_lines": lines}, actor_id=home.officer.id)
    orphans = [one for one in await audit.standing(home.services.ctx, home.server.id) if one.rule == "orphan_wow"]
    assert len(orphans) > 25

    own = card_of(await home.officer.slash(home.general, "audit report"))
    assert f"… and {len(orphans) - lines} more" in own

    await home.report_to(home.audit)
    await home.officer.slash(home.general, "audit report")
    await home.deliver()
    [posted] = home.audit.history()
    assert f"… and {len(orphans) - lines} more" in text_of(posted)
