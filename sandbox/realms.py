"""Realms that exist nowhere else, in the ways that real realms are named."""

from sandbox.world import Realm, realm_slug


def _european(realm_id: int, connected_id: int, name: str, category: str = "English", locale: str = "enGB") -> Realm:
    return Realm("eu", realm_id, realm_slug(name), name, connected_id, category=category, locale=locale)


# The sample guild's home comes first and its members' realms follow it; nobody lives on the rest.
REALMS = (
    _european(9001, 9001, "Amberfall"),
    _european(9002, 9001, "Quel'Marr"),
    _european(9003, 9001, "Twilight Harbor"),
    _european(9004, 9004, "Stillmoor"),
    _european(9005, 9005, "Rivière d'Argent", "French", "frFR"),
    Realm(
        "eu",
        9006,
        "dusk-forest",
        "Dusk Forest",
        9006,
        (("ru_RU", "Сумеречный бор"),),
        "Russian",
        "ruRU",
        "Europe/Moscow",
    ),
    _european(9007, 9004, "Grim'dal"),
    _european(9008, 9008, "Sanctum of Embers"),
    _european(9009, 9009, "Der Graue Turm", "German", "deDE"),
    Realm("us", 9101, "copper-ridge", "Copper Ridge", 9101, (), "United States", "enUS", "America/Chicago"),
    Realm("us", 9102, "zanjin", "Zan'jin", 9101, (), "United States", "enUS", "America/Chicago"),
    Realm("kr", 9201, "ashen-hill", "Ashen Hill", 9201, (("ko_KR", "잿빛 언덕"),), "Korean", "koKR", "Asia/Seoul"),
    Realm("tw", 9301, "mist-wood", "Mist Wood", 9301, (("zh_TW", "霧色森林"),), "Taiwanese", "zhTW", "Asia/Taipei"),
)
