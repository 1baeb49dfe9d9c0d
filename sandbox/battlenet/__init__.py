"""A Battle.net over real HTTP, on loopback, with Battle.net's own strictness and faults on demand."""

from sandbox.battlenet.faults import (
    EmptyMembers,
    Fault,
    Faults,
    HalfJson,
    Html,
    InvalidJson,
    OtherId,
    Reset,
    Slow,
    Status,
    WrongShape,
)
from sandbox.battlenet.server import BattleNetStandIn, Seen

__all__ = [
    "BattleNetStandIn",
    "EmptyMembers",
    "Fault",
    "Faults",
    "HalfJson",
    "Html",
    "InvalidJson",
    "OtherId",
    "Reset",
    "Seen",
    "Slow",
    "Status",
    "WrongShape",
]
