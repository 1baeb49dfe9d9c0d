"""Ranks: what a rank is called, who has it, and which Discord roles may stand for one."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from domain.errors import InvalidInput
from domain.visible import one_line

NAME_LIMIT: Final = 32
"""Characters of a rank's name; the game itself takes fewer."""
REASON_LIMIT: Final = 200
"""Characters of the reason for an override."""


class RankTruth(StrEnum):
    """Name what decides a member's rank role: the game, or nobody, so that differences are only reported."""

    GAME = "game"
    REPORT_ONLY = "report-only"


def rank_label(index: int, name: str | None) -> str:
    """Give a rank's own name, or its number where the guild's name for it is not known."""
    return name or f"Rank {index}"


def player_rank(proven: Iterable[int], override: int | None = None) -> int | None:
    """Give a player's rank: an officer's override, else the best of their proven characters; None without either."""
    return override if override is not None else min(proven, default=None)


def admits(minimum: int, rank: int | None) -> bool:
    """Tell whether a minimum rank lets somebody of a rank in; 0 is the highest."""
    return rank is not None and rank <= minimum


def rank_name(text: str) -> str | None:
    """Give a rank's name as it is kept, None for no name; raises InvalidInput for one that is too long."""
    name = one_line(text)
    if len(name) > NAME_LIMIT:
        raise InvalidInput(f"A rank's name has at most {NAME_LIMIT} characters. Shorten it.")
    return name or None


def rank_title(text: str) -> str | None:
    """Give the game's own title of a rank as it is kept, cut where it is too long; None for one that shows nothing."""
    title = one_line(text)
    return (title if len(title) <= NAME_LIMIT else f"{title[: NAME_LIMIT - 1]}…") or None


def override_reason(text: str | None) -> str:
    """Give the reason for an override as it is kept; raises InvalidInput for none and for one that is too long."""
    reason = one_line(text or "")
    if not reason:
        raise InvalidInput("Give a `reason`: other officers will see it beside the rank.")
    if len(reason) > REASON_LIMIT:
        raise InvalidInput(f"A reason has at most {REASON_LIMIT} characters. Shorten it.")
    return reason


class Power(StrEnum):
    """Name a permission that counts when a role is to stand for something; the value is Discord's name for it."""

    ADMINISTRATOR = "Administrator"
    MANAGE_ROLES = "Manage Roles"
    MANAGE_SERVER = "Manage Server"
    BAN_MEMBERS = "Ban Members"
    KICK_MEMBERS = "Kick Members"
    TIMEOUT_MEMBERS = "Timeout Members"
    MANAGE_CHANNELS = "Manage Channels"
    MANAGE_MESSAGES = "Manage Messages"
    MANAGE_NICKNAMES = "Manage Nicknames"
    MANAGE_THREADS = "Manage Threads"
    MANAGE_WEBHOOKS = "Manage Webhooks"
    MENTION_EVERYONE = "Mention Everyone"


CONFIRMED: Final = (Power.ADMINISTRATOR, Power.MANAGE_ROLES)
"""Powers whose role stands for a rank only after its name was typed."""


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What decides whether a Discord role may stand for something; `below_bot`: Muster's own top role is above it."""

    id: int
    name: str
    is_everyone: bool
    managed: bool
    below_bot: bool
    powers: frozenset[Power]


class Verdict(Enum):
    """Grade a role: offered as it is, offered after its name was typed, or never."""

    OFFERED = "offered"
    CONFIRM = "confirm"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RoleDecision:
    """A verdict on a role, with its reason unless it is offered as it is."""

    verdict: Verdict
    reason: str = ""

    @property
    def offered(self) -> bool:
        """Tell whether a menu shows the role."""
        return self.verdict is not Verdict.REFUSED


OFFERED: Final = RoleDecision(Verdict.OFFERED)


def role_powers(role: RoleFacts, officer_role_id: int | None) -> frozenset[Power]:
    """Give the powers that a role hands out; being an officer counts as Manage Server does."""
    return role.powers | {Power.MANAGE_SERVER} if role.id == officer_role_id else role.powers


def judge_rank_role(role: RoleFacts, chooser: frozenset[Power], officer_role_id: int | None) -> RoleDecision:
    """Decide whether a role may stand for a rank, chosen by somebody with these powers.

    Muster has to be able to give it, and nobody hands out by a rank what they may not do themselves: else an officer
    without Manage Server could make officers, or themselves an administrator.
    """
    if refused := _never(role):
        return RoleDecision(Verdict.REFUSED, refused)
    if not role.below_bot:
        return RoleDecision(
            Verdict.REFUSED,
            "it is not below Muster's own role, so Muster can't give it. Move Muster's role above it in Server "
            "Settings, Roles",
        )
    given = role_powers(role, officer_role_id)
    if lacking := [power for power in Power if power in given and power not in chooser]:
        return RoleDecision(Verdict.REFUSED, f"it gives {lacking[0]}, which you don't have yourself")
    if risky := [power for power in CONFIRMED if power in role.powers]:
        return RoleDecision(Verdict.CONFIRM, f"it gives {' and '.join(risky)}")
    return OFFERED


def judge_officer_role(role: RoleFacts) -> RoleDecision:
    """Decide whether a role may make officers; its place does not count, since Muster reads it and never gives it."""
    return RoleDecision(Verdict.REFUSED, refused) if (refused := _never(role)) else OFFERED


def may_choose_officers(chooser: frozenset[Power]) -> bool:
    """Tell whether somebody may say who is an officer; who is one by role alone may not widen that."""
    return Power.MANAGE_SERVER in chooser


def may_switch_role_sync(chooser: frozenset[Power]) -> bool:
    """Tell whether somebody may let Muster change everybody's roles; who is an officer by role alone may not."""
    return Power.MANAGE_SERVER in chooser


def _never(role: RoleFacts) -> str:
    if role.is_everyone:
        return "everybody has it"
    if role.managed:
        return "Discord or an app gives it to its own members, nobody else can"
    return ""
