"""Uploads from the game: stored before they are acknowledged, then applied in their order, then followed up."""

import asyncio
import gzip
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import notes, pipeline, runs, upload_format
from bot.services.context import Context
from bot.services.runs import Run
from bot.services.trouble import database_trouble
from bot.services.upload_format import BadJson, Invalid
from bot.services.upload_keys import Uploader
from db import actions, jobs, locks, ranks, servers, uploads
from db.ranks import NewTitle
from db.runs import LEASE_EXPIRED, Scope
from db.uploads import CutOff, Taken, UploadView
from domain.audit import SubjectKind
from domain.errors import Conflict, MusterError, NotFound, Refused, quoted
from domain.ranks import rank_title
from domain.runs import RunSource, Trigger
from domain.uploads import Export, GuildName, UploadState, Weight, counting, is_same_guild, weigh

__all__ = ["UploadView"]

log = logging.getLogger(__name__)

BODIES_KEPT: Final = 20
PATIENCE: Final = 3
"""How often in a row Muster's process may end at an upload before it is left."""
LARGE: Final = 2**20
"""Bytes of a body that is not read in this process. No guild's own is as large; one made to be slow takes 60 ms."""
FAST: Final = 1
"""How hard gzip tries: a tenth larger, in a fifth of the time."""
BROKEN: Final = "Muster could not apply it; the log of its process says why"
CUT_OFF: Final = f"Muster's process ended {PATIENCE} times in a row while it was applying it"
NOT_FOLLOWED: Final = "the server does not follow this guild any more"


class OtherGuild(Conflict):
    """Say that an export is of another guild than the uploader's key."""

    def __init__(self, sent: GuildName, known: GuildName) -> None:
        super().__init__(
            f"This export is of {_told(sent)}, and the key is for {_told(known)}. Nothing was changed: an officer of "
            "the other guild's server makes a key there."
        )
        self.sent = sent
        self.known = known


class KeyEnded(Refused):
    """Say that a key stopped counting while its upload was on the way."""

    def __init__(self) -> None:
        super().__init__("The key is not in force any more. Ask an officer for a new one.")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is acknowledged: the upload is stored, now or, when `repeated`, since an earlier time."""

    upload: str
    state: UploadState
    rows: int
    repeated: bool


async def receive(ctx: Context, uploader: Uploader, body: bytes) -> Receipt:
    """Store an upload, as it was before compression, together with its job; the same export is stored once.

    Raises BadJson and Invalid for a body that the format refuses, OtherGuild, and KeyEnded.
    """
    now = ctx.clock()
    export = await _read(ctx, body, now)
    packed = await asyncio.to_thread(gzip.compress, body, FAST)
    async with ctx.sessions.begin() as session:
        realms = await uploads.realm_names(session, uploader.key_id)
        if realms is None:
            raise KeyEnded
        if export.guild is not None and not is_same_guild(export.guild, uploader.guild, realms):
            raise OtherGuild(export.guild, uploader.guild)
        public_id = ctx.new_public_id()
        is_new = await uploads.store(
            session,
            public_id=public_id,
            server_id=uploader.server_id,
            guild_id=uploader.guild_id,
            key_id=uploader.key_id,
            format=export.format,
            export_id=export.export_id,
            exported_at=export.exported_at,
            received_at=now,
            exporter=export.exporter,
            addon_version=export.addon_version,
            officer_notes=export.officer_notes,
            row_count=export.size,
            body=packed,
        )
        if is_new:
            await jobs.enqueue_uploads(session, uploader.server_id)
            return Receipt(public_id, UploadState.RECEIVED, export.size, repeated=False)
        known = await uploads.by_export(session, uploader.server_id, uploader.guild_id, export.export_id)
    return Receipt(known.public_id, known.state, known.rows, repeated=True)


async def process(ctx: Context, server_id: int, *, last_try: bool = False) -> None:
    """Apply what was uploaded to a server, the oldest export first, then match and audit once.

    What an upload does and that it did so are one transaction, so that this may be cut off anywhere and begun again.
    Raises what keeps an upload from being applied; with `last_try` one that cannot be is settled as failed instead,
    unless waiting may mend it. Raises Conflict while another process is at it.
    """
    scope = Scope(server_id=server_id)
    async with runs.running(ctx, RunSource.ADDON_UPLOAD, scope, trigger=Trigger.UPLOAD) as run:
        async with ctx.sessions() as session:
            waiting = await uploads.waiting(session, server_id)
            ends = await uploads.last_ends(session, server_id, limit=PATIENCE)
        turn = _Turn(ctx, run, server_id, ends)
        for upload_id in waiting:
            try:
                await turn.process(upload_id)
            except Exception as error:
                if not last_try or may_pass(error):
                    raise
                log.exception("upload %s of server %s could not be applied", upload_id, server_id)
                await turn.fail(upload_id, BROKEN)
        await turn.follow_up()


def may_pass(error: Exception) -> bool:
    """Tell a failure that waiting may mend from one that comes again."""
    return isinstance(error, MusterError) or database_trouble(error) is not None


async def newest(ctx: Context, uploader: Uploader) -> UploadView | None:
    """Load the upload of the key's guild that came last."""
    async with ctx.sessions() as session:
        found = await uploads.recent(session, uploader.server_id, uploader.guild_id, limit=1)
    return found[0] if found else None


async def view(ctx: Context, uploader: Uploader, public_id: str) -> UploadView:
    """Load an upload of the key's server; raises NotFound for any other."""
    async with ctx.sessions() as session:
        found = await uploads.by_public_id(session, uploader.server_id, public_id)
    if found is None:
        raise NotFound("This server has no such upload.")
    return found


async def recent(ctx: Context, server_id: int, limit: int) -> tuple[UploadView, ...]:
    """Load the uploads of a server's guild that came last, the last one first; none of a guild it followed before."""
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        return () if guild is None else await uploads.recent(session, server_id, guild.id, limit=limit)


async def _read(ctx: Context, body: bytes, received_at: datetime) -> Export:
    if len(body) > LARGE:
        return await ctx.compute(_export, body, received_at)
    return _export(body, received_at)


def _export(body: bytes, received_at: datetime) -> Export:
    return upload_format.read(body, received_at=received_at)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A server's turn: its run, and how the runs before it ended."""

    ctx: Context
    run: Run
    server_id: int
    ends: Sequence[CutOff]

    async def process(self, upload_id: int) -> None:
        """Apply an upload, or settle it as older or failed."""
        async with self.ctx.sessions.begin() as session:
            # Whoever looks after a process that went away sees where.
            await self.run.confirm(session, self.ctx.clock(), counts={**self.run.counts, "upload": upload_id})
            taken = await uploads.take(session, upload_id)
            weight = weigh(taken.moment, await uploads.others(session, self.server_id, taken))
        if len(list(takewhile(lambda end: end == CutOff(LEASE_EXPIRED, upload_id), self.ends))) == PATIENCE:
            await self.fail(upload_id, CUT_OFF)
        elif not taken.is_followed:
            await self.fail(upload_id, NOT_FOLLOWED)
        elif weight is Weight.NOTHING:
            await self._settle_alone(upload_id, UploadState.OLDER)
        else:
            try:
                export = await _read(self.ctx, gzip.decompress(taken.body), taken.received_at)
            except (BadJson, Invalid) as error:  # an earlier release took it
                await self.fail(upload_id, error.text)
                return
            await self._apply(taken, counting(export, weight))

    async def fail(self, upload_id: int, reason: str) -> None:
        """Settle an upload as failed."""
        self.run.partial(f"an upload was not applied: {reason}")
        await self._settle_alone(upload_id, UploadState.FAILED, {"reason": reason})

    async def follow_up(self) -> None:
        """Match and audit once for all that was applied, also by a turn that was cut off."""
        async with self.ctx.sessions() as session:
            applied = await uploads.unfollowed(session, self.server_id)
        if applied:
            await pipeline.follow_up(self.ctx, self.server_id, run_id=self.run.id)
            async with self.ctx.sessions.begin() as session:
                await uploads.note_followed(session, applied, self.ctx.clock())

    async def _apply(self, taken: Taken, export: Export) -> None:
        async with self.ctx.sessions.begin() as session:
            await locks.hold(session, locks.Lock.PEOPLE, self.server_id)
            guild = await servers.required_guild(session, self.server_id)
            if guild.id != taken.guild_id:
                raise Conflict("The server has just chosen another guild.")
            told = await notes.apply(session, self.server_id, guild, export.rows, read_at=export.exported_at)
            titles = await self._title(session, guild.id, export.titles)
            result = {
                "applied": told.applied,
                "unchanged": told.unchanged,
                "emptied": told.emptied,
                "unknown": told.unknown,
                "ambiguous": told.ambiguous,
                "invalid": [asdict(row) for row in export.invalid],
                "joined_by": told.joined_by.value,
                "ranks": [one.name for one in titles],
            }
            await self._settle(session, taken.id, UploadState.APPLIED, result, notes_new=told.applied)

    async def _title(self, session: AsyncSession, guild_id: int, titles: Mapping[int, str]) -> list[NewTitle]:
        """Call the ranks that no officer named by the game's titles."""
        told = {index: rank_title(title) for index, title in titles.items()}
        news = await ranks.title(session, self.server_id, guild_id, {i: name for i, name in told.items() if name})
        if news:
            change = actions.action(
                "rank.titles",
                SubjectKind.SERVER,
                self.server_id,
                run_id=self.run.id,
                before={"guild_id": guild_id, "names": {str(one.index): one.before for one in news}},
                after={"guild_id": guild_id, "names": {str(one.index): one.name for one in news}},
            )
            await actions.log(session, self.server_id, [change], self.ctx.clock())
        return news

    async def _settle_alone(self, upload_id: int, state: UploadState, result: Mapping[str, Any] | None = None) -> None:
        async with self.ctx.sessions.begin() as session:
            await self._settle(session, upload_id, state, result, **{f"uploads_{state}": 1})

    async def _settle(
        self,
        session: AsyncSession,
        upload_id: int,
        state: UploadState,
        result: Mapping[str, Any] | None,
        **counted: int,
    ) -> None:
        """Say what became of an upload, and count it; the run names no upload any more."""
        now = self.ctx.clock()
        await uploads.settle(
            session, upload_id, state, result=result, applied_at=now if state is UploadState.APPLIED else None
        )
        await uploads.prune(session, self.server_id, keep=BODIES_KEPT)
        for name, number in {"uploads": 1, **counted}.items():
            self.run.counts[name] = self.run.counts.get(name, 0) + number
        await self.run.confirm(session, now, counts=self.run.counts)


def _told(guild: GuildName) -> str:
    return f"{quoted(guild.name)} ({', '.join(part for part in (guild.realm, guild.region) if part)})"
