"""Checks over the custom ids of whatever is loaded, for one test over all extensions."""

from collections.abc import Iterable

import discord

from cogs.common.item import CUSTOM_ID_LIMIT, known_items, matching_items
from cogs.common.modals import known_forms, matching_forms


def collect_templates(bot: discord.Client) -> set[str]:
    """Give the templates of controls that this bot really answers."""
    return {pattern.pattern for pattern in bot._connection._view_store._dynamic_items}


def assert_disjoint(samples: Iterable[str], *, area: str | None = None) -> None:
    """Hold that each sample id fits one template, and that each template (of the area) has a sample."""
    seen: set[str] = set()
    for sample in samples:
        assert len(sample) <= CUSTOM_ID_LIMIT, f"over {CUSTOM_ID_LIMIT} characters: {sample}"
        controls = [item.__discord_ui_compiled_template__.pattern for item in matching_items(sample)]
        forms = [route.template.pattern for route, _ in matching_forms(sample)]
        assert len(controls) + len(forms) == 1, f"{sample} fits {controls + forms}"
        seen |= {*controls, *forms}
    known = {*known_items(), *known_forms()}
    missing = {template for template in known - seen if area is None or template.startswith(f"{area}:")}
    assert not missing, f"no sample id for {sorted(missing)}"
