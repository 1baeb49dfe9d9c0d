"""The gateway's own frames, which no document describes: what each direction may send.

From Discord's developer documentation, "Gateway events"; events themselves are the gateway schema's matter.
"""

from typing import Any

SNOWFLAKE = {"type": "string", "pattern": r"^\d{15,21}$"}


def _frame(data: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": ["op", "d"], "properties": {"d": data}}


_HEARTBEAT = _frame({"type": ["integer", "null"]})
FRAMES: dict[str, dict[int, dict[str, Any]]] = {
    "in": {
        1: _HEARTBEAT,
        2: _frame(
            {
                "type": "object",
                "required": ["token", "intents", "properties"],
                "properties": {
                    "intents": {"type": "integer", "minimum": 0},
                    "large_threshold": {"type": "integer", "minimum": 50, "maximum": 250},
                    "properties": {"type": "object", "required": ["os", "browser", "device"]},
                },
            }
        ),
        3: _frame({"type": "object", "required": ["since", "activities", "status", "afk"]}),
        6: _frame(
            {
                "type": "object",
                "required": ["token", "session_id", "seq"],
                "properties": {"session_id": {"type": "string"}, "seq": {"type": "integer"}},
            }
        ),
        8: _frame(
            {
                "type": "object",
                "required": ["guild_id"],
                "oneOf": [{"required": ["query", "limit"]}, {"required": ["user_ids"]}],
                "properties": {
                    "guild_id": SNOWFLAKE,
                    "query": {"type": "string"},
                    "limit": {"type": "integer", "minimum": 0},
                    "user_ids": {"type": ["array", "string"], "maxItems": 100},
                    "nonce": {"type": "string", "maxLength": 32},
                },
            }
        ),
    },
    "out": {
        0: {
            "type": "object",
            "required": ["op", "d", "s", "t"],
            "properties": {"s": {"type": "integer"}, "t": {"type": "string"}},
        },
        7: {"type": "object", "properties": {"d": {"type": "null"}}},
        9: _frame({"type": "boolean"}),
        10: _frame({"type": "object", "required": ["heartbeat_interval"]}),
        11: {"type": "object"},
    },
}
