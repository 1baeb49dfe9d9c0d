"""The card of `/link why`, and the buttons to its further pages."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from bot.services import why
from bot.services.context import Context
from bot.services.why import HalfView, MemberView, RunRef, Suggested, Why
from cogs.common.access import OfficerItem, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import PLAIN_COLOUR, WARNING_COLOUR, card
from cogs.common.characters import rank_text, title
from cogs.common.paginator import PageButton, paginate
from cogs.common.past import members, past_line
from cogs.common.reasons import kept_reasons, reasons
from cogs.common.text import escape
from cogs.link import why_texts as texts

PAGE_LIMIT = 3200


async def why_card(ctx: Context, server_id: int, character_id: int, number: int = 0) -> ui.LayoutView:
    """Show one page of all that is known of whose a character is, as it is now."""
    found = await why.explain(ctx, server_id, character_id)
    page = paginate(pages_of(found), number, 1)
    heading = f"## {title(found.character)}\n-# {escape(rank_text(found.character))}"
    parts: list[str | ui.Item[Any]] = [heading, *page.items]
    if page.count > 1:
        parts += [page.label, WhyPages.buttons(str(character_id), page)]
    return card(*parts, colour=PLAIN_COLOUR if found.contradiction is None else WARNING_COLOUR)


class WhyPages(OfficerItem, PageButton, area="why"):
    """Page through the reasons of one character's link."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Give the reasons as they are at the click."""
        ctx = bot_of(interaction).services.ctx
        return await why_card(ctx, require_server(interaction), int(subject), number)


def pages_of(found: Why) -> list[str]:
    """Lay out everything on pages; no line is cut in two."""
    pages: list[str] = []
    for line in _lines(found):
        if pages and len(pages[-1]) + 1 + len(line) <= PAGE_LIMIT:
            pages[-1] += f"\n{line}"
        else:
            pages.append(line)
    return pages


def _lines(found: Why) -> Iterator[str]:
    yield _state(found)
    if found.character.half is not None:
        yield from _halves(found, found.character.half)
    if found.suggested is not None:
        yield from _suggested(found.suggested)
    if (against := found.contradiction) is not None:
        yield texts.contradicted(members(against.user_ids, found.hidden), against.found_at)
        yield from _reasons([] if set(against.user_ids) & found.hidden else against.evidence)
    if found.rejections:
        yield texts.REFUSED
        for one in found.rejections:
            yield texts.refused(members([one.user_id], found.hidden), one.by, one.at)
    if found.past:
        yield texts.PAST
        for past in found.past:
            yield f"• {past_line(past, found.hidden, named=False)}"


def _halves(found: Why, half: HalfView) -> Iterator[str]:
    if [member.half for member in found.members] == [half]:
        # Made by one act, for one reason: nothing to read twice.
        yield from _half(_headed(texts.both_halves, found.members[0]), half, found.runs)
        return
    yield from _half(texts.CHARACTER_HALF, half, found.runs)
    if not found.members:
        yield texts.NO_MEMBER
    for member in found.members:
        if member.half is not None:
            yield from _half(_headed(texts.member_half, member), member.half, found.runs)


def _headed(heading: Callable[..., str], member: MemberView) -> str:
    return heading(member.user_id, member.name, left=member.left_at is not None)


def _state(found: Why) -> str:
    half = found.character.half
    if half is None:
        return texts.NOT_LINKED if found.suggested is None else texts.SUGGESTED
    if found.is_proven:
        return texts.PROVEN
    return texts.WORD if half.source.is_by_person else texts.INFERRED


def _half(heading: str, half: HalfView, runs: Mapping[int, RunRef]) -> Iterator[str]:
    run = None if half.run_id is None else runs.get(half.run_id)
    origin = texts.origin(half.source, half.confidence, by=half.linked_by, at=half.linked_at, run=run)
    yield f"{heading}\n{origin}"
    yield from _reasons(half.evidence)


def _suggested(found: Suggested) -> Iterator[str]:
    run = "" if found.run is None else f", {texts.found_in(found.run)}"
    yield f"{texts.CANDIDATES}{run}"
    if found.confidence is not None:
        yield texts.WOULD_LINK
    for place, one in enumerate(found.candidates, 1):
        yield f"{place}\\. {texts.candidate(one.user_id, one.name)}"
        yield from _reasons(one.reasons)


def _reasons(evidence: Mapping[str, Any] | Sequence[Any]) -> Iterable[str]:
    said = reasons(evidence, for_officers=True)
    return (f"• {reason}\n-# {texts.rule(kept)}" for reason, kept in zip(said, kept_reasons(evidence), strict=True))
