"""What is missing before this process can serve: settings, database, Battle.net, Discord."""

import asyncio
from dataclasses import dataclass

import httpx

from bot.database import open_database, revision
from bot.settings import Settings
from db import migrate
from db.embedded import EmbeddedError
from domain.errors import MusterError

TIMEOUT = 10.0  # seconds an outside service may take


@dataclass(frozen=True, slots=True)
class Check:
    """Tell one thing that was looked at, whether it is as it must be, and what was found."""

    name: str
    ok: bool
    text: str


def examine(settings: Settings) -> list[Check]:
    """Look at everything outside this process that it needs; never raises for what it finds."""
    checks = [_check_database(settings)]
    checks += asyncio.run(_check_services(settings))
    return checks


def _check_database(settings: Settings) -> Check:
    try:
        with open_database(settings) as url:
            found = asyncio.run(revision(url))
    except (EmbeddedError, MusterError) as error:
        return Check("database", ok=False, text=str(error))
    newest = migrate.head()
    if found == newest:
        return Check("database", ok=True, text=f"answers, at revision {found}")
    state = "empty" if found is None else f"at revision {found}"
    return Check("database", ok=False, text=f"answers, but is {state} instead of {newest}; run: muster migrate")


async def _check_services(settings: Settings) -> list[Check]:
    async with httpx.AsyncClient(timeout=TIMEOUT) as http:
        return list(await asyncio.gather(_check_battlenet(http, settings), _check_discord(http, settings)))


async def _check_battlenet(http: httpx.AsyncClient, settings: Settings) -> Check:
    try:
        answer = await http.post(
            f"{settings.battlenet_oauth}/token",
            data={"grant_type": "client_credentials"},
            auth=(settings.blizzard_client_id, settings.blizzard_client_secret.get_secret_value()),
        )
    except httpx.HTTPError as error:
        return Check("Battle.net", ok=False, text=f"does not answer: {_reason(error)}")
    if answer.status_code in {400, 401, 403}:
        text = "refused BLIZZARD_CLIENT_ID or BLIZZARD_CLIENT_SECRET"
        return Check("Battle.net", ok=False, text=text)
    if answer.status_code != httpx.codes.OK:
        return Check("Battle.net", ok=False, text=f"answered with status {answer.status_code}")
    return Check("Battle.net", ok=True, text="gives a token")


async def _check_discord(http: httpx.AsyncClient, settings: Settings) -> Check:
    try:
        answer = await http.get(
            f"{settings.discord_api}/users/@me",
            headers={"Authorization": f"Bot {settings.discord_token.get_secret_value()}"},
        )
    except httpx.HTTPError as error:
        return Check("Discord", ok=False, text=f"does not answer: {_reason(error)}")
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return Check("Discord", ok=False, text="refused DISCORD_BOT_TOKEN")
    if answer.status_code != httpx.codes.OK:
        return Check("Discord", ok=False, text=f"answered with status {answer.status_code}")
    return Check("Discord", ok=True, text="accepts the token")


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
