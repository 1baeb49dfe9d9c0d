"""Role sync: which roles of ranks Muster gives and takes, and why one is left as it is."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from domain.links import Source
from domain.ranks import Power, RoleFacts, role_powers

AT_ONCE: Final = 20
"""Members whose roles Muster changes by itself; more wait for an officer to look at them."""


class RoleAct(StrEnum):
    """Name what is done with a role."""

    GIVE = "give"
    TAKE = "take"

    @property
    def opposite(self) -> "RoleAct":
        """Give what undoes it."""
        return RoleAct.TAKE if self is RoleAct.GIVE else RoleAct.GIVE


class ChangeState(StrEnum):
    """Tell how far the change of one role has come."""

    PLANNED = "planned"
    DONE = "done"
    SKIPPED = "skipped"
    """It was not needed, or not right, any more."""
    FAILED = "failed"


class RunKind(StrEnum):
    """Name what a run of role changes is for."""

    SYNC = "sync"
    """Muster follows the ranks by itself."""
    APPLY = "apply"
    """An officer looked at the preview and applied it."""
    FIX = "fix"
    """An officer mends findings."""
    UNDO = "undo"


class Stop(StrEnum):
    """Name why no role of a server may be changed."""

    UNSEEN = "unseen"
    """Discord does not show the server right now."""
    NO_GUILD = "no_guild"
    ROSTER_UNREAD = "roster_unread"
    MEMBERS_UNREAD = "members_unread"
    REPORT_ONLY = "report_only"
    """The game does not decide about roles here."""
    OFF = "off"
    """Role sync is switched off."""
    NO_RIGHT = "no_right"
    """Muster lacks Manage Roles."""


class Block(StrEnum):
    """Name why Muster can neither give nor take a role."""

    DELETED = "deleted"
    EVERYONE = "everyone"
    MANAGED = "managed"
    """Discord or an app gives it to its own members."""
    TOO_HIGH = "too_high"
    """It is not below Muster's own role."""


@dataclass(frozen=True, slots=True)
class ServerRoles:
    """The roles of a server as Discord has them now, by id; `may_manage`: Muster has Manage Roles."""

    owner_id: int | None
    roles: Mapping[int, RoleFacts]
    may_manage: bool

    def block(self, role_id: int) -> Block | None:
        """Tell why Muster can neither give nor take a role; None where it can."""
        role = self.roles.get(role_id)
        if role is None:
            return Block.DELETED
        if role.is_everyone:
            return Block.EVERYONE
        if role.managed:
            return Block.MANAGED
        return None if role.below_bot else Block.TOO_HIGH

    def powers(self, user_id: int, role_ids: Collection[int]) -> frozenset[Power]:
        """Give the powers that a member with these roles has in the whole server."""
        if user_id == self.owner_id:
            return frozenset(Power)
        held = (role for role in self.roles.values() if role.is_everyone or role.id in role_ids)
        powers = frozenset(power for role in held for power in role.powers)
        return frozenset(Power) if Power.ADMINISTRATOR in powers else powers


class Change(NamedTuple):
    """One role to be given to a member or taken from them."""

    user_id: int
    act: RoleAct
    role_id: int


@dataclass(frozen=True, slots=True)
class Person:
    """A member who is here, and what decides about their roles.

    `given`: the roles that they have from Muster. `rank`: their player's, None without a proven one. `words`: what the
    rank rests on, each a set of those whose word it needs, an empty set where Battle.net alone says so. `unsettled`: a
    character of theirs has just left the guild, which no second roster has said yet.
    """

    user_id: int
    held: frozenset[int]
    given: frozenset[int] = frozenset()
    rank: int | None = None
    words: tuple[frozenset[int], ...] = ()
    pending: bool = False
    unsettled: bool = False


class Blocked(NamedTuple):
    """A role that Muster can neither give nor take, and how many members that concerns."""

    role_id: int
    block: Block
    members: int


class Withheld(NamedTuple):
    """A role that a member does not get: nobody with the power that it gives stands for their rank."""

    user_id: int
    role_id: int
    power: Power


@dataclass(frozen=True, slots=True)
class RolePlan:
    """What role sync would change, a member's new role before their old one; `stop`: why it may not be done now."""

    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    stop: Stop | None = None

    @property
    def key(self) -> str:
        """Give a short text that tells one set of changes from another; it is safe in custom ids."""
        lines = "\n".join(f"{change.user_id} {change.act} {change.role_id}" for change in sorted(self.changes))
        return hashlib.sha256(lines.encode()).hexdigest()[:16]

    @property
    def user_ids(self) -> tuple[int, ...]:
        """Give the members whose roles would change, in order."""
        return tuple(dict.fromkeys(change.user_id for change in self.changes))

    def count(self, act: RoleAct) -> int:
        """Count the changes of one kind."""
        return sum(change.act is act for change in self.changes)


@dataclass(frozen=True, slots=True)
class RoleRules:
    """What a server decided about roles: which role stands for a rank, and which one makes officers.

    `vouchers`: the roles of the members here by whose word ranks stand; who has left has no say any more. `planned`:
    members and roles that a run is about to change. `stop`: why nothing may be changed, as far as the server decides.
    """

    role_of: Mapping[int, int]
    officer_role_id: int | None = None
    vouchers: Mapping[int, frozenset[int]] = field(default_factory=dict)
    planned: frozenset[tuple[int, int]] = frozenset()
    stop: Stop | None = None


class Voice(NamedTuple):
    """Where one half of a link comes from, and who said so."""

    source: Source
    by: int | None


def words_for(
    member: Voice, characters: Iterable[Voice], *, overridden_by: int | None = None
) -> tuple[frozenset[int], ...]:
    """Give what a rank rests on, as `Person.words`: the half of the member with that of any character that has it.

    An override stands in place of the characters. What nobody known said carries nothing.
    """
    who = _who(member)
    others = [frozenset({overridden_by})] if overridden_by is not None else [_who(half) for half in characters]
    if who is None:
        return ()
    return tuple(sorted({who | other for other in others if other is not None}, key=sorted))


def plan_roles(people: Iterable[Person], rules: RoleRules, live: ServerRoles | None) -> RolePlan:
    """Decide which roles to give and take.

    A member gets the role of their rank and loses what Muster gave them else; what others gave them stays. Nobody loses
    a role for one that can't be given, and nothing changes for who is in rules screening or unsettled.
    """
    if live is None:
        return RolePlan(stop=Stop.UNSEEN)
    changes: list[Change] = []
    blocked: Counter[tuple[int, Block]] = Counter()
    withheld: list[Withheld] = []
    for person in sorted(people, key=lambda one: one.user_id):
        for outcome in _outcomes(person, rules, live):
            match outcome:
                case Change(user_id, _, role_id):
                    changes += [outcome] if (user_id, role_id) not in rules.planned else []
                case Withheld():
                    withheld.append(outcome)
                case role_id, block:
                    blocked[role_id, block] += 1
    return RolePlan(
        changes=tuple(changes),
        blocked=tuple(Blocked(role_id, block, members) for (role_id, block), members in sorted(blocked.items())),
        withheld=tuple(withheld),
        stop=rules.stop or (None if live.may_manage else Stop.NO_RIGHT),
    )


def lacking_power(needed: frozenset[Power], words: Iterable[Collection[frozenset[Power]]]) -> Power | None:
    """Give a power of a role that nobody who stands for it has; `words`: the powers of those whose word each needs."""
    if not needed or any(all(needed <= powers for powers in word) for word in words):
        return None
    return next(power for power in Power if power in needed)


def _outcomes(person: Person, rules: RoleRules, live: ServerRoles) -> Iterator[Change | Withheld | tuple[int, Block]]:
    if person.pending or person.unsettled:
        return
    wanted = None if person.rank is None else rules.role_of.get(person.rank)
    if wanted is not None and wanted not in person.held:
        if block := live.block(wanted):
            yield wanted, block
            return
        needed = role_powers(live.roles[wanted], rules.officer_role_id)
        words = [[_powers(user_id, rules, live) for user_id in word] for word in person.words]
        if power := lacking_power(needed, words):
            yield Withheld(person.user_id, wanted, power)
            return
        yield Change(person.user_id, RoleAct.GIVE, wanted)
    for role_id in sorted((person.given & person.held) - {wanted}):
        block = live.block(role_id)
        if block is None:
            yield Change(person.user_id, RoleAct.TAKE, role_id)
        elif block is not Block.DELETED:
            yield role_id, block


def _powers(user_id: int, rules: RoleRules, live: ServerRoles) -> frozenset[Power]:
    held = rules.vouchers.get(user_id)
    return frozenset() if held is None else live.powers(user_id, held)


def _who(half: Voice) -> frozenset[int] | None:
    if half.by is not None:
        # Also of a sign-in: to whose player it belongs by now is the word of who merged two players.
        return frozenset({half.by})
    return frozenset() if half.source is Source.BATTLENET_OAUTH else None
