"""What the shipped bot makes of a gateway that fails, and of answers that do not get through."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from sandbox.battlenet import Slow
from sandbox.discord import Exchange
from tests.conftest import create_database, drop_database, url_of
from tests.e2e.conftest import Home
from tests.e2e.small import NAMES, small_guild

BAD_SETTING, FAILED = 2, 1
READING = 2.0
AGAIN = 15.0
"""discord.py waits 5 seconds before it identifies again."""


@pytest.fixture(scope="module")
async def set_up(admin: AsyncEngine, template_db: str) -> AsyncIterator[Home]:
    """Give the small guild with everything chosen and read."""
    name = await create_database(admin, template_db)
    async with Home(small_guild(), settings={"DATABASE_URL": url_of(admin, name)}) as home:
        await home.raise_curtain()
        await home.set_up()
        yield home
    await drop_database(admin, name)


@pytest.fixture
async def home(set_up: Home) -> Home:
    """Give that guild with the bot running, whatever the test before has done to it."""
    if not set_up.bot.running:
        await set_up.raise_curtain()
    return set_up


async def resumed(home: Home, before: int) -> None:
    """Wait until the bot has resumed once more."""
    await home.discord.until(lambda: home.discord.sockets.resumed > before, "the resume")


def comes(home: Home, name: str) -> int:
    """Let a member join who bears a character's name; give the user's id."""
    user = home.discord.world.add_user(f"friend_of_{name}".lower())
    home.discord.world.join(home.server_id, user, nick=name)
    return user


async def known(home: Home, user: int, name: str) -> None:
    """See that the bot comes to know whose character a member's is."""
    shown = await home.meanwhile(home.command("whois", {"member": user}, until=f"**{name}**"))
    assert f"**{name}**" in shown.text


async def test_a_lost_line_is_resumed_with_what_was_missed_and_a_sync_goes_on(home: Home) -> None:
    sockets = home.discord.sockets
    home.battlenet.faults.add("*/roster", Slow(READING))
    working = await home.begin("sync roster")
    await home.discord.until(lambda: "Reading the roster" in working.text, "the sync at work")
    sockets.drop()
    joined = comes(home, "Mulea")
    await resumed(home, 0)
    await working.finished(lambda answer: "in the guild" in answer.text, within=AGAIN)

    await sockets.close(4000)
    renamed = home.user_ids[3]
    home.discord.world.set_nick(home.server_id, renamed, "Muleb")
    await resumed(home, 1)
    await known(home, joined, "Mulea")
    await known(home, renamed, "Muleb")
    assert sockets.identified == 1


async def test_discords_own_wish_to_reconnect_is_followed_by_a_resume(home: Home) -> None:
    sockets = home.discord.sockets
    before = sockets.identified, sockets.resumed
    sockets.ask_to_reconnect()
    await resumed(home, before[1])
    sockets.invalidate(resumable=True)
    await resumed(home, before[1] + 1)
    assert sockets.identified == before[0]
    assert "success" in await home.say("sync status")


async def test_a_lost_session_is_opened_anew_and_nothing_is_doubled(home: Home) -> None:
    sockets = home.discord.sockets
    before = sockets.identified, sockets.resumed
    sockets.invalidate()
    joined = comes(home, "Mulec")
    await home.discord.until(lambda: sockets.identified > before[0], "the second IDENTIFY", AGAIN)
    assert sockets.resumed == before[1]
    members = len(home.discord.backend.get_guild(home.server_id).members)
    assert f"**{members - 1} members** on this server" in await home.say("sync members")
    await known(home, joined, "Mulec")
    assert f"**{len(NAMES)} characters** in the guild" in await home.say("sync roster")
    published = [one for one in home.recorded if isinstance(one, Exchange) and one.path.endswith("/commands")]
    assert len(published) == 1
    assert sum("the timers run here" in line for line in home.bot.log) == 1


async def test_a_server_that_was_unavailable_is_taken_up_as_it_is_now(home: Home) -> None:
    sockets = home.discord.sockets
    sockets.start_outage(home.server_id)
    missed = comes(home, "Muled")
    sockets.end_outage(home.server_id)
    assert home.sample.guild.name in await home.say("setup check")
    assert "1 joined" in await home.say("sync members")
    await known(home, missed, "Muled")


async def test_answers_that_discord_puts_off_arrive(home: Home) -> None:
    fault = home.discord.fault
    fault("POST", "/interactions/*/callback", 429, retry_after=0.2)
    assert "success" in await home.say("sync status")
    fault("POST", "/interactions/*/callback", 503)
    assert "success" in await home.say("sync status")
    # The second edit is the result: the first one shows that the roster is being read.
    fault("PATCH", "/webhooks/*/messages/@original", 500, skip=1)
    fault("PATCH", "/webhooks/*/messages/@original", 429, skip=1)
    assert "in the guild" in await home.say("sync roster")
    assert home.discord.faults == []


async def test_an_answer_lost_on_its_way_is_told_as_discords_fault_and_the_bot_goes_on(home: Home) -> None:
    home.discord.fault("POST", "/interactions/*/callback", None)
    assert "Discord failed" in await home.say("sync status")
    assert any("Discord failed in " in line and "sync status" in line for line in home.bot.log)
    assert "success" in await home.say("sync status")


@pytest.mark.parametrize(
    ("close_code", "exit_code", "says"),
    [(4004, BAD_SETTING, "DISCORD_BOT_TOKEN"), (4014, BAD_SETTING, "Server Members"), (4013, FAILED, "4013")],
)
async def test_a_close_for_good_ends_the_process_with_one_line(
    home: Home, close_code: int, exit_code: int, says: str
) -> None:
    await home.discord.sockets.close(close_code)
    assert await home.bot.wait() == exit_code
    line = home.bot.log[-1]
    assert line.startswith("muster: ")
    assert says in line


async def test_an_event_that_cannot_be_read_ends_the_process_loudly_for_its_supervisor(home: Home) -> None:
    home.bot.log.clear()
    home.discord.backend.emit("GUILD_MEMBER_REMOVE", {"guild_id": str(home.server_id)})
    assert await home.bot.wait() == FAILED
    assert home.bot.log[-1].startswith("muster: Muster ended by an unexpected error")
    assert any("ERROR" in line and "unexpected error" in line for line in home.bot.log)
    await home.raise_curtain()
    assert "success" in await home.say("sync status")
