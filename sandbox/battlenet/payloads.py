"""The JSON that Battle.net answers with, in the shapes of 2026."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox.gamedata import CLASSES, LOCALES, RACES, REGIONS, SPEC_NAMES, SPECS, TANKS_AND_HEALERS
from sandbox.world import Character, Guild, Realm, World, names_of, path_name

Json = dict[str, Any]

REASONS = {
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


# Path of a static index -> the field that holds its entries, and their names by id.
INDEXES: dict[str, tuple[str, Mapping[int, str]]] = {
    "playable-race": ("races", {race_id: name for race_id, (name, _) in RACES.items()}),
    "playable-class": ("classes", CLASSES),
    "playable-specialization": ("character_specializations", SPEC_NAMES),
}


@dataclass(frozen=True, slots=True)
class Page:
    """What a request decides about the form of its answer: addresses of which region, names in which locale."""

    api: str
    region: str
    locale: str | None

    def href(self, path: str, kind: str) -> Json:
        return {"href": f"{self.api}{quote(path)}?namespace={kind}-{self.region}"}

    def self_link(self, path: str, kind: str) -> Json:
        return {"_links": {"self": self.href(path, kind)}}

    def key(self, path: str, kind: str, entry_id: int) -> Json:
        return {"key": self.href(f"{path}/{entry_id}", kind), "id": entry_id}

    def text(self, names: str | Mapping[str, str]) -> str | Json:
        """Give a name in the locale asked for, or in all locales when none was."""
        by_locale = dict.fromkeys(LOCALES, names) if isinstance(names, str) else dict(names)
        return by_locale[self.locale] if self.locale else by_locale

    def named_key(self, path: str, kind: str, entry_id: int, names: str | Mapping[str, str]) -> Json:
        return self.key(path, kind, entry_id) | {"name": self.text(names)}


def error(status: int) -> Json:
    return {"code": status, "type": f"BLZWEBAPI{status:08d}", "detail": REASONS.get(status, "Error")}


def guild(page: Page, world: World, one: Guild) -> Json:
    path = _guild_path(one)
    return page.self_link(path, "profile") | {
        "id": one.id,
        "name": one.name,
        "faction": _typed(page, one.faction),
        "achievement_points": one.achievement_points,
        "member_count": len(world.members(one)),
        "realm": _realm_ref(page, one.realm),
        "crest": {
            "emblem": {"id": 7, "color": {"id": 1, "rgba": {"r": 212, "g": 168, "b": 75, "a": 1.0}}},
            "border": {"id": 2, "color": {"id": 3, "rgba": {"r": 46, "g": 30, "b": 22, "a": 1.0}}},
            "background": {"color": {"id": 5, "rgba": {"r": 10, "g": 10, "b": 11, "a": 1.0}}},
        },
        "roster": page.href(f"{path}/roster", "profile"),
        "achievements": page.href(f"{path}/achievements", "profile"),
        "created_timestamp": one.created_timestamp,
    }


def roster(page: Page, world: World, one: Guild) -> Json:
    return page.self_link(f"{_guild_path(one)}/roster", "profile") | {
        "guild": _guild_ref(page, one),
        "members": [_roster_member(page, character) for character in world.members(one)],
    }


def character(page: Page, one: Character) -> Json:
    path = _character_path(one)
    race_name, race_faction = RACES.get(one.race_id or 0, (f"Race {one.race_id}", "NEUTRAL"))
    body = page.self_link(path, "profile") | {
        "id": one.id,
        "name": one.name,
        "gender": _typed(page, one.gender),
        "faction": _typed(page, one.faction or race_faction),
        "character_class": page.named_key(
            "/data/wow/playable-class", "static", one.class_id, CLASSES.get(one.class_id, f"Class {one.class_id}")
        ),
        "realm": _realm_ref(page, one.realm),
        "level": one.level,
        "experience": 0,
        "achievement_points": one.achievement_points,
        "last_login_timestamp": one.last_login,
        "average_item_level": one.average_item_level,
        "equipped_item_level": one.equipped_item_level,
    }
    for part in ("achievements", "equipment", "specializations", "professions", "titles"):
        body[part] = page.href(f"{path}/{part}", "profile")
    if one.race_id is not None:
        body["race"] = page.named_key("/data/wow/playable-race", "static", one.race_id, race_name)
    if one.active_spec is not None:
        body["active_spec"] = page.named_key(
            "/data/wow/playable-specialization", "static", one.active_spec, SPEC_NAMES[one.active_spec]
        )
    if one.active_title is not None:
        body["active_title"] = page.named_key("/data/wow/title", "static", 1, one.active_title) | {
            "display_string": page.text(f"{{name}}, {one.active_title}")
        }
    if one.guild is not None:
        body["guild"] = _guild_ref(page, one.guild)
    return body


def character_status(page: Page, one: Character) -> Json:
    return page.self_link(f"{_character_path(one)}/status", "profile") | {"id": one.id, "is_valid": True}


def realm_index(page: Page, world: World) -> Json:
    realms = [_realm_ref(page, realm) for realm in world.realms if realm.region == page.region]
    return page.self_link("/data/wow/realm/", "dynamic") | {"realms": realms}


def realm(page: Page, one: Realm) -> Json:
    region_id, region_name = REGIONS[page.region]
    return page.self_link(f"/data/wow/realm/{one.slug}", "dynamic") | {
        "id": one.id,
        "region": page.named_key("/data/wow/region", "dynamic", region_id, region_name),
        "connected_realm": page.href(f"/data/wow/connected-realm/{one.connected_id}", "dynamic"),
        "name": page.text(names_of(one)),
        "category": page.text(one.category),
        "locale": one.locale,
        "timezone": one.timezone,
        "type": _typed(page, "NORMAL"),
        "is_tournament": False,
        "slug": one.slug,
    }


def race(page: Page, race_id: int) -> Json:
    name, faction = RACES[race_id]
    return page.self_link(f"/data/wow/playable-race/{race_id}", "static") | {
        "id": race_id,
        "name": page.text(name),
        "gender_name": {"male": page.text(name), "female": page.text(name)},
        "faction": _typed(page, faction),
        "is_selectable": True,
        "is_allied_race": race_id > 26,
    }


def playable_class(page: Page, class_id: int) -> Json:
    name = page.text(CLASSES[class_id])
    return page.self_link(f"/data/wow/playable-class/{class_id}", "static") | {
        "id": class_id,
        "name": name,
        "gender_name": {"male": name, "female": name},
        "specializations": [
            page.named_key("/data/wow/playable-specialization", "static", spec_id, spec)
            for spec_id, spec in SPECS[class_id].items()
        ],
    }


def specialization(page: Page, spec_id: int) -> Json:
    class_id = next(class_id for class_id, specs in SPECS.items() if spec_id in specs)
    role = TANKS_AND_HEALERS.get(spec_id, "DAMAGE")
    return page.self_link(f"/data/wow/playable-specialization/{spec_id}", "static") | {
        "id": spec_id,
        "playable_class": page.named_key("/data/wow/playable-class", "static", class_id, CLASSES[class_id]),
        "name": page.text(SPEC_NAMES[spec_id]),
        "role": _typed(page, role),
    }


ENTRIES: dict[str, Callable[[Page, int], Json]] = {
    "playable-race": race,
    "playable-class": playable_class,
    "playable-specialization": specialization,
}
"""What one entry of a static index looks like."""


def has_entry(kind: str, entry: str) -> bool:
    return kind in ENTRIES and entry.isdecimal() and int(entry) in INDEXES[kind][1]


def static_index(page: Page, kind: str) -> Json:
    field, names = INDEXES[kind]
    path = f"/data/wow/{kind}"
    entries = [page.named_key(path, "static", entry_id, name) for entry_id, name in names.items()]
    return page.self_link(f"{path}/", "static") | {field: entries}


def _roster_member(page: Page, one: Character) -> Json:
    body: Json = {
        "name": one.name,
        "id": one.id,
        "realm": page.key("/data/wow/realm", "dynamic", one.realm.id) | {"slug": one.realm.slug},
        "level": one.level,
        "playable_class": page.key("/data/wow/playable-class", "static", one.class_id),
    }
    if one.race_id is not None:
        body["playable_race"] = page.key("/data/wow/playable-race", "static", one.race_id)
    if one.faction is not None:
        body["faction"] = {"type": one.faction}
    return {"character": body, "rank": one.rank}


def _guild_ref(page: Page, one: Guild) -> Json:
    return {
        "key": page.href(_guild_path(one), "profile"),
        "name": one.name,
        "id": one.id,
        "realm": _realm_ref(page, one.realm),
        "faction": _typed(page, one.faction),
    }


def _realm_ref(page: Page, one: Realm) -> Json:
    return page.named_key("/data/wow/realm", "dynamic", one.id, names_of(one)) | {"slug": one.slug}


def _typed(page: Page, kind: str) -> Json:
    return {"type": kind, "name": page.text(kind.capitalize())}


def _guild_path(one: Guild) -> str:
    return f"/data/wow/guild/{one.realm.slug}/{one.slug}"


def _character_path(one: Character) -> str:
    return f"/profile/wow/character/{one.realm.slug}/{path_name(one.name)}"
