"""Links by people's words: add, remove, confirm, and who is who."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import proofs, words
from bot.services.claim_ends import confirm_proven
from bot.services.context import Context
from bot.services.privacy import take_back_joined
from bot.services.words import SPOKEN, Word, facts_of
from db import actions, links, locks, people, servers, verdicts
from db.claims import Claimable
from db.people import CharacterView, MemberView, PlayerView
from db.ranks import OverrideView
from db.tables.guilds import Guild
from db.tables.people import PlayerCharacter, PlayerMember
from domain.audit import SubjectKind
from domain.errors import Conflict, InvalidInput, NotFound, quoted
from domain.links import Confidence, LinkEnd, Source, Verdict, is_proven
from domain.names import fold

__all__ = ["CharacterView", "MemberView", "OverrideView", "PlayerView"]

CHOICES: Final = 25
"""What a Discord autocomplete can list."""
ID_DIGITS: Final = 18
"""Longer numbers may not fit into an id."""
_View = TypeVar("_View", CharacterView, Claimable)


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What a command did to a link; the character as it was before, `joined` those whom the member is one with now.

    `waits`: they would be, and officers merge them or reject that.
    """

    character: CharacterView
    user_ids: tuple[int, ...]
    changed: bool
    joined: tuple[int, ...] = ()
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What an officer vouched for: these characters, as they were before, belong to these members."""

    characters: tuple[CharacterView, ...]
    user_ids: tuple[int, ...]
    changed: bool = True


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
        return (await resolve_in(session, server_id, text, people.character, people.characters_named)).id


async def resolve_in(
    session: AsyncSession,
    server_id: int,
    text: str,
    by_id: Callable[..., Awaitable[_View | None]],
    by_name: Callable[..., Awaitable[Sequence[_View]]],
) -> _View:
    """Give the character that a text means, as `resolve_character` reads it, among those that two queries know.

    They are called as `people.character` and `people.characters_named` are.
    """
    guild = await servers.required_guild(session, server_id)
    if text.isdecimal() and len(text) <= ID_DIGITS:
        chosen = await by_id(session, server_id=server_id, guild_id=guild.id, character_id=int(text))
        if chosen is not None:
            return chosen
    name, _, realm = text.partition("-")
    named = await by_name(session, server_id=server_id, guild_id=guild.id, key=fold(name))
    fitting = [view for view in named if not realm or fold(realm) in (fold(view.realm), fold(view.realm_slug))]
    match [view for view in fitting if view.rank is not None] or fitting:
        case [only]:
            return only
        case []:
            raise NotFound(
                f"No character {quoted(text)} is in {guild.name}. Choose one from the list, or type its whole name."
            )
        case several:
            realms = ", ".join(sorted(f"{view.name}-{view.realm}" for view in several))
            raise InvalidInput(
                f"Several characters have this name: {realms}. Choose one from the list, or type one of these."
            )


async def add(
    ctx: Context,
    server_id: int,
    *,
    character_id: int,
    user_id: int,
    actor_id: int,
    source: Source = Source.OFFICER,
    reasons: list[Any] | None = None,
    also: bool = False,
) -> LinkChange:
    """Link a character to a member by a person's word, in a transaction of its own; see `add_in`."""
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        return await add_in(
            ctx,
            session,
            server_id,
            character_id=character_id,
            user_id=user_id,
            actor_id=actor_id,
            source=source,
            reasons=reasons,
            also=also,
        )


async def add_in(
    ctx: Context,
    session: AsyncSession,
    server_id: int,
    *,
    character_id: int,
    user_id: int,
    actor_id: int,
    source: Source = Source.OFFICER,
    reasons: list[Any] | None = None,
    also: bool = False,
    instead: bool = False,
) -> LinkChange:
    """Link a character to a member by a person's word; the caller holds the lock on the server's people.

    An inferred link gives way. `reasons` are those of the suggestion that it was chosen from: its rule was right.
    `also` says that the member is the same person as the one whose character it is already: where people's words make
    both a player of their own, that waits as a proof. `instead` says that the word is given in place of another one as
    strong. Claims to what is proven by it are confirmed with it. Raises Conflict when another word as strong stands
    against it, NotFound when the character is neither in the guild nor linked here, or the member not in the server.
    """
    guild = await servers.required_guild(session, server_id)
    view = await _character(session, server_id, guild, character_id)
    await _present_member(session, server_id, user_id)
    word = Word(source, actor_id, ctx.clock(), reasons or ())
    owned = await links.character_half(session, server_id, character_id)
    attached = await links.member_half(session, server_id, user_id)
    before = None if owned is None else facts_of(owned)
    joined: tuple[int, ...] = ()
    brought: dict[str, Any] = {}
    if owned is not None and attached is not None and attached.player_id == owned.player_id:
        if is_proven(owned.source, attached.source):
            await confirm_proven(session, server_id, owned.player_id, actor_id=actor_id, now=word.at)
            return LinkChange(view, (user_id,), changed=False)
    elif owned is not None and also:
        joined = tuple(half.user_id for half in await links.members_of(session, server_id, owned.player_id))
        # No finding tells of a proof by what is not in the guild, or is not proven itself.
        can_wait = owned.source.is_proof and view.rank is not None
        if can_wait and attached is not None and await words.stands_alone(session, attached, word.at):
            await proofs.keep_pending(
                ctx,
                session,
                server_id,
                user_id=user_id,
                player_id=owned.player_id,
                character_id=character_id,
                source=source,
                given_by=actor_id,
            )
            return LinkChange(view, (user_id,), changed=True, joined=joined, waits=True)
        brought = {"brought": await words.join(session, server_id, user_id, owned.player_id, word), "joined": joined}
    elif owned is not None:
        await words.move_away(session, view, owned, user_id, word, instead=instead)
        owned = None
    player_id = await words.attach_member(ctx, session, server_id, user_id, word)
    if owned is None:
        half = links.half(player_id, source, Confidence.HIGH, word.evidence, linked_by=actor_id)
        await links.add_characters(session, server_id, [{"character_id": character_id, **half}], word.at)
    elif owned.source.is_proof:
        source = owned.source
    else:
        await words.confirm_characters(session, server_id, [owned], [user_id], word)
    judged = verdicts.judge(word.reasons, character_id, [user_id], Verdict.CONFIRMED, was_linked=False)
    await verdicts.record(session, server_id, judged, by=actor_id, now=word.at)
    await verdicts.restate(session, server_id, character_id, [user_id], Verdict.CONFIRMED, by=actor_id, now=word.at)
    await links.forget_rejection(session, server_id, character_id, user_id)
    after = {"player_id": player_id, "user_id": user_id, "source": source.value}
    change = actions.action(
        "link.add",
        SubjectKind.CHARACTER,
        character_id,
        actor_id=actor_id,
        before=before,
        after=after | brought,
        evidence=word.evidence or None,
    )
    await actions.log(session, server_id, [change], word.at)
    await confirm_proven(session, server_id, player_id, actor_id=actor_id, now=word.at)
    if joined:
        await take_back_joined(session, server_id, (user_id, *joined), by=actor_id, now=word.at)
    return LinkChange(view, (user_id,), changed=True, joined=joined)


async def remove(ctx: Context, server_id: int, *, character_id: int, actor_id: int) -> LinkChange:
    """Take a character from its player, in a transaction of its own; see `remove_in`."""
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        return await remove_in(ctx, session, server_id, character_id=character_id, actor_id=actor_id)


async def remove_in(
    ctx: Context, session: AsyncSession, server_id: int, *, character_id: int, actor_id: int
) -> LinkChange:
    """Take a character from its player and remember that, so that no rule links it there again.

    The caller holds the lock on the server's people. Raises NotFound when the character has no link.
    """
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
    before = {**facts_of(owned), "members": members}
    await words.take_away(session, server_id, owned, user_ids, LinkEnd.REMOVED, by=actor_id, at=now)
    change = actions.action("link.remove", SubjectKind.CHARACTER, character_id, actor_id=actor_id, before=before)
    await actions.log(session, server_id, [change], now)
    return LinkChange(view, user_ids, changed=True)


async def confirm(ctx: Context, server_id: int, *, character_id: int, actor_id: int) -> Confirmed:
    """Put an officer's word under a character's inferred link, in a transaction of its own; see `confirm_in`.

    Raises Conflict where it is proven already.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        done = await confirm_in(ctx, session, server_id, character_id=character_id, actor_id=actor_id)
    [view] = done.characters
    if not done.changed:
        assert view.half is not None
        raise Conflict(f"Nothing to confirm: {view.name} is proven already, by {SPOKEN[view.half.source]}.")
    return done


async def confirm_in(
    ctx: Context, session: AsyncSession, server_id: int, *, character_id: int, actor_id: int
) -> Confirmed:
    """Put an officer's word under a character's inferred link, in both its halves; one that is proven stays as it is.

    The caller holds the lock on the server's people. Raises NotFound where there is no link to a member who is here.
    """
    guild = await servers.required_guild(session, server_id)
    view = await _character(session, server_id, guild, character_id)
    owned = await links.character_half(session, server_id, character_id)
    if owned is None:
        raise NotFound(f"{view.name} has no link to confirm. If you know whose it is: `/link add`.")
    present = await links.present_members_of(session, server_id, owned.player_id)
    if not present:
        raise NotFound(
            f"No member who is here belongs to {view.name}, so there is nobody to vouch for. `/link add` links it to "
            "one."
        )
    proven = all(is_proven(owned.source, half.source) for half in present)
    if not proven:
        await _confirm(session, server_id, [owned], present, Word(Source.OFFICER, actor_id, ctx.clock()))
    return Confirmed((view,), tuple(half.user_id for half in present), changed=not proven)


async def confirm_member(ctx: Context, server_id: int, *, user_id: int, actor_id: int) -> Confirmed:
    """Put an officer's word under all inferred links of a member.

    Raises NotFound where there is none or the member has left, Conflict where all are proven already.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        guild = await servers.required_guild(session, server_id)
        await _present_member(session, server_id, user_id)
        attached = await links.member_half(session, server_id, user_id)
        owned = [] if attached is None else await links.characters_of(session, server_id, attached.player_id)
        if attached is None or not owned:
            raise NotFound(f"<@{user_id}> has no link to confirm. If you know a character of theirs: `/link add`.")
        inferred = [half for half in owned if not is_proven(half.source, attached.source)]
        if not inferred:
            raise Conflict(f"Nothing to confirm: all characters of <@{user_id}> are proven already.")
        ids = [half.character_id for half in inferred]
        views = await people.characters_by_id(session, server_id=server_id, guild_id=guild.id, ids=ids)
        await _confirm(session, server_id, inferred, [attached], Word(Source.OFFICER, actor_id, ctx.clock()))
    return Confirmed(tuple(views[character_id] for character_id in ids), (user_id,))


async def _confirm(
    session: AsyncSession,
    server_id: int,
    owned: Sequence[PlayerCharacter],
    attached: Sequence[PlayerMember],
    word: Word,
) -> None:
    """Raise halves that belong together to a word."""
    user_ids = [half.user_id for half in attached]
    before = {half.character_id: facts_of(half) for half in owned}
    inferred = [half for half in owned if not half.source.is_proof]
    await words.confirm_characters(session, server_id, inferred, user_ids, word)
    for half in attached:
        words.raise_half(half, word)
    changes = [
        actions.action(
            "link.confirm",
            SubjectKind.CHARACTER,
            half.character_id,
            actor_id=word.by,
            before=before[half.character_id],
            after={"player_id": half.player_id, "user_ids": user_ids, "source": half.source.value},
        )
        for half in owned
    ]
    await actions.log(session, server_id, changes, word.at)
    await confirm_proven(session, server_id, owned[0].player_id, actor_id=word.by, now=word.at)


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


async def required_in_guild(session: AsyncSession, server_id: int, character_id: int) -> CharacterView:
    """Load a character that is to be decided about; raises NotFound when it is not in the guild now."""
    guild = await servers.required_guild(session, server_id)
    view = await people.character(session, server_id=server_id, guild_id=guild.id, character_id=character_id)
    if view is None or view.rank is None:
        raise NotFound("That character is not in the guild any more; there is nothing to decide about it.")
    return view


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
