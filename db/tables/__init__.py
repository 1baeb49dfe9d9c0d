"""The tables of Muster, one module a subject; importing this package fills the metadata."""

from db.tables import audit, commands, guilds, identity, outbox, people, reference, roles, runs, servers, uploads

__all__ = [
    "audit",
    "commands",
    "guilds",
    "identity",
    "outbox",
    "people",
    "reference",
    "roles",
    "runs",
    "servers",
    "uploads",
]
