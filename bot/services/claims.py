"""Claims: a member says that a character is theirs, and an officer decides. Until then the claim gives nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import proofs
from bot.services.claim_ends import CARD, DECIDED, decide, end, log
from bot.services.context import Context
from bot.services.links import CHOICES, add_in, remove_in, resolve_in
from db import claims, links, locks, outbox, people, servers, verdicts
from db.claims import Claimable, ClaimView, OwnerView
from db.people import CharacterView, MemberView
from db.tables.identity import Claim
from domain.errors import Conflict, NotFound, NotKnownYet, Refused
from domain.links import ClaimState, Source, Verdict, is_proven
from domain.names import fold

__all__ = ["CARD", "DECIDED", "CharacterView", "ClaimView", "Claimable", "MemberView", "OwnerView"]

MOST_OPEN: Final = 5
"""How many claims of one member wait at most."""
MOST_A_DAY: Final = 10
"""How many claims a member makes within a day, also withdrawn and refused ones: each is a card for officers to read."""
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A claim that was just made; `has_card` tells whether a card goes to the officers' channel."""

    public_id: str
    character: Claimable
    has_card: bool


@dataclass(frozen=True, slots=True)
class CardPlace:
    """Where a claim's card stands in the officers' channel."""

    channel_id: int
    message_id: int


async def find_characters(ctx: Context, server_id: int, text: str) -> list[Claimable]:
    """List characters now in the guild whose name begins with or holds a text, at most 25: nothing of their links."""
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        return await claims.search_claimable(
            session, server_id=server_id, guild_id=guild.id, key=fold(text), limit=CHOICES
        )


async def ask(ctx: Context, server_id: int, *, character: str, user_id: int) -> Asked:
    """Claim a character for a member, and ask the officers.

    `character` is an autocompleted id, a name or Name-Realm. Raises NotFound or InvalidInput for a character that is
    not in the guild or not the only one, Refused in rules screening, Conflict for what is theirs, waits, or is one too
    many.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        now = ctx.clock()
        server = await servers.required_server(session, server_id)
        found = await resolve_in(session, server_id, character, claims.claimable, claims.claimable_named)
        await _check_may_ask(session, server_id, user_id)
        await _check_is_new(session, server_id, found, user_id, now=now)
        claim = Claim(
            public_id=ctx.new_public_id(),
            server_id=server_id,
            character_id=found.id,
            user_id=user_id,
            state=ClaimState.OPEN,
            asked_at=now,
        )
        session.add(claim)
        await session.flush()
        await log(session, claim, "claim.ask", actor_id=user_id, now=now)
        if server.audit_channel_id is not None:
            await outbox.queue(
                session,
                server_id=server_id,
                kind=CARD,
                channel_id=server.audit_channel_id,
                payload={"claim": claim.public_id},
                dedupe_key=claim.public_id,
                now=now,
            )
    return Asked(claim.public_id, found, has_card=server.audit_channel_id is not None)


async def withdraw(ctx: Context, server_id: int, *, public_id: str, actor_id: int) -> ClaimView:
    """Take a member's own claim back; raises Refused for another's, Conflict when it was decided."""
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        claim = await _claim(session, server_id, public_id)
        if claim.user_id != actor_id:
            raise Refused("Only the member who made this claim can withdraw it.")
        _check_waits(claim)
        await end(session, claim, ClaimState.WITHDRAWN, actor_id=actor_id, now=ctx.clock())
        return await _view(session, claim)


async def confirm(ctx: Context, server_id: int, *, public_id: str, actor_id: int, manages_server: bool) -> ClaimView:
    """Make a claimed link proven, by an officer's word; `manages_server` tells whether they have Manage Server.

    Raises Refused for an officer's own claim, which another one must confirm: only who manages the server could make
    anybody an officer anyway. Where it would make one player of two, it waits as a finding: the view says so. Raises
    Conflict when it was decided or somebody else's proof stands against it, NotFound when the character has left the
    guild or the member the server.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        claim = await _claim(session, server_id, public_id)
        _check_waits(claim)
        if claim.user_id == actor_id and not manages_server:
            raise Refused("This is your own claim: another officer has to confirm it.")
        seen = await _view(session, claim)
        _check_can_be_confirmed(seen)
        other = await proofs.colliding_player(
            session, server_id, character_id=claim.character_id, user_id=claim.user_id
        )
        if other is not None:
            await proofs.keep_pending(
                ctx,
                session,
                server_id,
                user_id=claim.user_id,
                player_id=other,
                character_id=claim.character_id,
                source=Source.CLAIM,
                given_by=actor_id,
            )
            return await _view(session, claim)
        await add_in(
            ctx,
            session,
            server_id,
            character_id=claim.character_id,
            user_id=claim.user_id,
            actor_id=actor_id,
            source=Source.CLAIM,
            reasons=None if _is_linked(seen) else list(seen.reasons),
        )
        return await _view(session, claim)


async def refuse(ctx: Context, server_id: int, *, public_id: str, actor_id: int) -> ClaimView:
    """Say that a claimed character is not the member's: no rule proposes it again, and an inferred link ends.

    Raises Conflict when the claim was decided, or the character is proven to be theirs.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        claim = await _claim(session, server_id, public_id)
        _check_waits(claim)
        now = ctx.clock()
        seen = await _view(session, claim)
        if seen.is_theirs:
            raise Conflict(
                f"{seen.character.name} is proven to be <@{claim.user_id}>'s by now. Confirm the claim, or take the "
                "link away first: `/link remove`."
            )
        if _is_linked(seen) and not seen.proven_owners:
            await remove_in(ctx, session, server_id, character_id=claim.character_id, actor_id=actor_id)
        else:
            judged = verdicts.judge(
                seen.reasons, claim.character_id, [claim.user_id], Verdict.REJECTED, was_linked=False
            )
            await verdicts.record(session, server_id, judged, by=actor_id, now=now)
        await links.reject(session, server_id, claim.character_id, [claim.user_id], by=actor_id, now=now)
        await decide(session, claim, ClaimState.REFUSED, actor_id=actor_id, now=now)
        return await _view(session, claim)


async def view(ctx: Context, server_id: int, public_id: str) -> ClaimView:
    """Load a claim, decided ones too; raises NotFound for one that this server does not have."""
    async with ctx.sessions() as session:
        return await _view(session, await _claim(session, server_id, public_id))


async def open_claims(ctx: Context, server_id: int) -> tuple[ClaimView, ...]:
    """Load the claims of a server that wait for an officer, the oldest first."""
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        waiting = await claims.waiting(session, server_id)
        return await claims.views(session, server_id, None if guild is None else guild.id, waiting)


async def card_of(ctx: Context, server_id: int, public_id: str) -> CardPlace | None:
    """Give where the card of a claim was posted, None where there is none."""
    async with ctx.sessions() as session:
        found = await claims.card(session, server_id, kind=CARD, public_id=public_id)
    return None if found is None else CardPlace(*found)


async def _check_may_ask(session: AsyncSession, server_id: int, user_id: int) -> None:
    member = await people.member(session, server_id, user_id)
    if member is None or member.left_at is not None:
        raise NotKnownYet
    if member.pending:
        raise Refused("Accept this server's rules first; then claim your characters.")


async def _check_is_new(
    session: AsyncSession, server_id: int, found: Claimable, user_id: int, *, now: datetime
) -> None:
    """Raise Conflict for a claim that is needless or too much; nothing is said of anybody else's link."""
    owned = await links.character_half(session, server_id, found.id)
    attached = await links.member_half(session, server_id, user_id)
    if (
        owned is not None
        and attached is not None
        and owned.player_id == attached.player_id
        and is_proven(owned.source, attached.source)
    ):
        raise Conflict(f"{found.name} is proven to be yours already. `/player me` shows it.")
    waiting = await claims.open_by(session, server_id, user_id)
    if any(one.character_id == found.id for one in waiting):
        raise Conflict(f"You have claimed {found.name} already, and an officer will decide. `/player me` shows it.")
    if len(waiting) >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} of your claims wait for an officer, and more can't. Withdraw one in `/player me`, or wait."
        )
    if await claims.count_asked(session, server_id, user_id, since=now - DAY) >= MOST_A_DAY:
        raise Conflict(f"You have made {MOST_A_DAY} claims within a day, and more can't be made. Try again tomorrow.")


async def _claim(session: AsyncSession, server_id: int, public_id: str) -> Claim:
    claim = await claims.claim(session, server_id, public_id)
    if claim is None:
        raise NotFound("This claim does not exist any more.")
    return claim


def _check_waits(claim: Claim) -> None:
    match claim.state:
        case ClaimState.OPEN:
            return
        case ClaimState.WITHDRAWN:
            raise Conflict("The member has withdrawn this claim.")
        case ClaimState.CONFIRMED:
            raise Conflict(f"This claim was confirmed already, by <@{claim.decided_by}>.")
        case ClaimState.REFUSED:
            raise Conflict(f"This claim was refused already, by <@{claim.decided_by}>.")


def _check_can_be_confirmed(seen: ClaimView) -> None:
    """Raise NotFound where the character or the member is gone; what is theirs already can still be closed."""
    if seen.is_theirs:
        return
    if seen.member.left_at is not None:
        raise NotFound(f"<@{seen.member.user_id}> has left the server since: this claim can only be refused.")
    if seen.character.rank is None:
        raise NotFound(
            f"{seen.character.name} has left the guild since: this claim can only be refused, unless it comes back."
        )


def _is_linked(seen: ClaimView) -> bool:
    """Tell whether the character is the claimer's by now, by a rule or by a person."""
    return any(owner.user_id == seen.member.user_id for owner in seen.owners)


async def _view(session: AsyncSession, claim: Claim) -> ClaimView:
    guild = await servers.followed_guild(session, claim.server_id)
    [seen] = await claims.views(session, claim.server_id, None if guild is None else guild.id, [claim])
    return seen
