"""The REST side as a real discord.py client meets it."""

import asyncio
import io

import aiohttp
import discord
import pytest

from sandbox.discord import DiscordStandIn, Exchange, Frame, Server
from tests.sandbox.discord.client import TOKEN, Client, Recorded, Start


@pytest.fixture
async def client(start: Start, channel: int) -> Client:
    return await start()


def created(recorded: Recorded) -> list[dict]:
    return [f.payload["d"] for f in recorded if isinstance(f, Frame) and f.payload.get("t") == "MESSAGE_CREATE"]


async def test_the_same_nonce_twice_is_one_message(
    standin: DiscordStandIn, channel: int, client: Client, recorded: Recorded
) -> None:
    target = client.get_channel(channel)
    first = await target.send("report", nonce="outbox-1")
    second = await target.send("report", nonce="outbox-1")
    other = await target.send("report", nonce="outbox-2")
    assert first.id == second.id != other.id
    assert (first.nonce, second.nonce) == ("outbox-1", "outbox-1")
    assert [message["nonce"] for message in created(recorded)] == ["outbox-1", "outbox-2"]
    assert len(standin.messages(channel)) == 2


async def test_a_nonce_is_forgotten_after_minutes(standin: DiscordStandIn, channel: int, client: Client) -> None:
    target = client.get_channel(channel)
    first = await target.send("report", nonce="outbox-1")
    standin.backend.advance_clock(6 * 60)
    assert (await target.send("report", nonce="outbox-1")).id != first.id


async def test_a_nonce_over_25_characters_is_refused(channel: int, client: Client) -> None:
    with pytest.raises(discord.HTTPException, match="25 or fewer") as caught:
        await client.get_channel(channel).send("report", nonce="x" * 26)
    assert caught.value.status == 400


async def test_a_429_is_retried(standin: DiscordStandIn, channel: int, client: Client, recorded: Recorded) -> None:
    standin.fault("POST", "/channels/*/messages", 429, times=2, retry_after=0.01)
    await client.get_channel(channel).send("through")
    assert [status for _, status in recorded.paths("POST")] == [429, 429, 200]
    assert standin.faults == []


async def test_a_5xx_is_retried_and_a_lost_answer_is_repaired_by_the_nonce(
    standin: DiscordStandIn, channel: int, client: Client, recorded: Recorded
) -> None:
    standin.fault("POST", "/channels/*/messages", 503, message="nothing was done")
    with pytest.raises(discord.DiscordServerError):
        await client.get_channel(channel).send("report", nonce="outbox-1")
    assert standin.messages(channel) == []

    standin.fault("POST", "/channels/*/messages", 500, applied=True)
    await client.get_channel(channel).send("report", nonce="outbox-1")
    assert [status for _, status in recorded.paths("POST")] == [503, 500, 200]
    assert len(standin.messages(channel)) == 1


async def test_a_dropped_connection_is_an_error_at_the_client(
    standin: DiscordStandIn, channel: int, client: Client
) -> None:
    standin.fault("POST", "/channels/*/messages", None, applied=True)
    with pytest.raises(aiohttp.ClientError):
        await client.get_channel(channel).send("report")
    assert [message["content"] for message in standin.messages(channel)] == ["report"]


async def test_an_answer_may_come_too_late_for_a_message_that_was_taken(
    standin: DiscordStandIn, channel: int, client: Client
) -> None:
    standin.fault("POST", "/channels/*/messages", 500, applied=True, delay=1.0)
    sending = asyncio.create_task(client.get_channel(channel).send("report", nonce="outbox-1"))
    await standin.wait_for_message(channel)
    assert not sending.done()
    sending.cancel()
    await client.get_channel(channel).send("report", nonce="outbox-1")
    assert len(standin.messages(channel)) == 1


async def test_closed_dms_are_a_403_with_discords_code(standin: DiscordStandIn, server: Server, client: Client) -> None:
    user = standin.world.add_member(server.id, "mike")
    dm = standin.world.dm_channel(user)
    standin.fault("POST", f"/channels/{dm}/messages", 403, code=50007, message="Cannot send messages to this user")
    recipient = await client.fetch_user(user)
    with pytest.raises(discord.Forbidden) as caught:
        await recipient.send("hello")
    assert caught.value.code == 50007
    await recipient.send("hello")
    assert standin.messages(dm)[0]["content"] == "hello"


async def test_a_missing_permission_is_refused_as_discord_does(
    standin: DiscordStandIn, server: Server, channel: int, client: Client
) -> None:
    hidden = standin.world.add_channel(server.id, "officers", hidden_from_bot=True)
    with pytest.raises(discord.Forbidden) as caught:
        await client.get_partial_messageable(hidden).send("x")
    assert caught.value.code == 50001
    standin.world.set_bot_permissions(server, discord.Permissions(view_channel=True))
    standin.world.set_everyone_permissions(server.id, discord.Permissions(view_channel=True))
    with pytest.raises(discord.Forbidden) as caught:
        await client.get_channel(channel).send("x")
    assert caught.value.code == 50013


async def test_a_members_role_is_given_and_taken_by_its_id_with_a_reason(
    standin: DiscordStandIn, server: Server, client: Client, recorded: Recorded
) -> None:
    raider = standin.world.add_role(server.id, "Raider")
    mike = standin.world.add_member(server.id, "mike")
    path = f"/guilds/{server.id}/members/{mike}/roles/{raider}"
    await client.http.add_role(server.id, mike, raider, reason="rank of the game: Raider")
    await client.http.add_role(server.id, mike, raider)
    assert standin.backend.get_member(server.id, mike).role_ids == [raider]
    await client.http.remove_role(server.id, mike, raider)
    await client.http.remove_role(server.id, mike, raider)
    assert standin.backend.get_member(server.id, mike).role_ids == []
    assert recorded.paths("PUT")[-2:] == [(path, 204)] * 2
    assert recorded.paths("DELETE") == [(path, 204)] * 2
    logged = [entry.reason for entry in standin.backend.get_guild(server.id).audit_log_entries]
    assert "rank of the game: Raider" in logged


@pytest.mark.parametrize(
    ("what", "code"), [("above", 50013), ("no right", 50013), ("no role", 10011), ("no member", 10007)]
)
async def test_a_role_that_cannot_be_given_is_refused_as_discord_does(
    standin: DiscordStandIn, server: Server, client: Client, what: str, code: int
) -> None:
    raider = standin.world.add_role(server.id, "Raider")
    mike = standin.world.add_member(server.id, "mike")
    match what:
        case "above":
            standin.world.move_role(server.id, raider, 5)
        case "no right":
            standin.world.set_bot_permissions(server, discord.Permissions(view_channel=True))
        case "no role":
            standin.world.remove_role(server.id, raider)
        case "no member":
            standin.world.leave(server.id, mike)
    with pytest.raises(discord.HTTPException) as caught:
        await client.http.add_role(server.id, mike, raider)
    assert caught.value.code == code


async def test_a_file_and_a_v2_card_arrive_whole(
    standin: DiscordStandIn, channel: int, client: Client, recorded: Recorded
) -> None:
    file = discord.File(io.BytesIO(b"name,rank\n"), filename="roster.csv", description="the roster")
    await client.get_channel(channel).send("export", file=file)
    message = standin.messages(channel)[0]
    attachment = message["attachments"][0]
    assert (attachment["filename"], attachment["description"], attachment["size"]) == ("roster.csv", "the roster", 10)
    assert standin.backend.cdn.get(attachment["url"]) == b"name,rank\n"
    assert next(e.body for e in recorded if isinstance(e, Exchange) and e.method == "POST")["content"] == "export"


async def test_a_role_that_a_text_names_twice_is_one_mention(
    standin: DiscordStandIn, channel: int, client: Client, server: Server
) -> None:
    raider = standin.world.add_role(server.id, "Raider")
    sent = await client.get_channel(channel).send(f"<@&{raider}> and <@&{raider}>")
    assert [role.id for role in sent.role_mentions] == [raider]


async def test_requests_at_once_are_all_served(standin: DiscordStandIn, channel: int, client: Client) -> None:
    target = client.get_channel(channel)
    await asyncio.gather(*(target.send(str(number)) for number in range(20)))
    assert sorted(int(message["content"]) for message in standin.messages(channel)) == list(range(20))


async def test_plain_http_sees_discords_manners(standin: DiscordStandIn, server: Server) -> None:
    bearer = {"Authorization": f"Bot {TOKEN}"}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{standin.api}/gateway") as answer:
            assert await answer.json() == {"url": standin.gateway}
        async with session.get(f"{standin.api}/gateway/bot", headers=bearer) as answer:
            assert (await answer.json())["session_start_limit"]["remaining"] == 1000
        async with session.get(f"{standin.api}/users/@me") as answer:
            assert answer.status == 401
            assert answer.headers["Content-Type"] == "application/json"
        async with session.get(f"{standin.api}/nothing/here", headers=bearer) as answer:
            assert answer.status == 501
    assert standin.gaps == ["simcord does not implement 'GET /nothing/here' yet."]
    standin.gaps.clear()
