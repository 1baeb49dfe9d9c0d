"""The pure rules on real rosters and labelled cases, read where they lie."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.matching import CharacterName, MemberNames, NameKind, links_by_equal_name
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


def test_equal_names_link_no_character_to_the_wrong_person(shared: Path) -> None:
    wrong, right, exact = [], 0, 0
    for case in cases(shared):
        owner = {c: set(p["members"]) for p in case["truth"]["players"] for c in p["characters"]}
        unclear = {int(character) for character in case["truth"]["ambiguous"]}
        exact += list(case["truth"]["linkable"].values()).count("exact")
        for link in links_by_equal_name(characters(case), members(case), frozenset()):
            fits = str(link.user_id) in owner[link.character_id] and link.character_id not in unclear
            right += fits
            if not fits:
                wrong.append(link)
    assert wrong == []
    assert right > exact * 0.7  # the rest stands as one part of a longer name


def cases(shared: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((shared / "identity" / "dev").glob("*.json")):
        yield json.loads(path.read_text("utf-8"))


def characters(case: dict[str, Any]) -> list[CharacterName]:
    return [CharacterName(line["id"], fold(line["name"]), linked=False) for line in case["characters"]]


def members(case: dict[str, Any]) -> list[MemberNames]:
    return [
        MemberNames(int(line["id"]), tuple((kind, fold(line[kind.value])) for kind in NameKind))
        for line in case["members"]
        if not line["bot"]
    ]
