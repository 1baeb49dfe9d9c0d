"""Importing a guild's earlier spreadsheet: its links and mains, as a person's word that proves nothing."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, history, links, locks, servers
from db import sheet as store
from domain.audit import SubjectKind
from domain.errors import Conflict
from domain.identity import Owner
from domain.links import Confidence, LinkEnd, Source
from domain.sheet import CharacterRow, IdRow, Remark, Sheet, in_order
from domain.sheet_plan import Fate, KnownMember, SheetLink, SheetPlan, plan

NOT_READ_YET: Final = (
    "The guild's roster and the member list have not both been read yet, so the sheet would find nobody. Run "
    "`/sync roster` and `/sync members` in Discord first."
)
ENDS: Final = {Fate.MOVED: LinkEnd.MOVED, Fate.CONFIRMED: LinkEnd.CONFIRMED}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do: links by fate, mains set, and what is left to a person, by file."""

    fates: Mapping[Fate, int]
    mains: int
    remarks: tuple[Remark, ...]
    id_remarks: tuple[Remark, ...]
    written: bool


async def import_sheet(
    ctx: Context, server_id: int, *, characters: Sheet[CharacterRow], ids: Sheet[IdRow], dry_run: bool = False
) -> Imported:
    """Link the characters of a sheet to the members of its ids, and set mains, in one transaction.

    What a person has said since stands, what rules inferred gives way; a second time nothing is written. With `dry_run`
    nothing is written at all. Raises NotFound or FollowsNoGuild where there is no such server or no guild, Conflict
    before roster and members were read.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        await servers.required_server(session, server_id)
        await servers.required_guild(session, server_id)
        guild_id = await servers.guild_read_whole(session, server_id)
        if guild_id is None:
            raise Conflict(NOT_READ_YET)
        known = await store.known(session, server_id, guild_id, {row.user_id for row in ids.rows})
        planned = plan(characters.rows, ids.rows, known)
        if not dry_run:
            await _write(ctx, session, server_id, planned)
    return Imported(
        Counter(link.fate for link in planned.links),
        len(planned.mains),
        in_order(characters.remarks + planned.remarks),
        in_order(ids.remarks + planned.id_remarks),
        written=not dry_run,
    )


async def _write(ctx: Context, session: AsyncSession, server_id: int, planned: SheetPlan) -> None:
    now = ctx.clock()
    by_fate: dict[Fate, list[SheetLink]] = {fate: [] for fate in Fate}
    for link in planned.links:
        by_fate[link.fate].append(link)
    standing = [*by_fate[Fate.MOVED], *by_fate[Fate.CONFIRMED]]
    for fate, ended in ENDS.items():
        if ending := _ids(by_fate[fate]):
            await history.remember(session, server_id, ending, ended, by=None, now=now)
    if moved := _ids(by_fate[Fate.MOVED]):
        await store.clear_pointers(session, server_id, moved)
    players = await _attach_members(ctx, session, server_id, planned)
    if standing:
        await store.rest_characters(session, server_id, _character_halves(standing, players), now)
    if new := by_fate[Fate.NEW]:
        await links.add_characters(session, server_id, _character_halves(new, players), now)
    if planned.mains:
        mains = ({"player_id": players[one.user_id], "character_id": one.character_id} for one in planned.mains)
        await store.set_mains(session, server_id, mains)
    former = {link.character.owner.player_id for link in by_fate[Fate.MOVED] if link.character.owner is not None}
    if former:
        await links.delete_empty_players(session, server_id, former, now)
    if changes := _actions([*new, *standing], planned, players):
        await actions.log(session, server_id, changes, now)


async def _attach_members(ctx: Context, session: AsyncSession, server_id: int, planned: SheetPlan) -> dict[int, int]:
    """Let members' halves rest on the sheet where a rule had made them or none is; give the players by user id."""
    now = ctx.clock()
    written = {link.member.user_id: link.row.discord for link in reversed(planned.links)}
    players = {one.user_id: one.owner.player_id for one in planned.members if one.owner is not None}
    if inferred := [one.user_id for one in _inferred(planned)]:
        halves = ({"user_id": one, **_half(players[one], {"discord": written[one]})} for one in inferred)
        await store.rest_members(session, server_id, halves, now)
    newcomers = {ctx.new_public_id(): one.user_id for one in planned.members if one.owner is None}
    if newcomers:
        created = await links.create_players(session, server_id, newcomers, now)
        players |= {user_id: created[public_id] for public_id, user_id in newcomers.items()}
        halves = ({"user_id": one, **_half(players[one], {"discord": written[one]})} for one in newcomers.values())
        await links.add_members(session, server_id, halves, now)
    return players


def _character_halves(found: Collection[SheetLink], players: Mapping[int, int]) -> list[dict[str, Any]]:
    return [
        {
            "character_id": link.character.id,
            **_half(players[link.member.user_id], {"discord": link.row.discord, "character": link.row.name}),
        }
        for link in found
    ]


def _half(player_id: int, sheet: dict[str, str]) -> dict[str, Any]:
    """Make a half that rests on the sheet, with how the sheet writes it as evidence."""
    return links.half(player_id, Source.MIGRATED_SHEET, Confidence.HIGH, {"sheet": sheet})


def _actions(written: Iterable[SheetLink], planned: SheetPlan, players: Mapping[int, int]) -> list[dict[str, Any]]:
    sheet = Source.MIGRATED_SHEET.value
    found = [
        actions.action(
            "link.confirm" if link.fate is Fate.CONFIRMED else "link.add",
            SubjectKind.CHARACTER,
            link.character.id,
            before=_before(link.character.owner),
            after={"player_id": players[link.member.user_id], "user_id": link.member.user_id, "source": sheet},
            evidence={"sheet": {"line": link.row.line, "discord": link.row.discord, "character": link.row.name}},
        )
        for link in written
    ]
    found += [
        actions.action(
            "link.confirm",
            SubjectKind.MEMBER,
            one.user_id,
            before=_before(one.owner),
            after={"player_id": players[one.user_id], "source": sheet},
        )
        for one in _inferred(planned)
    ]
    found += [
        actions.action(
            "player.main",
            SubjectKind.PLAYER,
            players[main.user_id],
            after={"character_id": main.character_id, "source": sheet},
        )
        for main in planned.mains
    ]
    return found


def _before(owner: Owner | None) -> dict[str, Any] | None:
    return None if owner is None else {"player_id": owner.player_id, "source": owner.source.value}


def _inferred(planned: SheetPlan) -> list[KnownMember]:
    """Give the members whose half a rule had made: it rests on the sheet then."""
    return [one for one in planned.members if one.owner is not None and not one.owner.source.is_by_person]


def _ids(found: Collection[SheetLink]) -> list[int]:
    return [link.character.id for link in found]
