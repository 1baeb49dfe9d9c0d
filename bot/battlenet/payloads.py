"""The shapes of Battle.net's answers: lenient where real data has gaps, strict where a gap would mislead.

Fields are flat and carry our names; the wire's nesting stands in the aliases. `read` takes the wire's form only, the
constructors take our names.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AliasPath, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

PayloadT = TypeVar("PayloadT", bound="Payload")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND = 253_402_300_799_000


def _from_milliseconds(value: Any) -> Any:
    """Turn milliseconds since 1970 into an aware datetime; anything else is left for pydantic to judge."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LAST_MILLISECOND:
        return _EPOCH + timedelta(milliseconds=value)
    return value


def _by_locale(value: Any, info: ValidationInfo) -> Any:
    """Bring a localised name to {locale: name}; a plain name belongs to the locale given in the context."""
    if isinstance(value, str):
        return {(info.context or {}).get("locale", "en_US"): value}
    if isinstance(value, dict):
        return {locale: name for locale, name in value.items() if name is not None}
    return value


# The bounds are those of the columns: what the database could not hold is broken, not an error later on.
Small = Annotated[int, Field(ge=0, le=2**31 - 1)]
Large = Annotated[int, Field(ge=0, le=2**63 - 1)]
Text = Annotated[str, Field(min_length=1, max_length=255)]
Moment = Annotated[AwareDatetime, BeforeValidator(_from_milliseconds)]
Names = Annotated[dict[Text, Text], Field(min_length=1), BeforeValidator(_by_locale)]


class Payload(BaseModel):
    """Ignore what we do not know, guess nothing, hold still."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def read(cls: type[PayloadT], body: bytes, *, locale: str) -> PayloadT:
        """Read a body; raise pydantic.ValidationError (a ValueError) when it is not whole."""
        # PostgreSQL stores no NUL, neither in text nor in jsonb.
        if b"\\u0000" in body:
            raise ValueError("holds a NUL character")
        return cls.model_validate_json(body, by_alias=True, by_name=False, context={"locale": locale})


class RealmRef(Payload):
    """Name the realm of a guild."""

    id: Small
    slug: Text
    name: Text | None = None


class GuildRef(Payload):
    """Name the guild that a roster belongs to."""

    id: Large
    name: Text
    realm: RealmRef
    faction: Text | None = Field(None, validation_alias=AliasPath("faction", "type"))


class GuildPayload(GuildRef):
    """Describe a guild; `slug` is the one that Battle.net answered to, filled in by the client."""

    member_count: Small | None = None
    achievement_points: Small | None = None
    crest: dict[str, Any] | None = None
    created: Moment | None = Field(None, validation_alias="created_timestamp")
    slug: str = ""


class RosterMember(Payload):
    """Describe one character of a roster; names of class, race and realm are not in it."""

    id: Large = Field(validation_alias=AliasPath("character", "id"))
    name: Text = Field(validation_alias=AliasPath("character", "name"))
    realm_id: Small = Field(validation_alias=AliasPath("character", "realm", "id"))
    realm_slug: Text = Field(validation_alias=AliasPath("character", "realm", "slug"))
    class_id: Small = Field(validation_alias=AliasPath("character", "playable_class", "id"))
    race_id: Small | None = Field(None, validation_alias=AliasPath("character", "playable_race", "id"))
    level: Small = Field(validation_alias=AliasPath("character", "level"))
    faction: Text | None = Field(None, validation_alias=AliasPath("character", "faction", "type"))
    rank: int = Field(ge=0, le=9)


class RosterPayload(Payload):
    """Describe a whole roster: one broken member breaks it, since half a roster looks like departures."""

    guild: GuildRef
    members: tuple[RosterMember, ...]


class ProfilePayload(Payload):
    """Describe a character; None is "not told", never "none"."""

    id: Large
    name: Text
    realm_id: Small = Field(validation_alias=AliasPath("realm", "id"))
    realm_slug: Text = Field(validation_alias=AliasPath("realm", "slug"))
    realm_name: Text | None = Field(None, validation_alias=AliasPath("realm", "name"))
    class_id: Small = Field(validation_alias=AliasPath("character_class", "id"))
    level: Small
    race_id: Small | None = Field(None, validation_alias=AliasPath("race", "id"))
    gender: Text | None = Field(None, validation_alias=AliasPath("gender", "type"))
    faction: Text | None = Field(None, validation_alias=AliasPath("faction", "type"))
    active_spec_id: Small | None = Field(None, validation_alias=AliasPath("active_spec", "id"))
    achievement_points: Small | None = None
    average_item_level: Small | None = None
    equipped_item_level: Small | None = None
    last_login: Moment | None = Field(None, validation_alias="last_login_timestamp")


class RealmPayload(Payload):
    """Describe a realm with its names by locale ("en_GB")."""

    id: Small
    slug: Text
    names: Names = Field(validation_alias="name")


class RealmIndexPayload(Payload):
    """List a region's realms; a region without any is no answer."""

    realms: list[RealmPayload] = Field(min_length=1)


class RacePayload(Payload):
    """Describe a playable race; its faction stands elsewhere."""

    id: Small
    name: Text


class RaceIndexPayload(Payload):
    """List the playable races; a game without any is no answer."""

    races: list[RacePayload] = Field(min_length=1)


class NamePayload(Payload):
    """Name an entry of the game's own data."""

    id: Small
    name: Text


class SpecializationPayload(NamePayload):
    """Describe a specialization; `role` is the game's word, which does not tell melee from ranged."""

    class_id: Small = Field(validation_alias=AliasPath("playable_class", "id"))
    class_name: Text = Field(validation_alias=AliasPath("playable_class", "name"))
    role: Text = Field(validation_alias=AliasPath("role", "type"))
