"""The rules of the audit: what each one finds, how grave that is, what makes it new, and what can be done about it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.audit import Fix, Rule, Severity, SubjectKind

ALL: Final = (
    Rule(
        name="duplicate_discord",
        version=1,
        severity=Severity.ERROR,
        subject=SubjectKind.MEMBER,
        title="Members proven to be two players",
        symbol="👥",
        description="A proof would make a member another player than the one whom they are linked to. It waits.",
        fingerprint="the proof",
        closes="the players are merged, the proof is rejected, or the member, the character or a player is gone",
        fixes=(Fix.MERGE, Fix.REJECT),
    ),
    Rule(
        name="held_departures",
        version=1,
        severity=Severity.ERROR,
        subject=SubjectKind.SERVER,
        title="Departures that wait for an officer",
        symbol="🚪",
        description="So many characters were missing from the roster at once that Muster asks before it believes it.",
        fingerprint="the characters that wait",
        closes="an officer decides, or the characters are back",
        fixes=(Fix.DEPARTURES,),
        has_card=True,
    ),
    Rule(
        name="role_mismatch",
        version=2,
        severity=Severity.ERROR,
        subject=SubjectKind.PLAYER,
        title="Members with another rank's role",
        symbol="🎭",
        description="A proven player holds roles of ranks, but not the one of their own rank.",
        fingerprint="the rank's role and the roles of ranks that are held",
        closes=(
            "they hold the role of their rank or none of any rank, or are about to, the rank has no role any more, an "
            "officer sets their rank, or they are proven no more or left"
        ),
        fixes=(Fix.SET_ROLE,),
    ),
    Rule(
        name="no_guild_role",
        version=2,
        severity=Severity.WARNING,
        subject=SubjectKind.PLAYER,
        title="Members without their rank's role",
        symbol="🎫",
        description="A proven player holds none of the roles that ranks are mapped to.",
        fingerprint="the rank's role",
        closes=(
            "they hold a role of a rank or are about to, the rank has no role any more, or they are proven no more or "
            "left"
        ),
        fixes=(Fix.SET_ROLE,),
    ),
    Rule(
        name="link_contradicts_note",
        version=2,
        severity=Severity.WARNING,
        subject=SubjectKind.CHARACTER,
        title="Links that a note or a name contradicts",
        symbol="📝",
        description="A person said whose a character is, but a note or an equal name speaks for somebody else.",
        fingerprint="whose it is, and for whom else something speaks",
        closes="nothing speaks for somebody else any more, or the link or the character is gone",
        fixes=(Fix.CHOOSE, Fix.UNLINK, Fix.ALIAS),
    ),
    Rule(
        name="stale_discord_link",
        version=1,
        severity=Severity.WARNING,
        subject=SubjectKind.MEMBER,
        title="Players whose member left",
        symbol="👋",
        description="A member left the server, and characters in the guild are still linked to them.",
        fingerprint="when they left",
        closes="they are back, or no character in the guild is linked to them any more",
        fixes=(Fix.UNLINK,),
    ),
    Rule(
        name="orphan_wow",
        version=2,
        severity=Severity.WARNING,
        subject=SubjectKind.CHARACTER,
        title="Characters without a Discord member",
        symbol="👤",
        description=(
            "A character in the guild is not linked to a player who has a member in this server, and no other finding "
            "says why."
        ),
        fingerprint="the character's time in the guild, and its last link that ended",
        closes="it is linked to a member who is here, something is suggested for it, or it left the guild",
        fixes=(Fix.LINK, Fix.ALIAS),
    ),
    Rule(
        name="orphan_discord",
        version=3,
        severity=Severity.WARNING,
        subject=SubjectKind.MEMBER,
        title="Members without a character",
        symbol="🔗",
        description="A member of this server has no linked character in the guild.",
        fingerprint="when they joined the server",
        closes="a character in the guild is theirs, they opted out, they hold no rank's role any more, or they left",
        fixes=(Fix.LINK,),
    ),
    Rule(
        name="stale_data",
        version=2,
        severity=Severity.WARNING,
        subject=SubjectKind.SERVER,
        title="Data that is out of date",
        symbol="⏳",
        description=(
            "The roster or the member list was not read whole, or no notes came from the game though somebody has a "
            "key to send them, for as many days as the server's options say."
        ),
        fingerprint="which of them, and when it was last read",
        closes="it is read whole again, notes come, or nobody has a key for notes any more",
        fixes=(Fix.SYNC,),
    ),
    Rule(
        name="link_suggestion",
        version=1,
        severity=Severity.INFO,
        subject=SubjectKind.CHARACTER,
        title="Links for an officer to decide",
        symbol="💡",
        description="Notes or names speak for a member, but not surely enough, or for several.",
        fingerprint="the members that are suggested",
        closes="the character is linked, nobody is suggested any more, or it left the guild",
        fixes=(Fix.CHOOSE, Fix.ALIAS),
    ),
    Rule(
        name="note_mismatch",
        version=2,
        severity=Severity.INFO,
        subject=SubjectKind.CHARACTER,
        title="Inferred links that are in doubt",
        symbol="❓",
        description="A rule linked a character, but a note or an equal name now speaks for somebody else.",
        fingerprint="whose it is, and for whom else something speaks",
        closes="nothing speaks for somebody else any more, a person decides, or the character is gone",
        fixes=(Fix.CHOOSE, Fix.UNLINK, Fix.ALIAS),
    ),
    Rule(
        name="main_not_linked",
        version=1,
        severity=Severity.INFO,
        subject=SubjectKind.PLAYER,
        title="Players whose main is gone",
        symbol="⭐",
        description="A player's main or off-spec is a character that left the guild or is not theirs.",
        fingerprint="the main and the off-spec that are gone",
        closes="another one is chosen or none, the character is back, or the player is gone",
        fixes=(Fix.MAIN,),
    ),
    Rule(
        name="unmapped_rank",
        version=2,
        severity=Severity.INFO,
        subject=SubjectKind.RANK,
        title="Ranks without a role",
        symbol="🪜",
        description="A rank that occurs in the guild has no role, while others have.",
        fingerprint="the rank's name",
        closes="the rank has a role, no other has one either, or no character has it any more",
        fixes=(Fix.MAP_ROLE,),
    ),
    Rule(
        name="stale_character",
        version=2,
        severity=Severity.INFO,
        subject=SubjectKind.CHARACTER,
        title="Characters that were long away",
        symbol="💤",
        description="A character in the guild has not been logged in for as long as the server's options say.",
        fingerprint="the last login",
        closes="it was logged in, its player is on hiatus, or it left the guild",
        fixes=(Fix.HIATUS, Fix.SYNC),
    ),
    Rule(
        name="unknown_reference",
        version=1,
        severity=Severity.INFO,
        subject=SubjectKind.REFERENCE,
        title="Classes, specializations and races that are new to Muster",
        symbol="🧩",
        description="Characters in the guild have a class, a specialization or a race whose name Muster does not know.",
        fingerprint="the id",
        closes="the game's data name it, or no character in the guild has it any more",
        fixes=(Fix.SYNC,),
    ),
    # The last one: it tells which of those before it failed.
    Rule(
        name="rule_failed",
        version=2,
        severity=Severity.ERROR,
        subject=SubjectKind.RULE,
        title="Rules that could not be run",
        symbol="🛠️",
        description="A rule of the audit broke; what it found before stands as it was.",
        fingerprint="the rule's version",
        closes="the rule runs again",
    ),
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.name: rule for rule in ALL})


def rule_of(name: str, severity: Severity) -> Rule:
    """Give a rule by its name; one that this release does not have, after a rollback say, still has its name."""
    known = RULES.get(name)
    return known or Rule(name, 0, severity, SubjectKind.SERVER, name, "❔", description="", fingerprint="", closes="")
