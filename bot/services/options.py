"""A server's options: shown, and changed by its officers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from bot.services.context import Context
from db import actions, servers
from db.tables.servers import Server
from domain.audit import SubjectKind
from domain.options import Options, differences, with_changes

COLUMNS: Final = {
    "roster_hours": "roster_interval_hours",
    "member_minutes": "member_interval_minutes",
    "profile_hours": "profile_interval_hours",
}
"""Where an option's column bears another name."""


@dataclass(frozen=True, slots=True)
class ChangedOptions:
    """A server's options now, and the names of those that were just changed."""

    options: Options
    changed: tuple[str, ...]


def options_of(server: Server) -> Options:
    """Give the options that a server's row holds."""
    return Options(**{field.name: getattr(server, _column(field.name)) for field in fields(Options)})


async def change(ctx: Context, server_id: int, given: Mapping[str, Any], *, actor_id: int) -> ChangedOptions:
    """Set some options, by name; without a difference nothing is written.

    Raises InvalidInput for a value that cannot stand, NotFound for a server that Muster is not in.
    """
    async with ctx.sessions.begin() as session:
        server = await servers.required_server(session, server_id, lock=bool(given))
        before = options_of(server)
        after = with_changes(before, given)
        changed = differences(before, after)
        if changed:
            for name in changed:
                setattr(server, _column(name), getattr(after, name))
            await actions.log(
                session,
                server_id,
                [
                    actions.action(
                        "setup.options",
                        SubjectKind.SERVER,
                        server_id,
                        actor_id=actor_id,
                        before={name: getattr(before, name) for name in changed},
                        after={name: getattr(after, name) for name in changed},
                    )
                ],
                ctx.clock(),
            )
    return ChangedOptions(after, changed)


def _column(name: str) -> str:
    return COLUMNS.get(name, name)
