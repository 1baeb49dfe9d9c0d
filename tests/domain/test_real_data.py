"""The pure rules on a real roster, read where it lies."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.names import fold
from domain.roster import Identity, RosterEntry, plan


def test_a_real_roster_is_planned_whole_with_its_realms_and_no_name_folds_to_nothing(shared: Path) -> None:
    payload = json.loads((shared / "fixtures" / "guild_roster.eu.stormrage.avalerion.json").read_text("utf-8"))
    entries = [as_entry(line["character"], line["rank"]) for line in payload["members"]]
    result = plan([], entries)
    assert len(result.new) == len(payload["members"])
    assert len({entry.realm_slug for entry in result.new}) > 1
    assert replace(result, new=()) == replace(plan([], entries[:1]), new=())
    assert all(fold(entry.name) for entry in result.new)


def as_entry(line: dict[str, Any], rank: int) -> RosterEntry:
    return RosterEntry(
        Identity(line["realm"]["id"], line["id"]),
        line["name"],
        line["realm"]["slug"],
        line["playable_class"]["id"],
        line["playable_race"]["id"],
        line["level"],
        line.get("faction", {}).get("type"),
        rank,
    )
