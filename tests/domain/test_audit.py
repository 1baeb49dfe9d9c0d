import pytest

from domain.audit import Finding, Severity, State, SubjectKind
from domain.audit_groups import FindingGroup, group_findings
from domain.audit_rules import RULES


def finding(number: int, rule: str = "orphan_wow", severity: Severity = Severity.WARNING) -> Finding:
    return Finding(number, f"f{number}", rule, severity, subject_id=number, facts={})


def layout(groups: tuple[FindingGroup, ...]) -> list[tuple[str, Severity, list[int]]]:
    return [(group.rule.name, group.severity, [f.id for f in group.findings]) for group in groups]


@pytest.mark.parametrize(
    ("severity", "rank", "colour"),
    [
        (Severity.CRITICAL, 0, 0xFF0000),
        (Severity.ERROR, 1, 0xFF0000),
        (Severity.WARNING, 2, 0xFFA500),
        (Severity.INFO, 3, 0x3498DB),
    ],
)
def test_a_severity_has_a_rank_and_a_colour(severity: Severity, rank: int, colour: int) -> None:
    assert (severity.rank, severity.colour) == (rank, colour)


def test_severities_cannot_be_compared_as_text() -> None:
    assert not isinstance(Severity.ERROR, str)


@pytest.mark.parametrize(
    ("name", "severity", "subject"),
    [
        ("role_mismatch", Severity.ERROR, SubjectKind.PLAYER),
        ("no_guild_role", Severity.WARNING, SubjectKind.PLAYER),
        ("orphan_wow", Severity.WARNING, SubjectKind.CHARACTER),
        ("orphan_discord", Severity.WARNING, SubjectKind.MEMBER),
        ("link_contradicts_note", Severity.WARNING, SubjectKind.CHARACTER),
        ("note_mismatch", Severity.INFO, SubjectKind.CHARACTER),
        ("unmapped_rank", Severity.INFO, SubjectKind.RANK),
        ("stale_character", Severity.INFO, SubjectKind.CHARACTER),
        ("rule_failed", Severity.ERROR, SubjectKind.RULE),
    ],
)
def test_a_rule_has_all_that_a_report_shows(name: str, severity: Severity, subject: SubjectKind) -> None:
    rule = RULES[name]
    assert (rule.name, rule.severity, rule.subject) == (name, severity, subject)
    assert rule.version >= 1
    assert all((rule.title, rule.symbol, rule.description))


def test_the_rule_about_failed_rules_runs_after_all_that_may_fail() -> None:
    assert list(RULES)[-1] == "rule_failed"


def test_the_number_of_a_rule_follows_from_its_name_and_is_its_own() -> None:
    assert RULES["orphan_wow"].number == 38_054_095
    assert len({rule.number for rule in RULES.values()}) == len(RULES)


def test_titles_and_symbols_tell_rules_apart() -> None:
    assert len({rule.title for rule in RULES.values()}) == len({rule.symbol for rule in RULES.values()}) == len(RULES)


def test_the_states_of_a_finding_are_the_stored_words() -> None:
    assert list(State) == ["open", "notified", "ignored", "resolved"]


def test_groups_are_ordered_by_severity_as_a_rank_then_by_rule() -> None:
    findings = [
        finding(1, "orphan_wow", Severity.INFO),
        finding(2, "orphan_wow"),
        finding(3, "orphan_discord"),
        finding(4, "orphan_wow", Severity.ERROR),
        finding(5, "orphan_wow", Severity.CRITICAL),
    ]
    assert layout(group_findings(findings)) == [
        ("orphan_wow", Severity.CRITICAL, [5]),
        ("orphan_wow", Severity.ERROR, [4]),
        ("orphan_discord", Severity.WARNING, [3]),
        ("orphan_wow", Severity.WARNING, [2]),
        ("orphan_wow", Severity.INFO, [1]),
    ]


def test_findings_stay_in_the_given_order_within_a_group() -> None:
    assert layout(group_findings([finding(3), finding(1), finding(2)])) == [("orphan_wow", Severity.WARNING, [3, 1, 2])]


@pytest.mark.parametrize(("count", "shown", "more"), [(20, 20, 0), (21, 20, 1), (300, 20, 280), (1, 1, 0)])
def test_a_group_shows_twenty_lines_and_counts_the_rest(count: int, shown: int, more: int) -> None:
    (group,) = group_findings(map(finding, range(count)))
    assert (len(group.findings), group.more, group.total) == (shown, more, count)
    assert [f.id for f in group.findings] == list(range(shown))


def test_the_lines_per_type_can_be_chosen() -> None:
    (group,) = group_findings(map(finding, range(5)), lines_per_type=2)
    assert (len(group.findings), group.more) == (2, 3)


def test_no_findings_make_no_groups() -> None:
    assert group_findings([]) == ()


def test_a_finding_of_a_rule_that_this_release_lacks_still_shows() -> None:
    (group,) = group_findings([finding(1, "rule_of_tomorrow", Severity.ERROR)])
    assert (group.rule.title, group.rule.severity, group.total) == ("rule_of_tomorrow", Severity.ERROR, 1)
    assert group.rule.symbol
