from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest
import simcord

from bot.services import matching, options, runs, status, uploads
from db.runs import Scope
from domain.runs import RunSource, Trigger
from sandbox.battlenet import faults
from tests.cogs.home import Home, card_of
from tests.support.uploads import body, export, insert_key, row


async def test_a_roster_sync_shows_what_it_changed_and_what_followed(home: Home) -> None:
    await home.follow()
    await home.sync_members()
    result = await home.officer.slash(home.general, "sync roster")
    assert result.ephemeral
    assert card_of(result).splitlines() == [
        "## The Ember Vigil",
        "**60 characters** in the guild.",
        "60 new",
        "3 links made by Muster's rules.",
        "61 findings (61 new). `/audit report` posts them.",
        "Profiles (item level, last login) wait: timers are off in this copy of Muster.",
    ]


async def test_what_waits_for_an_officers_word_is_told_with_where_to_give_it(home: Home) -> None:
    await options.change(home.services.ctx, home.server.id, {"link_mode": "suggest"}, actor_id=home.officer.id)
    await home.sync_roster()
    card = card_of(await home.officer.slash(home.general, "sync members"))
    assert "No new links · 3 new suggestions: `/link review`." in card
    assert "suggestion" not in card_of(await home.officer.slash(home.general, "sync members"))


async def test_a_second_sync_says_that_nothing_changed(home: Home) -> None:
    await home.sync_members()
    await home.sync_roster()
    card = card_of(await home.officer.slash(home.general, "sync roster"))
    assert "Nothing changed." in card
    assert "No new links." in card


async def test_a_rename_a_rank_move_and_an_ordinary_departure_are_told_apart(home: Home) -> None:
    await home.sync_roster()
    world = home.sample.world
    first, second, third = world.members(home.sample.guild)[-3:]
    world.rename(first, "Umbenannt")
    world.demote(second)
    world.leave(third)
    card = card_of(await home.officer.slash(home.general, "sync roster"))
    assert "1 changed · 1 renamed · 1 rank move · 1 departed" in card


async def test_before_the_members_were_read_a_roster_sync_says_what_is_missing(home: Home) -> None:
    await home.follow()
    assert "run `/sync members`" in card_of(await home.officer.slash(home.general, "sync roster"))


async def test_a_follow_up_that_failed_is_not_passed_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    await home.follow()
    await home.sync_members()

    async def fail(*_: object, **__: object) -> int:
        raise RuntimeError("broken")

    monkeypatch.setattr(matching, "match_server", fail)
    card = card_of(await home.officer.slash(home.general, "sync roster"))
    assert "Links and findings of this server could not be brought up to date" in card


async def test_a_roster_sync_needs_a_guild(home: Home) -> None:
    assert "`/setup guild`" in home.refused(await home.officer.slash(home.general, "sync roster"))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.Status(404), "404"),
        (faults.Status(403), "403"),
        (faults.EmptyMembers(), "without members"),
        (faults.Html(), "Battle.net"),
    ],
    ids=["404", "403", "empty", "html"],
)
async def test_a_roster_that_is_not_whole_changes_nothing_and_says_why(
    home: Home, fault: faults.Fault, reason: str
) -> None:
    await home.sync_roster()
    home.battlenet.faults.add("*/roster", fault, times=None)
    card = card_of(await home.officer.slash(home.general, "sync roster"))
    assert "**Nothing was changed.**" in card
    assert reason in card


async def test_failed_profiles_stand_in_the_status_and_not_in_the_roster(home: Home) -> None:
    await home.sync_roster()
    home.battlenet.faults.add("*/profile/wow/character/*", faults.Status(403), times=2)
    await home.read_profiles()
    card = card_of(await home.officer.slash(home.general, "sync status"))
    started = int(home.clock().timestamp())
    assert f"**Roster** · ✅ success, <t:{started}:R>\n60 characters · 60 new" in card
    counted = "60 profiles checked · 55 updated · 2 not read\n2 of 60 profiles could not be read"
    assert f"**Profiles** · ⚠️ partial, <t:{started}:R>\n{counted}" in card


async def test_the_status_shows_how_far_the_profiles_are(home: Home) -> None:
    guild = await home.follow()
    ctx, scope = home.services.ctx, Scope(guild_id=guild.id)
    async with runs.running(ctx, RunSource.BLIZZARD_PROFILES, scope, trigger=Trigger.TIMER) as run:
        async with ctx.sessions.begin() as session:
            await run.confirm(session, home.clock(), counts={"profiles_checked": 1_200, "profiles_changed": 7})
        card = card_of(await home.officer.slash(home.general, "sync status"))
    assert f"**Profiles** · 🔄 running, begun <t:{int(home.clock().timestamp())}:R>\n" in card
    assert "1,200 profiles checked · 7 updated" in card


async def test_the_status_shows_what_the_last_uploads_brought(home: Home) -> None:
    guild = await home.follow()
    ctx = home.services.ctx
    uploader = await insert_key(ctx, guild.id, home.server.id)
    content = export(row("Nobody"), at=home.clock(), guild={"name": guild.name, "realm": None, "region": "eu"})
    await uploads.receive(ctx, uploader, body(content))
    home.clock.advance(minutes=1)
    older = {**content, "export_id": "an-older-export", "exported_at": content["exported_at"] - 60}
    await uploads.receive(ctx, uploader, body(older))
    await uploads.process(ctx, home.server.id)
    card = card_of(await home.officer.slash(home.general, "sync status"))
    moment = int(home.clock().timestamp())
    assert f"**Addon upload** · ✅ success, <t:{moment}:R>\n2 uploads · 1 older" in card


async def test_a_member_sync_shows_what_it_changed(home: Home) -> None:
    await home.sync_roster()
    result = await home.officer.slash(home.general, "sync members")
    assert result.ephemeral
    assert card_of(result).startswith("## Members\n**7 members** on this server, bots left out.")
    assert "3 links made by Muster's rules." in card_of(result)


async def test_a_member_sync_before_the_roster_says_what_comes_next(home: Home) -> None:
    assert "run `/setup guild`" in card_of(await home.officer.slash(home.general, "sync members"))
    await home.follow()
    assert "run `/sync roster`" in card_of(await home.officer.slash(home.general, "sync members"))


async def test_a_member_list_that_does_not_come_changes_nobody(home: Home) -> None:
    home.env.inject_error("GET", "/guilds/*/members", status=403, code=50001)
    result = await home.officer.slash(home.general, "sync members")
    assert "Nobody was changed" in home.refused(result)
    card = card_of(await home.officer.slash(home.general, "sync status"))
    assert "**Members** · ❌ failed," in card


async def test_the_status_before_any_sync_says_how_to_begin(home: Home) -> None:
    result = await home.officer.slash(home.general, "sync status")
    assert result.ephemeral
    assert "Begin with `/sync roster`" in card_of(result)


async def test_the_status_shows_the_last_runs_with_age_counts_and_reason(home: Home) -> None:
    await home.sync_roster()
    home.clock.advance(hours=1)
    await home.sync_members()
    home.battlenet.faults.add("*/roster", faults.EmptyMembers())
    await home.officer.slash(home.general, "sync roster")
    card = card_of(await home.officer.slash(home.general, "sync status"))
    started = int(home.clock().timestamp())
    assert f"**Roster** · ❌ failed, <t:{started}:R>" in card
    assert "without members" in card
    assert f"**Members** · ✅ success, <t:{started}:R>\n7 members" in card


@pytest.mark.parametrize("command", ["roster", "members", "status", "apply", "discard"])
async def test_a_member_without_the_right_does_not_see_the_commands(home: Home, command: str) -> None:
    with pytest.raises(simcord.SetupError, match="not visible"):
        await home.plain.slash(home.general, f"sync {command}")


@pytest.mark.parametrize("command", ["roster", "members", "status", "apply", "discard"])
async def test_a_member_to_whom_the_group_was_opened_is_refused_all_the_same(home: Home, command: str) -> None:
    home.allow("sync", home.plain)
    assert "Only officers" in home.refused(await home.plain.slash(home.general, f"sync {command}"))
    assert await status.last_runs(home.services.ctx, home.server.id) == []


async def test_the_commands_are_not_offered_in_direct_messages(home: Home) -> None:
    with pytest.raises(simcord.SetupError):
        await home.officer.user.slash("sync status")


@pytest.mark.parametrize("error", [TimeoutError, aiohttp.ServerDisconnectedError, ConnectionResetError])
async def test_a_network_that_fails_while_members_are_read_changes_nobody_and_says_so(
    home: Home, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    async def fetch(*_: object, **__: object) -> AsyncIterator[discord.Member]:
        raise error
        yield

    monkeypatch.setattr(discord.Guild, "fetch_members", fetch)
    said = home.refused(await home.officer.slash(home.general, "sync members"))
    assert f"(no answer: {error.__name__}). Nobody was changed" in said
