"""The whole database as text, to show that something wrote nothing."""

import sqlalchemy as sa

from bot.services.context import Context

SCHEMAS = ("common", "guild_identity", "voting", "jobs")

Dump = dict[str, frozenset[str]]
"""The rows of each table that has any."""


async def dump(ctx: Context) -> Dump:
    """Read every row of every table of ours, in one statement after the list of the tables."""
    async with ctx.sessions() as session:
        tables = await session.scalars(
            sa.text("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY (:schemas)"),
            {"schemas": list(SCHEMAS)},
        )
        # The names come from the catalogue, quoted by it.
        selects = [f"SELECT '{table}' AS place, CAST(found AS text) AS line FROM {table} AS found" for table in tables]  # noqa: S608
        rows = await session.execute(sa.text(" UNION ALL ".join(selects)))
        lines: dict[str, set[str]] = {}
        for place, line in rows:
            lines.setdefault(place, set()).add(line)
    return {place: frozenset(found) for place, found in lines.items()}


def changes(before: Dump, after: Dump) -> dict[str, list[str]]:
    """Give the rows that one of them has alone, by table; nothing for equal databases."""
    found = {place: before.get(place, frozenset()) ^ after.get(place, frozenset()) for place in before | after}
    return {place: sorted(rows) for place, rows in found.items() if rows}
