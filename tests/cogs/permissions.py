"""Who may do what: every command, list of choices, control and form of Muster, with those who may use it.

Whoever is not named is refused. A control or form that asks for more in some cases has a row for each case.
"""

from dataclasses import dataclass
from enum import Enum

from cogs.common import texts


class Persona(Enum):
    """Name those who try everything; the value says who they are."""

    STRANGER = "a stranger, in a direct message"
    UNLINKED = "a member without a link"
    INFERRED = "a member whom a rule linked to a character"
    PROVEN = "a member proven to be the guild master, with no right on Discord"
    FOREIGN = "a member without rights who is another server's owner"
    OFFICER_BY_ROLE = "a holder of the officer role without Manage Server"
    MANAGER = "a member with Manage Server"
    OWNER = "the server's owner"


OWNER = frozenset({Persona.OWNER})
MANAGERS = OWNER | {Persona.MANAGER}
OFFICERS = MANAGERS | {Persona.OFFICER_BY_ROLE}
MEMBERS = frozenset(Persona) - {Persona.STRANGER}

CHOOSES_OFFICERS = "Only members with Manage Server choose who is an officer."
SWITCHES_ROLES = "Only members with Manage Server switch role sync. Ask one of them; nothing was changed."
LACKS_POWER = "it gives Manage Roles, which you don't have yourself"

NOT_YOURS = "Only the member who made this claim can withdraw it."

SHOWN_TO_ALL = frozenset({"player claim", "player claims", "player me", "player privacy", "player rank"})
"""Commands that Discord shows to everybody; the others to who has Manage Server, and to whom the server opens them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A command, `command option` for its list of choices, or a control or form by a custom id of its own.

    `fill` are the optional options that are given, `values` what is chosen in a menu, `typed` what stands in a form.
    In custom ids and values `{shown}` stands for the fingerprint of the departures that wait, `{council}` for the
    officer role, `{stewards}` for a role that gives Manage Roles, `{claim}` for a claim of the member without a link.
    `told` is what an officer hears who may not, and anybody where the row is not for officers alone.
    """

    name: str
    who: frozenset[Persona]
    fill: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    typed: tuple[tuple[str, str], ...] = ()
    told: str = texts.OFFICERS_ONLY

    def __str__(self) -> str:
        return " ".join((self.name, *self.values))


COMMANDS = (
    Row("addon key", OFFICERS),
    Row("addon status", OFFICERS),
    Row("audit list", OFFICERS, fill=("rank",)),
    Row("audit log", OFFICERS, fill=("member", "since")),
    Row("audit report", OFFICERS),
    Row("audit rules", OFFICERS),
    Row("audit run", OFFICERS),
    Row("audit show", OFFICERS),
    Row("audit undo", OFFICERS),
    Row("link add", OFFICERS),
    Row("link alias", OFFICERS, fill=("name", "member")),
    Row("link confirm", OFFICERS, fill=("character",)),
    Row("link coverage", OFFICERS),
    Row("link match", OFFICERS),
    Row("link remove", OFFICERS),
    Row("link review", OFFICERS),
    Row("link why", OFFICERS),
    Row("player claim", MEMBERS),
    Row("player claims", OFFICERS),
    Row("player me", MEMBERS),
    Row("player privacy", MEMBERS),
    Row("player rank", OFFICERS, fill=("reason",)),
    Row("setup channels", OFFICERS),
    Row("setup check", OFFICERS),
    Row("setup guild", OFFICERS),
    Row("setup options", OFFICERS, fill=("stale_days",)),
    Row("setup ranks", OFFICERS),
    Row("setup roles", OFFICERS),
    Row("sync apply", OFFICERS),
    Row("sync discard", OFFICERS),
    Row("sync members", OFFICERS),
    Row("sync roster", OFFICERS),
    Row("sync status", OFFICERS),
    Row("whois", OFFICERS, fill=("character",)),
)

CHOICES = (
    Row("audit list rank", OFFICERS),
    Row("audit show finding", OFFICERS),
    Row("link add character", OFFICERS),
    Row("link alias character", OFFICERS),
    Row("link alias name", OFFICERS),
    Row("link confirm character", OFFICERS),
    Row("link remove character", OFFICERS),
    Row("link why character", OFFICERS),
    Row("player claim character", MEMBERS),
    Row("player rank rank", OFFICERS),
    Row("setup guild realm", OFFICERS),
    Row("setup options time_zone", OFFICERS),
    Row("whois character", OFFICERS),
)

CONTROLS = (
    Row("addon-key:v1:page:all:0", OFFICERS),
    Row("addon-key:v1:list", OFFICERS),
    Row("addon-key:v1:choose", OFFICERS, values=("0123456789ab",)),
    Row("addon-key:v1:create", OFFICERS),
    Row("addon-key:v1:ask-rotate:0123456789ab", OFFICERS),
    Row("addon-key:v1:rotate:0123456789ab:0", OFFICERS),
    Row("addon-key:v1:ask-revoke:0123456789ab", OFFICERS),
    Row("addon-key:v1:revoke:0123456789ab", OFFICERS),
    Row("addon-status:v1:list", OFFICERS),
    Row("addon-status:v1:page:0123abcd:0", OFFICERS),
    Row("audit:v1:page:orphan_wow:0", OFFICERS),
    Row("audit:v1:work:orphan_wow", OFFICERS),
    Row("audit-list:v1:page:~.3.warning.open:0", OFFICERS),
    Row("audit-log:v1:page:~.people.~.~:0", OFFICERS),
    Row("audit-rules:v1:page:all:0", OFFICERS),
    Row("audit-rules:v1:switch:orphan_wow:off:0", OFFICERS),
    Row("finding:v1:show:0123abcd", OFFICERS),
    Row("finding:v1:ignore:0123abcd", OFFICERS),
    Row("finding:v1:resolve:0123abcd", OFFICERS),
    Row("finding:v1:watch:0123abcd", OFFICERS),
    Row("finding:v1:next:0123abcd", OFFICERS),
    Row("finding:v1:link:0123abcd", OFFICERS),
    Row("finding:v1:choose:0123abcd", OFFICERS),
    Row("finding:v1:pick:0123abcd:1:0123456789ab", OFFICERS),
    Row("finding:v1:none:0123abcd:0123456789ab", OFFICERS),
    Row("finding:v1:keep:0123abcd:0123456789ab", OFFICERS),
    Row("finding:v1:unlink:0123abcd", OFFICERS),
    Row("finding:v1:alias:0123abcd", OFFICERS),
    Row("finding:v1:hiatus:0123abcd", OFFICERS),
    Row("finding:v1:main:0123abcd", OFFICERS),
    Row("finding:v1:unlink-left:0123abcd", OFFICERS),
    Row("finding:v1:sync:0123abcd", OFFICERS),
    Row("finding:v1:merge:0123abcd", OFFICERS),
    Row("finding:v1:merge-now:0123abcd", OFFICERS),
    Row("finding:v1:reject:0123abcd", OFFICERS),
    Row("finding:v1:set-main:0123abcd", OFFICERS, values=("none",)),
    Row("main-choice:v1:page:0123abcd:0", OFFICERS),
    Row("hiatus:v1:away:0123abcd", OFFICERS),
    Row("hiatus:v1:back:0123abcd", OFFICERS),
    Row("finding:v1:type:0123abcd", OFFICERS),
    Row("bulk:v1:open:orphan_wow.~", OFFICERS),
    Row("bulk:v1:page:orphan_wow.ignore.~.~:0", OFFICERS),
    Row("bulk:v1:do:link_suggestion.choose.~.0123456789ab", OFFICERS),
    Row("undo:v1:list", OFFICERS),
    Row("undo:v1:ask:0123abcd", OFFICERS),
    Row("undo:v1:do:0123abcd", OFFICERS),
    Row("sync-status:v1:page:held:0", OFFICERS),
    Row("departures:v1:apply", OFFICERS),
    Row("departures:v1:discard", OFFICERS),
    Row("departures:v1:apply:{shown}", OFFICERS),
    Row("departures:v1:discard:{shown}", OFFICERS),
    Row("aliases:v1:page:all:0", OFFICERS),
    Row("why:v1:page:1:0", OFFICERS),
    Row("link-match:v1:page:0123456789ab:0", OFFICERS),
    Row("link-match:v1:apply:0123456789ab", OFFICERS),
    Row("link-match:v1:cancel", OFFICERS),
    Row("link-choose:v1:page:0123456789ab:0", OFFICERS),
    Row("link-choose:v1:pick:0123456789ab:0", OFFICERS, values=("1",)),
    Row("link-choose:v1:all:0123456789ab:0", OFFICERS),
    Row("link-review:v1:pick:1:1", OFFICERS),
    Row("link-review:v1:none:1:0123456789ab", OFFICERS),
    Row("link-review:v1:later:1", OFFICERS),
    Row("claim:v1:confirm:{claim}", OFFICERS),
    Row("claim:v1:refuse:{claim}", OFFICERS),
    Row("claim:v1:withdraw:{claim}", frozenset({Persona.UNLINKED}), told=NOT_YOURS),
    Row("privacy:v1:out", MEMBERS),
    Row("privacy:v1:in", MEMBERS),
    Row("ranks:v1:open:home", OFFICERS),
    Row("ranks:v1:open:officers", MANAGERS, told=CHOOSES_OFFICERS),
    Row("ranks:v1:rank", OFFICERS, values=("3",)),
    Row("ranks:v1:truth", OFFICERS, values=("game",)),
    Row("ranks:v1:name:3", OFFICERS),
    Row("ranks:v1:page:3:0", OFFICERS),
    Row("ranks:v1:page:officers:0", MANAGERS, told=CHOOSES_OFFICERS),
    Row("ranks:v1:role:3", OFFICERS, values=("none",)),
    # A rank hands its role out: nobody maps one that gives more than they have.
    Row("ranks:v1:role:3", OWNER, values=("{stewards}",), told=LACKS_POWER),
    Row("ranks:v1:role:3", MANAGERS, values=("{council}",), told="it gives Manage Server, which you don't have"),
    Row("ranks:v1:role:officers", MANAGERS, values=("{council}",), told=CHOOSES_OFFICERS),
    Row("ranks:v1:role:officers", MANAGERS, values=("none",), told=CHOOSES_OFFICERS),
    Row("finding:v1:set-role:0123abcd", OFFICERS),
    Row("finding:v1:give-role:0123abcd:0123456789abcdef", OFFICERS),
    Row("roles:v1:home", OFFICERS),
    Row("role-plan:v1:page:now:0", OFFICERS),
    Row("role-run:v1:page:Ab_-0123:0", OFFICERS),
    Row("roles:v1:switch:on", MANAGERS, told=SWITCHES_ROLES),
    Row("roles:v1:switch:off", MANAGERS, told=SWITCHES_ROLES),
    Row("roles:v1:apply:0123456789abcdef", OFFICERS),
    Row("roles:v1:undo:Ab_-0123", OFFICERS),
    Row("roles:v1:undone:Ab_-0123", OFFICERS),
)

FORMS = (
    Row("addon-key:v1:created", OFFICERS, typed=(("name", "Olga's PC"),)),
    Row("finding:v1:ignored:0123abcd", OFFICERS, typed=(("reason", "known"),)),
    Row("finding:v1:to-member:0123abcd", OFFICERS),
    Row("finding:v1:to-character:0123abcd", OFFICERS, typed=(("character", "Thorin"),)),
    Row("finding:v1:aliased:0123abcd", OFFICERS, typed=(("name", "Mikey"), ("character", "Thorin"))),
    Row("finding:v1:on-hiatus:0123abcd", OFFICERS, typed=(("reason", "holiday"),)),
    Row("hiatus:v1:marked:0123abcd", OFFICERS, typed=(("reason", "holiday"),)),
    Row("finding:v1:resolved:0123abcd", OFFICERS, typed=(("reason", "known"),)),
    Row("bulk:v1:said:orphan_wow.ignore.~.0123456789ab", OFFICERS, typed=(("reason", "known"),)),
    Row("ranks:v1:named:3", OFFICERS, typed=(("name", "Veteran"),)),
    Row("ranks:v1:confirm:3:{stewards}", OWNER, typed=(("name", "Stewards"),), told=LACKS_POWER),
)
