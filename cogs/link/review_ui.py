"""The card of `/link review`, and the buttons that decide."""

import re
from collections.abc import Sequence, Set
from typing import Any, ClassVar, Self

import discord
from discord import ui

from bot.services import claims, pipeline, review
from bot.services.claims import ClaimView
from bot.services.context import Context
from bot.services.review import CharacterView, Idle, Review
from cogs.common.access import OfficerItem, require_server
from cogs.common.bot import bot_of
from cogs.common.candidates import NAME_LIMIT, candidate, labels, more_candidates, notes
from cogs.common.cards import WARNING_COLOUR, card
from cogs.common.characters import rank_text
from cogs.common.item import make_id
from cogs.common.paginator import check_budget
from cogs.common.text import escape
from cogs.link import review_texts as texts
from domain.errors import Conflict, NotFound

AREA = "link-review"
ALTS_SHOWN = 5

Parts = list[str | ui.Item[Any]]


async def review_card(
    ctx: Context, server_id: int, *, done: str | None = None, first: int | None = None
) -> ui.LayoutView:
    """Show the suggestion whose turn it is, or that of the character `first`, below a line on what was just done."""
    turn = await review.next_review(ctx, server_id, first=first)
    return show_turn(turn, await claims.open_claims(ctx, server_id), done)


def show_turn(turn: Review | Idle, waiting: Sequence[ClaimView] = (), done: str | None = None) -> ui.LayoutView:
    """Show a suggestion with its candidates, or that there is none; and that claims wait."""
    lines = [*([] if done is None else [done]), *([texts.claims(len(waiting))] if waiting else [])]
    before: Parts = ["\n".join(lines), ui.Separator()] if lines else []
    if isinstance(turn, Idle):
        return card(*before, texts.IDLE[turn])
    claimers = {one.member.user_id for one in waiting if one.character.id == turn.character.id}
    return card(*before, *_parts(turn, claimers), colour=WARNING_COLOUR)


class DecisionButton(OfficerItem):
    """Decide about a character, then show the next suggestion in place."""

    changes_links: ClassVar[bool] = True
    character_id: int

    async def decide(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Do it and say what was done; raises Conflict or NotFound, with the reason, when it cannot be done now."""
        raise NotImplementedError

    async def run(self, interaction: discord.Interaction) -> None:
        """Decide and go on; what cannot be decided any more is told, and shown as it stands while it waits."""
        bot, server_id = bot_of(interaction), require_server(interaction)
        ctx, again = bot.services.ctx, None
        # A matching that is being written holds the decision back.
        await interaction.response.defer()
        try:
            done = await self.decide(ctx, server_id, interaction.user.id)
        except (Conflict, NotFound) as error:
            done, again = texts.not_done(error.text), self.character_id
        view = await review_card(ctx, server_id, done=done, first=again)
        check_budget(view)
        await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())
        if self.changes_links and again is None:
            # The officer reads the next one meanwhile.
            await pipeline.follow_up(ctx, server_id)
            bot.deliverer.wake()


class PickButton(DecisionButton, template=r"link-review:v1:pick:(?P<character>[0-9]{1,18}):(?P<user>[0-9]{1,20})"):
    """Say that a character belongs to a candidate."""

    def __init__(self, character_id: int, user_id: int, label: str = "?") -> None:
        self.character_id, self.user_id = character_id, user_id
        super().__init__(
            ui.Button(
                label=label,
                style=discord.ButtonStyle.primary,
                custom_id=make_id(AREA, 1, "pick", character_id, user_id),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read character and member from the id."""
        return cls(int(match["character"]), int(match["user"]))

    async def decide(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Link them."""
        decided = await review.choose(
            ctx, server_id, character_id=self.character_id, user_id=self.user_id, actor_id=actor_id
        )
        return texts.linked(decided.character.name, decided.user_ids)


class RefuseButton(DecisionButton, template=r"link-review:v1:none:(?P<character>[0-9]{1,18}):(?P<key>[0-9a-f]{12})"):
    """Say that a character belongs to none of those shown."""

    def __init__(self, character_id: int, key: str) -> None:
        self.character_id, self.key = character_id, key
        super().__init__(
            ui.Button(
                label=texts.NOT_A_MATCH,
                style=discord.ButtonStyle.danger,
                custom_id=make_id(AREA, 1, "none", character_id, key),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the character, and the mark of who was shown, from the id."""
        return cls(int(match["character"]), match["key"])

    async def decide(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Remember it."""
        decided = await review.refuse(ctx, server_id, character_id=self.character_id, key=self.key, actor_id=actor_id)
        return texts.refused(decided.character.name, decided.user_ids)


class LaterButton(DecisionButton, template=r"link-review:v1:later:(?P<character>[0-9]{1,18})"):
    """Put a suggestion off."""

    changes_links = False

    def __init__(self, character_id: int) -> None:
        self.character_id = character_id
        super().__init__(
            ui.Button(
                label=texts.LATER,
                style=discord.ButtonStyle.secondary,
                custom_id=make_id(AREA, 1, "later", character_id),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the character from the id."""
        return cls(int(match["character"]))

    async def decide(self, ctx: Context, server_id: int, _actor_id: int) -> str:
        """Let it wait."""
        decided = await review.put_off(ctx, server_id, character_id=self.character_id)
        return texts.put_off(decided.character.name)


def _parts(turn: Review, claimers: Set[int]) -> Parts:
    named = labels(turn.candidates)
    return [
        f"{texts.title(turn.character.name)}\n{_facts(turn)}",
        ui.Separator(),
        *(candidate(one, *([texts.CLAIMS_IT] * (one.user_id in claimers))) for one in turn.candidates),
        *([more_candidates(turn.more)] if turn.more else []),
        ui.ActionRow(*(PickButton(turn.character.id, one.user_id, named[one.user_id]) for one in turn.candidates)),
        ui.ActionRow(RefuseButton(turn.character.id, turn.key), LaterButton(turn.character.id)),
        texts.left(turn.left, turn.put_off),
    ]


def _facts(turn: Review) -> str:
    lines = [_character(turn.character), *notes(turn.guild_note, turn.officer_note)]
    if turn.alts:
        lines.append(texts.alts(turn.alts[:ALTS_SHOWN], len(turn.alts[ALTS_SHOWN:])))
    if turn.confidence is not None:
        lines.append(texts.confidence(turn.confidence))
    if turn.later_at is not None:
        lines.append(texts.put_off_before(turn.later_at))
    return "\n".join(lines)


def _character(view: CharacterView) -> str:
    class_name = escape(view.class_name, NAME_LIMIT) if view.class_name else texts.unknown_class(view.class_id)
    return f"{escape(view.realm, NAME_LIMIT)} · {class_name} {view.level} · {escape(rank_text(view), NAME_LIMIT)}"
