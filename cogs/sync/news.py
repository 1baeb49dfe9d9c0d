"""What Muster tells in the audit channel by itself: what a roster or notes changed, and that nothing can be read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from discord import ui

from bot.services import news
from bot.services.context import Context
from bot.services.news import StandingLink
from bot.services.outbox import Delivery
from cogs.common.cards import PLAIN_COLOUR, WARNING_COLOUR, card
from cogs.common.delivery import Rendered
from cogs.common.paginator import fit_lines
from cogs.common.reasons import reasons
from cogs.sync import news_texts as texts
from domain.outage import Word
from domain.ranks import rank_label
from domain.runs import RunSource

LINES_LIMIT = 1300
"""Characters of all renames, and of all rank moves: with the names above them they fit into one message."""
LINKS_LIMIT = 3500


async def render_news(ctx: Context, delivery: Delivery) -> Rendered:
    """Render what a roster changed, with the ranks as the server calls them now."""
    return Rendered(news_card(delivery.payload, await news.rank_names(ctx, delivery.server_id)))


async def render_links(ctx: Context, delivery: Delivery) -> Rendered:
    """Render the links that rules made of what notes say, as far as they still stand."""
    found = await news.named_links(ctx, delivery.server_id, delivery.payload)
    return Rendered(links_card(delivery.payload["count"], found))


async def render_outage(delivery: Delivery) -> Rendered:
    """Render the word that something can't be read, or that it can again."""
    facts = delivery.payload
    source, since = RunSource(facts["source"]), datetime.fromisoformat(facts["since"])
    if facts["word"] == Word.OVER:
        return Rendered(card(texts.over(source, since), colour=PLAIN_COLOUR))
    text = texts.failing(source, since, facts["failures"], facts["reason"] or "no reason given")
    return Rendered(card(text, colour=WARNING_COLOUR))


def news_card(facts: Mapping[str, Any], rank_names: Mapping[int, str]) -> ui.LayoutView:
    """Show what a roster changed."""
    people = [
        say(facts[what]["count"], facts[what]["names"])
        for what, say in (("joined", texts.joined), ("returned", texts.returned), ("departed", texts.departed))
        if facts[what]["count"]
    ]
    moves = [_move(one, rank_names) for one in facts["moved"]]
    renames = [_rename(one) for one in facts["renamed"]]
    blocks = [
        "\n".join(people),
        _capped(moves, facts["more_moved"], texts.more_moved),
        _capped(renames, facts["more_renamed"], texts.more_renamed),
    ]
    return card(texts.title(facts["guild"]), *(block for block in blocks if block))


def links_card(count: int, named: Sequence[StandingLink]) -> ui.LayoutView:
    """Show so many new links, some of them with why; as on a claim's card nothing of what officer notes hold."""
    shown, _ = fit_lines([_link(one) for one in named], LINKS_LIMIT)
    more = [texts.more_links(count - len(shown))] if len(shown) < count else []
    return card("\n".join([texts.links_title(count), *shown, *more, texts.LINKS_HELP]))


def _capped(lines: list[str], more: int, say_more: Callable[[int], str]) -> str:
    shown, left_out = fit_lines(lines, LINES_LIMIT)
    more += left_out
    return "\n".join([*shown, *([say_more(more)] if more else [])])


def _move(one: Mapping[str, Any], rank_names: Mapping[int, str]) -> str:
    before, after = (rank_label(one[which], rank_names.get(one[which])) for which in ("before", "after"))
    return texts.moved(one["name"], before, after, is_promotion=one["after"] < one["before"])


def _link(one: StandingLink) -> str:
    why, *_ = [*reasons(one.evidence, for_officers=False), ""]
    return texts.linked(one.character, one.user_id, why)


def _rename(one: Mapping[str, Any]) -> str:
    if one["before"] == one["after"]:
        return texts.transferred(one["after"], one["realm_before"], one["realm_after"])
    return texts.renamed(one["before"], one["after"])
