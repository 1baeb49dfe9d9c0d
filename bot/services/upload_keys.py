"""Keys of those who upload from the game: each names an uploader of one server and its guild."""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, locks, servers, upload_keys
from db.tables.uploads import UploadKey
from db.upload_keys import KeyView
from domain.audit import SubjectKind
from domain.errors import Conflict, InvalidInput, NotFound, quoted
from domain.names import fold
from domain.upload_keys import KEY, KEY_NAME_LIMIT, KEYS_LIMIT
from domain.uploads import GuildName
from domain.visible import one_line

__all__ = ["KeyView"]

PUBLIC_ID_BYTES: Final = 6
SECRET_BYTES: Final = 32
NOBODY: Final = ""
"""No key's public id: what is no key at all is looked up like one."""
NO_SECRET: Final = secrets.token_bytes(hashlib.sha256().digest_size)
"""What the secret of an unknown key is compared with; nobody knows what it would be the hash of."""


@dataclass(frozen=True, slots=True)
class Uploader:
    """Who sends: a key in force and its name, the server that it is for, and the guild that this server follows."""

    key_id: int
    name: str
    server_id: int
    guild_id: int
    guild: GuildName


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key whose text is told this one time; only a hash of it is stored."""

    key: KeyView
    text: str = field(repr=False)


async def check(ctx: Context, text: str) -> Uploader | None:
    """Tell whom a key names; None for what is no key, for an unknown one and for one that is not in force any more.

    Each takes the same work: one statement, a hash and a comparison in constant time.
    """
    whole = KEY.fullmatch(text)
    public_id, secret = (NOBODY, text) if whole is None else (whole["public_id"], whole["secret"])
    async with ctx.sessions() as session:
        holder = await upload_keys.holder(session, public_id)
    fits = secrets.compare_digest(_hash(secret), NO_SECRET if holder is None else holder.secret_hash)
    if holder is None or not fits:
        return None
    guild = GuildName(holder.guild_name, holder.realm_name, holder.region.value)
    return Uploader(holder.key_id, holder.name, holder.server_id, holder.guild_id, guild)


async def listed(ctx: Context, server_id: int) -> list[KeyView]:
    """List a server's keys that are in force, by name; at most 25."""
    async with ctx.sessions() as session:
        return await upload_keys.in_force(session, server_id)


async def create(ctx: Context, server_id: int, *, name: str, actor_id: int) -> NewKey:
    """Make a key for the guild that the server follows; its name says who uploads, a person or a computer.

    Raises InvalidInput for what is no name, FollowsNoGuild, NotFound for a server that Muster is not in, and Conflict
    where the name is taken or there are 25 keys.
    """
    word = one_line(name)
    name_key = fold(word)
    if not name_key or len(word) > KEY_NAME_LIMIT:
        raise InvalidInput(
            f"Type a name of 1 to {KEY_NAME_LIMIT} characters, with a letter or digit: who uploads, or from where."
        )
    secret = secrets.token_hex(SECRET_BYTES)
    async with ctx.sessions.begin() as session:
        # With the server's row, since whoever removes the bot revokes without the lock.
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        server = await servers.required_server(session, server_id, lock=True)
        if server.left_at is not None:
            raise NotFound("Muster was removed from this server. Invite it again first.")
        guild = await servers.required_guild(session, server_id)
        _check_room(await upload_keys.in_force(session, server_id), word, name_key)
        now = ctx.clock()
        key = UploadKey(
            public_id=secrets.token_hex(PUBLIC_ID_BYTES),
            server_id=server_id,
            guild_id=guild.id,
            name=word,
            name_key=name_key,
            secret_hash=_hash(secret),
            created_at=now,
            created_by=actor_id,
        )
        session.add(key)
        await _log(ctx, session, upload_keys.CREATE, key, actor_id)
    return NewKey(KeyView(key.public_id, word, now, actor_id, None, None), _text(key.public_id, secret))


async def rotate(ctx: Context, server_id: int, public_id: str, *, version: int, actor_id: int) -> NewKey:
    """Give a key a new secret, unless that was done since somebody saw this version; the old one is dead at once.

    Raises NotFound, and Conflict where it was revoked or rotated meanwhile: whoever did holds the one that works.
    """
    secret = secrets.token_hex(SECRET_BYTES)
    async with ctx.sessions.begin() as session:
        key = await _required(session, server_id, public_id)
        if (await _view(session, key)).version != version:
            by = await upload_keys.last_rotated_by(session, server_id, public_id)
            raise Conflict(
                f"<@{by}> rotated {quoted(key.name)} after you were asked, and only they saw the new key. Nothing was "
                "changed now: choose it again to rotate it once more, which ends theirs."
            )
        key.secret_hash, key.rotated_at = _hash(secret), ctx.clock()
        await _log(ctx, session, upload_keys.ROTATE, key, actor_id)
        shown = await _view(session, key)
    return NewKey(shown, _text(public_id, secret))


async def revoke(ctx: Context, server_id: int, public_id: str, *, actor_id: int) -> KeyView:
    """End a key at once; give it as it was. Raises NotFound, and Conflict where that was done already."""
    async with ctx.sessions.begin() as session:
        key = await _required(session, server_id, public_id)
        shown = await _view(session, key)
        key.revoked_at, key.revoked_by = ctx.clock(), actor_id
        await _log(ctx, session, upload_keys.REVOKE, key, actor_id)
    return shown


def _hash(secret: str) -> bytes:
    # A header may hold halves of characters.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _text(public_id: str, secret: str) -> str:
    return f"muster_{public_id}_{secret}"


def _check_room(keys: list[KeyView], name: str, name_key: str) -> None:
    taken = next((key for key in keys if fold(key.name) == name_key), None)
    if taken is not None:
        raise Conflict(
            f"<@{taken.created_by}> made a key called {quoted(taken.name)} already. Rotate it if its text was lost, or "
            "choose another name."
        )
    if len(keys) >= KEYS_LIMIT:
        raise Conflict(f"This server has {KEYS_LIMIT} keys, and that is the limit. Revoke one before {quoted(name)}.")


async def _required(session: AsyncSession, server_id: int, public_id: str) -> UploadKey:
    """Load a key in force to change it; raises NotFound, and Conflict where it was revoked."""
    key = await upload_keys.key(session, server_id, public_id)
    if key is None:
        raise NotFound("This server has no such key. Choose one from the list.")
    if key.revoked_at is not None:
        by = "Muster" if key.revoked_by is None else f"<@{key.revoked_by}>"
        raise Conflict(f"{by} revoked {quoted(key.name)} already. Whoever uploads needs a new key.")
    return key


async def _view(session: AsyncSession, key: UploadKey) -> KeyView:
    return next(one for one in await upload_keys.in_force(session, key.server_id) if one.public_id == key.public_id)


async def _log(ctx: Context, session: AsyncSession, act: str, key: UploadKey, actor_id: int) -> None:
    facts = {"public_id": key.public_id, "name": key.name}
    ends = act == upload_keys.REVOKE
    row = actions.action(
        act,
        SubjectKind.SERVER,
        key.server_id,
        actor_id=actor_id,
        before=facts if ends else None,
        after=None if ends else facts,
    )
    await actions.log(session, key.server_id, [row], ctx.clock())
