"""Links by officers' words: add, remove, and who is who."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, links, locks, people, servers
from db.people import CharacterView, MemberView, PlayerView
from db.ranks import OverrideView
from db.tables.guilds import Guild
from db.tables.people import PlayerCharacter, PlayerMember
from domain.audit import SubjectKind
from domain.errors import Conflict, InvalidInput, NotFound, quoted
from domain.links import Confidence, Source, is_proven
from domain.names import fold

__all__ = ["CharacterView", "MemberView", "OverrideView", "PlayerView"]

CHOICES = 25
"""What a Discord autocomplete can list."""
ID_DIGITS = 18
"""Longer numbers may not fit into an id."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What a command did to a character's link."""

    character: CharacterView
    user_ids: tuple[int, ...]
    changed: bool


async def find_characters(ctx: Context, server_id: int, text: str) -> list[CharacterView]:
    """List characters of the guild, or linked on the server, whose name begins with or holds a text; at most 25."""
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        return await people.search_characters(
            session, server_id=server_id, guild_id=guild.id, key=fold(text), limit=CHOICES
        )


async def resolve_character(ctx: Context, server_id: int, text: str) -> int:
    """Give the character that an autocompleted id, a name or Name-Realm means; one in the guild before one that left.

    Raises NotFound, or InvalidInput when several fit.
    """
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        if text.isdecimal() and len(text) <= ID_DIGITS:
            view = await people.character(session, server_id=server_id, guild_id=guild.id, character_id=int(text))
            if view is not None:
                return view.id
        name, _, realm = text.partition("-")
        named = await people.characters_named(session, server_id=server_id, guild_id=guild.id, key=fold(name))
    fitting = [view for view in named if not realm or fold(realm) in (fold(view.realm), fold(view.realm_slug))]
    match [view for view in fitting if view.rank is not None] or fitting:
        case [only]:
            return only.id
        case []:
            raise NotFound(f"No character {quoted(text)} is in {guild.name}. Choose one from the list.")
        case several:
            realms = ", ".join(sorted(f"{view.name}-{view.realm}" for view in several))
            raise InvalidInput(f"Several characters have this name: {realms}. Choose one from the list.")


async def add(ctx: Context, server_id: int, *, character_id: int, user_id: int, actor_id: int) -> LinkChange:
    """Link a character to a member by an officer's word.

    An inferred link gives way. Raises Conflict when another person's proven word stands against it, NotFound when the
    character is neither in the guild nor linked here, or the member not in the server.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        guild = await servers.required_guild(session, server_id)
        view = await _character(session, server_id, guild, character_id)
        await _present_member(session, server_id, user_id)
        now = ctx.clock()
        owned = await links.character_half(session, server_id, character_id)
        attached = await links.member_half(session, server_id, user_id)
        before = None if owned is None else _before(owned)
        if owned is not None and (attached is None or attached.player_id != owned.player_id):
            others = [half.user_id for half in await links.members_of(session, server_id, owned.player_id)]
            if owned.source.is_proof:
                who = ", ".join(f"<@{other}>" for other in others) or "a player without a member"
                raise Conflict(f"{view.name} is linked to {who} by {_SPOKEN[owned.source]}. Remove that link first.")
            await _detach(session, server_id, owned, now)
            await links.reject(session, server_id, character_id, others, by=actor_id, now=now)
            owned = None
        if owned is not None and attached is not None and is_proven(owned.source, attached.source):
            return LinkChange(view, (user_id,), changed=False)
        player_id = await _attach_member(ctx, session, server_id, user_id, actor_id)
        source = Source.OFFICER
        if owned is None:
            half = links.half(player_id, source, Confidence.HIGH, {}, linked_by=actor_id)
            await links.add_characters(session, server_id, [{"character_id": character_id, **half}], now)
        elif owned.source.is_proof:
            source = owned.source
        else:
            _raise_to_officer(owned, actor_id, now)
        await links.forget_rejection(session, server_id, character_id, user_id)
        await actions.log(
            session,
            server_id,
            [
                actions.action(
                    "link.add",
                    SubjectKind.CHARACTER,
                    character_id,
                    actor_id=actor_id,
                    before=before,
                    after={"player_id": player_id, "user_id": user_id, "source": source.value},
                )
            ],
            now,
        )
    return LinkChange(view, (user_id,), changed=True)


async def remove(ctx: Context, server_id: int, *, character_id: int, actor_id: int) -> LinkChange:
    """Take a character from its player and remember that, so that no rule links it there again.

    Raises NotFound when the character has no link.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        guild = await servers.required_guild(session, server_id)
        view = await _character(session, server_id, guild, character_id)
        owned = await links.character_half(session, server_id, character_id)
        if owned is None:
            raise NotFound(f"{view.name} has no link to remove.")
        now = ctx.clock()
        halves = await links.members_of(session, server_id, owned.player_id)
        user_ids = tuple(half.user_id for half in halves)
        # With its last character a player goes, and the members' halves with it: the log is where they stay.
        members = [{"user_id": half.user_id, "source": half.source.value} for half in halves]
        before = {**_before(owned), "members": members}
        await _detach(session, server_id, owned, now)
        await links.reject(session, server_id, character_id, user_ids, by=actor_id, now=now)
        await actions.log(
            session,
            server_id,
            [actions.action("link.remove", SubjectKind.CHARACTER, character_id, actor_id=actor_id, before=before)],
            now,
        )
    return LinkChange(view, user_ids, changed=True)


async def whois_member(ctx: Context, server_id: int, user_id: int) -> PlayerView:
    """Tell what is known of a member, also one who left: the player with all members and characters, reasons included.

    Raises NotFound for bots and for who was never seen here.
    """
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        member = await _member(session, server_id, user_id)
        attached = await links.member_half(session, server_id, user_id)
        if attached is None:
            return PlayerView(None, (member,), (), None if guild is None else guild.roster_synced_at)
        return await people.player(session, server_id, attached.player_id, guild, now=ctx.clock())


async def whois_character(ctx: Context, server_id: int, character_id: int) -> PlayerView:
    """Tell whose a character is: the player with all members and characters, reasons included.

    Raises NotFound when it is neither in the guild nor linked here.
    """
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        owned = await links.character_half(session, server_id, character_id)
        if owned is None:
            return PlayerView(
                None, (), (await _character(session, server_id, guild, character_id),), guild.roster_synced_at
            )
        return await people.player(session, server_id, owned.player_id, guild, now=ctx.clock())


_SPOKEN = {
    Source.BATTLENET_OAUTH: "a Battle.net sign-in",
    Source.OFFICER: "an officer's word",
    Source.INVITE: "an invitation",
    Source.CLAIM: "a claim that an officer confirmed",
}


async def _character(session: AsyncSession, server_id: int, guild: Guild, character_id: int) -> CharacterView:
    view = await people.character(session, server_id=server_id, guild_id=guild.id, character_id=character_id)
    if view is None:
        raise NotFound(f"This character is not in {guild.name}. Choose one from the list.")
    return view


async def _member(session: AsyncSession, server_id: int, user_id: int) -> MemberView:
    view = await people.member(session, server_id, user_id)
    if view is None:
        raise NotFound("Muster does not know this member. Bots are left out; else run `/sync members` first.")
    return view


async def _present_member(session: AsyncSession, server_id: int, user_id: int) -> None:
    if (await _member(session, server_id, user_id)).left_at is not None:
        raise NotFound("This member has left the server. Choose one who is here.")


async def _attach_member(ctx: Context, session: AsyncSession, server_id: int, user_id: int, actor_id: int) -> int:
    """Give the member's player, made where there is none, with the member's half at an officer's word."""
    now = ctx.clock()
    attached = await links.member_half(session, server_id, user_id)
    if attached is not None:
        if not attached.source.is_proof:
            _raise_to_officer(attached, actor_id, now)
        return attached.player_id
    public_id = ctx.new_public_id()
    player_id = (await links.create_players(session, server_id, [public_id], now))[public_id]
    half = links.half(player_id, Source.OFFICER, Confidence.HIGH, {}, linked_by=actor_id)
    await links.add_members(session, server_id, [{"user_id": user_id, **half}], now)
    return player_id


def _raise_to_officer(half: PlayerCharacter | PlayerMember, actor_id: int, now: datetime) -> None:
    half.source, half.confidence = Source.OFFICER, Confidence.HIGH
    half.linked_by, half.linked_at, half.evidence, half.run_id = actor_id, now, {}, None


async def _detach(session: AsyncSession, server_id: int, owned: PlayerCharacter, now: datetime) -> None:
    """Take a character from its player; a player of whom nothing is known any more goes too."""
    player_id = owned.player_id
    await session.delete(owned)
    await session.flush()
    await links.delete_empty_player(session, server_id, player_id, now)


def _before(owned: PlayerCharacter) -> dict[str, Any]:
    return {"player_id": owned.player_id, "source": owned.source.value, "evidence": owned.evidence}
