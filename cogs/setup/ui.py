"""The cards of `/setup`."""

from collections.abc import Sequence

from discord import ui

from bot.services.servers import FollowedGuild, ServerView
from cogs.common.cards import ERROR_COLOUR, PLAIN_COLOUR, WARNING_COLOUR, card
from cogs.setup import texts
from cogs.setup.checks import Check, State

_COLOURS = {State.OK: PLAIN_COLOUR, State.WARNING: WARNING_COLOUR, State.MISSING: ERROR_COLOUR}


def guild_card(guild: FollowedGuild, view: ServerView) -> ui.LayoutView:
    """Show the guild that a server follows now, and what comes next."""
    steps = []
    if guild.roster_synced_at is None:
        steps.append(texts.NEXT_ROSTER)
    if view.audit_channel_id is None:
        steps.append(texts.NEXT_CHANNELS)
    return card(
        texts.guild(guild.name),
        texts.guild_facts(guild.realm_name, guild.region, guild.faction, guild.member_count),
        texts.next_steps(steps or [texts.NEXT_CHECK]),
    )


def channel_card(channel_id: int, *, public: bool) -> ui.LayoutView:
    """Show what will be posted in the audit channel; warn when everybody reads it."""
    if not public:
        return card(texts.channel_set(channel_id))
    return card(texts.channel_set(channel_id), texts.CHANNEL_WARNING, colour=WARNING_COLOUR)


def check_card(checks: Sequence[Check]) -> ui.LayoutView:
    """Show each check in a line of its own, under a word on all of them."""
    missing = sum(check.state is State.MISSING for check in checks)
    worst = max((check.state for check in checks), key=list(State).index)
    summary = texts.missing(missing) if missing else texts.ALL_THERE
    return card(
        f"{texts.CHECK_TITLE}\n{summary}",
        "\n".join(f"{check.state.value} {check.text}" for check in checks),
        colour=_COLOURS[worst],
    )
