"""The companion on a player's PC: it posts what the addon exported, as `docs/upload-format.md` says."""

import asyncio
import gzip
import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from sandbox.gamedata import CLASSES
from sandbox.notes import Note
from sandbox.sample import Sample
from sandbox.world import Character

UPLOAD = "/api/guild-sync/addon-upload"
RESULT = "/api/guild-sync/uploads/"
KEY = re.compile(r"muster_[0-9a-f]{12}_[0-9a-f]{64}")
NOT_SEEN = Note(None, None)
LOOK_EVERY = 0.25
PATIENCE = 120.0


class UploadError(Exception):
    """Say what became of an upload that was not applied."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an upload brought: characters whose notes are news, and rows that fit none or more than one."""

    upload: str
    rows: int
    news: int
    unmatched: int


def key_in(text: str) -> str:
    """Find the key in what `/addon key` shows; raises LookupError without one."""
    found = KEY.search(text)
    if found is None:
        raise LookupError(f"no key in: {text}")
    return found[0]


def export_of(sample: Sample, at: datetime | None = None) -> dict[str, Any]:
    """Make the upload of a guild as its master reads it in the game at a moment, now by default."""
    at = at or datetime.now(UTC)
    guild, exporter = sample.guild, sample.people[0].main
    return {
        "format": 1,
        "export_id": f"{int(at.timestamp())}-{secrets.token_hex(4)}",
        "exported_at": int(at.timestamp()),
        "addon_version": "sandbox",
        "guild": {"name": guild.name, "realm": guild.realm.name, "region": guild.realm.region},
        "exporter": {"name": exporter.name, "realm": _realm(exporter), "officer_notes": True},
        "ranks": list(sample.ranks),
        "rows": [_row(one, sample.notes.get(one, NOT_SEEN)) for one in sample.world.members(guild)],
    }


class Companion:
    """A companion with a key for a Muster at an address."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._headers = {"X-API-Key": key}

    async def deliver(self, export: dict[str, Any]) -> Applied:
        """Upload an export and wait until it is applied; raises UploadError when it is not, and TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            upload = await self.send(export)
            while (told := await self.look(upload))["state"] == "received":  # noqa: ASYNC110 (it happens elsewhere)
                await asyncio.sleep(LOOK_EVERY)
        if told["state"] != "applied":
            raise UploadError(f"upload {upload} is {told['state']}: {told['result']}")
        result = told["result"]
        return Applied(upload, told["rows"], result["applied"], sum(len(result[kind]) for kind in _UNMATCHED))

    async def send(self, export: dict[str, Any]) -> str:
        """Upload an export and give the id of what is stored then."""
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        body = gzip.compress(json.dumps(export, ensure_ascii=False).encode())
        return str((await self._ask("POST", UPLOAD, headers, body))["upload"])

    async def look(self, upload: str) -> dict[str, Any]:
        """Ask what became of an upload."""
        return await self._ask("GET", RESULT + upload)

    async def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> dict[str, Any]:
        """Give `data` of the answer, later where the key was used too often; raises UploadError for a refusal."""
        headers = self._headers | (headers or {})
        async with httpx.AsyncClient(base_url=self._address, trust_env=False, timeout=PATIENCE) as client:
            while True:
                answer = await client.request(method, path, headers=headers, content=body)
                if answer.status_code not in _LATER:
                    break
                await asyncio.sleep(float(answer.headers["Retry-After"]))
        if not answer.is_success:
            raise UploadError(f"{method} {path}: {answer.status_code} {answer.text}")
        data: dict[str, Any] = answer.json()["data"]
        return data


def _row(character: Character, note: Note) -> dict[str, Any]:
    return {
        "guid": f"Player-{character.realm.id}-{character.id:08X}",
        "name": character.name,
        "realm": _realm(character),
        "class": CLASSES.get(character.class_id, "").replace(" ", "").upper() or None,
        "level": character.level,
        "rank": character.rank,
        "note": note.guild,
        "officer_note": note.officer,
        "last_online": character.last_login // 1000 or None,
        "online": False,
    }


def _realm(character: Character) -> str:
    return character.realm.name.replace(" ", "")


_LATER = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
_UNMATCHED = ("unknown", "ambiguous", "invalid")
