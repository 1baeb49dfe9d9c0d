"""An invented guild as the game client knows it."""

from typing import Any

ME = "Player-3702-0A1B2C3D"
MINUTE, HOUR, DAY = 60, 3600, 86400
NOW = 1767295830  # 2026-01-01, 19:30:30 UTC, when a session starts
FIRST = NOW + 3  # when the roster of `world` is read first: it came after half a second and was stable for three
WRITTEN_LATER = "It is written at your next /reload or logout; then the companion can upload it."


def member(name: str, number: int, **values: Any) -> dict[str, Any]:
    """Give a member as GetGuildRosterInfo tells of one, offline for a day if nothing else is said."""
    return {
        "name": name,
        "rank_name": "Raider",
        "rank_index": 2,
        "level": 90,
        "class": "Priest",
        "zone": "Dornogal",
        "public_note": f"note {number}",
        "officer_note": f"secret {number}",
        "online": False,
        "status": 0,
        "class_file": "PRIEST",
        "achievement_points": 100,
        "achievement_rank": 1,
        "is_mobile": False,
        "can_sor": False,
        "rep_standing": 5,
        "guid": f"Player-3702-0C{number:06X}",
        "last_online": [0, 0, 1, 0],
        **values,
    }


def world(members: int = 5, **values: Any) -> dict[str, Any]:
    """Give a client's world: Bob of Argent Dawn, online, in a guild of so many members."""
    bob = member("Bob-ArgentDawn", 0, guid=ME, rank_index=1, online=True, last_online=None)
    others = [member(f"Member{letters(number)}-ArgentDawn", number) for number in range(1, members)]
    return {
        "realm": "Argent Dawn",
        "normalized_realm": "ArgentDawn",
        "player": {"name": "Bob", "guid": ME},
        "guild": {"name": "Night Watch"},
        "server_time": NOW,
        "ranks": ["Guild Master", "Officer", "Raider"],
        "roster": [*others, bob],
        **values,
    }


def letters(number: int) -> str:
    """Give a number in letters, as names have no digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def names(export: dict[str, Any]) -> list[str]:
    """Give the names in an export."""
    return [row["name"] for row in export["rows"]]
