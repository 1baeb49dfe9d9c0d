"""How claims end: by the member who made them, or by an officer's word on the character, wherever it is given."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from db import actions, claims, outbox, people, proofs, servers
from db.tables.identity import Claim
from domain.audit import SubjectKind
from domain.links import ClaimState, Source

CARD: Final = "claim"
"""The kind of message that asks officers, in the audit channel."""
DECIDED: Final = "claim_decided"
"""The kind of direct message that tells the member."""
_ACTIONS: Final = {
    ClaimState.CONFIRMED: "claim.confirm",
    ClaimState.REFUSED: "claim.refuse",
    ClaimState.WITHDRAWN: "claim.withdraw",
}


async def confirm_proven(
    session: AsyncSession, server_id: int, player_id: int, *, actor_id: int, now: datetime
) -> None:
    """Close as confirmed the claims to what an officer's word has just proven of a player."""
    for claim in await claims.open_to_proven(session, server_id, player_id):
        await decide(session, claim, ClaimState.CONFIRMED, actor_id=actor_id, now=now)


async def decide(session: AsyncSession, claim: Claim, state: ClaimState, *, actor_id: int, now: datetime) -> None:
    """End a claim by an officer's word, and tell the member; who decided their own needs no telling."""
    await end(session, claim, state, actor_id=actor_id, now=now)
    if claim.user_id == actor_id:
        return
    server = await servers.required_server(session, claim.server_id)
    [character] = (
        await people.characters_by_id(session, server_id=claim.server_id, guild_id=None, ids=[claim.character_id])
    ).values()
    await outbox.queue(
        session,
        server_id=claim.server_id,
        kind=DECIDED,
        user_id=claim.user_id,
        payload={
            "server": server.name,
            "character": character.name,
            "realm": character.realm,
            "confirmed": state is ClaimState.CONFIRMED,
        },
        dedupe_key=claim.public_id,
        now=now,
    )


async def end(session: AsyncSession, claim: Claim, state: ClaimState, *, actor_id: int, now: datetime) -> None:
    """End a claim that waits; what it proved beside another proof waits no longer either."""
    claim.state, claim.decided_at, claim.decided_by = state, now, actor_id
    await session.flush()
    # Who withdraws a claim takes back their own word, not that of an officer who said the same.
    source = Source.CLAIM if state is ClaimState.WITHDRAWN else None
    await proofs.drop(session, claim.server_id, character_id=claim.character_id, user_id=claim.user_id, source=source)
    # Officers need not be asked any more; a card that was sent is edited by who decides.
    await outbox.withdraw(session, server_id=claim.server_id, kind=CARD, dedupe_key=claim.public_id)
    await log(session, claim, _ACTIONS[state], actor_id=actor_id, now=now)


async def log(session: AsyncSession, claim: Claim, action: str, *, actor_id: int, now: datetime) -> None:
    """Let the log tell what became of a claim."""
    change = actions.action(
        action,
        SubjectKind.CHARACTER,
        claim.character_id,
        actor_id=actor_id,
        after={"claim": claim.public_id, "user_id": claim.user_id, "state": claim.state.value},
    )
    await actions.log(session, claim.server_id, [change], now)
