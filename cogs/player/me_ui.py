"""The card of `/player me`, and the button that withdraws a claim."""

import re
from collections.abc import Iterable
from typing import Any, Self

import discord
from discord import ui

from bot.services import claims, me
from bot.services.claims import Asked
from bot.services.me import CharacterView, ClaimView, MemberView, OwnView, PlayerView
from cogs.common.access import require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.characters import rank_text, title
from cogs.common.item import MusterItem, make_id
from cogs.common.paginator import TEXT_LIMIT, fit_lines
from cogs.common.reasons import reasons
from cogs.common.text import escape
from cogs.common.texts import SOURCES, and_more, roster_age
from cogs.player import claim_texts, claim_ui
from cogs.player import me_texts as texts
from domain.links import ClaimState

MEMBERS_LIMIT = 500
DECIDED_LIMIT = 600
RESERVE = 100
"""For the headings of the lists and what they leave out."""
NAME_LIMIT = 32
REASONS_SHOWN = 2


class WithdrawButton(MusterItem, template=r"claim:v1:withdraw:(?P<claim>[A-Za-z0-9_-]+)"):
    """Withdraw a claim; the service lets only the member who made it."""

    def __init__(self, public_id: str) -> None:
        self.public_id = public_id
        super().__init__(
            ui.Button(
                label=claim_texts.WITHDRAW_BUTTON,
                style=discord.ButtonStyle.secondary,
                custom_id=make_id("claim", 1, "withdraw", public_id),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the claim from the id."""
        return cls(match["claim"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Withdraw the claim, and show the member what is left."""
        bot, server_id = bot_of(interaction), require_server(interaction)
        ctx = bot.services.ctx
        await interaction.response.defer()
        withdrawn = await claims.withdraw(ctx, server_id, public_id=self.public_id, actor_id=interaction.user.id)
        own = await me.look(ctx, server_id, interaction.user.id)
        await interaction.edit_original_response(view=me_card(own))
        await claim_ui.bring_up_to_date(bot, server_id, withdrawn)


def asked_card(asked: Asked) -> ui.LayoutView:
    """Tell a member what their claim does, with the way back."""
    text = claim_texts.asked(claim_ui.claimed_title(asked.character), has_card=asked.has_card)
    return card(text, ui.ActionRow(WithdrawButton(asked.public_id)))


def me_card(own: OwnView) -> ui.LayoutView:
    """Show a member what is known of them, what it means, and what they can do; characters get what room is left."""
    since = own.me.opted_out_at
    heading = f"## {escape(own.me.name, NAME_LIMIT)}"
    privacy = texts.PRIVACY_ON if since is None else texts.opted_out(since)
    meaning = _meaning(own.player) if own.player.characters else texts.NOT_LINKED
    waiting = [(texts.open_claim(_name(one), one.asked_at), one.public_id) for one in own.open]
    headings = [texts.OPEN_CLAIMS] if waiting else []
    decided = _decided(own.decided) if own.decided else []
    room = (
        TEXT_LIMIT
        - RESERVE
        - sum(map(len, [heading, meaning, *headings, *(text for text, _ in waiting), *decided, privacy]))
    )
    known = _known(own, room) if own.player.public_id is not None else []
    sections: list[ui.Item[Any]] = [
        ui.Section(text, accessory=WithdrawButton(public_id)) for text, public_id in waiting
    ]
    claimed: list[str | ui.Item[Any]] = [*headings, *sections, *decided]
    if claimed:
        claimed.insert(0, ui.Separator())
    return card(heading, *known, meaning, *claimed, ui.Separator(), privacy)


def _known(own: OwnView, room: int) -> list[str]:
    """Give the rank, the player's members where there are several, and the characters, in so many characters."""
    player, blocks = own.player, [_rank(own.player)]
    if len(player.members) > 1:
        blocks.append(_listed(texts.ACCOUNTS, map(_account, player.members), MEMBERS_LIMIT))
    if player.characters:
        room -= sum(map(len, blocks))
        blocks.append(_listed(texts.CHARACTERS, (_character(one, own) for one in player.characters), room))
    return blocks


def _meaning(player: PlayerView) -> str:
    """Say what the words beside the characters mean, and how old the ranks are."""
    proven = {player.is_proven(one) for one in player.characters}
    notes = [texts.WHAT_PROVEN_MEANS] * (True in proven) + [texts.WHAT_INFERRED_MEANS] * (False in proven)
    age = texts.ROSTER_NEVER_READ if player.roster_at is None else roster_age(player.roster_at)
    return "\n".join([*notes, age, texts.CLAIM_MORE])


def _rank(player: PlayerView) -> str:
    if player.rank is None:
        return texts.NO_RANK
    if (word := player.override) is not None:
        return texts.rank_by_word(word.label, word.ends_at)
    best = next(one for one in player.characters if one.rank == player.rank)
    return texts.rank(rank_text(best))


def _account(member: MemberView) -> str:
    assert member.half is not None
    half = member.half
    is_proven = half.source.is_proof
    why = texts.proven(half.source) if is_proven else f"{texts.inferred(half.confidence)} · {SOURCES[half.source]}"
    return f"<@{member.user_id}> {escape(member.name, NAME_LIMIT)} ({escape(member.username, NAME_LIMIT)})\n-# {why}"


def _character(character: CharacterView, own: OwnView) -> str:
    half = character.half
    assert half is not None
    because = reasons(half.evidence, for_officers=False)[:REASONS_SHOWN]
    if own.player.is_proven(character):
        why = [texts.proven(half.source), *because]
    elif half.source.is_proof:
        why = [texts.inferred_player(half.source), *because]
    else:
        why = [texts.inferred(half.confidence), *(because or [SOURCES[half.source]])]
    main = [texts.MAIN] if character.id == own.player.main_id else []
    class_name = escape(character.class_name or "", NAME_LIMIT)
    facts = [title(character), f"{class_name} {character.level}".strip(), escape(rank_text(character)), *main]
    return f"{' · '.join(facts)}\n-# {' · '.join(why)}"


def _decided(claims_decided: Iterable[ClaimView]) -> list[str]:
    lines = [
        texts.decided_claim(_name(one), one.decided_at, confirmed=one.state is ClaimState.CONFIRMED)
        for one in claims_decided
        if one.decided_at is not None
    ]
    return [_listed(texts.DECIDED_CLAIMS, lines, DECIDED_LIMIT)]


def _name(seen: ClaimView) -> str:
    """Give a claimed character's name and realm, escaped and short."""
    return f"**{escape(seen.character.name, NAME_LIMIT)}** · {escape(seen.character.realm, NAME_LIMIT)}"


def _listed(heading: str, lines: Iterable[str], limit: int) -> str:
    shown, more = fit_lines(lines, limit)
    return "\n".join([heading, *shown, *([and_more(more)] if more else [])])
