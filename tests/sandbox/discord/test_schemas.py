"""What the stand-in says fits Discord's own documents."""

from pathlib import Path

import discord
import pytest
from discord import ui

from sandbox.discord import DiscordStandIn, Server
from tests.sandbox.discord.client import Recorded, Start
from tests.sandbox.discord.referee import Referee


@pytest.fixture(scope="module")
def referee(shared: Path) -> Referee:
    return Referee(shared / "discord")


async def test_a_whole_evening_fits_discords_documents(
    standin: DiscordStandIn, server: Server, recorded: Recorded, start: Start, referee: Referee
) -> None:
    channel = standin.world.add_channel(server.id, "general")
    role = standin.world.add_role(server.id, "Raider")
    user = standin.world.add_member(server.id, "mike", nick="Mike", roles=[role])
    client = await start()
    seen = client.get_guild(server.id)
    await seen.chunk()
    newcomer = standin.world.add_user("anna")
    standin.world.join(server.id, newcomer)
    standin.world.set_nick(server.id, newcomer, "Anna")

    await standin.slash(user, server.id, channel, "hello", {"who": user, "realm": "Stormrage"})
    await (await standin.slash(user, server.id, channel, "sync roster")).finished(lambda s: bool(s.followups))
    await standin.autocomplete(user, server.id, channel, "hello", option="realm", text="s")
    panel = await standin.slash(user, server.id, channel, "panel")
    modal = await standin.click(user, panel, "panel:ask")
    await standin.submit_modal(modal, {"answer": "yes"})
    await standin.select(user, panel, "panel:pick", ["a"])
    await standin.select(user, panel, "panel:role", [role])

    card = ui.LayoutView()
    card.add_item(ui.Container(ui.TextDisplay("A card"), ui.ActionRow(ui.Button(label="More", custom_id="more"))))
    await client.get_channel(channel).send(view=card)
    await client.get_channel(channel).send("a report", nonce="outbox-1")
    await (await client.fetch_user(user)).send("hello")
    assert [member async for member in seen.fetch_members(limit=None)]
    await client.fetch_guild(server.id)
    await client.fetch_channel(channel)
    await seen.get_member(user).add_roles(discord.Object(role))

    assert len(recorded) > 40
    assert referee.complaints(recorded) == []
