"""The cards of `/setup roles`: its state, what would change, and how a run goes."""

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.services.role_plans import STOPS
from bot.services.roles import Failure, RunView
from cogs.common.cards import ERROR_COLOUR, PLAIN_COLOUR, WARNING_COLOUR, card
from cogs.common.paginator import Page, fit_lines, paginate
from cogs.common.role_lines import ShowRole, change_lines, left_out_line, trouble_lines
from cogs.common.role_texts import counts
from cogs.common.texts import and_more
from cogs.setup import roles_texts as texts
from domain.role_sync import RoleAct, RolePlan, Stop

MEMBERS_PER_PAGE = 15
FAILURES_PER_PAGE = 10
TROUBLE_LIMIT = 1_200
"""Characters for what is in the way of a plan; at least ten roles or members."""
BLIND = frozenset({Stop.UNSEEN, Stop.NO_GUILD, Stop.ROSTER_UNREAD, Stop.MEMBERS_UNREAD})
"""Where a plan is empty because not enough is known."""

Parts = list[str | ui.Item[Any]]


def plan_page(plan: RolePlan, number: int) -> Page[int]:
    """Cut one page of the members whose roles would change."""
    return paginate(plan.user_ids, number, MEMBERS_PER_PAGE)


def plan_parts(plan: RolePlan, page: Page[int], role: ShowRole) -> Parts:
    """Show one page of what would change, and what is in the way of the rest."""
    trouble = trouble_lines(plan, role)
    if not plan.changes:
        fine = not trouble and plan.stop not in BLIND
        parts: Parts = [f"{texts.NOTHING}\n{texts.ALL_RIGHT}" if fine else texts.NOTHING]
    else:
        give, take = plan.count(RoleAct.GIVE), plan.count(RoleAct.TAKE)
        head = f"{texts.title(len(plan.changes), len(plan.user_ids))}\n{texts.totals(give, take)}"
        parts = [head, "\n".join([*change_lines(plan, page.items, role), *([page.label] if page.count > 1 else [])])]
    if trouble:
        shown, left_out = fit_lines(trouble, TROUBLE_LIMIT)
        parts.append("\n".join([*shown, *([and_more(left_out)] if left_out else [])]))
    if plan.stop is not None:
        parts.append(texts.not_done(STOPS[plan.stop]))
    return parts


def run_page(run: RunView, number: int) -> Page[Failure]:
    """Cut one page of what a run left out."""
    return paginate(run.left_out, number, FAILURES_PER_PAGE)


def run_parts(run: RunView, page: Page[Failure], role: ShowRole) -> Parts:
    """Show how far a run is, and one page of what it left out."""
    parts: Parts = [
        "\n".join(
            [
                texts.run_title(planned=run.planned, failed=run.failed, total=run.total),
                texts.run_facts(run.kind, run.actor_id, run.started_at, run.undone_by),
                counts(run.done, run.skipped, run.failed, run.planned),
            ]
        )
    ]
    if page.items:
        lines = [left_out_line(one, role) for one in page.items]
        parts.append("\n".join([*lines, *([page.label] if page.count > 1 else [])]))
    if run.planned:
        parts.append(texts.WATCHED)
    return parts


def show(parts: Sequence[str | ui.Item[Any]], *, notice: str | None = None, failed: bool = False) -> ui.LayoutView:
    """Put parts into a card, below a notice where there is one."""
    colour = ERROR_COLOUR if failed else WARNING_COLOUR if notice is not None else PLAIN_COLOUR
    return card(*([] if notice is None else [notice]), *parts, colour=colour)
