"""The fixes of findings: the buttons on their cards, and all of a type at once; defining them is offering them."""

from cogs.audit.fixes import borrowed, bulk, links, players, roles

CONTROLS = (borrowed, bulk, links, players, roles)
"""The modules whose controls are known by being defined."""
