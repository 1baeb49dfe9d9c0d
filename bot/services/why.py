"""Why a character is whose it is: the reasons of its link or suggestion, what speaks against it, what was before."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import history, links, people, servers, suggestions
from db import why as facts
from db.history import PastLinkView
from db.people import CharacterView, HalfView, MemberView, PlayerView
from db.suggestions import SuggestedMember
from db.why import ContradictionView, RejectionView, RunRef, SuggestedCharacter
from domain.errors import NotFound
from domain.links import Confidence

__all__ = [
    "ContradictionView",
    "HalfView",
    "MemberView",
    "PastLinkView",
    "RejectionView",
    "RunRef",
    "SuggestedCharacter",
    "SuggestedMember",
]

PAST_LIMIT: Final = 50
RECENT_LIMIT: Final = 5


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a rule suggests for a character; `confidence` where it would link if the server let it."""

    candidates: tuple[SuggestedMember, ...]
    confidence: Confidence | None
    run: RunRef | None


@dataclass(frozen=True, slots=True)
class Why:
    """All that is known of whose a character is; `runs` are those in which rules made the halves, by id.

    `hidden` are the members who opted out: of them no more than that is told, but for links that are proven.
    """

    character: CharacterView
    members: tuple[MemberView, ...]
    runs: dict[int, RunRef]
    suggested: Suggested | None
    contradiction: ContradictionView | None
    rejections: tuple[RejectionView, ...]
    past: tuple[PastLinkView, ...]
    hidden: frozenset[int]

    @property
    def is_proven(self) -> bool:
        """Tell whether the link to one of the members rests on a proof in both its halves."""
        return PlayerView(None, self.members, (), None).is_proven(self.character)


@dataclass(frozen=True, slots=True)
class Background:
    """What stands behind a player, or a lone member or character: the last past links, and what is suggested."""

    past: tuple[PastLinkView, ...]
    candidates: tuple[SuggestedMember, ...]
    characters: tuple[SuggestedCharacter, ...]
    hidden: frozenset[int]


async def explain(ctx: Context, server_id: int, character_id: int) -> Why:
    """Tell why a character is whose it is; raises NotFound when it is neither in the guild nor linked here."""
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        view = await people.character(session, server_id=server_id, guild_id=guild.id, character_id=character_id)
        if view is None:
            raise NotFound(f"This character is not in {guild.name}. Choose one from the list.")
        members = await _members_of(session, server_id, character_id)
        suggestion = None if view.half is not None else await _suggested(session, server_id, character_id)
        contradiction = await facts.contradiction(session, server_id, character_id)
        rejections = await facts.rejections(session, server_id, character_id)
        past = tuple(await history.of_character(session, server_id, character_id, PAST_LIMIT))
        halves = [half for half in (view.half, *(member.half for member in members)) if half is not None]
        runs = await facts.runs(session, {half.run_id for half in halves if half.run_id is not None})
        told = {user_id for one in past for user_id in one.user_ids}
        told |= {one.user_id for one in rejections} | set(contradiction.user_ids if contradiction else ())
        hidden = await facts.opted_out(session, server_id, told)
    return Why(view, members, runs, suggestion, contradiction, rejections, past, hidden)


async def background(ctx: Context, server_id: int, view: PlayerView) -> Background:
    """Tell what was before, and for who is nobody's yet what is suggested."""
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        candidates: tuple[SuggestedMember, ...] = ()
        characters: tuple[SuggestedCharacter, ...] = ()
        lone = view.public_id is None
        opted_out = {member.user_id for member in view.members if member.opted_out_at is not None}
        if lone and view.characters:
            found = await _suggested(session, server_id, view.characters[0].id)
            candidates = () if found is None else found.candidates
        elif lone and guild is not None and not opted_out:
            user_id = view.members[0].user_id
            characters = await facts.suggested_for(session, server_id=server_id, guild_id=guild.id, user_id=user_id)
        past = await history.of_any(
            session,
            server_id,
            character_ids=[one.id for one in view.characters],
            user_ids=[one.user_id for one in view.members if one.user_id not in opted_out],
            limit=RECENT_LIMIT,
        )
        told = {user_id for one in past for user_id in one.user_ids}
        hidden = await facts.opted_out(session, server_id, told)
    return Background(tuple(past), candidates, characters, hidden)


async def _members_of(session: AsyncSession, server_id: int, character_id: int) -> tuple[MemberView, ...]:
    owned = await links.character_half(session, server_id, character_id)
    if owned is None:
        return ()
    ids = [half.user_id for half in await links.members_of(session, server_id, owned.player_id)]
    found = await people.members_by_id(session, server_id, ids)
    return tuple(found[user_id] for user_id in ids)


async def _suggested(session: AsyncSession, server_id: int, character_id: int) -> Suggested | None:
    """Give what is suggested, without candidates who left, opted out or were refused."""
    found = await suggestions.suggestion(session, server_id, character_id)
    candidates = () if found is None else await suggestions.open_candidates(session, found)
    if found is None or not candidates:
        return None
    runs = await facts.runs(session, [] if found.run_id is None else [found.run_id])
    return Suggested(candidates, found.confidence, next(iter(runs.values()), None))
