"""Members who join, change and leave, as discord.py's own parsers hand them to the listeners."""

from collections.abc import AsyncIterator
from datetime import datetime

import discord
import discord.ext.test as dpytest
import pytest
import sqlalchemy as sa
from discord.ext.test import backend
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.battlenet.client import BattleNetClient
from bot.services.bundle import Services
from bot.services.context import Context
from bot.services.jobs import Worker
from bot.services.outbox import Outbox
from cogs.common.bot import MusterBot
from cogs.members.cog import Members
from db.tables.people import Member
from db.tables.servers import Server
from tests.support.clock import FakeClock
from tests.support.statements import statements

Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
def timers() -> bool:
    """Tell whether the process is no development copy."""
    return True


@pytest.fixture
async def server(scratch_sessions: Sessions, clock: FakeClock, *, timers: bool) -> AsyncIterator[discord.Guild]:
    """Give a server whose events reach the listeners of the shipped cog."""
    ctx = Context(scratch_sessions, clock)
    battlenet = BattleNetClient("http://127.0.0.1:9/{region}", "http://127.0.0.1:9", "id", "secret")
    bot = MusterBot(Services(ctx, battlenet, Outbox(ctx), Worker(ctx, battlenet, ""), timers=timers))
    await bot._async_setup_hook()
    await bot.add_cog(Members(bot))
    dpytest.configure(bot, guilds=0, members=0)
    backend.get_state().start_dispatch()
    made = backend.make_guild("Home")
    await dpytest.run_all_events()
    yield made
    await bot.remove_cog("Members")
    await battlenet.aclose()
    await dpytest.empty_queue()


async def members(sessions: Sessions) -> dict[str, Member]:
    """Load all members by username."""
    async with sessions() as session:
        return {member.username: member for member in await session.scalars(sa.select(Member))}


async def join(server: discord.Guild, username: str, **details: object) -> discord.Member:
    """Let a user join and wait for what follows."""
    member = backend.make_member(backend.make_user(username, "0001"), server, **details)
    await dpytest.run_all_events()
    return member


async def update(member: discord.Member, **changes: object) -> None:
    """Send a member's update as Discord does and wait for what follows."""
    data = backend.facts.dict_from_member(member)
    data["user"] |= changes.pop("user", {})
    backend.get_state().parse_guild_member_update({**data, **changes})
    await dpytest.run_all_events()


async def test_an_invited_bot_remembers_the_server(server: discord.Guild, scratch_sessions: Sessions) -> None:
    async with scratch_sessions() as session:
        stored = await session.get(Server, server.id)
    assert stored is not None
    assert (stored.name, stored.left_at) == ("Home", None)


async def all_servers(sessions: Sessions) -> dict[int, tuple[str, datetime | None]]:
    """Load all servers by id, as (name, when Muster left)."""
    async with sessions() as session:
        return {server.id: (server.name, server.left_at) for server in await session.scalars(sa.select(Server))}


async def connect_anew(*unavailable: int) -> None:
    """Send what Discord sends to a new connection: READY with every server, none of them there yet."""
    state = backend.get_state()
    state.handlers, state.guild_ready_timeout = {}, 0.01
    user = {"id": str(state.user.id), "username": "Muster", "discriminator": "0000", "avatar": None}
    state.parse_ready({"user": user, "guilds": [{"id": str(id_), "unavailable": True} for id_ in unavailable]})
    await state._ready_task
    await dpytest.run_all_events()


async def test_a_removal_while_muster_was_away_is_noted_when_it_is_back(
    server: discord.Guild, scratch_sessions: Sessions, clock: FakeClock
) -> None:
    elsewhere = backend.make_guild("Elsewhere")
    await dpytest.run_all_events()
    clock.advance(hours=1)
    await connect_anew(elsewhere.id)
    assert await all_servers(scratch_sessions) == {server.id: ("Home", clock()), elsewhere.id: ("Elsewhere", None)}


@pytest.mark.parametrize("timers", [False])
async def test_a_development_copy_ends_no_server_of_the_database_it_was_lent(
    server: discord.Guild, scratch_sessions: Sessions
) -> None:
    elsewhere = backend.make_guild("Elsewhere")
    await connect_anew(elsewhere.id)
    assert await all_servers(scratch_sessions) == {server.id: ("Home", None), elsewhere.id: ("Elsewhere", None)}


async def test_a_removal_is_noted_once(server: discord.Guild, scratch_sessions: Sessions, clock: FakeClock) -> None:
    await connect_anew()
    noted = clock()
    clock.advance(hours=1)
    await connect_anew()
    assert await all_servers(scratch_sessions) == {server.id: ("Home", noted)}


async def test_an_outage_of_all_servers_at_the_start_is_no_removal(
    server: discord.Guild, scratch_sessions: Sessions
) -> None:
    await connect_anew(server.id)
    assert await all_servers(scratch_sessions) == {server.id: ("Home", None)}


async def test_a_start_notes_all_servers_in_four_statements(
    server: discord.Guild, scratch_sessions: Sessions, scratch_engine: AsyncEngine
) -> None:
    """The first command after READY may come before the events of each server are worked through."""
    state = backend.get_state()
    state.stop_dispatch()
    made = [backend.make_guild(f"Server {number}") for number in range(5)]
    state.start_dispatch()
    with statements(scratch_engine) as seen:
        state.dispatch("ready")
        await dpytest.run_all_events()
    # Who is left, whose keys end with that, what waits for those, who is there.
    assert len([statement for statement in seen if "guild_identity.servers" in statement]) == 4
    expected = {one.id: (one.name, None) for one in (server, *made)}
    assert await all_servers(scratch_sessions) == expected


async def test_who_joins_is_stored_at_once(server: discord.Guild, scratch_sessions: Sessions) -> None:
    await join(server, "mia", nick="Brannoc")
    stored = (await members(scratch_sessions))["mia"]
    assert (stored.server_id, stored.nick, stored.nick_key, stored.left_at) == (server.id, "Brannoc", "brannoc", None)


async def test_a_new_nick_and_new_roles_are_stored_at_once(server: discord.Guild, scratch_sessions: Sessions) -> None:
    raider = backend.make_role("Raider", server)
    member = await join(server, "mia")
    await update(member, nick="Ødelia", roles=[str(raider.id)])
    stored = (await members(scratch_sessions))["mia"]
    assert (stored.nick, stored.nick_key, stored.role_ids) == ("Ødelia", "odelia", [raider.id])


async def test_a_new_username_is_stored_in_each_server(server: discord.Guild, scratch_sessions: Sessions) -> None:
    elsewhere = backend.make_guild("Elsewhere")
    member = await join(server, "mia")
    backend.make_member(backend.get_state().get_user(member.id), elsewhere)
    await dpytest.run_all_events()
    await update(member, user={"username": "mia.the.second"})
    async with scratch_sessions() as session:
        found = await session.execute(sa.select(Member.server_id, Member.username))
    assert {tuple(row) for row in found} == {(server.id, "mia.the.second"), (elsewhere.id, "mia.the.second")}


async def test_who_leaves_is_kept_with_the_time(
    server: discord.Guild, scratch_sessions: Sessions, clock: FakeClock
) -> None:
    member = await join(server, "mia")
    clock.advance(hours=1)
    backend.delete_member(member)
    await dpytest.run_all_events()
    assert (await members(scratch_sessions))["mia"].left_at == clock()


async def test_who_comes_back_is_a_member_again(
    server: discord.Guild, scratch_sessions: Sessions, clock: FakeClock
) -> None:
    member = await join(server, "mia")
    backend.delete_member(member)
    await dpytest.run_all_events()
    clock.advance(hours=1)
    backend.make_member(
        backend.get_state().get_user(member.id) or backend.make_user("mia", "0001", id_num=member.id), server
    )
    await dpytest.run_all_events()
    stored = (await members(scratch_sessions))["mia"]
    assert (stored.left_at, stored.first_seen_at < clock()) == (None, True)


async def test_bots_are_left_out(server: discord.Guild, scratch_sessions: Sessions) -> None:
    user = backend.make_user("dicebot", "0001")
    user.bot = True
    backend.make_member(user, server)
    await dpytest.run_all_events()
    assert await members(scratch_sessions) == {}


async def test_a_member_in_rules_screening_is_pending_until_it_clears(
    server: discord.Guild, scratch_sessions: Sessions
) -> None:
    member = await join(server, "mia")
    await update(member, pending=True)
    assert (await members(scratch_sessions))["mia"].pending
    await update(member, pending=False)
    assert not (await members(scratch_sessions))["mia"].pending


async def test_an_outage_is_not_a_removal(server: discord.Guild, scratch_sessions: Sessions, clock: FakeClock) -> None:
    backend.get_state().parse_guild_delete({"id": str(server.id), "unavailable": True})
    await dpytest.run_all_events()
    async with scratch_sessions() as session:
        assert (await session.get(Server, server.id)).left_at is None
    backend.get_state().parse_guild_delete({"id": str(server.id)})
    await dpytest.run_all_events()
    async with scratch_sessions() as session:
        assert (await session.get(Server, server.id)).left_at == clock()


async def test_events_are_stored_in_the_order_in_which_they_came(
    server: discord.Guild, scratch_sessions: Sessions
) -> None:
    """A member object changes under way: what an event told is taken down before the next one comes."""
    member = await join(server, "mia")
    for number in range(20):
        data = backend.facts.dict_from_member(member)
        backend.get_state().parse_guild_member_update({**data, "nick": f"Nick {number}"})
    backend.delete_member(member)
    await dpytest.run_all_events()
    stored = (await members(scratch_sessions))["mia"]
    assert (stored.nick, stored.left_at is None) == ("Nick 19", False)


async def remove(server: discord.Guild) -> None:
    """Send what Discord sends when Muster is removed."""
    backend.get_state().parse_guild_delete({"id": str(server.id)})
    await dpytest.run_all_events()


async def invite(server: discord.Guild) -> None:
    """Send what Discord sends when Muster is invited to a server, its name changed meanwhile."""
    data = {"id": str(server.id), "name": "Home again", "unavailable": False, "member_count": 1, "members": []}
    data |= {"roles": [], "channels": [], "emojis": [], "stickers": [], "threads": [], "features": [], "owner_id": "1"}
    backend.get_state().parse_guild_create(data)
    await dpytest.run_all_events()


async def test_a_server_in_an_outage_is_noted_neither_as_left_nor_as_returned(
    server: discord.Guild, scratch_sessions: Sessions, clock: FakeClock
) -> None:
    state = backend.get_state()
    state.parse_guild_delete({"id": str(server.id), "unavailable": True})
    await dpytest.run_all_events()
    clock.advance(hours=3)
    await invite(server)
    async with scratch_sessions() as session:
        stored = await session.get_one(Server, server.id)
    assert (stored.left_at, stored.returned_at) == (None, None)


async def test_an_invitation_after_a_removal_goes_on_where_it_was_and_notes_the_return(
    server: discord.Guild, scratch_sessions: Sessions, clock: FakeClock
) -> None:
    await join(server, "mia")
    async with scratch_sessions.begin() as session:
        (await session.get_one(Server, server.id)).report_lines = 7
    await remove(server)
    clock.advance(days=3)
    await invite(server)
    async with scratch_sessions() as session:
        stored = await session.get_one(Server, server.id)
    assert (stored.name, stored.left_at, stored.returned_at) == ("Home again", None, clock())
    assert (stored.report_lines, list(await members(scratch_sessions))) == (7, ["mia"])


async def test_a_members_event_that_was_still_on_its_way_does_not_undo_the_removal(
    server: discord.Guild, scratch_sessions: Sessions
) -> None:
    member = await join(server, "mia")
    state = backend.get_state()
    state.stop_dispatch()
    await remove(server)
    state.start_dispatch()
    state.dispatch("guild_remove", server)
    state.dispatch("member_update", member, member)
    state.dispatch("member_join", member)
    await dpytest.run_all_events()
    async with scratch_sessions() as session:
        assert (await session.get_one(Server, server.id)).left_at is not None


async def test_what_waits_to_follow_an_event_is_dropped_when_muster_is_removed(
    server: discord.Guild, monkeypatch: pytest.MonkeyPatch, scratch_engine: AsyncEngine
) -> None:
    monkeypatch.setattr("cogs.members.cog.QUIET_SECONDS", 0.5)
    await join(server, "mia")
    cog = dpytest.get_config().client.get_cog("Members")
    assert isinstance(cog, Members)
    [waiting] = cog._follow_ups.values()
    await remove(server)
    with statements(scratch_engine) as seen:
        await waiting
    assert seen == []
