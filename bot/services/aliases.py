"""Aliases: an officer says what a name in notes means."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, aliases, locks, people, servers
from db.aliases import AliasView
from domain.audit import SubjectKind
from domain.errors import InvalidInput, NotFound, Refused, quoted
from domain.names import fold
from domain.visible import one_line

__all__ = ["AliasView"]

NAME_LIMIT: Final = 40
"""Longer than any note of the game."""
CHOICES: Final = 25
ONE_OF_THEM: Final = "Choose whom the name means: a member or a character, exactly one of them."


@dataclass(frozen=True, slots=True)
class AliasChange:
    """What a name means now, and what it meant before, None: nothing."""

    before: AliasView | None
    after: AliasView | None

    @property
    def changed(self) -> bool:
        """Tell whether the word was a new one."""
        return _meaning(self.before) != _meaning(self.after)


async def list_aliases(ctx: Context, server_id: int) -> list[AliasView]:
    """List the server's aliases by name."""
    async with ctx.sessions() as session:
        return await aliases.aliases(session, server_id)


async def find_aliases(ctx: Context, server_id: int, text: str) -> list[AliasView]:
    """List aliases whose folded name holds a text; at most 25."""
    async with ctx.sessions() as session:
        return await aliases.aliases(session, server_id, fold(text), CHOICES)


async def show_alias(ctx: Context, server_id: int, name: str) -> AliasView:
    """Tell what a name means; raises NotFound where nobody said, InvalidInput for what is no name."""
    async with ctx.sessions() as session:
        return await _required(session, server_id, name)


async def set_alias(
    ctx: Context,
    server_id: int,
    *,
    name: str,
    user_id: int | None = None,
    character_id: int | None = None,
    actor_id: int,
) -> AliasChange:
    """Say what a name in notes means, in a transaction of its own; see `set_alias_in`."""
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        return await set_alias_in(
            ctx, session, server_id, name=name, user_id=user_id, character_id=character_id, actor_id=actor_id
        )


async def set_alias_in(
    ctx: Context,
    session: AsyncSession,
    server_id: int,
    *,
    name: str,
    user_id: int | None = None,
    character_id: int | None = None,
    actor_id: int,
) -> AliasChange:
    """Say that a name in notes means a member or a character, exactly one of them.

    The caller holds the lock on the server's people. Raises InvalidInput for what is no name, NotFound for a member or
    character who is not here, Refused for a member who opted out.
    """
    key = _key(name)
    if (user_id is None) == (character_id is None):
        raise InvalidInput(ONE_OF_THEM)
    if user_id is not None:
        await _check_member(session, server_id, user_id)
    if character_id is not None:
        await _check_character(session, server_id, character_id)
    before = await aliases.alias(session, server_id, key)
    if before is not None and (before.user_id, before.character_id) == (user_id, character_id):
        return AliasChange(before, before)
    now = ctx.clock()
    word = one_line(name)
    await aliases.store(
        session, server_id, key, alias=word, user_id=user_id, character_id=character_id, by=actor_id, now=now
    )
    after = await aliases.alias(session, server_id, key)
    await actions.log(session, server_id, [_change(before, after, actor_id)], now)
    return AliasChange(before, after)


async def remove_alias(ctx: Context, server_id: int, *, name: str, actor_id: int) -> AliasChange:
    """Take back what a name means; raises NotFound where nobody said, InvalidInput for what is no name."""
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        before = await _required(session, server_id, name)
        await aliases.delete(session, server_id, before.key)
        await actions.log(session, server_id, [_change(before, None, actor_id)], ctx.clock())
    return AliasChange(before, None)


def _key(name: str) -> str:
    key = fold(name)
    if not key:
        raise InvalidInput("That holds no letter or digit that a note could be compared by. Type a name.")
    if key.isdigit():
        raise InvalidInput(f"{quoted(name)} is a number, and notes hold numbers that are no names. Type a name.")
    if len(one_line(name)) > NAME_LIMIT:
        raise InvalidInput(f"That is longer than a note of the game. Type a name of at most {NAME_LIMIT} characters.")
    return key


async def _required(session: AsyncSession, server_id: int, name: str) -> AliasView:
    found = await aliases.alias(session, server_id, _key(name))
    if found is None:
        raise NotFound(f"Nobody said what {quoted(name)} means. `/link alias` without a name lists what is known.")
    return found


async def _check_member(session: AsyncSession, server_id: int, user_id: int) -> None:
    member = await people.member(session, server_id, user_id)
    if member is None:
        raise NotFound("Muster does not know this member. Bots are left out; else run `/sync members` first.")
    if member.left_at is not None:
        raise NotFound("This member has left the server. Choose one who is here.")
    if member.opted_out_at is not None:
        raise Refused(f"<@{user_id}> opted out of being matched, so no name in notes can mean them.")


async def _check_character(session: AsyncSession, server_id: int, character_id: int) -> None:
    guild = await servers.required_guild(session, server_id)
    view = await people.character(session, server_id=server_id, guild_id=guild.id, character_id=character_id)
    if view is None:
        raise NotFound(f"This character is not in {guild.name}. Choose one from the list.")


def _meaning(alias: AliasView | None) -> dict[str, Any] | None:
    if alias is None:
        return None
    return {"alias": alias.alias, "user_id": alias.user_id, "character_id": alias.character_id}


def _change(before: AliasView | None, after: AliasView | None, actor_id: int) -> dict[str, Any]:
    """Make the row of the log: about the member or the character that the name means, or meant."""
    about = after or before
    assert about is not None
    subject_id = about.character_id or about.user_id
    assert subject_id is not None
    return actions.action(
        "alias.remove" if after is None else "alias.set",
        SubjectKind.MEMBER if about.character_id is None else SubjectKind.CHARACTER,
        subject_id,
        actor_id=actor_id,
        before=_meaning(before),
        after=_meaning(after),
    )
