"""A real discord.py client on the stand-in's gateway."""

import asyncio

import aiohttp
import discord
import pytest

from sandbox.discord import DiscordStandIn, Frame, Server, gateway
from tests.sandbox.discord.client import TOKEN, Recorded, Start


async def test_a_client_logs_in_and_sees_the_server_as_built(
    standin: DiscordStandIn, server: Server, channel: int, start: Start
) -> None:
    raider = standin.world.add_role(server.id, "Raider")
    user = standin.world.add_member(server.id, "mike", global_name="Mike", nick="Thrâll", roles=[raider])
    robot = standin.world.add_member(server.id, "dyno", bot=True)

    client = await start()

    seen = client.get_guild(server.id)
    assert seen is not None
    assert seen.owner_id == server.owner_id
    assert seen.get_channel(channel) is not None
    member = seen.get_member(user)
    assert member is not None
    assert (member.name, member.global_name, member.nick) == ("mike", "Mike", "Thrâll")
    assert seen.owner is not None
    assert (seen.owner.name, seen.owner.global_name) == ("owner", None)
    assert [role.name for role in member.roles] == ["@everyone", "Raider"]
    assert seen.get_member(robot).bot
    assert client.application_flags.gateway_guild_members_limited
    assert standin.sockets.identified == 1


async def test_2500_members_are_chunked_and_fetched_whole(
    standin: DiscordStandIn, server: Server, start: Start, recorded: Recorded
) -> None:
    for number in range(2_498):
        standin.world.add_member(server.id, f"member{number}")

    client = await start()
    seen = client.get_guild(server.id)
    assert seen is not None
    assert seen.chunked
    assert len(seen.members) == 2_500

    chunks = [f.payload for f in recorded if isinstance(f, Frame) and f.payload.get("t") == "GUILD_MEMBERS_CHUNK"]
    assert [len(chunk["d"]["members"]) for chunk in chunks] == [1_000, 1_000, 500]
    assert len([member async for member in seen.fetch_members(limit=None)]) == 2_500
    await seen.chunk()
    assert [m.name for m in await seen.query_members("member249", limit=3)] == ["member249", "member2490", "member2491"]


async def test_a_member_fetch_can_break_off_at_its_second_page(
    standin: DiscordStandIn, server: Server, start: Start
) -> None:
    for number in range(1_500):
        standin.world.add_member(server.id, f"member{number}")
    client = await start()
    standin.fault("GET", "/guilds/*/members", 403, skip=1)
    pages = client.get_guild(server.id).fetch_members(limit=None)
    for _ in range(1_000):
        await anext(pages)
    with pytest.raises(discord.Forbidden):
        await anext(pages)


async def test_a_wrong_token_is_refused_by_rest_and_by_the_gateway(standin: DiscordStandIn, start: Start) -> None:
    with pytest.raises(discord.LoginFailure):
        await start(token="wrong")
    client = await start()
    standin.portal.token = "reset"
    await standin.sockets.close(4000)
    await standin.until(client.is_closed, "the client's end")
    assert not standin.sockets.connected


async def test_a_privileged_intent_that_is_off_closes_with_4014(
    standin: DiscordStandIn, server: Server, start: Start
) -> None:
    standin.allow_intents(members=False)
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await start()
    client = await start(intents=discord.Intents(guilds=True))
    assert not client.application_flags.gateway_guild_members_limited
    with pytest.raises(discord.ClientException):
        [member async for member in client.get_guild(server.id).fetch_members()]
    with pytest.raises(discord.Forbidden):
        await client.http.get_members(server.id, 1000, None)


async def test_live_changes_reach_the_listeners(standin: DiscordStandIn, server: Server, start: Start) -> None:
    role = standin.world.add_role(server.id, "Raider")
    client = await start()
    user = standin.world.add_user("anna")
    standin.world.join(server.id, user, pending=True)
    standin.world.accept_rules(server.id, user)
    standin.world.set_nick(server.id, user, "Anna")
    standin.world.set_roles(server.id, user, [role])
    standin.world.rename_user(user, global_name="Anna the Bold")
    standin.world.leave(server.id, user)

    await standin.until(lambda: ("leave", user) in client.seen, "the member's leave")
    events = [event for event, who in client.seen if who == user]
    assert sorted(events) == ["join", "leave", "rename", "update", "update", "update", "update"]


async def test_changes_of_the_server_reach_the_clients_cache(
    standin: DiscordStandIn, server: Server, channel: int, start: Start
) -> None:
    rank, gone = standin.world.add_role(server.id, "Raider"), standin.world.add_role(server.id, "Old")
    client = await start()
    seen = client.get_guild(server.id)
    above_the_bot = seen.me.top_role.position + 1
    standin.world.move_role(server.id, rank, above_the_bot)
    standin.world.remove_role(server.id, gone)
    standin.world.remove_channel(channel)
    await standin.until(lambda: seen.get_channel(channel) is None, "the channel's end")
    assert seen.get_role(rank) > seen.me.top_role
    assert seen.get_role(gone) is None

    other = standin.world.add_server("Another")
    await standin.until(lambda: client.get_guild(other.id), "the second server")
    standin.world.remove_bot(other.id)
    await standin.until(lambda: client.get_guild(other.id) is None, "the second server's end")


async def test_a_channel_of_some_roles_is_hidden_from_everyone_else(
    standin: DiscordStandIn, server: Server, start: Start
) -> None:
    officer = standin.world.add_role(server.id, "Officer")
    channel = standin.world.add_channel(server.id, "audit", only_for=[officer])
    seen = (await start()).get_guild(server.id)
    allowed = seen.get_channel(channel).permissions_for
    assert not allowed(seen.default_role).view_channel
    assert allowed(seen.get_role(officer)).view_channel
    assert allowed(seen.me).view_channel


async def test_a_heartbeat_is_not_answered_before_a_client_can_have_noted_that_it_sent_one(
    standin: DiscordStandIn,
) -> None:
    clock = asyncio.get_running_loop().time
    async with aiohttp.ClientSession() as session, session.ws_connect(standin.gateway) as socket:
        await socket.receive_json()
        sent = clock()
        await socket.send_json({"op": gateway.HEARTBEAT, "d": None})
        assert (await socket.receive_json())["op"] == gateway.HEARTBEAT_ACK
    assert clock() - sent > gateway.ACK_SECONDS / 2


async def test_members_events_need_the_members_intent(standin: DiscordStandIn, server: Server, start: Start) -> None:
    client = await start(intents=discord.Intents(guilds=True))
    user = standin.world.add_user("anna")
    standin.world.join(server.id, user)
    role = standin.world.add_role(server.id, "after")
    await standin.until(lambda: client.get_guild(server.id).get_role(role), "the role that came after the join")
    assert client.seen == []


async def test_a_dropped_socket_resumes_and_gets_what_it_missed(
    standin: DiscordStandIn, server: Server, start: Start
) -> None:
    client = await start()
    user = standin.world.add_user("late")
    standin.sockets.drop()
    standin.world.join(server.id, user)
    assert not standin.sockets.connected

    await standin.until(lambda: standin.sockets.resumed, "the resume")
    await standin.until(lambda: ("join", user) in client.seen, "the join that was missed")
    assert standin.sockets.identified == 1


async def test_op_7_makes_the_client_resume(standin: DiscordStandIn, server: Server, start: Start) -> None:
    await start()
    standin.sockets.ask_to_reconnect()
    await standin.until(lambda: standin.sockets.resumed == 1, "the resume")
    assert standin.sockets.identified == 1


async def test_op_9_makes_the_client_identify_anew(standin: DiscordStandIn, server: Server, start: Start) -> None:
    await start()
    standin.sockets.invalidate()
    await standin.until(lambda: standin.sockets.identified == 2, "the second identify")
    assert standin.sockets.resumed == 0


async def test_a_session_that_discord_forgot_is_refused_and_opened_anew(
    standin: DiscordStandIn, server: Server, start: Start
) -> None:
    await start()
    standin.sockets.forget_sessions()
    standin.sockets.drop()
    await standin.until(lambda: standin.sockets.identified == 2, "the second identify")
    assert standin.sockets.resumed == 0


async def test_what_happens_in_an_unavailable_server_is_seen_when_it_is_back(
    standin: DiscordStandIn, server: Server, start: Start
) -> None:
    client = await start()
    seen = client.get_guild(server.id)
    standin.sockets.start_outage(server.id)
    await standin.until(lambda: seen.unavailable, "the outage")
    user = standin.world.add_user("late")
    standin.world.join(server.id, user)
    standin.sockets.invalidate()
    await standin.until(lambda: standin.sockets.identified == 2 and client.is_ready(), "the second identify")
    assert client.get_guild(server.id).unavailable

    standin.sockets.end_outage(server.id)
    await standin.until(lambda: client.get_guild(server.id).get_member(user), "the member")
    assert not client.get_guild(server.id).unavailable
    assert client.seen == []


async def test_nothing_is_recorded_of_the_token(recorded: Recorded, server: Server, start: Start) -> None:
    await start()
    assert recorded.paths("GET")[0] == ("/users/@me", 200)
    incoming = [f.payload for f in recorded if isinstance(f, Frame) and f.direction == "in"]
    assert incoming
    assert TOKEN not in repr(incoming)
