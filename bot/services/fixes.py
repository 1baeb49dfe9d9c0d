"""Fixes of findings about links: an officer's word, which counts once, and only about what the officer was shown."""

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import findings, review
from bot.services.aliases import AliasChange, set_alias_in
from bot.services.context import Context
from bot.services.findings import in_hand
from bot.services.links import LinkChange, add_in, confirm_in, remove_in, required_in_guild, resolve_in
from bot.services.review import Decided
from bot.services.words import linked_meanwhile
from db import actions, contradictions, history, links, people, servers, suggestions
from db.findings import by_public_id
from db.people import CharacterView
from db.suggestions import Reasons, SuggestedMember
from db.tables.audit import Issue
from db.tables.people import PlayerCharacter
from domain.audit import Fix, State, SubjectKind
from domain.errors import Conflict, NotFound, quoted

__all__ = ["CharacterView", "SuggestedMember"]

SUGGESTION: Final = "link_suggestion"
KEPT: Final = "The link was right."
"""What is kept with a finding that an officer ended by keeping the link."""
NOT_ABOUT: Final = "This is not what mends this finding. Open it again to see what does."


@dataclass(frozen=True, slots=True)
class Choice:
    """Those for whom something speaks, as an officer chooses among them.

    `notes` are the public and the officer note (None is unknown). `owner_ids` are the members whose character it is, ()
    where it is nobody's; `can_keep` tells whether one of them is here. `candidates` are those shown, of whom `more` are
    left out; `reasons` speak for all of them together.
    """

    character: CharacterView
    notes: tuple[str | None, str | None]
    owner_ids: tuple[int, ...]
    can_keep: bool
    candidates: tuple[SuggestedMember, ...]
    more: int
    reasons: Reasons
    key: str


@dataclass(frozen=True, slots=True)
class _Contradiction:
    """A linked character, whose it is, and the members for whom something else speaks."""

    character: CharacterView
    owned: PlayerCharacter
    owner_ids: tuple[int, ...]
    user_ids: tuple[int, ...]
    reasons: Reasons

    @property
    def key(self) -> str:
        """Give a mark of what an officer is shown."""
        told = f"{sorted(self.owner_ids)} {sorted(self.user_ids)}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]


async def link(ctx: Context, server_id: int, public_id: str, *, user_id: int, actor_id: int) -> LinkChange:
    """Link the character that a finding is about to a member, by an officer's word.

    Where all whose it was have left, it is taken from them. Raises Conflict when the finding is settled or the
    character was linked meanwhile, NotFound when the character or the member is not here any more.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.LINK)
        view = await required_in_guild(session, server_id, _subject(issue, SubjectKind.CHARACTER))
        owned = await links.character_half(session, server_id, view.id)
        if owned is not None and await links.present_members_of(session, server_id, owned.player_id):
            raise await linked_meanwhile(session, owned, view.name)
        return await add_in(
            ctx, session, server_id, character_id=view.id, user_id=user_id, actor_id=actor_id, instead=True
        )


async def link_member(ctx: Context, server_id: int, public_id: str, *, character: str, actor_id: int) -> LinkChange:
    """Link the member that a finding is about to a character, given as `links.resolve_character` reads it.

    Raises Conflict when the finding is settled, the member got a character meanwhile, or the character is another's by
    a person's word; NotFound when the member has left or no character is meant; InvalidInput when several are.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.LINK)
        user_id = _subject(issue, SubjectKind.MEMBER)
        await _require_here(session, server_id, user_id)
        await _require_without_character(session, server_id, user_id)
        view = await resolve_in(session, server_id, character, people.character, people.characters_named)
        return await add_in(ctx, session, server_id, character_id=view.id, user_id=user_id, actor_id=actor_id)


async def choice(ctx: Context, server_id: int, public_id: str) -> Choice:
    """Load among whom an officer chooses; nothing is held, so that each choice is checked again.

    Raises NotFound or Conflict where nothing is to be chosen any more.
    """
    async with ctx.sessions() as session:
        issue = await by_public_id(session, server_id, public_id)
        if issue is None:
            raise NotFound(findings.GONE)
        if issue.state is State.RESOLVED:
            raise Conflict("This finding is settled: there is nothing to choose any more.")
        load = _suggested if issue.rule == SUGGESTION else _contradicted
        return await load(session, server_id, issue)


async def choose(ctx: Context, server_id: int, public_id: str, *, user_id: int, key: str, actor_id: int) -> Decided:
    """Link the character to a candidate by an officer's word; what is another's by a person's word moves to them.

    `key` is that of the choice that was shown. Raises Conflict when the finding is settled or anything of it changed
    meanwhile, or a sign-in stands against it, NotFound when the character or the candidate is not here any more.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.CHOOSE)
        character_id = _subject(issue, SubjectKind.CHARACTER)
        if issue.rule == SUGGESTION:
            return await review.choose_in(
                ctx, session, server_id, character_id=character_id, user_id=user_id, actor_id=actor_id
            )
        stands = await _contradiction(session, server_id, issue, key=key)
        await _require_here(session, server_id, user_id)
        await add_in(
            ctx,
            session,
            server_id,
            character_id=character_id,
            user_id=user_id,
            actor_id=actor_id,
            # Of several, nobody can say which of the reasons spoke for the one.
            reasons=list(stands.reasons) if len(stands.user_ids) == 1 else None,
            instead=True,
        )
        return Decided(stands.character, (user_id,))


async def refuse(ctx: Context, server_id: int, public_id: str, *, key: str, actor_id: int) -> Decided:
    """Say that the character is none of those suggested: no rule proposes them again.

    `key` is that of the choice that was shown. Raises Conflict when the finding is settled or others are suggested by
    now, NotFound when the character has left the guild.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.CHOOSE)
        character_id = _subject(issue, SubjectKind.CHARACTER)
        return await review.refuse_in(ctx, session, server_id, character_id=character_id, key=key, actor_id=actor_id)


async def keep(ctx: Context, server_id: int, public_id: str, *, key: str, actor_id: int) -> Decided:
    """Say that a contradicted link is right: it is proven by that, and what spoke for others does so no more.

    `key` is that of the choice that was shown. Raises Conflict when the finding is settled or anything of it changed
    meanwhile, NotFound when the character has left the guild or all whose it is the server.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.CHOOSE)
        stands = await _contradiction(session, server_id, issue, key=key)
        view, now = stands.character, ctx.clock()
        confirmed = await confirm_in(ctx, session, server_id, character_id=view.id, actor_id=actor_id)
        await links.reject(session, server_id, view.id, stands.user_ids, by=actor_id, now=now)
        await contradictions.drop(session, server_id, view.id)
        refused = actions.action(
            "link.refuse",
            SubjectKind.CHARACTER,
            view.id,
            actor_id=actor_id,
            before={"candidates": [{"user_id": user_id} for user_id in stands.user_ids]},
            evidence={"reasons": list(stands.reasons)},
        )
        await actions.log(session, server_id, [refused], now)
        await findings.resolve_in(session, issue, note=KEPT, actor_id=actor_id, now=now)
        return Decided(view, confirmed.user_ids)


async def unlink(ctx: Context, server_id: int, public_id: str, *, actor_id: int) -> LinkChange:
    """Take the character that a finding is about from those whose it is: no rule links it there again.

    Raises Conflict when the finding is settled, or the link is another one by now or none, NotFound when the character
    has left the guild.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.UNLINK)
        view = await required_in_guild(session, server_id, _subject(issue, SubjectKind.CHARACTER))
        await _require_same_owner(session, server_id, issue, view)
        return await remove_in(ctx, session, server_id, character_id=view.id, actor_id=actor_id)


async def add_alias(
    ctx: Context,
    server_id: int,
    public_id: str,
    *,
    name: str,
    user_id: int | None = None,
    character: str | None = None,
    actor_id: int,
) -> AliasChange:
    """Say that a name in notes means a member or a character, exactly one of them, because of a finding.

    `character` is given as `links.resolve_character` reads it. Raises Conflict when the finding is settled or the name
    means that already, InvalidInput for what is no name, no character or several, NotFound for who is not here, Refused
    for a member who opted out.
    """
    async with ctx.sessions.begin() as session:
        await in_hand(session, server_id, public_id, Fix.ALIAS)
        meant = None
        if character is not None:
            meant = await resolve_in(session, server_id, character, people.character, people.characters_named)
        change = await set_alias_in(
            ctx,
            session,
            server_id,
            name=name,
            user_id=user_id,
            character_id=None if meant is None else meant.id,
            actor_id=actor_id,
        )
        if not change.changed:
            assert change.after is not None
            raise Conflict(f"{quoted(change.after.alias)} means that already, by the word of <@{change.after.set_by}>.")
        return change


async def notes(ctx: Context, server_id: int, character_id: int) -> tuple[str | None, str | None]:
    """Load a character's public and officer note, for officers alone; None is unknown, "" empty."""
    async with ctx.sessions() as session:
        return await suggestions.notes(session, server_id, character_id)


async def _suggested(session: AsyncSession, server_id: int, issue: Issue) -> Choice:
    view, found = await review.waiting(session, server_id, _subject(issue, SubjectKind.CHARACTER))
    candidates = await suggestions.open_candidates(session, found)
    shown = candidates[: review.SHOWN]
    return Choice(
        character=view,
        notes=await suggestions.notes(session, server_id, view.id),
        owner_ids=(),
        can_keep=False,
        candidates=shown,
        more=len(candidates) - len(shown),
        reasons=(),
        key=review.key_of(shown),
    )


async def _contradicted(session: AsyncSession, server_id: int, issue: Issue) -> Choice:
    stands = await _contradiction(session, server_id, issue)
    members = await people.members_by_id(session, server_id, stands.user_ids)
    here = [one for one in map(members.get, stands.user_ids) if one is not None and one.left_at is None]
    shown = here[: review.SHOWN]
    return Choice(
        character=stands.character,
        notes=await suggestions.notes(session, server_id, stands.character.id),
        owner_ids=stands.owner_ids,
        can_keep=bool(await links.present_members_of(session, server_id, stands.owned.player_id)),
        candidates=tuple(SuggestedMember(one.user_id, one.name, one.username, ()) for one in shown),
        more=len(here) - len(shown),
        reasons=stands.reasons,
        key=stands.key,
    )


async def _contradiction(
    session: AsyncSession, server_id: int, issue: Issue, *, key: str | None = None
) -> _Contradiction:
    """Load what a finding says of a link, as it is now, and check that it is what was shown under a key."""
    view = await required_in_guild(session, server_id, _subject(issue, SubjectKind.CHARACTER))
    owned, owner_ids = await _require_same_owner(session, server_id, issue, view)
    found = await contradictions.of_character(session, server_id, view.id)
    if found is None:
        raise Conflict(f"Nothing speaks for anybody else about {quoted(view.name)} any more: notes or names changed.")
    stands = _Contradiction(view, owned, owner_ids, tuple(found.user_ids), tuple(found.evidence))
    if key not in (None, stands.key):
        raise Conflict(f"What speaks for whom about {quoted(view.name)} changed meanwhile. Look again.")
    return stands


async def _require_same_owner(
    session: AsyncSession, server_id: int, issue: Issue, view: CharacterView
) -> tuple[PlayerCharacter, tuple[int, ...]]:
    """Give a character's link and the members of its player; Conflict when it is not the one of the finding."""
    owned = await links.character_half(session, server_id, view.id)
    if owned is None:
        past = await history.of_character(session, server_id, view.id, 1)
        by = f", by <@{past[0].ended_by}>" if past and past[0].ended_by is not None else ""
        raise Conflict(f"{quoted(view.name)} has no link any more: it was taken away meanwhile{by}.")
    owner_ids = tuple(half.user_id for half in await links.members_of(session, server_id, owned.player_id))
    if sorted(owner_ids) != sorted(issue.facts["user_ids"]):
        raise await linked_meanwhile(session, owned, view.name)
    return owned, owner_ids


async def _require_without_character(session: AsyncSession, server_id: int, user_id: int) -> None:
    """Raise Conflict when a member has a character in the guild, which ends what the finding is about."""
    attached = await links.member_half(session, server_id, user_id)
    if attached is None:
        return
    guild = await servers.required_guild(session, server_id)
    owned = {half.character_id: half for half in await links.characters_of(session, server_id, attached.player_id)}
    views = await people.characters_by_id(session, server_id=server_id, guild_id=guild.id, ids=list(owned))
    for view in sorted((one for one in views.values() if one.rank is not None), key=lambda one: one.id):
        raise await linked_meanwhile(session, owned[view.id], view.name)


async def _require_here(session: AsyncSession, server_id: int, user_id: int) -> None:
    member = await people.member(session, server_id, user_id)
    if member is None or member.left_at is not None:
        raise NotFound(f"<@{user_id}> has left the server. Nothing was linked.")


def _subject(issue: Issue, kind: SubjectKind) -> int:
    """Give what a finding is about; Conflict when it is about something else than the fix is for."""
    if issue.subject_kind is not kind:
        raise Conflict(NOT_ABOUT)
    return issue.subject_id
