"""Privacy: a member's own word that no rule may match them, and what goes with it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from bot.services.words import facts_of
from db import actions, history, links, locks, people, privacy, why
from db.people import CharacterView
from db.tables.people import Member
from domain.audit import SubjectKind
from domain.errors import NotKnownYet
from domain.links import LinkEnd


@dataclass(frozen=True, slots=True)
class Privacy:
    """How a member stands: since when no rule may match them (None: rules may), and what an act took back.

    `kept` are their characters by a proof: nothing that a rule found, so it stays; None where nothing was asked.
    """

    opted_out_at: datetime | None
    changed: bool = False
    taken_back: tuple[CharacterView, ...] = ()
    kept: tuple[CharacterView, ...] = ()


async def look(ctx: Context, server_id: int, user_id: int) -> Privacy:
    """Tell how a member stands; raises NotKnownYet for who was never seen here."""
    async with ctx.sessions() as session:
        member = await people.member(session, server_id, user_id)
    if member is None:
        raise NotKnownYet
    return Privacy(member.opted_out_at)


async def opt_out(ctx: Context, server_id: int, user_id: int) -> Privacy:
    """Let no rule match a member any more, and take back what rules have found; what is proven stays.

    It holds until they say otherwise, also when they leave the server and come back. Raises NotKnownYet for who
    was never seen here.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        member = await _member(session, server_id, user_id)
        if member.opted_out_at is not None:
            return Privacy(member.opted_out_at)
        now = ctx.clock()
        member.opted_out_at = now
        parted = await _take_back(session, server_id, user_id, by=user_id, now=now)
        await privacy.drop_suggested(session, server_id, user_id)
        await privacy.drop_contradictions(session, server_id, user_id)
        aliases = await privacy.drop_aliases(session, server_id, user_id)
        changes = [
            actions.action("privacy.opt_out", SubjectKind.MEMBER, user_id, actor_id=user_id),
            *parted.changes,
            *(_alias_removed(alias, user_id) for alias in aliases),
        ]
        await actions.log(session, server_id, changes, now)
        taken, kept = [
            await people.characters_by_id(session, server_id=server_id, guild_id=None, ids=ids)
            for ids in (parted.taken, parted.kept)
        ]
    return Privacy(now, True, _sorted(taken), _sorted(kept))


async def opt_in(ctx: Context, server_id: int, user_id: int) -> Privacy:
    """Let rules match a member again; raises NotKnownYet for who was never seen here."""
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        member = await _member(session, server_id, user_id)
        if member.opted_out_at is None:
            return Privacy(None)
        member.opted_out_at = None
        change = actions.action("privacy.opt_in", SubjectKind.MEMBER, user_id, actor_id=user_id)
        await actions.log(session, server_id, [change], ctx.clock())
    return Privacy(None, True)


async def _member(session: AsyncSession, server_id: int, user_id: int) -> Member:
    member = await privacy.member(session, server_id, user_id)
    if member is None:
        raise NotKnownYet
    return member


@dataclass(frozen=True, slots=True)
class _Parted:
    """The characters that are a member's no longer, those that still are, and what the log tells of it."""

    taken: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)


async def take_back_joined(
    session: AsyncSession, server_id: int, user_ids: Collection[int], *, by: int, now: datetime
) -> None:
    """Take back what rules found for accounts that are one player by now, where one of them had opted out."""
    for user_id in sorted(await why.opted_out(session, server_id, user_ids)):
        parted = await _take_back(session, server_id, user_id, by=by, now=now)
        await actions.log(session, server_id, parted.changes, now)


async def _take_back(session: AsyncSession, server_id: int, user_id: int, *, by: int, now: datetime) -> _Parted:
    """End a member's links that no proof carries.

    Where only a rule says that the member is the player, it is the member who goes, and the characters stay with the
    player's other members: those did not opt out.
    """
    half = await links.member_half(session, server_id, user_id)
    if half is None:
        return _Parted()
    members = await links.members_of(session, server_id, half.player_id)
    owned = await links.characters_of(session, server_id, half.player_id)
    is_player, is_alone = half.source.is_proof, len(members) == 1
    proven = [one.character_id for one in owned if one.source.is_proof]
    inferred = [one.character_id for one in owned if not one.source.is_proof]
    parted = _Parted(inferred, proven) if is_player else _Parted(inferred + proven, [])
    who = [{"user_id": one.user_id, "source": one.source.value} for one in members]
    parted.changes.extend(
        actions.action(
            "link.opt_out",
            SubjectKind.CHARACTER,
            one.character_id,
            actor_id=by,
            before={**facts_of(one), "members": who},
        )
        for one in owned
        if one.character_id in parted.taken
    )
    ending = inferred if is_player or is_alone else []
    staying = [character_id for character_id in parted.taken if character_id not in ending]
    await history.remember(session, server_id, staying, LinkEnd.OPTED_OUT, by=by, now=now)
    await links.end_links(session, server_id, ending, LinkEnd.OPTED_OUT, by=by, now=now)
    if not is_player:
        await privacy.detach(session, server_id, user_id)
    return parted


def _alias_removed(alias: str, user_id: int) -> dict[str, Any]:
    meaning = {"alias": alias, "user_id": user_id, "character_id": None}
    return actions.action("alias.remove", SubjectKind.MEMBER, user_id, actor_id=user_id, before=meaning)


def _sorted(found: dict[int, CharacterView]) -> tuple[CharacterView, ...]:
    return tuple(sorted(found.values(), key=lambda one: (one.name_key, one.id)))
