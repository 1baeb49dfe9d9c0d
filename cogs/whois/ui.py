"""The card of `/whois`."""

from typing import Any

from discord import ui

from bot.services.links import CharacterView, MemberView, PlayerView
from bot.services.why import Background
from cogs.common.cards import card
from cogs.common.characters import rank_text, title
from cogs.common.paginator import fit_lines
from cogs.common.past import past_line
from cogs.common.reasons import reasons
from cogs.common.text import escape
from cogs.common.texts import and_more, roster_age
from cogs.whois import texts

MEMBERS_LIMIT = 1000
CHARACTERS_LIMIT = 2200
"""Characters of the text about characters and about past links together."""
PAST_LIMIT = 700
NAME_LIMIT = 40


def who_card(view: PlayerView, background: Background, *controls: ui.Item[Any]) -> ui.LayoutView:
    """Show a player, or a lone member or character, with the reason for each link and what was before."""
    lines = [f"• {past_line(past, background.hidden)}" for past in background.past]
    past = [_listed(texts.BEFORE, lines, PAST_LIMIT)] if lines else []
    blocks = _blocks(view, CHARACTERS_LIMIT - sum(map(len, past)))
    if view.public_id is None:
        blocks.append(_hint(view, background))
    return card(*blocks, *past, *controls)


def _blocks(view: PlayerView, limit: int) -> list[str]:
    blocks = [f"## {_heading(view)}"]
    if view.members:
        blocks.append(_listed(texts.MEMBERS, [_member(member) for member in view.members], MEMBERS_LIMIT))
    elif view.public_id is not None:
        blocks.append(texts.NO_MEMBER)
    if view.public_id is not None:
        blocks.append(_rank(view))
    if (away := view.hiatus) is not None:
        blocks.append(texts.hiatus(away.until, away.reason, by=away.set_by))
    if view.characters:
        lines = [_character(character, proven=view.is_proven(character)) for character in view.characters]
        blocks.append(_listed(texts.CHARACTERS, lines, limit))
        if any(one.half is not None and not view.is_proven(one) for one in view.characters):
            blocks.append(texts.WHAT_INFERRED_MEANS)
        blocks.append(texts.ROSTER_NEVER_READ if view.roster_at is None else roster_age(view.roster_at))
    elif view.public_id is not None:
        blocks.append(texts.NO_CHARACTER)
    return blocks


def _hint(view: PlayerView, background: Background) -> str:
    """Tell of a lone member or character what the rules suggest, or what an officer can do."""
    if background.candidates:
        return texts.candidates([one.user_id for one in background.candidates])
    if background.characters:
        return texts.suggested([(one.name, one.realm) for one in background.characters])
    if view.characters:
        return texts.CHARACTER_NOT_LINKED
    return texts.MEMBER_NOT_LINKED if view.members[0].opted_out_at is None else texts.MEMBER_OPTED_OUT


def _heading(view: PlayerView) -> str:
    return escape((view.members or view.characters)[0].name, NAME_LIMIT)


def _rank(view: PlayerView) -> str:
    if view.rank is None:
        return texts.NO_RANK
    if (word := view.override) is not None:
        return texts.rank_by_word(word.label, word.reason, by=word.set_by, ends_at=word.ends_at)
    best = next(one for one in view.characters if one.rank == view.rank)
    return texts.rank(rank_text(best))


def _listed(heading: str, lines: list[str], limit: int) -> str:
    shown, more = fit_lines(lines, limit)
    return "\n".join([heading, *shown, *([and_more(more)] if more else [])])


def _member(member: MemberView) -> str:
    line = f"<@{member.user_id}> {escape(member.name, NAME_LIMIT)} ({escape(member.username, NAME_LIMIT)})"
    if member.left_at is not None:
        line += f" · {texts.LEFT_THE_SERVER}"
    if member.opted_out_at is not None:
        line += f" · {texts.OPTED_OUT}"
    return line if member.half is None else f"{line}\n-# {_reason(member, proven=member.half.source.is_proof)}"


def _character(character: CharacterView, *, proven: bool) -> str:
    class_name = character.class_name or texts.unknown_class(character.class_id)
    login = texts.LOGIN_UNKNOWN if character.last_login_at is None else texts.last_login(character.last_login_at)
    line = f"{title(character)} · {escape(class_name)} {character.level} · {escape(rank_text(character))}\n-# {login}"
    if character.half is None:
        return line
    return f"{line} · {_reason(character, proven=proven)}"


def _reason(linked: MemberView | CharacterView, *, proven: bool) -> str:
    half = linked.half
    assert half is not None
    # A person's word says it all; what they saw stands in `/link why`.
    told = [] if half.source.is_by_person else reasons(half.evidence, for_officers=True)
    origin = texts.source(half.source, by=half.linked_by, reason=next(iter(told), None))
    return f"{origin} · {texts.PROVEN if proven else texts.INFERRED}"
