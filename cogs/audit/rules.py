"""`/audit rules`: what the audit looks for, and the switch of each rule."""

import re
from typing import Any, Final, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.services import pipeline, rules
from bot.services.context import Context
from bot.services.rules import RuleState
from cogs.audit import finding_texts
from cogs.audit import rules_texts as texts
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.item import make_id
from cogs.common.paginator import PageButton, check_budget, paginate
from domain.errors import Conflict

SIZE: Final = 8
"""Rules on a page: each takes three components, a section with its text and its switch."""
ALL: Final = "all"


class RulesCommand(commands.Cog):
    """The command; a part of the cog `Audit`, which has the context."""

    ctx: Context

    @app_commands.command(name="rules", description=texts.RULES)
    async def show_rules(self, interaction: discord.Interaction) -> None:
        """Show the first rules."""
        server_id = await officers_server(self.ctx, interaction)
        await interaction.response.send_message(
            view=rules_card(await rules.states(self.ctx, server_id), 0),
            ephemeral=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )


class RulePages(OfficerItem, PageButton, area="audit-rules"):
    """Page through the rules, as they stand at the click."""

    async def page(self, interaction: discord.Interaction, _subject: str, number: int) -> ui.LayoutView:
        """Show one page of them."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        return rules_card(await rules.states(ctx, server_id), number)


class SwitchButton(
    OfficerItem,
    template=r"audit-rules:v1:switch:(?P<rule>[A-Za-z0-9_-]{1,40}):(?P<to>on|off):(?P<page>[0-9]{1,3})",
):
    """Switch a rule to what the button says, whatever it is by now."""

    def __init__(self, rule: str, page: int, *, enabled: bool) -> None:
        self.rule = rule
        self.number = page
        self.enabled = enabled
        super().__init__(
            ui.Button(
                label=texts.SWITCH_ON if enabled else texts.SWITCH_OFF,
                style=discord.ButtonStyle.secondary,
                custom_id=make_id("audit-rules", 1, "switch", rule, "on" if enabled else "off", page),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read rule and direction from the id."""
        return cls(match["rule"], int(match["page"]), enabled=match["to"] == "on")

    async def run(self, interaction: discord.Interaction) -> None:
        """Switch it, let the audit follow, and show in place how the rules stand."""
        bot, server_id = bot_of(interaction), require_server(interaction)
        ctx = bot.services.ctx
        await interaction.response.defer()
        try:
            rule = await rules.switch(ctx, server_id, self.rule, enabled=self.enabled, actor_id=interaction.user.id)
        except Conflict as error:
            done = finding_texts.not_done(error.text)
        else:
            await pipeline.follow_up(ctx, server_id)
            bot.deliverer.wake()
            done = texts.switched(rule, enabled=self.enabled)
        view = rules_card(await rules.states(ctx, server_id), self.number, done=done)
        check_budget(view)
        await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())


def rules_card(states: tuple[RuleState, ...], number: int, *, done: str | None = None) -> ui.LayoutView:
    """Show a page of rules with their switches, below a line on what was just done."""
    page = paginate(states, number, SIZE)
    head = [*([] if done is None else [done]), texts.TITLE, texts.HINT, page.label]
    parts: list[str | ui.Item[Any]] = ["\n".join(head)]
    for state in page.items:
        if state.can_be_off:
            switch = SwitchButton(state.rule.name, page.number, enabled=not state.is_on)
            parts.append(ui.Section(texts.rule(state), accessory=switch))
        else:
            parts.append(texts.rule(state))
    return card(*parts, RulePages.buttons(ALL, page))
