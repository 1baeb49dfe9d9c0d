"""The tables of Muster, one module a subject; importing this package fills the metadata."""

from db.tables import audit, commands, guilds, outbox, people, reference, runs, servers

__all__ = ["audit", "commands", "guilds", "outbox", "people", "reference", "runs", "servers"]
