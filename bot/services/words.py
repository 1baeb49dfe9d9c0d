"""What a person's word does to the halves of links: raises them, takes them away, joins members to one player."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import history, links, ranks, verdicts
from db.people import CharacterView
from db.tables.people import PlayerCharacter, PlayerMember
from domain.errors import Conflict, quoted
from domain.links import Confidence, LinkEnd, Source, Verdict

SPOKEN = {
    Source.BATTLENET_OAUTH: "a Battle.net sign-in",
    Source.OFFICER: "an officer's word",
    Source.INVITE: "an invitation",
    Source.CLAIM: "a claim that an officer confirmed",
    Source.MIGRATED_SHEET: "the earlier spreadsheet",
}

NAMED: Final = 3
"""Members of a player who are named when one of their characters was linked meanwhile."""


@dataclass(frozen=True, slots=True)
class Word:
    """A person's word about links: what it counts as, who gave it and when; `reasons` are what they saw."""

    source: Source
    by: int
    at: datetime
    reasons: Sequence[Any] = field(default=())

    @property
    def evidence(self) -> dict[str, Any]:
        """Give what a half that rests on the word keeps."""
        return {"reasons": list(self.reasons)} if self.reasons else {}


def mentions(user_ids: Sequence[int]) -> str:
    """Name the members of a player."""
    return ", ".join(f"<@{user_id}>" for user_id in user_ids) or "a player without a member"


async def linked_meanwhile(session: AsyncSession, owned: PlayerCharacter, name: str) -> Conflict:
    """Say to whom a character was linked, and by whom, since somebody was asked about it."""
    halves = await links.members_of(session, owned.server_id, owned.player_id)
    more = len(halves) - NAMED
    named = [f"<@{half.user_id}>" for half in halves[:NAMED]] + [f"{more} more"] * (more > 0)
    who = ", ".join(named) or "a player without a member"
    by = "by a rule" if owned.linked_by is None else f"by <@{owned.linked_by}>"
    return Conflict(f"{quoted(name)} was linked to {who} meanwhile, {by}.")


def facts_of(half: PlayerCharacter | PlayerMember) -> dict[str, Any]:
    """Give a half as the log keeps it."""
    return {"player_id": half.player_id, "source": half.source.value, "evidence": half.evidence}


async def attach_member(ctx: Context, session: AsyncSession, server_id: int, user_id: int, word: Word) -> int:
    """Give the member's player, made where there is none, with the member's half at least at the word."""
    attached = await links.member_half(session, server_id, user_id)
    if attached is not None:
        raise_half(attached, word)
        return attached.player_id
    public_id = ctx.new_public_id()
    player_id = (await links.create_players(session, server_id, [public_id], word.at))[public_id]
    half = links.half(player_id, word.source, Confidence.HIGH, {}, linked_by=word.by)
    await links.add_members(session, server_id, [{"user_id": user_id, **half}], word.at)
    return player_id


async def confirm_characters(
    session: AsyncSession, server_id: int, owned: Sequence[PlayerCharacter], user_ids: Sequence[int], word: Word
) -> None:
    """Let links that nobody has proven go on by the word: the rules that made them were right about these members."""
    ids = [half.character_id for half in owned]
    await history.remember(session, server_id, ids, LinkEnd.CONFIRMED, by=word.by, now=word.at)
    judged = [one for half in owned for one in _judged(half, user_ids, Verdict.CONFIRMED)]
    await verdicts.record(session, server_id, judged, by=word.by, now=word.at)
    for half in owned:
        raise_half(half, word)


async def take_away(
    session: AsyncSession,
    server_id: int,
    owned: PlayerCharacter,
    user_ids: Sequence[int],
    ended: LinkEnd,
    *,
    by: int,
    at: datetime,
) -> None:
    """End a link and remember that the character is none of these members', so that no rule links it there again."""
    character_id = owned.character_id
    await verdicts.record(session, server_id, _judged(owned, user_ids, Verdict.REJECTED), by=by, now=at)
    await verdicts.restate(session, server_id, character_id, user_ids, Verdict.REJECTED, by=by, now=at)
    await links.end_links(session, server_id, [character_id], ended, by=by, now=at)
    await links.reject(session, server_id, character_id, user_ids, by=by, now=at)


async def move_away(
    session: AsyncSession, view: CharacterView, owned: PlayerCharacter, user_id: int, word: Word, *, instead: bool
) -> None:
    """Take a character from another player than the member's; Conflict where a word as strong gave it to them.

    `instead`: where the new word is given in the place of that one, only a stronger one stands against it.
    """
    server_id = owned.server_id
    others = [half.user_id for half in await links.members_of(session, server_id, owned.player_id)]
    stands = owned.source > word.source if instead else owned.source.is_proof or owned.source >= word.source
    if stands:
        raise Conflict(
            f"{view.name} is linked to {mentions(others)} by {SPOKEN[owned.source]}. Remove that link first. "
            f"If <@{user_id}> is a second Discord account of the same person, say so: `/link add` with `also`."
        )
    await take_away(session, server_id, owned, others, LinkEnd.MOVED, by=word.by, at=word.at)


async def stands_alone(session: AsyncSession, attached: PlayerMember, at: datetime) -> bool:
    """Tell whether people's words make a member a player of their own: by the characters, or by the rank."""
    if await ranks.override(session, attached.server_id, attached.player_id, at) is not None:
        return True
    return _is_by_person(attached, await links.characters_of(session, attached.server_id, attached.player_id))


async def join(session: AsyncSession, server_id: int, user_id: int, player_id: int, word: Word) -> tuple[int, ...]:
    """Make a member one of those of a player: the same person; give the characters that they bring.

    What rules gave to the member alone comes along, as inferred as it was. Raises Conflict when a person's word says
    that they are somebody else.
    """
    attached = await links.member_half(session, server_id, user_id)
    brought: tuple[int, ...] = ()
    if attached is not None:
        former = attached.player_id
        if await ranks.override(session, server_id, former, word.at) is not None:
            raise Conflict(
                f"<@{user_id}> is a player whose rank an officer has set. Take that back first, `/player rank` with "
                "“as in the game”, and add the link again."
            )
        owned = await links.characters_of(session, server_id, former)
        if _is_by_person(attached, owned):
            raise Conflict(
                f"<@{user_id}> is a player with characters already, by a person's word: `/whois` shows them. "
                "Remove those links first, then add them here."
            )
        alone = len(await links.members_of(session, server_id, former)) == 1
        brought = tuple(half.character_id for half in owned) if alone else ()
        await session.delete(attached)
        await session.flush()
        await links.hand_over(session, server_id, brought, player_id)
        await links.delete_empty_players(session, server_id, {former}, word.at)
    half = links.half(player_id, word.source, Confidence.HIGH, {}, linked_by=word.by)
    await links.add_members(session, server_id, [{"user_id": user_id, **half}], word.at)
    return brought


def raise_half(half: PlayerCharacter | PlayerMember, word: Word) -> None:
    """Let a half that is not proven rest on the word; what the rule had seen is kept."""
    if half.source.is_proof:
        return
    reasons = word.reasons or half.evidence.get("reasons", ())
    half.source, half.confidence = word.source, Confidence.HIGH
    half.linked_by, half.linked_at, half.run_id = word.by, word.at, None
    half.evidence = {"reasons": list(reasons)} if reasons else {}


def _is_by_person(attached: PlayerMember, owned: Sequence[PlayerCharacter]) -> bool:
    return bool(owned) and (attached.source.is_by_person or any(half.source.is_by_person for half in owned))


def _judged(owned: PlayerCharacter, user_ids: Sequence[int], verdict: Verdict) -> list[verdicts.Judged]:
    if owned.source.is_by_person:
        return []
    return verdicts.judge(owned.evidence.get("reasons", ()), owned.character_id, user_ids, verdict, was_linked=True)
