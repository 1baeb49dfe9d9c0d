"""What one process is told from outside: the environment, or `.env` beside it. Nothing is read at import."""

import ipaddress
import os
import re
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from db.engine import normalise_url

ENV_FILE = ".env"
PREFIX = "MUSTER_"
TOKEN_PARTS = 3
KEY_LETTERS = 16
"""The shortest key that nobody guesses, and that no log line holds by chance, where it is taken out."""

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """Say in one line which setting is missing or malformed; never its value."""


class Environment(StrEnum):
    """Name what the process is for; timers run only in production and the sandbox."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    SANDBOX = "sandbox"


class Settings(BaseSettings):
    """Hold every setting of the process; `read_settings` makes one."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8", extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    discord_token: SecretStr = Field(validation_alias="DISCORD_BOT_TOKEN")
    blizzard_client_id: str = Field(validation_alias="BLIZZARD_CLIENT_ID")
    blizzard_client_secret: SecretStr = Field(validation_alias="BLIZZARD_CLIENT_SECRET")
    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    data_dir: Path | None = Field(None, validation_alias="MUSTER_DATA_DIR")
    environment: Environment = Field(Environment.DEVELOPMENT, validation_alias="MUSTER_ENV")
    port: int | None = Field(None, ge=0, le=65535, validation_alias="PORT")
    host: str | None = Field(None, validation_alias="HOST")
    public_url: str | None = Field(None, pattern=r"^https?://[^/\s]+(/\S*)?$", validation_alias="MUSTER_PUBLIC_URL")
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), validation_alias="MUSTER_SECRET_KEYS")
    trusted_proxies: Annotated[tuple[IpNetwork, ...], NoDecode] = Field((), validation_alias="MUSTER_TRUSTED_PROXIES")
    metrics_key: SecretStr | None = Field(None, validation_alias="MUSTER_METRICS_KEY")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", validation_alias="MUSTER_LOG")
    log_format: Literal["text", "json"] = Field("text", validation_alias="MUSTER_LOG_FORMAT")
    battlenet_api: str = Field("https://{region}.api.blizzard.com", validation_alias="MUSTER_BATTLENET_API")
    battlenet_oauth: str = Field("https://oauth.battle.net", validation_alias="MUSTER_BATTLENET_OAUTH")
    discord_api: str = Field("https://discord.com/api/v10", validation_alias="MUSTER_DISCORD_API")
    discord_gateway: str | None = Field(None, validation_alias="MUSTER_DISCORD_GATEWAY")

    @field_validator("secret_keys", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("metrics_key")
    @classmethod
    def _key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(rf"[!-~]{{{KEY_LETTERS},}}", value.get_secret_value()):
            raise ValueError(f"a key has at least {KEY_LETTERS} letters, digits or signs, and no space")
        return value

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("discord_token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if len(token.split(".")) != TOKEN_PARTS or any(letter.isspace() for letter in token):
            raise ValueError("not a bot token: three parts with dots between them, as the developer portal shows it")
        return value

    @field_validator("database_url")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            normalise_url(value.get_secret_value())
        return value

    @field_validator("battlenet_api")
    @classmethod
    def _template(cls, value: str) -> str:
        if "{region}" not in value:
            raise ValueError("the address needs {region} where the region goes")
        return value.rstrip("/")

    @field_validator("battlenet_api", "battlenet_oauth", "discord_api", "discord_gateway")
    @classmethod
    def _scheme(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://", "ws://", "wss://")):
            raise ValueError("an address begins with http://, https://, ws:// or wss://")
        return value and value.rstrip("/")

    @property
    def timers(self) -> bool:
        """Tell whether this process may run timers; a development copy never does."""
        return self.environment is not Environment.DEVELOPMENT

    @property
    def web_address(self) -> tuple[str, int]:
        """Give host and port of the web server: all interfaces where a host gives a PORT, else only this machine."""
        if self.port is None:
            return self.host or "127.0.0.1", 8080
        return self.host or "0.0.0.0", self.port  # noqa: S104 (a host that gives a PORT routes to it from outside)

    def secrets(self) -> tuple[str, ...]:
        """Give every text that must never stand in a log."""
        held = [self.discord_token, self.blizzard_client_secret, *self.secret_keys, self.metrics_key]
        found = [secret.get_secret_value() for secret in held if secret is not None]
        if self.database_url is not None:
            url = normalise_url(self.database_url.get_secret_value())
            found += [text for text in (self.database_url.get_secret_value(), str(url.password or "")) if text]
        return tuple(found)


NAMES = {name: str(field.validation_alias) for name, field in Settings.model_fields.items()}
"""Each field with the variable that sets it."""

SECRETS = frozenset({"discord_token", "blizzard_client_secret", "database_url", "secret_keys", "metrics_key"})
"""Fields whose value is shown nowhere."""

KNOWN = frozenset(NAMES.values()) | {"MUSTER_SHARED", "MUSTER_REQUIRE_ALL"}
"""Every name that may begin like ours; the last two are read by the tests alone."""

NO_DATABASE = (
    "set DATABASE_URL (a PostgreSQL you have) or MUSTER_DATA_DIR (a folder that stays, for a PostgreSQL that Muster "
    "runs itself)"
)


def read_settings(env_file: Path | None = None) -> Settings:
    """Read the settings from the environment, then from `.env`.

    Raises SettingsError with one line that names every setting which is missing, malformed or unknown.
    """
    file = env_file or Path(ENV_FILE)
    given = _given(file)
    problems = []
    try:
        settings = Settings(_env_file=file)  # type: ignore[call-arg]  # pydantic-settings' own argument
    except ValidationError as error:
        problems = _problems(error)
    if not given.keys() & {"DATABASE_URL", "MUSTER_DATA_DIR"} and given.get("MUSTER_ENV") != Environment.SANDBOX:
        problems.append(NO_DATABASE)
    # A misspelt name of ours would silently leave the default in force.
    if unknown := sorted(name for name in given if name.startswith(PREFIX) and name not in KNOWN):
        problems.append(f"unknown setting {', '.join(unknown)} (.env.example has the names)")
    if problems:
        raise SettingsError("settings: " + "; ".join(problems))
    return settings


def _given(env_file: Path) -> dict[str, str]:
    """Give what is set by name, in the environment or else in the file; empty means not set."""
    from dotenv import dotenv_values  # noqa: PLC0415 (only the process that reads settings needs it)

    try:
        written = dotenv_values(env_file) if env_file.is_file() else {}
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{env_file} cannot be read as UTF-8 text") from None
    given = {name: value for name, value in written.items() if value}
    return given | {name: value for name, value in os.environ.items() if value}


def _problems(error: ValidationError) -> list[str]:
    found = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        text = "missing" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
        found.append(f"{problem['loc'][0]}: {text}")
    return found


def describe_settings(env_file: Path | None = None) -> list[tuple[str, str]]:
    """List each setting's name with what it is now, secrets masked; works with settings that are not valid."""
    given = _given(env_file or Path(ENV_FILE))
    described = []
    for name, field in Settings.model_fields.items():
        variable = NAMES[name]
        if variable in given:
            shown = "(set)" if name in SECRETS else given[variable]
        elif field.is_required():
            shown = "missing"
        else:
            default = field.default.value if isinstance(field.default, Enum) else field.default
            shown = f"{default} (default)" if default else "not set"
        described.append((variable, shown))
    return described
