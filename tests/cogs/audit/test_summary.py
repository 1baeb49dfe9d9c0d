"""The first report of a server: one message that counts, whatever is found."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cogs.audit import texts
from cogs.audit.summary import TYPES_LIMIT, counts_of, summary_card
from cogs.common.paginator import check_budget, count_components
from domain.audit import Severity, State
from domain.audit_rules import RULES
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import join, read_all, shrink
from tests.support.people import load_issues

READ_AT = datetime(2026, 1, 2, tzinfo=UTC)
STRANGERS = 30


def queued(*types: tuple[str, Severity, int]) -> list[dict[str, Any]]:
    return [
        {"rule": rule, "severity": severity.value, "total": total, "findings": []} for rule, severity, total in types
    ]


def text(card: Any) -> str:
    return "\n".join(part["content"] for part in card.to_components()[0]["components"] if part["type"] == 10)


async def test_the_first_report_is_one_message_that_counts_and_whose_buttons_show_everything(home: Home) -> None:
    shrink(home, STRANGERS)
    await read_all(home)
    await home.report_to(home.audit)
    await home.officer.slash(home.general, "audit run")

    [posted] = home.audit.history()
    said = text_of(posted)
    assert "at the first look" in said
    assert f"👤 {RULES['orphan_wow'].title}: **{STRANGERS}**" in said
    strangers = await load_issues(home.services.ctx, "orphan_wow", home.server.id)
    assert {one.state for one in strangers} == {State.OPEN}
    assert not any(one.facts["name"] in said for one in strangers)
    assert f"👤 {RULES['orphan_wow'].title}" in labels_of(posted)

    await home.restart()
    [posted] = home.audit.history()
    shown = await home.officer.click(posted, label=f"👤 {RULES['orphan_wow'].title}")
    assert shown.ephemeral
    assert RULES["orphan_wow"].title in card_of(shown)

    await join(home, "newcomer")
    _, second = home.audit.history()
    assert "**1 finding** new since the last report" in text_of(second)


def test_the_gravest_types_come_first_with_a_button_each() -> None:
    counts = counts_of(queued(("stale_character", Severity.INFO, 7), ("role_mismatch", Severity.ERROR, 1_200)))
    card = summary_card(counts, roster_at=READ_AT)
    assert text(card).splitlines() == [
        texts.TITLE,
        "**1,207 findings** at the first look",
        "🔴 1200 errors · 🔵 7 notices",
        "-# Roster as of <t:1767312000:R>",
        f"🎭 {RULES['role_mismatch'].title}: **1,200**",
        f"💤 {RULES['stale_character'].title}: **7**",
        texts.FROM_NOW_ON,
    ]


@pytest.mark.parametrize("unknown", [0, 30])
def test_all_types_of_the_longest_names_fit_into_one_message(unknown: int) -> None:
    types = [(rule.name, rule.severity, 100_000) for rule in RULES.values()]
    types += [(f"rule_{number:02}_{'w' * 30}", Severity.INFO, 100_000) for number in range(unknown)]
    card = summary_card(counts_of(queued(*types)), roster_at=READ_AT)
    check_budget(card)
    assert count_components(card) <= 40
    left_out = len(types) - TYPES_LIMIT
    assert (f"of {left_out} other types" in text(card)) is (unknown > 0)


def test_one_rule_under_two_severities_has_one_button() -> None:
    counts = counts_of(queued(("moved", Severity.INFO, 1), ("moved", Severity.ERROR, 2)))
    check_budget(summary_card(counts, roster_at=None))
