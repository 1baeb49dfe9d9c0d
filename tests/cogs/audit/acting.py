"""Findings as officers act on them: opened by `/audit show`, mended by the buttons of the card."""

import simcord

from bot.services import audit, findings, links
from bot.services.findings import FindingView
from domain.audit import Finding
from tests.cogs.home import Home

Result = simcord.InteractionResult


async def standing(home: Home, rule: str) -> dict[int, Finding]:
    """Give a rule's findings that stand, by what they are about."""
    return {one.subject_id: one for one in await audit.standing(home.services.ctx, home.server.id, rule=rule)}


async def open_card(home: Home, finding: Finding, actor: simcord.MemberActor | None = None) -> Result:
    """Open a finding's card, by default as the officer."""
    shown = await (actor or home.officer).slash(home.general, "audit show", finding=finding.public_id)
    assert shown.ephemeral
    return shown


async def state_of(home: Home, finding: Finding) -> FindingView:
    """Give how a finding stands now."""
    return await findings.show(home.services.ctx, home.server.id, finding.public_id)


async def character_id(home: Home, name: str) -> int:
    """Give a character by its name."""
    return await links.resolve_character(home.services.ctx, home.server.id, name)


async def owners(home: Home, name: str) -> list[int]:
    """Give the members whose character it is."""
    view = await links.whois_character(home.services.ctx, home.server.id, await character_id(home, name))
    return [member.user_id for member in view.members]
