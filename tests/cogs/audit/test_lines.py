"""What an officer reads of one finding."""

from typing import Any

import pytest

from cogs.audit.lines import line, roles_of
from domain.audit import RULES, Finding

ROLE = roles_of(None)
ID = 10**18
# A markdown mark each, or a letter that reads from the right between marks that turn the line around.
LONG = "*_~`|[]()<>#@" * 8
TURNED = "\u202e\u2067אבג\u2069\u200f"

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
    names = {key: hostile for key in ("name", "realm", "rank_name") if key in FACTS[rule] and rule != "rule_failed"}
    shown = line(finding(rule, **names), ROLE)
    assert ("אבג" in shown) == bool(names)
    assert not set(TURNED) - set("אבג") & set(shown)
    assert "@everyone" not in shown
    assert "<@&5>" not in shown
    assert "**x" not in shown


@pytest.mark.parametrize("rule", RULES)
def test_a_line_stays_short_whatever_the_names_and_however_many_the_roles(rule: str) -> None:
    longest = {"name": LONG, "realm": LONG, "rank_name": LONG, "user_ids": [ID] * 9, "held_role_ids": [ID] * 10}
    longest["other_ids"] = [ID] * 9
    facts = {key: value for key, value in longest.items() if key in FACTS[rule] and rule != "rule_failed"}
    assert len(line(finding(rule, **facts), ROLE)) <= 190


def test_facts_that_are_missing_are_left_out() -> None:
    assert line(Finding(1, "aB3", "orphan_wow", RULES["orphan_wow"].severity, 1, {}), ROLE) == "**aB3**"


def test_a_finding_of_a_rule_that_this_release_does_not_know_is_named() -> None:
    severity = RULES["orphan_wow"].severity
    assert line(Finding(1, "aB3", "from_the_future", severity, 1, {"name": "N1"}), ROLE) == "**N1**"
