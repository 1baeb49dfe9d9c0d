"""What fits into one message, whatever people are called."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from cogs.audit import texts
from cogs.audit.lines import roles_of
from cogs.audit.list_ui import FindingPages, WorkButton
from cogs.audit.report import GROUPS_LIMIT, Report, groups_of, lay_out, share_evenly
from cogs.audit.ui import report_card
from cogs.common.access import OfficerItem
from cogs.common.item import matching_items
from cogs.common.paginator import check_budget, count_components, count_text
from domain.audit import HEADER_COLOUR, Finding, Severity
from domain.audit_groups import FindingGroup, group_findings
from domain.audit_rules import RULES
from tests.cogs.common.templates import assert_disjoint

WARNING = Severity.WARNING
# A markdown mark each.
LONG = "*_~`|[]()<>#@" * 8
ROLE = roles_of(None)


def character(id_: int, **facts: Any) -> Finding:
    known = {"name": f"Thrall{id_}", "realm": "Azjol-Nerub", "rank": 3, "level": 80, "class_id": 7}
    return Finding(id_, f"p{id_}", "orphan_wow", WARNING, 1000 + id_, {**known, **facts})


def member(id_: int, name: str = "Mia") -> Finding:
    facts = {"name": name, "username": "mia"}
    return Finding(id_, f"p{id_}", "orphan_discord", WARNING, 10**18 + id_, facts)


def other(id_: int, rule: str, severity: Severity = Severity.INFO) -> Finding:
    return Finding(id_, f"p{id_}", rule, severity, id_, {"name": f"N{id_}"})


def queued(findings: list[Finding], totals: dict[str, int] | None = None) -> dict[str, Any]:
    """Give findings as the outbox carries them."""
    groups = [
        {
            "rule": group.rule.name,
            "severity": group.severity.value,
            "total": (totals or {}).get(group.rule.name, group.total),
            "findings": [
                {"id": f.id, "public_id": f.public_id, "subject_id": f.subject_id, "facts": dict(f.facts)}
                for f in group.findings
            ],
        }
        for group in group_findings(findings)
    ]
    return json.loads(json.dumps({"groups": groups, "scope": "all"}))


def shown(groups: Sequence[FindingGroup], *, only_new: bool = False, **options: Any) -> Report:
    return lay_out(groups, only_new=only_new, role=ROLE, **options)


def test_a_report_has_a_header_and_one_container_a_type() -> None:
    findings = [character(1), character(2), member(3)]
    report = shown(groups_of(queued(findings)), only_new=True)
    card = report_card(report).to_components()
    assert [part["accent_color"] for part in card] == [HEADER_COLOUR, WARNING.colour, WARNING.colour]
    header, *types = [part["components"][0]["content"] for part in card]
    assert header == "## Audit report\n**3 findings** new since the last report\n🟠 3 warnings"
    assert [text.splitlines()[0] for text in types] == [
        f"### {RULES['orphan_discord'].symbol} {RULES['orphan_discord'].title} (1)",
        f"### {RULES['orphan_wow'].symbol} {RULES['orphan_wow'].title} (2)",
    ]
    assert set(report.shown_ids) == {1, 2, 3}


def test_the_age_of_the_roster_stands_in_the_head_of_a_report() -> None:
    read = datetime(2026, 1, 2, tzinfo=UTC)
    assert shown(group_findings([character(1)]), roster_at=read).header.endswith("\n-# Roster as of <t:1767312000:R>")
    assert "Roster" not in shown([], roster_at=read).header


def test_an_empty_report_says_so() -> None:
    report = shown([])
    assert report.header == "## Audit report\nNothing to report."
    assert (report.blocks, report.shown_ids) == ((), ())


def test_the_gravest_type_comes_first_and_severities_are_counted() -> None:
    findings = [other(1, "b_info"), character(2), other(3, "a_critical", Severity.CRITICAL)]
    report = shown(group_findings(findings))
    assert [block.rule for block in report.blocks] == ["a_critical", "orphan_wow", "b_info"]
    assert "⛔ 1 critical · 🟠 1 warning · 🔵 1 notice" in report.header
    assert "**3 findings** open now" in report.header
    assert [block.colour for block in report.blocks] == [0xFF0000, 0xFFA500, 0x3498DB]


def test_a_type_shows_20_lines_then_how_many_more_and_a_button_to_all() -> None:
    report = shown(group_findings([character(id_) for id_ in range(152)]))
    [block] = report.blocks
    assert block.text.splitlines()[0].endswith("(152)")
    assert block.text.splitlines()[-1] == "… and 132 more"
    assert report.shown_ids == tuple(range(20))
    container = report_card(report).to_components()[1]
    work, show_all = container["components"][1]["components"]
    assert (work["label"], work["custom_id"]) == ("Work through", "audit:v1:work:orphan_wow")
    assert (show_all["label"], show_all["custom_id"]) == ("Show all", "audit:v1:page:orphan_wow:0")
    # By name: discord.py makes the classes of an extension anew whenever a bot loads it.
    owners = [item.__qualname__ for button in (work, show_all) for item in matching_items(button["custom_id"])]
    assert owners == ["WorkButton", "FindingPages"]


def test_where_nothing_is_left_out_the_first_finding_is_what_a_button_opens() -> None:
    card = report_card(shown(group_findings([character(id_) for id_ in range(20)])))
    assert not any(isinstance(item, FindingPages) for item in card.walk_children())
    assert [item.rule for item in card.walk_children() if isinstance(item, WorkButton)] == ["orphan_wow"]


def test_a_queued_report_counts_the_findings_it_does_not_carry() -> None:
    payload = queued([character(id_) for id_ in range(20)], totals={"orphan_wow": 300})
    report = shown(groups_of(payload))
    assert report.blocks[0].text.splitlines()[-1] == "… and 280 more"
    assert "**300 findings**" in report.header


def test_lines_that_do_not_fit_are_counted_and_not_told_as_shown() -> None:
    severities = (Severity.CRITICAL, Severity.ERROR, WARNING, Severity.INFO)
    findings = [
        Finding(id_, f"p{id_}", f"rule_{number}", severity, id_, {"name": LONG, "realm": LONG, "rank": 9, "level": 80})
        for number, severity in enumerate(severities)
        for id_ in range(number * 100, number * 100 + 60)
    ]
    report = shown(group_findings(findings))
    card = report_card(report)
    check_budget(card)
    assert count_text(card) > 3500
    for number, block in enumerate(report.blocks):
        lines = block.text.splitlines()
        assert len(lines) - 2 == len(block.shown_ids) > 3
        assert lines[-1] == f"… and {60 - len(block.shown_ids)} more"
        assert block.shown_ids == tuple(range(number * 100, number * 100 + len(block.shown_ids)))


def test_members_with_names_of_100_marks_fit_beside_characters() -> None:
    findings = [character(id_) for id_ in range(300)] + [member(1000 + id_, LONG) for id_ in range(300)]
    report = shown(group_findings(findings))
    check_budget(report_card(report))
    assert [len(block.shown_ids) for block in report.blocks] == [20, 20]


@pytest.mark.parametrize("types", [GROUPS_LIMIT, GROUPS_LIMIT + 1, 60])
def test_many_types_stay_within_one_message(types: int) -> None:
    findings = [
        Finding(number * 100 + id_, "p", f"rule_{number:02}", Severity.INFO, id_, {"name": LONG})
        for number in range(types)
        for id_ in range(25)
    ]
    report = shown(group_findings(findings))
    card = report_card(report)
    check_budget(card)
    assert count_components(card) <= 40
    assert all(block.shown_ids for block in report.blocks)
    left_out = types - GROUPS_LIMIT
    assert report.rest == (texts.more_types(left_out * 25, left_out) if left_out else None)


def test_one_rule_under_two_severities_has_each_button_once() -> None:
    findings = [other(id_, "moved", Severity.ERROR if id_ < 30 else Severity.INFO) for id_ in range(60)]
    card = report_card(shown(group_findings(findings)))
    check_budget(card)
    assert Counter(type(item) for item in card.walk_children() if isinstance(item, OfficerItem)) == {
        WorkButton: 1,
        FindingPages: 1,
    }


def test_a_rule_that_this_release_does_not_know_is_shown_with_its_name() -> None:
    report = shown(groups_of(queued([other(1, "from_the_future")])))
    assert report.blocks[0].text == "### ❔ from\\_the\\_future (1)\n**N1**"


def test_a_hint_stands_in_the_header() -> None:
    assert shown([], hint="-# Choose a channel.").header.endswith("\n-# Choose a channel.")


@pytest.mark.parametrize(
    ("needs", "room", "shares"),
    [
        ([], 10, []),
        ([3, 4], 10, [3, 4]),
        ([30, 4], 10, [6, 4]),
        ([30, 40], 10, [5, 5]),
        ([9, 1, 9], 12, [5, 1, 6]),
    ],
)
def test_who_needs_less_leaves_the_rest_to_the_others(needs: list[int], room: int, shares: list[int]) -> None:
    assert share_evenly(needs, room) == shares


def test_the_ids_of_the_audits_controls_fit_one_template() -> None:
    assert_disjoint([FindingPages("orphan_wow", 3).custom_id, WorkButton("orphan_wow").custom_id], area="audit")


def test_every_severity_has_words() -> None:
    assert set(texts.SEVERITIES) == set(Severity)
