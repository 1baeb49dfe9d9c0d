"""What mends findings about players: another main, and the end of a link to a member who left."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from bot.services.findings import in_hand
from bot.services.words import facts_of
from db import actions, findings, links, people, privacy, ranks, servers
from db.people import CharacterView
from db.tables.audit import Issue
from db.tables.people import Player
from domain.audit import Fix, SubjectKind
from domain.errors import Conflict
from domain.links import LinkEnd

POINTERS: Final = {"main": "main_character_id", "offspec": "offspec_character_id"}
"""What may point to a character that is gone, as the facts of `main_not_linked` call it."""


@dataclass(frozen=True, slots=True)
class MainChoice:
    """What is to be chosen, of POINTERS, and from which characters: the player's own in the guild, by rank and name."""

    which: tuple[str, ...]
    characters: tuple[CharacterView, ...]


@dataclass(frozen=True, slots=True)
class Parted:
    """A member who left and is a player's no longer, with the characters that are nobody's by that."""

    user_id: int
    characters: tuple[CharacterView, ...]


async def main_choice(ctx: Context, server_id: int, public_id: str) -> MainChoice:
    """Give what there is to choose for a player whose main or off-spec is gone; raises as `choose_main` does."""
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.MAIN)
        player, own = await _player(ctx, session, issue)
        return MainChoice(tuple(which for which in POINTERS if _is_gone(player, which, own)), own)


async def choose_main(
    ctx: Context, server_id: int, public_id: str, *, which: str, character_id: int | None, actor_id: int
) -> CharacterView | None:
    """Let another of a player's characters be their main or off-spec (`which` of POINTERS), or none.

    Raises NotFound and Conflict where the finding is settled, another officer was first, or the character is not the
    player's or not in the guild any more.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.MAIN)
        player, own = await _player(ctx, session, issue)
        if not _is_gone(player, which, own):
            raise Conflict(await done_by(session, issue, "There is nothing left to choose here."))
        chosen = next((one for one in own if one.id == character_id), None)
        if character_id is not None and chosen is None:
            raise Conflict("That character is not theirs or not in the guild any more. Choose another one.")
        column = POINTERS[which]
        before = getattr(player, column)
        setattr(player, column, character_id)
        change = actions.action(
            f"player.{which}",
            SubjectKind.PLAYER,
            player.id,
            actor_id=actor_id,
            before={"character_id": before},
            after={"character_id": character_id, "finding": public_id},
        )
        await actions.log(session, server_id, [change], ctx.clock())
    return chosen


async def unlink_departed(ctx: Context, server_id: int, public_id: str, *, actor_id: int) -> Parted:
    """End the link of a member who left the server to their player.

    A player without another member loses the characters too; nothing is rejected, so that rules may propose them again
    to who comes back. Raises NotFound and Conflict where the finding is settled, another officer was first, or the
    member is back.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.UNLINK)
        user_id = issue.subject_id
        member = await people.member(session, server_id, user_id)
        if member is not None and member.left_at is None:
            raise Conflict(f"<@{user_id}> is back in the server. Nothing was changed.")
        attached = await links.member_half(session, server_id, user_id)
        if attached is None:
            raise Conflict(await done_by(session, issue, "This member is nobody's player any more."))
        now = ctx.clock()
        player_id, half = attached.player_id, facts_of(attached)
        members = await links.members_of(session, server_id, player_id)
        owned = await links.characters_of(session, server_id, player_id) if len(members) == 1 else []
        ids = [one.character_id for one in owned]
        views = await people.characters_by_id(session, server_id=server_id, guild_id=None, ids=ids)
        override = await ranks.override(session, server_id, player_id, now)
        if len(members) == 1 and override is not None:
            # A rank of nobody would keep a player of nobody.
            half["override"] = ranks.override_facts(override.rank_index, override.reason, override.ends_at)
            await ranks.delete_override(session, server_id, player_id)
        who = [{"user_id": one.user_id, "source": one.source.value} for one in members]
        changes = [
            actions.action(
                "link.remove",
                SubjectKind.CHARACTER,
                one.character_id,
                actor_id=actor_id,
                before={**facts_of(one), "members": who},
                after={"finding": public_id},
            )
            for one in owned
        ]
        changes.append(
            actions.action(
                "member.unlink",
                SubjectKind.MEMBER,
                user_id,
                actor_id=actor_id,
                before=half,
                after={"finding": public_id},
            )
        )
        await links.end_links(session, server_id, ids, LinkEnd.REMOVED, by=actor_id, now=now)
        await privacy.detach(session, server_id, user_id)
        await links.delete_empty_players(session, server_id, {player_id}, now)
        await actions.log(session, server_id, changes, now)
    return Parted(user_id, tuple(views[character_id] for character_id in ids))


async def done_by(session: AsyncSession, issue: Issue, what: str) -> str:
    """Say that nothing is left to do about a finding, and who did it before the audit could close it."""
    act = await findings.last_act(session, issue)
    return what if act is None else f"{what} <@{act.actor_id}> was first."


async def _player(ctx: Context, session: AsyncSession, issue: Issue) -> tuple[Player, tuple[CharacterView, ...]]:
    """Load the player of a finding, with their characters that are in the guild."""
    player = await links.player(session, issue.server_id, issue.subject_id)
    if player is None:
        raise Conflict("This player has no character any more, so there is nothing to choose.")
    guild = await servers.followed_guild(session, issue.server_id)
    view = await people.player(session, issue.server_id, player.id, guild, now=ctx.clock())
    return player, tuple(one for one in view.characters if one.rank is not None)


def _is_gone(player: Player, which: str, own: tuple[CharacterView, ...]) -> bool:
    pointed = getattr(player, POINTERS[which])
    return pointed is not None and all(one.id != pointed for one in own)
