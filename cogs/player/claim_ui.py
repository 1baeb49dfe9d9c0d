"""Claims on Discord: the officers' card and list, the buttons that decide, and the word to the member."""

import logging
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, ClassVar, Self

import discord
from discord import ui

from bot.services import claims, pipeline
from bot.services.claims import Claimable, ClaimView
from bot.services.context import Context
from bot.services.outbox import Delivery
from cogs.common.access import OfficerItem, manages_server, require_server
from cogs.common.bot import MusterBot, bot_of
from cogs.common.cards import PLAIN_COLOUR, WARNING_COLOUR, card, container
from cogs.common.characters import LABEL_LIMIT, rank_text, title
from cogs.common.delivery import Rendered
from cogs.common.errors import DISCORD_ERRORS
from cogs.common.item import make_id
from cogs.common.paginator import TEXT_LIMIT, count_text
from cogs.common.reasons import reasons
from cogs.common.text import clean, escape
from cogs.player import claim_texts as texts
from domain.errors import Conflict, NotFound
from domain.links import ClaimState

log = logging.getLogger(__name__)

LISTED = 6
"""How many claims the officers' list shows at once, the oldest ones; fewer where their texts find no room."""
RESERVE = 100
"""For the word on those that are left out."""
REASONS_SHOWN = 2
USERS_SHOWN = 5
NAME_LIMIT = 40


class _Decision(OfficerItem):
    """A button by which an officer decides about a claim, on its card or in an officer's own list."""

    act: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle]

    def __init__(self, public_id: str) -> None:
        self.public_id = public_id
        super().__init__(
            ui.Button(label=self.label, style=self.style, custom_id=make_id("claim", 1, self.act, public_id))
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the claim from the id."""
        return cls(match["claim"])

    async def decide(self, ctx: Context, server_id: int, interaction: discord.Interaction) -> ClaimView:
        """Do what the button is for."""
        raise NotImplementedError

    async def run(self, interaction: discord.Interaction) -> None:
        """Decide and show who did; a card that is behind is brought up to date before the officer is told."""
        bot, server_id = bot_of(interaction), require_server(interaction)
        await interaction.response.defer()
        try:
            decided = await self.decide(bot.services.ctx, server_id, interaction)
        except (Conflict, NotFound):
            await _redraw(interaction, await claims.view(bot.services.ctx, server_id, self.public_id))
            raise
        await _redraw(interaction, decided)
        bot.deliverer.wake()
        await pipeline.follow_up(bot.services.ctx, server_id)
        bot.deliverer.wake()


class ConfirmButton(_Decision, template=r"claim:v1:confirm:(?P<claim>[A-Za-z0-9_-]+)"):
    """Confirm a claim."""

    act, label, style = "confirm", texts.CONFIRM_BUTTON, discord.ButtonStyle.success

    async def decide(self, ctx: Context, server_id: int, interaction: discord.Interaction) -> ClaimView:
        """Make the link proven."""
        return await claims.confirm(
            ctx,
            server_id,
            public_id=self.public_id,
            actor_id=interaction.user.id,
            manages_server=manages_server(interaction),
        )


class RefuseButton(_Decision, template=r"claim:v1:refuse:(?P<claim>[A-Za-z0-9_-]+)"):
    """Refuse a claim."""

    act, label, style = "refuse", texts.REFUSE_BUTTON, discord.ButtonStyle.secondary

    async def decide(self, ctx: Context, server_id: int, interaction: discord.Interaction) -> ClaimView:
        """Say that they are not one."""
        return await claims.refuse(ctx, server_id, public_id=self.public_id, actor_id=interaction.user.id)


async def render_card(ctx: Context, delivery: Delivery) -> Rendered:
    """Render the officers' card of a claim, as the claim stands when it is sent."""
    return Rendered(claim_card(await claims.view(ctx, delivery.server_id, delivery.payload["claim"])))


async def render_decided(delivery: Delivery) -> Rendered:
    """Render the word to the member."""
    facts = delivery.payload
    character = f"**{escape(facts['character'])}** · {escape(facts['realm'])}"
    return Rendered(card(texts.told(facts["server"], character, confirmed=facts["confirmed"])))


async def bring_up_to_date(bot: MusterBot, server_id: int, seen: ClaimView) -> None:
    """Let the card in the officers' channel, if there is one, show what became of its claim."""
    place = await claims.card_of(bot.services.ctx, server_id, seen.public_id)
    if place is None:
        return
    channel = bot.get_partial_messageable(place.channel_id, guild_id=server_id)
    try:
        await channel.get_partial_message(place.message_id).edit(
            view=claim_card(seen), allowed_mentions=discord.AllowedMentions.none()
        )
    except DISCORD_ERRORS as error:
        # The claim is decided all the same, and a click on the old card says so.
        log.warning("the card of a claim could not be brought up to date: %s", error)


def claim_card(seen: ClaimView) -> ui.LayoutView:
    """Show a claim: with its buttons while it waits, with who decided afterwards."""
    return ui.LayoutView(timeout=None).add_item(_claim(seen, for_officers_alone=False))


def list_card(waiting: Sequence[ClaimView]) -> ui.LayoutView:
    """Show an officer the oldest claims that wait."""
    if not waiting:
        return card(texts.NOTHING_WAITS)
    view = ui.LayoutView(timeout=None).add_item(ui.TextDisplay(texts.waiting(len(waiting))))
    shown = 0
    for seen in waiting[:LISTED]:
        block = _claim(seen, for_officers_alone=True)
        view.add_item(block)
        if count_text(view) > TEXT_LIMIT - RESERVE:
            view.remove_item(block)
            break
        shown += 1
    if len(waiting) > shown:
        view.add_item(ui.TextDisplay(texts.rest(len(waiting) - shown)))
    return view


def choice(character: Claimable) -> str:
    """Give a character as one choice of a list, the same whoever it is linked to."""
    return clean(f"{character.name}-{character.realm} · {character.rank_label}", LABEL_LIMIT)


def claimed_title(character: Claimable) -> str:
    """Give a character's name and realm, escaped."""
    return f"**{escape(character.name)}** · {escape(character.realm)}"


async def _redraw(interaction: discord.Interaction, seen: ClaimView) -> None:
    bot, server_id = bot_of(interaction), require_server(interaction)
    if interaction.message is not None and interaction.message.flags.ephemeral:
        view = list_card(await claims.open_claims(bot.services.ctx, server_id))
        await interaction.edit_original_response(view=view)
        await bring_up_to_date(bot, server_id, seen)
    else:
        await interaction.edit_original_response(view=claim_card(seen))


def _claim(seen: ClaimView, *, for_officers_alone: bool) -> ui.Container[Any]:
    """Show one claim; what officer notes hold only where nobody but an officer can read along."""
    character, member = seen.character, seen.member
    head = [
        texts.card_title(title(character)),
        texts.said_by(
            member.user_id, escape(member.name, NAME_LIMIT), escape(member.username, NAME_LIMIT), seen.asked_at
        ),
    ]
    if (outcome := _outcome(seen)) is not None:
        return container("\n".join([*head, outcome]), colour=PLAIN_COLOUR)
    class_name = escape(character.class_name or "", NAME_LIMIT)
    facts = f"{class_name} {character.level} · {escape(rank_text(character), NAME_LIMIT)}".strip()
    warnings = _warnings(seen)
    lines = [*head, facts, *_whose(seen), *warnings, *_reasons(seen, for_officers=for_officers_alone)]
    confirm = [] if seen.waits else [ConfirmButton(seen.public_id)]
    buttons: ui.ActionRow[Any] = ui.ActionRow(*confirm, RefuseButton(seen.public_id))
    colour = WARNING_COLOUR if warnings or seen.proven_owners else PLAIN_COLOUR
    if confirm and not for_officers_alone:
        lines.append(texts.WHAT_CONFIRM_DOES)
    return container("\n".join(lines), buttons, colour=colour)


def _outcome(seen: ClaimView) -> str | None:
    at, by = seen.decided_at, seen.decided_by
    if at is None or by is None:
        return None
    match seen.state:
        case ClaimState.CONFIRMED:
            return texts.confirmed(by, at)
        case ClaimState.REFUSED:
            return texts.refused(by, at)
        case _:
            return texts.withdrawn(at)


def _whose(seen: ClaimView) -> list[str]:
    if seen.is_theirs:
        return [texts.THEIRS_BY_NOW]
    if seen.waits:
        return [texts.WAITS]
    if others := seen.proven_owners:
        shown = ((one.user_id, one.source) for one in others[:USERS_SHOWN])
        return [texts.proven_for(shown, is_player=seen.member.half is not None)]
    if any(one.user_id == seen.member.user_id for one in seen.owners):
        return [texts.UNPROVEN_THEIRS]
    if seen.owners:
        return [texts.unproven_for(_few(one.user_id for one in seen.owners))]
    return [texts.NOBODYS]


def _warnings(seen: ClaimView) -> list[str]:
    found = []
    if seen.character.rank == 0:
        found.append(texts.GUILD_MASTER)
    if seen.character.rank is None:
        found.append(texts.NOT_IN_GUILD_ANY_MORE)
    if seen.member.left_at is not None:
        found.append(texts.LEFT_THE_SERVER)
    if seen.rivals:
        found.append(texts.rivals(_few(seen.rivals)))
    if seen.refused_at is not None:
        found.append(texts.refused_before(seen.refused_at))
    return found


def _reasons(seen: ClaimView, *, for_officers: bool) -> list[str]:
    found = reasons(seen.reasons, for_officers=for_officers)[:REASONS_SHOWN]
    return [texts.SPEAKS_FOR_IT, *(f"- {reason}" for reason in found)] if found else [texts.NOTHING_SPEAKS]


def _few(user_ids: Iterable[int]) -> list[int]:
    return list(islice(user_ids, USERS_SHOWN))
