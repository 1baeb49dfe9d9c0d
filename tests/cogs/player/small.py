"""What tests of a member's own words share: a small guild that was read once, and a claim's way through it."""

from types import SimpleNamespace
from typing import Any

import discord
import simcord
from simcord.backend import serializers

from bot.services import claims, links
from cogs.common.item import make_id
from domain.links import Source
from tests.cogs.home import Home, card_of, text_of


async def claim(home: Home, character: str, actor: simcord.MemberActor | None = None) -> str:
    """Claim a character, by default for the member without rights; give the answer."""
    result = await (actor or home.plain).slash(home.general, "player claim", character=character)
    assert result.ephemeral
    return card_of(result)


async def me(home: Home, actor: simcord.MemberActor | None = None) -> simcord.InteractionResult:
    """Ask what Muster knows of oneself, by default the member without rights."""
    result = await (actor or home.plain).slash(home.general, "player me")
    assert result.ephemeral
    return result


def cards(home: Home, channel: simcord.ChannelHandle | None = None) -> list[discord.Message]:
    """Give what stands about claims in a channel, by default the officers', the oldest first."""
    return [one for one in (channel or home.audit).history() if "### Claim" in text_of(one)]


def told(home: Home, actor: simcord.MemberActor) -> list[str]:
    """Give the direct messages that somebody got."""
    backend = home.env.backend
    messages: dict[int, Any] = backend.messages.get(backend.dm_channels.get(actor.id, 0), {})
    return [text_of(SimpleNamespace(**serializers.message_payload(backend, one))) for one in messages.values()]


async def waiting_id(home: Home) -> str:
    """Give the public id of the only claim that waits."""
    [only] = await claims.open_claims(home.services.ctx, home.server.id)
    return only.public_id


def custom_id(act: str, public_id: str) -> str:
    """Give the id of a claim's button."""
    return make_id("claim", 1, act, public_id)


async def source_of(home: Home, user_id: int) -> list[tuple[str, Source | None, bool]]:
    """Give a member's characters: name, source, whether it is proven."""
    view = await links.whois_member(home.services.ctx, home.server.id, user_id)
    return [(one.name, one.half and one.half.source, view.is_proven(one)) for one in view.characters]
