"""What is done to all findings of a type at once: chosen, shown, confirmed, watched, and what failed."""

import re
from typing import Any, Final, Self

import discord
from discord import ui

from bot.services import bulk_fixes, pipeline
from bot.services.bulk_fixes import BulkOutcome, Plan
from bot.services.findings import Filters
from cogs.audit import finding_texts
from cogs.audit.finding_state import REASON, UNTIL, reason_field, until_field
from cogs.audit.fixes import bulk_texts as texts
from cogs.audit.lines import ShowRole, line, roles_of
from cogs.audit.list_ui import RULE, FindingPages, offer_for_type
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import WARNING_COLOUR, card
from cogs.common.item import make_id
from cogs.common.modals import Form, Values, modal_handler
from cogs.common.paginator import PageButton, check_budget, fit_lines, paginate, show_own
from cogs.common.progress import Progress
from cogs.common.texts import and_more
from domain.audit import Severity
from domain.audit_rules import rule_of
from domain.bulk_fixes import Bulk, BulkAct, acts_for, at_once
from domain.errors import Conflict, MusterError

PER_PAGE: Final = 10
FAILURES_LIMIT: Final = 3_000
"""Characters for what failed."""
_ANY: Final = "~"
_RANK: Final = r"(?P<rank>~|[0-9]{1,2})"
_ACTS: Final = "|".join(BulkAct)
_BULK: Final = rf"{RULE}\.(?P<act>{_ACTS})\.{_RANK}\.(?P<key>[A-Za-z0-9_-]{{12}})"
_ASKS: Final = frozenset({BulkAct.IGNORE, BulkAct.RESOLVE})
"""What asks for a reason before it is done."""

Parts = list[str | ui.Item[Any]]


class FixAllButton(OfficerItem, template=rf"bulk:v1:open:{RULE}\.{_RANK}"):
    """Ask what shall be done to all open findings of a type."""

    def __init__(self, rule: str, rank: int | None, *, label: str = texts.FIX_ALL) -> None:
        self.rule, self.rank = rule, rank
        custom_id = make_id("bulk", 1, "open", f"{rule}.{_ANY if rank is None else rank}")
        super().__init__(ui.Button(label=label, style=discord.ButtonStyle.secondary, custom_id=custom_id))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the type from the id."""
        return cls(match["rule"], _rank_of(match["rank"]))

    async def run(self, interaction: discord.Interaction) -> None:
        """Show what can be done."""
        await show_own(interaction, choice_card(self.rule, self.rank))


class BulkPages(OfficerItem, PageButton, area="bulk"):
    """Open what a bulk would be done to, and page through it; the subject holds the key of what was shown before."""

    async def run(self, interaction: discord.Interaction) -> None:
        """Show it in place if the message is the officer's own, in a private copy otherwise."""
        own = interaction.message is not None and interaction.message.flags.ephemeral
        await interaction.response.defer(ephemeral=True, thinking=not own)
        bulk, key = _read(self.subject)
        await _preview(interaction, bulk, self.number, key=key)


class ConfirmButton(OfficerItem, template=rf"bulk:v1:do:{_BULK}"):
    """Do what was shown."""

    def __init__(self, bulk: Bulk, key: str, count: int = 0) -> None:
        self.bulk, self.key = bulk, key
        super().__init__(
            ui.Button(
                label=texts.CONFIRM[bulk.act].format(count),
                style=discord.ButtonStyle.success,
                custom_id=make_id("bulk", 1, "do", _subject(bulk, key)),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read what was shown from the id."""
        return cls(_bulk_of(match), match["key"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Ask why where a reason is kept; do everything else one by one in view of the officer."""
        if self.bulk.act in _ASKS:
            await interaction.response.send_modal(_form(self.bulk, self.key))
            return
        await interaction.response.defer()
        bot, server_id, act = bot_of(interaction), require_server(interaction), self.bulk.act
        services = bot.services
        async with Progress(interaction) as progress:

            async def told(done: int, total: int) -> None:
                await progress.update(texts.progress(act, done, total))

            try:
                outcome = await bulk_fixes.fix(
                    services.ctx,
                    services.battlenet,
                    server_id,
                    self.bulk,
                    key=self.key,
                    actor_id=interaction.user.id,
                    told=told,
                )
            except Conflict as error:
                plan = await bulk_fixes.plan(services.ctx, server_id, self.bulk)
                await progress.finish(view=plan_card(plan, 0, roles_of(interaction.guild), notice=error.text))
                return
            followed = await _follow(interaction)
            await progress.finish(view=outcome_card(self.bulk, outcome, followed, roles_of(interaction.guild)))


@modal_handler(rf"bulk:v1:said:{_BULK}")
async def reason_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Ignore or resolve at once what was shown, for the reason that was typed."""
    ctx = bot_of(interaction).services.ctx
    server_id = await officers_server(ctx, interaction)
    await interaction.response.defer()
    bulk = _bulk_of(match)
    try:
        count = await bulk_fixes.put_aside(
            ctx,
            server_id,
            bulk,
            key=match["key"],
            note=values.text(REASON),
            until=values.text(UNTIL) or None,
            actor_id=interaction.user.id,
        )
    except MusterError as error:
        await _preview(interaction, bulk, 0, notice=error.text)
        return
    done = [texts.put_aside(bulk.act, count), *filter(None, [await _follow(interaction)])]
    await _edit(interaction, card("\n".join(done), ui.ActionRow(FindingPages(bulk.rule, 0, label=texts.LIST))))


def choice_card(rule_name: str, rank: int | None) -> ui.LayoutView:
    """Show what can be done to all findings of a type."""
    rule = rule_of(rule_name, Severity.INFO)
    bulks = [Bulk(rule_name, act, rank) for act in acts_for(rule_name)]
    buttons = [BulkPages(_subject(bulk, _ANY), 0, label=texts.LABELS[bulk.act]) for bulk in bulks]
    text = "\n".join(filter(None, [texts.title(rule, rank), texts.QUESTION, texts.hint(rule)]))
    return card(text, ui.ActionRow(*buttons, FindingPages(rule_name, 0, label=texts.BACK)), colour=rule.severity.colour)


def plan_card(plan: Plan, number: int, role: ShowRole, *, notice: str | None = None) -> ui.LayoutView:
    """Show one page of what a bulk would be done to."""
    bulk = plan.bulk
    rule = rule_of(bulk.rule, Severity.INFO)
    page = paginate(plan.findings, number, PER_PAGE)
    head = [] if notice is None else [texts.not_done(notice)]
    head += [texts.title(rule, bulk.rank), texts.plan(bulk.act, len(plan.findings), plan.left_out, plan.later)]
    parts: Parts = ["\n".join(head)]
    if plan.findings:
        lines = [line(finding, role) for finding in page.items]
        parts.append("\n".join([*lines, *([page.label] if page.count > 1 else [])]))
    if page.count > 1:
        parts.append(BulkPages.buttons(_subject(bulk, plan.key), page))
    confirm = [ConfirmButton(bulk, plan.key, len(plan.findings))] if plan.findings else []
    parts.append(ui.ActionRow(*confirm, FixAllButton(bulk.rule, bulk.rank, label=texts.BACK)))
    return card(*parts, colour=WARNING_COLOUR)


def outcome_card(bulk: Bulk, outcome: BulkOutcome, followed: str, role: ShowRole) -> ui.LayoutView:
    """Tell what was done, and what failed and why."""
    parts: Parts = [texts.outcome(bulk.act, outcome.done, len(outcome.failed), outcome.untried)]
    if outcome.failed:
        told = [texts.failure(line(one.finding, role), one.reason[: texts.REASON_LIMIT]) for one in outcome.failed]
        shown, more = fit_lines(told, FAILURES_LIMIT)
        left = [texts.untried(outcome.untried)] if outcome.untried else []
        parts.append("\n".join([*shown, *([and_more(more)] if more else []), *left]))
    parts += [followed] if followed else []
    is_left = outcome.failed or at_once(bulk.act) is not None
    again = [BulkPages(_subject(bulk, _ANY), 0, label=texts.AGAIN)] if is_left else []
    parts.append(ui.ActionRow(*again, FindingPages(bulk.rule, 0, label=texts.LIST)))
    return card(*parts)


def _offered(filters: Filters) -> list[FixAllButton]:
    return [] if filters.rule is None else [FixAllButton(filters.rule, filters.rank)]


offer_for_type("bulk", _offered)


async def _preview(
    interaction: discord.Interaction, bulk: Bulk, number: int, *, key: str | None = None, notice: str | None = None
) -> None:
    """Show what a bulk would be done to now, and that it is not what was shown before where that is so."""
    ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
    plan = await bulk_fixes.plan(ctx, server_id, bulk)
    if notice is None and key not in (None, plan.key):
        notice = bulk_fixes.CHANGED
    await _edit(interaction, plan_card(plan, number, roles_of(interaction.guild), notice=notice))


async def _follow(interaction: discord.Interaction) -> str:
    """Let matching and audit follow; say what they found, or why they could not: what was done is done all the same."""
    bot = bot_of(interaction)
    try:
        followed = await pipeline.follow_up(bot.services.ctx, require_server(interaction), report=False)
    except MusterError as error:
        return texts.not_done(error.text)
    bot.deliverer.wake()
    return texts.followed(followed.audit.opened, followed.audit.resolved)


async def _edit(interaction: discord.Interaction, view: ui.LayoutView) -> None:
    check_budget(view)
    await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())


def _form(bulk: Bulk, key: str) -> Form:
    form = Form(title=texts.form_title(bulk.act), custom_id=make_id("bulk", 1, "said", _subject(bulk, key)))
    if bulk.act is BulkAct.RESOLVE:
        return form.add_item(reason_field(finding_texts.RESOLVE_HELP))
    return form.add_item(reason_field(finding_texts.IGNORE_HELP)).add_item(until_field())


def _subject(bulk: Bulk, key: str) -> str:
    """Write a bulk, and the key of what was shown of it, as a part of a custom id."""
    return f"{bulk.rule}.{bulk.act}.{_ANY if bulk.rank is None else bulk.rank}.{key}"


def _read(subject: str) -> tuple[Bulk, str | None]:
    """Read a bulk from a part of a custom id, and the key if there was one."""
    rule, act, rank, key = subject.split(".")
    return Bulk(rule, BulkAct(act), _rank_of(rank)), None if key == _ANY else key


def _bulk_of(match: re.Match[str]) -> Bulk:
    return Bulk(match["rule"], BulkAct(match["act"]), _rank_of(match["rank"]))


def _rank_of(text: str) -> int | None:
    return None if text == _ANY else int(text)
