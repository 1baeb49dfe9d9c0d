"""Proofs that collide: what would make a member another player than their own waits, until officers merge or reject."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.claim_ends import confirm_proven, decide
from bot.services.context import Context
from bot.services.findings import in_hand
from bot.services.player_fixes import done_by
from bot.services.privacy import take_back_joined
from bot.services.words import Word, facts_of, raise_half
from db import actions, claims, hiatus, links, people, proofs, ranks, rules, servers, suggestions
from db.people import CharacterView, PlayerView
from db.tables.audit import Issue
from db.tables.people import PendingProof, Player, PlayerCharacter, PlayerMember
from domain.audit import Fix, SubjectKind
from domain.errors import Conflict, Refused
from domain.links import ClaimState, Source

RULE: Final = "duplicate_discord"


@dataclass(frozen=True, slots=True)
class Collision:
    """A proof that waits: the member with the player that they are, and the player whom it says them to be."""

    user_id: int
    character: CharacterView
    source: Source
    own: PlayerView
    other: PlayerView


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a proof: about which member, and the members of the player whom it named before."""

    user_id: int
    other_ids: tuple[int, ...]


async def colliding_player(session: AsyncSession, server_id: int, *, character_id: int, user_id: int) -> int | None:
    """Give the player whom a character proves to own it, where the member is linked to a player of their own."""
    owned = await links.character_half(session, server_id, character_id)
    attached = await links.member_half(session, server_id, user_id)
    if owned is None or attached is None or attached.player_id == owned.player_id or not owned.source.is_proof:
        return None
    return owned.player_id


async def keep_pending(
    ctx: Context,
    session: AsyncSession,
    server_id: int,
    *,
    user_id: int,
    player_id: int,
    character_id: int,
    source: Source,
    given_by: int | None,
) -> None:
    """Keep a proof that a member is another player until officers decide; the caller holds the lock on the people.

    Raises Conflict where it waits already, another one about the member waits, an officer rejected it before, or the
    rule that would tell of it is off.
    """
    refused_by = await suggestions.refused_by(session, server_id, character_id, user_id)
    if refused_by is not None:
        raise Conflict(
            f"<@{refused_by}> said that this character is not <@{user_id}>'s, and it is proven to be somebody else's. "
            "If that was wrong: `/link remove`, then `/link add`."
        )
    rule = (await rules.switched(session, server_id)).get(RULE)
    if rule is not None and not rule.enabled:
        raise Conflict(
            f"This character is proven to be somebody else's, and <@{rule.by}> switched off the rule by which officers "
            "decide about that. Switch it on with `/audit rules`, then try again."
        )
    waiting = await proofs.of_member(session, server_id, user_id)
    if waiting is not None and await _is_to_decide(session, waiting):
        if waiting.character_id == character_id:
            raise Conflict(
                "This waits as a finding already: merge or reject it with `/audit list`; if somebody put it aside, it "
                "is listed with `state`."
            )
        raise Conflict(
            f"Another proof about <@{user_id}> waits as a finding. Merge or reject that one first, with `/audit list`."
        )
    if waiting is not None:
        await session.delete(waiting)
        await session.flush()
    now = ctx.clock()
    proof = PendingProof(
        public_id=ctx.new_public_id(),
        server_id=server_id,
        user_id=user_id,
        player_id=player_id,
        character_id=character_id,
        source=source,
        given_by=given_by,
        made_at=now,
    )
    session.add(proof)
    await session.flush()
    change = actions.action(
        "proof.keep",
        SubjectKind.MEMBER,
        user_id,
        actor_id=given_by,
        after={"proof": proof.public_id, "player_id": player_id, "character_id": character_id, "source": source.value},
    )
    await actions.log(session, server_id, [change], now)


async def look(ctx: Context, server_id: int, public_id: str) -> Collision:
    """Show what a finding's proof would merge; raises as `merge` does where nothing is to be decided any more."""
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.MERGE)
        proof, attached = await _waiting(session, issue)
        guild = await servers.followed_guild(session, server_id)
        guild_id = None if guild is None else guild.id
        now = ctx.clock()
        ids = [proof.character_id]
        character = await people.characters_by_id(session, server_id=server_id, guild_id=guild_id, ids=ids)
        return Collision(
            proof.user_id,
            character[proof.character_id],
            proof.source,
            await people.player(session, server_id, attached.player_id, guild, now=now),
            await people.player(session, server_id, proof.player_id, guild, now=now),
        )


async def merge(ctx: Context, server_id: int, public_id: str, *, actor_id: int, manages_server: bool) -> Decided:
    """Make one player of two: members and characters, and what officers said of rank and hiatus.

    The player whom the proof names stays, with their main; what is inferred stays so, and what is proven and comes
    along rests on the officer's word from now on. Raises Refused for who is either of the two without Manage Server,
    NotFound and Conflict where nothing is to be decided any more, or both players have a rank by an officer's word.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.MERGE)
        proof, attached = await _waiting(session, issue)
        own, other = await _both(session, attached, proof)
        members = await links.members_of(session, server_id, own.id)
        owned = await links.characters_of(session, server_id, own.id)
        others = tuple(one.user_id for one in await links.members_of(session, server_id, other.id))
        accounts = (*(one.user_id for one in members), *others)
        if actor_id in accounts and not manages_server:
            raise Refused("This is about your own player: another officer has to decide it.")
        word = Word(proof.source, actor_id, ctx.clock())
        before = _facts(own, members, owned)
        await _merge_words(session, own, other, user_id=proof.user_id, word=word)
        await _merge_links(session, own, other)
        _vouch_for((*members, *owned), actor_id)
        half = await links.member_half(session, server_id, proof.user_id)
        assert half is not None
        raise_half(half, word)
        await session.delete(proof)
        await session.flush()
        await proofs.retarget(session, server_id, own.id, to=other.id)
        await links.delete_empty_players(session, server_id, {own.id}, word.at)
        await proofs.forget_rejections(session, server_id, other.id)
        change = actions.action(
            "player.merge",
            SubjectKind.MEMBER,
            proof.user_id,
            actor_id=actor_id,
            before=before,
            after={"finding": public_id, "proof": proof.public_id, "player_id": other.id, "user_ids": list(others)},
        )
        await actions.log(session, server_id, [change], word.at)
        await confirm_proven(session, server_id, other.id, actor_id=actor_id, now=word.at)
        await take_back_joined(session, server_id, accounts, by=actor_id, now=word.at)
    return Decided(proof.user_id, others)


async def reject(ctx: Context, server_id: int, public_id: str, *, actor_id: int) -> Decided:
    """Say that a member is not the player whom a proof names; it is remembered, and the member's claim refused.

    Raises NotFound and Conflict where nothing is to be decided any more.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.REJECT)
        proof, _ = await _waiting(session, issue)
        now = ctx.clock()
        others = await links.members_of(session, server_id, proof.player_id)
        user_id, character_id = proof.user_id, proof.character_id
        await proofs.reject_player(session, server_id, proof.player_id, user_id, by=actor_id, now=now)
        await links.reject(session, server_id, character_id, [user_id], by=actor_id, now=now)
        change = actions.action(
            "proof.reject",
            SubjectKind.MEMBER,
            user_id,
            actor_id=actor_id,
            before={"proof": proof.public_id, "player_id": proof.player_id, "character_id": character_id},
            after={"finding": public_id},
        )
        await session.delete(proof)
        await session.flush()
        await actions.log(session, server_id, [change], now)
        for claim in await claims.open_by(session, server_id, user_id):
            if claim.character_id == character_id:
                await decide(session, claim, ClaimState.REFUSED, actor_id=actor_id, now=now)
    return Decided(user_id, tuple(one.user_id for one in others))


async def _waiting(session: AsyncSession, issue: Issue) -> tuple[PendingProof, PlayerMember]:
    """Give the proof of a finding with the member's half; raises Conflict where it is decided or true by now."""
    proof = await proofs.by_public_id(session, issue.server_id, str(issue.facts["proof"]))
    if proof is None:
        raise Conflict(await done_by(session, issue, "This proof waits no longer."))
    member = await people.member(session, issue.server_id, proof.user_id)
    if member is None or member.left_at is not None:
        raise Conflict(f"<@{proof.user_id}> has left the server. The proof waits until they are back.")
    attached = await links.member_half(session, issue.server_id, proof.user_id)
    if attached is None or not await _collides(session, proof):
        raise Conflict(await done_by(session, issue, "Links changed, and nothing speaks against this proof any more."))
    return proof, attached


async def _collides(session: AsyncSession, proof: PendingProof) -> bool:
    """Tell whether a proof still says that the member is another player than their own."""
    pair = await colliding_player(session, proof.server_id, character_id=proof.character_id, user_id=proof.user_id)
    return pair == proof.player_id


async def _is_to_decide(session: AsyncSession, proof: PendingProof) -> bool:
    """Tell whether a finding speaks of a proof: not while the character by which it was given is not in the guild."""
    if not await _collides(session, proof):
        return False
    guild = await servers.followed_guild(session, proof.server_id)
    ids = [proof.character_id]
    found = await people.characters_by_id(
        session, server_id=proof.server_id, guild_id=None if guild is None else guild.id, ids=ids
    )
    return found[proof.character_id].rank is not None


async def _both(session: AsyncSession, attached: PlayerMember, proof: PendingProof) -> tuple[Player, Player]:
    """Load the member's own player and the one whom the proof names: their links keep both."""
    own = await links.player(session, proof.server_id, attached.player_id)
    other = await links.player(session, proof.server_id, proof.player_id)
    assert own is not None
    assert other is not None
    return own, other


def _vouch_for(halves: Iterable[PlayerMember | PlayerCharacter], actor_id: int) -> None:
    """Let what is proven of a player count as another one's by the word of who merged them, and of nobody else.

    Who vouched for a half knew nothing of the other player: else their powers would stand for roles that they gave to
    nobody.
    """
    for half in halves:
        if half.source.is_proof:
            half.linked_by = actor_id


def _facts(player: Player, members: list[PlayerMember], owned: list[PlayerCharacter]) -> dict[str, object]:
    """Give what the log keeps of a player who becomes part of another one."""
    return {
        "player_id": player.id,
        "player": player.public_id,
        "main": player.main_character_id,
        "offspec": player.offspec_character_id,
        "members": [{"user_id": one.user_id, "linked_by": one.linked_by, **facts_of(one)} for one in members],
        "characters": [
            {"character_id": one.character_id, "source": one.source.value, "linked_by": one.linked_by} for one in owned
        ],
    }


async def _merge_words(session: AsyncSession, own: Player, other: Player, *, user_id: int, word: Word) -> None:
    """Let officers' words about a player hold for the other one; raises Conflict where both have a rank by a word."""
    server_id, now = own.server_id, word.at
    rank = await ranks.override(session, server_id, own.id, now)
    if rank is not None:
        if await ranks.override(session, server_id, other.id, now) is not None:
            raise Conflict(
                f"Officers have set the ranks of both players. Take one back first, for example <@{user_id}>'s: "
                "`/player rank` with “as in the game”. Then merge them."
            )
        # It was said of the one; that it holds for the other is the word of who merges.
        await ranks.store_override(session, server_id, other.id, replace(rank, set_by=word.by))
        await ranks.delete_override(session, server_id, own.id)
    away, there = [await hiatus.hiatus(session, server_id, one.id, now) for one in (own, other)]
    if away is not None and (there is None or there.set_at < away.set_at):
        await hiatus.store_hiatus(session, server_id, other.id, away)


async def _merge_links(session: AsyncSession, own: Player, other: Player) -> None:
    """Give members and characters of a player to another one, who keeps their main where they have one."""
    server_id = own.server_id
    main, offspec = own.main_character_id, own.offspec_character_id
    brought = [one.character_id for one in await links.characters_of(session, server_id, own.id)]
    await links.move_members(session, server_id, own.id, to=other.id)
    await links.hand_over(session, server_id, brought, other.id)
    if other.main_character_id is None:
        other.main_character_id = main
    if other.offspec_character_id is None:
        other.offspec_character_id = offspec
    await session.flush()
