"""What tests of `/addon key` do: open the panel, choose a key, fill in the form."""

from collections.abc import Sequence
from dataclasses import replace

import discord
import simcord
import sqlalchemy as sa

from bot.services import servers, upload_keys
from bot.services.upload_keys import KeyView
from cogs.addon import keys_texts as texts
from db.tables.audit import Action
from tests.cogs.home import Home, text_of
from tests.support.people import insert_guild

CHOOSE, FIELD, FORM = "addon-key:v1:choose", "name", "addon-key:v1:created"
ADDRESS = "https://muster.example.org"


def reached_at(home: Home, address: str | None) -> None:
    """Say where players reach this Muster."""
    home.bot.services = replace(home.services, public_url=address)


async def listed(home: Home, server_id: int | None = None) -> dict[str, KeyView]:
    """Give a server's keys in force by name."""
    found = await upload_keys.listed(home.services.ctx, server_id or home.server.id)
    return {key.name: key for key in found}


async def make(home: Home, name: str, server_id: int | None = None) -> upload_keys.NewKey:
    """Let the officer make a key, without Discord."""
    return await upload_keys.create(home.services.ctx, server_id or home.server.id, name=name, actor_id=home.officer.id)


async def works(home: Home, text: str) -> bool:
    """Tell whether uploads may come with a key."""
    return await upload_keys.check(home.services.ctx, text) is not None


async def logged(home: Home) -> Sequence[Action]:
    """Give the server's acts."""
    async with home.services.ctx.sessions() as session:
        return (await session.scalars(sa.select(Action).where(Action.server_id == home.server.id))).all()


async def panel(home: Home, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open the panel."""
    result = await (actor or home.officer).slash(home.general, "addon key")
    assert result.ephemeral
    assert result.response is not None
    return result.response


async def open_key(home: Home, name: str, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open the panel, and the card of a key in it."""
    shown = await panel(home, actor)
    await (actor or home.officer).select(shown, [(await listed(home))[name].public_id], custom_id=CHOOSE)
    return shown


async def ask(home: Home, name: str, label: str, actor: simcord.MemberActor | None = None) -> discord.Message:
    """Open a key's card and press Rotate… or Revoke… there."""
    shown = await open_key(home, name, actor)
    await (actor or home.officer).click(shown, label=label)
    return shown


async def fill_in(home: Home, name: str, actor: simcord.MemberActor | None = None) -> simcord.InteractionResult:
    """Ask for a key by the panel's form; give what came of it."""
    actor = actor or home.officer
    opened = await actor.click(await panel(home, actor), label=texts.CREATE)
    return await actor.submit_modal(opened, {FIELD: name})


def shown_key(result: simcord.InteractionResult) -> discord.Message:
    """Give the message that shows a key."""
    [found] = [one for one in result.followups if "muster_" in text_of(one)]
    return found


def key_in(text: str) -> str:
    """Give the key that a text shows, from its block of code."""
    [found] = [line for line in text.splitlines() if line.startswith("muster_")]
    return found


async def a_post(home: Home) -> int:
    """Let the bot post something that everybody sees, on which a copied control can be pressed; give its id."""
    channel = home.bot.get_channel(home.general.id)
    assert isinstance(channel, discord.TextChannel)
    return (await channel.send("a post")).id


async def elsewhere(home: Home) -> int:
    """Let another server follow another guild; give the server's id."""
    await servers.note_presence(home.services.ctx, 1, "Elsewhere")
    await insert_guild(home.services.ctx, 1, name="Others")
    return 1
