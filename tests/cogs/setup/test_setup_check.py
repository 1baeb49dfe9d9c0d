import discord
import pytest

from bot.services import ranks
from cogs.setup import texts
from cogs.setup.checks import Check, State, check_intent, check_timers
from domain.options import Options
from domain.ranks import RankTruth
from sandbox.battlenet import faults
from tests.cogs.home import Home, card_of
from tests.cogs.ranked import furnish, role_named, server_of, switch, take_manage_roles, wanted

ON = discord.ApplicationFlags(gateway_guild_members=True)
LIMITED = discord.ApplicationFlags(gateway_guild_members_limited=True)
OFF = discord.ApplicationFlags()


@pytest.fixture
def hall(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Let Discord say that the intent is on: SimCord's application has no flags."""
    monkeypatch.setattr(discord.AppInfo, "flags", property(lambda _: ON))
    return home


async def check(home: Home) -> list[str]:
    """Give the lines of the check."""
    result = await home.officer.slash(home.general, "setup check")
    assert result.ephemeral
    return card_of(result).splitlines()


async def test_a_fresh_server_is_told_each_step_that_is_left(hall: Home) -> None:
    assert await check(hall) == [
        "## Setup check",
        "**4 things to do**, marked ❌.",
        "✅ Server Members intent: on.",
        "✅ Permissions: View Channel and Send Messages.",
        "❌ Guild: none. Choose one with `/setup guild`.",
        "❌ Audit channel: none, so nothing is posted. Choose one with `/setup channels`.",
        "✅ Officers: who has Manage Server. `/setup ranks` can choose a role beside it.",
        "✅ Battle.net: answers.",
        "❌ Roster: never read. Run `/sync roster`.",
        "❌ Members: never read. Run `/sync members`.",
        f"⚠️ {texts.TIMERS_OFF}",
        "✅ Posts: the last one arrived, or there was none yet.",
    ]


async def test_a_server_that_is_set_up_lacks_nothing(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await hall.sync_roster()
    await hall.sync_members()
    lines = await check(hall)
    assert lines[1] == "Everything that Muster needs is there."
    assert f"✅ Audit channel: <#{hall.audit.id}>." in lines
    assert f"✅ Guild: The Ember Vigil, {hall.sample.guild.realm.name} (EU)." in lines
    assert f"✅ Roster: read <t:{int(hall.clock().timestamp())}:R>." in lines
    assert not [line for line in lines if line.startswith("❌")]


async def test_the_intent_that_was_switched_off_is_told_with_the_place_to_switch_it_on(home: Home) -> None:
    assert any(line.startswith("❌ Server Members intent: off.") for line in await check(home))


async def test_flags_that_discord_does_not_tell_are_no_alarm(home: Home) -> None:
    home.env.inject_error("GET", "/oauth2/applications/@me", status=400)
    assert any(line.startswith("⚠️ Server Members intent: Discord did not tell.") for line in await check(home))


@pytest.mark.parametrize(
    ("asked", "flags", "state"),
    [
        (True, ON, State.OK),
        (True, LIMITED, State.OK),
        (True, OFF, State.MISSING),
        (True, None, State.WARNING),
        (False, ON, State.MISSING),
        (False, None, State.MISSING),
    ],
)
def test_the_intent_must_be_asked_for_and_granted(
    asked: bool, flags: discord.ApplicationFlags | None, state: State
) -> None:
    assert check_intent(discord.Intents(members=asked), flags).state is state


async def test_a_channel_that_was_closed_to_muster_later_is_told(hall: Home) -> None:
    await hall.report_to(hall.audit)
    channel, me = hall.bot.get_channel(hall.audit.id), hall.bot.user
    assert isinstance(channel, discord.TextChannel)
    assert me is not None
    await channel.set_permissions(channel.guild.me, view_channel=True, send_messages=False)
    await hall.env.settle()
    assert any(
        f"❌ Audit channel: in <#{hall.audit.id}> Muster lacks **Send Messages**" in line for line in await check(hall)
    )
    await channel.delete()
    await hall.env.settle()
    assert any(line.startswith("❌ Audit channel: it no longer exists.") for line in await check(hall))


async def test_an_audit_channel_that_everyone_reads_is_told(hall: Home) -> None:
    await hall.report_to(hall.general)
    assert any(line.startswith("⚠️ Audit channel: everyone can read") for line in await check(hall))


async def test_battlenet_that_does_not_answer_is_told_with_the_reason(hall: Home) -> None:
    await hall.follow()
    hall.battlenet.faults.add("*/data/wow/playable-race/*", faults.Html(), times=None)
    assert any(line.startswith("❌ Battle.net: does not answer usefully") for line in await check(hall))


async def test_a_failed_and_a_partial_run_are_told_with_their_reason(hall: Home) -> None:
    await hall.follow()
    hall.battlenet.faults.add("*/roster", faults.EmptyMembers())
    await hall.sync_roster()
    assert any("❌ Roster: the last read failed" in line and "without members" in line for line in await check(hall))
    hall.battlenet.faults.add("*/profile/wow/character/*", faults.Status(403))
    await hall.sync_roster()
    await hall.read_profiles()
    assert any("⚠️ Profiles: read" in line and "1 of 60" in line for line in await check(hall))


async def test_a_post_that_could_not_be_delivered_is_told(hall: Home) -> None:
    await hall.report_to(hall.audit)
    hall.env.inject_error("POST", f"/channels/{hall.audit.id}/messages", status=403, code=50013)
    await hall.sync_roster()
    hall.leave(20)
    await hall.sync_roster()
    await hall.deliver()
    assert (await check(hall))[
        -1
    ] == "❌ Posts: the last one could not be delivered: Muster may not write in the channel."


async def test_permissions_that_the_role_lacks_are_named(hall: Home) -> None:
    server = hall.bot.get_guild(hall.server.id)
    assert server is not None
    rest = discord.Permissions(view_channel=True, use_application_commands=True)
    for role in server.me.roles:
        hall.env.backend.edit_role(server.id, role.id, {"permissions": rest.value})
    await hall.env.settle()
    assert any("⚠️ Permissions: Muster's role lacks **Send Messages**." in line for line in await check(hall))


def test_the_timers_are_told_with_the_servers_own_intervals() -> None:
    told = "Timers: on. The roster is read at least every {}, members every {}."
    assert check_timers(Options(), on=True) == Check(State.OK, told.format("6 hours", "15 minutes"))
    own = Options(roster_hours=1, member_minutes=120)
    assert check_timers(own, on=True) == Check(State.OK, told.format("1 hour", "120 minutes"))
    assert check_timers(own, on=False) == Check(State.WARNING, texts.TIMERS_OFF)


@pytest.fixture
async def ruled(hall: Home) -> Home:
    """The same with a role for each rank, and role sync on."""
    await furnish(hall)
    await switch(hall, on=True)
    return hall


async def role_lines(home: Home) -> list[str]:
    """Give what the check says of role sync."""
    return [line for line in await check(home) if "Role sync:" in line]


async def test_role_sync_that_is_off_is_not_looked_at(ruled: Home) -> None:
    assert await role_lines(ruled) == [f"✅ {texts.ROLE_SYNC_ON}"]
    await switch(ruled, on=False)
    assert await role_lines(ruled) == []


async def test_role_sync_without_anything_that_decides_is_told(ruled: Home) -> None:
    ctx = ruled.services.ctx
    await ranks.choose_truth(ctx, ruled.server.id, RankTruth.REPORT_ONLY, actor_id=ruled.officer.id)
    assert await role_lines(ruled) == [f"⚠️ {texts.ROLE_SYNC_IDLE}"]


async def test_role_sync_without_manage_roles_is_told_with_the_remedy(ruled: Home) -> None:
    await take_manage_roles(ruled)
    assert await role_lines(ruled) == [f"❌ {texts.ROLE_SYNC_FORBIDDEN}"]


async def test_roles_above_musters_own_are_told_each_with_the_remedy(ruled: Home) -> None:
    names = sorted(name for held in wanted(ruled).values() for name in held)
    high = role_named(ruled, names[0])
    top = server_of(ruled).me.top_role
    ruled.env.backend.reorder_roles(ruled.server.id, [{"id": high.id, "position": top.position + 1}])
    await ruled.env.settle()
    [line] = await role_lines(ruled)
    assert line.startswith(f"❌ Role sync: <@&{high.id}> of **{names[0]}** is left as it is: ")
    assert "Move Muster's role above it in Server Settings, Roles" in line
