"""Roles as Discord has them, turned into what the rules about ranks decide by, and laid out in a menu."""

from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.services.ranks import Chooser
from cogs.common.live_roles import powers_of, role_facts
from cogs.common.paginator import Page, paginate
from cogs.common.text import clean
from cogs.setup import ranks_texts as texts
from domain.ranks import Power, RoleDecision, RoleFacts, Verdict, judge_rank_role

NO_ROLE = "none"
"""The menu's value for no role at all."""
PAGE_SIZE = 24
"""Roles of a menu: one of its 25 options is "no role"."""
TEXT_LIMIT = 100

Judge = Callable[[RoleFacts], RoleDecision]


@dataclass(frozen=True, slots=True)
class Offer:
    """One page of the roles that may be chosen, the highest first, with the decision about each."""

    page: Page[tuple[discord.Role, RoleDecision]]
    chosen: int | None
    none_text: str

    def options(self) -> list[discord.SelectOption]:
        """Give the options of the menu."""
        none = discord.SelectOption(
            label=texts.NO_ROLE, value=NO_ROLE, description=self.none_text, default=self.chosen is None
        )
        return [none, *(self._option(role, decision) for role, decision in self.page.items)]

    def _option(self, role: discord.Role, decision: RoleDecision) -> discord.SelectOption:
        careful = decision.verdict is Verdict.CONFIRM
        return discord.SelectOption(
            label=_name(role),
            value=str(role.id),
            description=clean(texts.asks_for_name(decision.reason), TEXT_LIMIT) if careful else None,
            default=role.id == self.chosen,
        )


def offer(server: discord.Guild, judge: Judge, *, chosen: int | None, number: int | None, none_text: str) -> Offer:
    """Lay out the roles that may be chosen; without a page's number the page that holds the chosen one."""
    judged = [(role, judge(role_facts(role))) for role in reversed(server.roles)]
    offered = [(role, decision) for role, decision in judged if decision.offered]
    if number is None:
        places = [place for place, (role, _) in enumerate(offered) if role.id == chosen]
        number = places[0] // PAGE_SIZE if places else 0
    return Offer(paginate(offered, number, PAGE_SIZE), chosen, none_text)


def count_beyond_reach(server: discord.Guild) -> int:
    """Count the roles that would be offered if Muster's own stood above them."""
    facts = (role_facts(role) for role in server.roles)
    return sum(not (one.is_everyone or one.managed or one.below_bot) for one in facts)


def chooser_of(interaction: discord.Interaction) -> Chooser:
    """Give who acts, with the powers that they have in the whole server: a channel's overwrites count for nothing."""
    assert isinstance(interaction.user, discord.Member)
    return Chooser(interaction.user.id, powers_of(interaction.user.guild_permissions))


def plain(role_id: int | None, server: discord.Guild) -> str:
    """Give a rank's role as a menu shows it, where nothing is formatted."""
    if role_id is None:
        return texts.NO_ROLE
    role = server.get_role(role_id)
    return texts.DELETED_ROLE if role is None else _name(role)


def shown(role_id: int | None, server: discord.Guild) -> str:
    """Give a rank's role as a message shows it, marked when it is of no use."""
    if role_id is None:
        return texts.NO_ROLE.lower()
    if server.get_role(role_id) is None:
        return texts.DELETED_ROLE
    return texts.role(role_id, usable=not trouble(role_id, server))


def officers_shown(role_id: int | None, server: discord.Guild) -> str | None:
    """Give the officer role as a message shows it, None where none is chosen."""
    if role_id is None:
        return None
    return texts.DELETED_ROLE if server.get_role(role_id) is None else texts.role(role_id, usable=True)


def trouble(role_id: int | None, server: discord.Guild) -> list[str]:
    """Say why the role of a rank is of no use any more, whoever looks; nothing while it is."""
    if role_id is None:
        return []
    role = server.get_role(role_id)
    if role is None:
        return [texts.DELETED_HINT]
    return [texts.unusable(reason)] if (reason := out_of_reach(role)) else []


def out_of_reach(role: discord.Role) -> str:
    """Give why Muster can't give a role, whoever asks it to; nothing if it can."""
    decision = judge_rank_role(role_facts(role), frozenset(Power), None)
    return "" if decision.offered else decision.reason


def _name(role: discord.Role) -> str:
    """Give a role's name as the label of an option, which must not be empty."""
    return clean(role.name, TEXT_LIMIT) or str(role.id)
