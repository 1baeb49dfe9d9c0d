"""What an officer reads of one finding."""

from typing import Any

import pytest

from cogs.audit.lines import line, roles_of
from domain.audit import Finding
from domain.audit_rules import RULES

ROLE = roles_of(None)
ID = 10**18
# A markdown mark each, or a letter that reads from the right between marks that turn the line around.
LONG = "*_~`|[]()<>#@" * 8
TURNED = "\u202e\u2067אבג\u2069\u200f"

NAMES = ("name", "realm", "rank_name", "character", "guild")
"""Facts that hold free text."""
FACTS: dict[str, dict[str, Any]] = {
    "orphan_wow": {"name": "Thrall", "realm": "Azjol-Nerub", "rank": 3, "rank_name": None, "level": 80, "class_id": 7},
    "orphan_discord": {"name": "Mia", "username": "mia"},
    "role_mismatch": {
        "name": "Thrall",
        "user_ids": [ID + 1],
        "rank": 1,
        "rank_name": "Officer",
        "expected_role_id": ID + 30,
        "held_role_ids": [ID + 31],
    },
    "no_guild_role": {
        "name": "Thrall",
        "user_ids": [ID + 1],
        "rank": 7,
        "rank_name": None,
        "expected_role_id": ID + 30,
        "held_role_ids": [],
    },
    "stale_character": {
        "name": "Thrall",
        "realm": "Stormrage",
        "rank": 3,
        "rank_name": "Raider",
        "last_login": 1_767_312_000,
        "user_ids": [ID + 1],
    },
    "link_contradicts_note": {
        "name": "Thrall",
        "realm": "Azjol-Nerub",
        "rank": 3,
        "rank_name": None,
        "user_ids": [ID + 1],
        "other_ids": [ID + 2],
        "by_note": True,
    },
    "note_mismatch": {
        "name": "Thrall",
        "realm": "Stormrage",
        "rank": 3,
        "rank_name": None,
        "user_ids": [ID + 1, ID + 3],
        "other_ids": [ID + 2],
        "by_note": False,
    },
    "duplicate_discord": {
        "proof": "pRoOf",
        "name": "Mia",
        "other_ids": [ID + 2],
        "character": "Thrall",
        "realm": "Stormrage",
        "source": "claim",
    },
    "held_departures": {"guild": "Raiders of Dawn", "characters": 7, "names": ["Ana", "Bo", "Cid", "Dan", "Eve"]},
    "stale_discord_link": {
        "name": "Mia",
        "username": "mia",
        "left_at": 1_767_312_000,
        "characters": 3,
        "character": "Thrall",
        "rank": 1,
        "rank_name": "Officer",
    },
    "stale_data": {"source": "roster", "read_at": 1_767_312_000, "days": 3},
    "link_suggestion": {
        "name": "Thrall",
        "realm": "Azjol-Nerub",
        "rank": 3,
        "rank_name": None,
        "user_ids": [ID + 1, ID + 2, ID + 3],
        "confidence": None,
    },
    "main_not_linked": {"user_ids": [ID + 1], "name": "Thrall", "realm": "Stormrage", "which": ["main"]},
    "unknown_reference": {"kind": "race", "id": 91, "characters": 2, "name": "Thrall"},
    "unmapped_rank": {"rank": 7, "rank_name": None, "characters": 12},
    "rule_failed": {"name": "orphan_wow"},
}


def finding(rule: str, **facts: Any) -> Finding:
    return Finding(1, "aB3", rule, RULES[rule].severity, ID + 1, {**FACTS[rule], **facts})


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("orphan_wow", "**Thrall** · Azjol\\-Nerub · Rank 3 · level 80"),
        ("orphan_discord", "<@1000000000000000001> Mia"),
        (
            "role_mismatch",
            (
                "<@1000000000000000001> · **Thrall** · Officer (rank 1) · "
                "lacks <@&1000000000000000030>, has <@&1000000000000000031>"
            ),
        ),
        ("no_guild_role", "<@1000000000000000001> · **Thrall** · Rank 7 · lacks <@&1000000000000000030>"),
        ("stale_character", "**Thrall** · Stormrage · Raider (rank 3) · last login <t:1767312000:R>"),
        (
            "link_contradicts_note",
            (
                "**Thrall** · Azjol\\-Nerub · linked to <@1000000000000000001>, "
                "but a note speaks for <@1000000000000000002>"
            ),
        ),
        (
            "note_mismatch",
            (
                "**Thrall** · Stormrage · linked to <@1000000000000000001> +1, "
                "but a name speaks for <@1000000000000000002>"
            ),
        ),
        (
            "duplicate_discord",
            (
                "<@1000000000000000001> Mia · the same person as <@1000000000000000002> "
                "by a claim that an officer confirmed · **Thrall**"
            ),
        ),
        ("held_departures", "**7 characters** missing from Raiders of Dawn: Ana, Bo, Cid +4"),
        (
            "stale_discord_link",
            (
                "<@1000000000000000001> Mia · left <t:1767312000:R> · still linked: 3 characters, **Thrall** · "
                "Officer (rank 1)"
            ),
        ),
        ("stale_data", "**Guild roster** · last read whole <t:1767312000:R> · limit: 3 days"),
        (
            "link_suggestion",
            ("**Thrall** · Azjol\\-Nerub · Rank 3 · perhaps <@1000000000000000001>, <@1000000000000000002> +1"),
        ),
        ("main_not_linked", "<@1000000000000000001> · **Thrall** · Stormrage · main not in the guild"),
        ("unknown_reference", "**Race 91** · 2 characters, such as Thrall"),
        ("unmapped_rank", "**Rank 7** · 12 characters · choose its role with `/setup ranks`"),
        (
            "rule_failed",
            "**Characters without a Discord member** · `orphan_wow` · whoever runs Muster finds the error in the log",
        ),
    ],
)
def test_a_line_tells_what_an_officer_needs(rule: str, text: str) -> None:
    assert line(finding(rule), ROLE) == text


def test_every_rule_has_a_line_of_its_own_facts() -> None:
    assert set(FACTS) == set(RULES)


def test_the_guild_master_has_rank_0() -> None:
    assert "· Rank 0 ·" in line(finding("orphan_wow", rank=0), ROLE)


def test_one_character_of_an_unmapped_rank_is_counted_as_one() -> None:
    assert "**Alt (rank 7)** · 1 character ·" in line(finding("unmapped_rank", rank_name="Alt", characters=1), ROLE)


def test_a_player_known_only_by_an_officers_word_is_named_by_the_member() -> None:
    assert line(finding("no_guild_role", name=None), ROLE).startswith("<@1000000000000000001> · Rank 7 ·")


@pytest.mark.parametrize(
    ("rule", "facts", "said"),
    [
        ("duplicate_discord", {"other_ids": []}, "the same person as a player without members by a claim"),
        ("held_departures", {"characters": 1, "names": ["Ana"]}, "**1 character** missing from Raiders of Dawn: Ana"),
        ("stale_discord_link", {"characters": 1}, "· still linked: **Thrall** · Officer"),
        ("stale_data", {"source": "members", "read_at": None}, "**Member list** · never read whole · limit: 3 days"),
        ("stale_data", {"source": "notes", "days": 7}, "**Notes** · last read in the game <t:1767312000:R> · limit: 7"),
        (
            "stale_data",
            {"source": "notes", "read_at": None},
            "**Notes** · never uploaded · limit: 3 days · an",
        ),
        ("stale_data", {"source": "notes"}, "with the addon and types `/reload` while the companion runs"),
        ("link_suggestion", {"user_ids": [7], "confidence": "medium"}, "· likely <@7>"),
        ("main_not_linked", {"user_ids": []}, "**Thrall** · Stormrage · main not in the guild"),
        ("main_not_linked", {"which": ["main", "offspec"]}, "· main and off-spec not in the guild"),
        ("unknown_reference", {"kind": "class", "characters": 1}, "**Class 91** · 1 character, such as Thrall"),
    ],
)
def test_a_line_suits_its_facts(rule: str, facts: dict[str, Any], said: str) -> None:
    assert said in line(finding(rule, **facts), ROLE)


def test_more_members_and_roles_than_a_line_holds_are_counted() -> None:
    found = finding("role_mismatch", user_ids=[1, 2, 3], held_role_ids=[4, 5, 6])
    shown = line(found, ROLE)
    assert shown.startswith("<@1> +2 ·")
    assert shown.endswith("has <@&4>, <@&5> +1")


@pytest.mark.parametrize(
    ("outage", "said"),
    [
        (False, "· lacks a deleted role, has <@&31>, a deleted role"),
        (True, "· lacks <@&30>, has <@&31>, <@&32>"),  # a server in an outage since the start tells no roles
    ],
)
def test_a_role_that_was_deleted_is_called_so(*, outage: bool, said: str) -> None:
    class Hall:
        unavailable = outage

        def get_role(self, role_id: int) -> object | None:
            return object() if role_id == 31 else None

    found = finding("role_mismatch", expected_role_id=30, held_role_ids=[31, 32])
    assert line(found, roles_of(Hall())).endswith(said)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", RULES)
def test_names_neither_format_nor_mention_nor_turn_the_line_around(rule: str) -> None:
    hostile = f"{TURNED}@everyone <@&5> **x**"
    names = {key: hostile for key in NAMES if key in FACTS[rule] and rule != "rule_failed"}
    if "names" in FACTS[rule]:
        names["names"] = [hostile] * 5
    shown = line(finding(rule, **names), ROLE)
    assert ("אבג" in shown) == bool(names)
    assert not set(TURNED) - set("אבג") & set(shown)
    assert "@everyone" not in shown
    assert "<@&5>" not in shown
    assert "**x" not in shown


@pytest.mark.parametrize("rule", RULES)
def test_a_line_stays_short_whatever_the_names_and_however_many_the_roles(rule: str) -> None:
    longest = {**dict.fromkeys(NAMES, LONG), "user_ids": [ID] * 9, "held_role_ids": [ID] * 10, "other_ids": [ID] * 9}
    longest |= {"characters": 1_234, "names": [LONG] * 5, "which": ["main", "offspec"]}
    facts = {key: value for key, value in longest.items() if key in FACTS[rule] and rule != "rule_failed"}
    assert len(line(finding(rule, **facts), ROLE)) <= 190


def test_facts_that_are_missing_are_left_out() -> None:
    assert line(Finding(1, "aB3", "orphan_wow", RULES["orphan_wow"].severity, 1, {}), ROLE) == "**aB3**"


def test_a_finding_of_a_rule_that_this_release_does_not_know_is_named() -> None:
    severity = RULES["orphan_wow"].severity
    assert line(Finding(1, "aB3", "from_the_future", severity, 1, {"name": "N1"}), ROLE) == "**N1**"
