"""Review: suggestions, one at a time, and an officer's word on each. All that is remembered is in the database."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from bot.services.links import add_in, required_in_guild
from bot.services.words import linked_meanwhile
from db import actions, links, locks, people, servers, suggestions, verdicts
from db.people import CharacterView
from db.suggestions import SuggestedMember, Waiting
from db.tables.guilds import Guild
from db.tables.identity import LinkSuggestion
from domain.audit import SubjectKind
from domain.errors import Conflict, MusterError, NotFound, quoted
from domain.links import Confidence, LinkMode, Source, Verdict

__all__ = ["CharacterView", "SuggestedMember"]

SHOWN: Final = 4
"""Candidates that are shown at once; a longer list goes on when these were refused."""


class Idle(Enum):
    """Say why there is nothing to review."""

    UNREAD = "unread"
    """The roster or the members were never read whole."""
    OFF = "off"
    """The server's rules are switched off."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Review:
    """A suggestion as an officer decides about it.

    `candidates` are those shown, of whom `more` are left out; `alts` the characters that notes tie to this one; `left`
    counts all suggestions that wait, this one included, and `put_off` those of them that were put off.
    """

    character: CharacterView
    guild_note: str | None
    officer_note: str | None
    candidates: tuple[SuggestedMember, ...]
    more: int
    alts: tuple[str, ...]
    confidence: Confidence | None
    later_at: datetime | None
    left: int
    put_off: int

    @property
    def key(self) -> str:
        """Give a mark of who is shown, by which a refusal knows that it is about them."""
        return key_of(self.candidates)


@dataclass(frozen=True, slots=True)
class Decided:
    """What an officer's word was about: the character, and the members it was given to or kept from."""

    character: CharacterView
    user_ids: tuple[int, ...]


async def next_review(ctx: Context, server_id: int, *, first: int | None = None) -> Review | Idle:
    """Give the suggestion whose turn it is, or that of the character `first` while it waits.

    Raises FollowsNoGuild.
    """
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        while True:
            turn = await suggestions.next_waiting(session, server_id=server_id, guild_id=guild.id, first=first)
            if turn is None:
                return await _idle(session, server_id)
            # What was decided since that statement waits no longer: whose turn is it then?
            if (shown := await _shown(session, server_id, guild, turn)) is not None:
                return shown


async def _shown(session: AsyncSession, server_id: int, guild: Guild, turn: Waiting) -> Review | None:
    """Give a suggestion as it is shown; None where nothing of it waits any more."""
    found = await suggestions.suggestion(session, server_id, turn.character_id)
    view = await people.character(session, server_id=server_id, guild_id=guild.id, character_id=turn.character_id)
    candidates = () if found is None else await suggestions.open_candidates(session, found)
    if found is None or view is None or not candidates:
        return None
    guild_note, officer_note = await suggestions.notes(session, server_id, view.id)
    return Review(
        view,
        guild_note,
        officer_note,
        candidates[:SHOWN],
        len(candidates[SHOWN:]),
        await suggestions.alts(session, server_id, view.id),
        found.confidence if candidates[0].user_id == found.candidates[0]["user_id"] else None,
        found.later_at,
        turn.left,
        turn.put_off,
    )


async def choose(ctx: Context, server_id: int, *, character_id: int, user_id: int, actor_id: int) -> Decided:
    """Link a character to a candidate by an officer's word; the reasons that they saw are kept with the link.

    Raises Conflict or NotFound, with the reason, when character or candidate are not to be decided about any more.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        return await choose_in(ctx, session, server_id, character_id=character_id, user_id=user_id, actor_id=actor_id)


async def choose_in(
    ctx: Context, session: AsyncSession, server_id: int, *, character_id: int, user_id: int, actor_id: int
) -> Decided:
    """Link a character to a candidate as `choose` does; the caller holds the lock on the server's people."""
    view, found = await waiting(session, server_id, character_id)
    candidates = await suggestions.open_candidates(session, found)
    chosen = next((one for one in candidates if one.user_id == user_id), None)
    if chosen is None:
        raise await _no_candidate(session, server_id, view, user_id)
    await add_in(
        ctx,
        session,
        server_id,
        character_id=character_id,
        user_id=user_id,
        actor_id=actor_id,
        source=Source.OFFICER,
        reasons=list(chosen.reasons),
    )
    await suggestions.drop(session, found)
    return Decided(view, (user_id,))


async def refuse(ctx: Context, server_id: int, *, character_id: int, key: str, actor_id: int) -> Decided:
    """Remember that a character is none of those who were shown under a key, so that no rule proposes them again.

    Raises Conflict when others would be shown by now, Conflict or NotFound when nothing is to be decided any more.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        return await refuse_in(ctx, session, server_id, character_id=character_id, key=key, actor_id=actor_id)


async def refuse_in(
    ctx: Context, session: AsyncSession, server_id: int, *, character_id: int, key: str, actor_id: int
) -> Decided:
    """Refuse those who were shown as `refuse` does; the caller holds the lock on the server's people."""
    view, found = await waiting(session, server_id, character_id)
    shown = (await suggestions.open_candidates(session, found))[:SHOWN]
    if key_of(shown) != key:
        raise Conflict(f"The candidates for {quoted(view.name)} changed meanwhile. Look again.")
    user_ids = tuple(one.user_id for one in shown)
    now = ctx.clock()
    await links.reject(session, server_id, character_id, user_ids, by=actor_id, now=now)
    await suggestions.drop_candidates(session, found, user_ids)
    judged = [
        judged
        for one in shown
        for judged in verdicts.judge(one.reasons, character_id, (one.user_id,), Verdict.REJECTED, was_linked=False)
    ]
    await verdicts.record(session, server_id, judged, by=actor_id, now=now)
    before = {"candidates": [{"user_id": one.user_id, "evidence": [*one.reasons]} for one in shown]}
    await actions.log(
        session,
        server_id,
        [actions.action("link.refuse", SubjectKind.CHARACTER, character_id, actor_id=actor_id, before=before)],
        now,
    )
    return Decided(view, user_ids)


async def put_off(ctx: Context, server_id: int, *, character_id: int) -> Decided:
    """Let a suggestion wait until all others were read; Conflict or NotFound when it does not wait any more."""
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        view, found = await waiting(session, server_id, character_id)
        await suggestions.put_off(session, found, ctx.clock())
    return Decided(view, ())


async def _idle(session: AsyncSession, server_id: int) -> Idle:
    if await servers.guild_read_whole(session, server_id) is None:
        return Idle.UNREAD
    server = await servers.required_server(session, server_id)
    return Idle.OFF if server.link_mode is LinkMode.OFF else Idle.DONE


async def waiting(session: AsyncSession, server_id: int, character_id: int) -> tuple[CharacterView, LinkSuggestion]:
    """Give a character that still waits, and what is suggested for it; else raise who decided, or what changed."""
    view = await required_in_guild(session, server_id, character_id)
    owned = await links.character_half(session, server_id, character_id)
    if owned is not None:
        raise await linked_meanwhile(session, owned, view.name)
    found = await suggestions.suggestion(session, server_id, character_id)
    if found is None:
        by_officer = await suggestions.refused_by(session, server_id, character_id)
        if by_officer is not None:
            raise Conflict(
                f"{quoted(view.name)} waits no longer. The last word on it was “not a match”, by <@{by_officer}>."
            )
        raise Conflict(f"{quoted(view.name)} waits no longer: notes or names changed, and nobody is suggested now.")
    return view, found


async def _no_candidate(session: AsyncSession, server_id: int, view: CharacterView, user_id: int) -> MusterError:
    """Say why a member cannot be chosen any more."""
    member = await people.member(session, server_id, user_id)
    if member is None or member.left_at is not None:
        return NotFound(f"<@{user_id}> has left the server. Nothing was linked.")
    if await suggestions.opted_out(session, server_id, user_id):
        return Conflict(f"<@{user_id}> has opted out of being linked by rules. Nothing was linked.")
    refused_by = await suggestions.refused_by(session, server_id, view.id, user_id)
    if refused_by is not None:
        return Conflict(f"<@{refused_by}> said meanwhile that {quoted(view.name)} is not <@{user_id}>'s.")
    return Conflict(f"Nothing speaks for <@{user_id}> any more: notes or names changed. Look again.")


def key_of(candidates: Sequence[SuggestedMember]) -> str:
    """Give a mark of who is shown; 12 hex digits."""
    shown = ",".join(str(one.user_id) for one in sorted(candidates, key=lambda one: one.user_id))
    return hashlib.sha256(shown.encode()).hexdigest()[:12]
