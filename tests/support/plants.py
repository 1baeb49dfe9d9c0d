"""A server with a row in each table of its own, and distinct secrets in every text that such a row holds."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import tables
from db.base import Base
from db.tables.audit import Action, Issue, RuleSetting
from db.tables.identity import (
    AltGroup,
    CharacterNote,
    Claim,
    LinkContradiction,
    LinkSuggestion,
    MatchingState,
    NoteAlias,
    PastLink,
    RuleVerdict,
)
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.people import (
    Availability,
    PendingProof,
    Player,
    PlayerCharacter,
    PlayerMember,
    RankOverride,
    RejectedCandidate,
)
from db.tables.roles import GivenRole, RoleChange, RoleRun
from db.tables.servers import GuildRank
from db.tables.uploads import Upload, UploadKey
from domain.audit import Severity, State, SubjectKind
from domain.links import ClaimState, Confidence, LinkEnd, Source, Verdict
from domain.role_sync import ChangeState, RoleAct, RunKind
from domain.uploads import UploadState

SCHEMAS = ("guild_identity", "voting")
"""What is each server's own."""
MARK = "zqsecret"
"""Begins every secret; nothing else holds it."""
assert tables  # the import fills the metadata


def own_tables() -> list[sa.Table]:
    """Give the tables whose rows belong to one server each."""
    return [table for table in Base.metadata.sorted_tables if table.schema in SCHEMAS]


def owner(table: sa.Table) -> sa.Column[Any]:
    """Give the column that says whose a row is."""
    return table.c.id if table.name == "servers" else table.c.server_id


def text_columns(table: sa.Table) -> Iterator[sa.Column[Any]]:
    """Give the columns that hold free text, as a word or somewhere in JSON."""
    for column in table.columns:
        if isinstance(column.type, JSONB | sa.Text) and not column.foreign_keys:
            yield column


async def people(ctx: Context, server_id: int, guild_id: int, *, user_id: int, character_ids: tuple[int, int]) -> None:
    """Make a server's own rows: a member's proven link to one character, not to the other, with all that can follow."""
    now, by = ctx.clock(), 1
    half: dict[str, Any] = {"source": Source.OFFICER, "confidence": Confidence.HIGH, "evidence": {}, "linked_at": now}
    finding: dict[str, Any] = {"severity": Severity.WARNING, "subject_kind": SubjectKind.MEMBER, "subject_id": user_id}
    async with ctx.sessions.begin() as session:
        player = Player(server_id=server_id, public_id=f"player-{server_id}", created_at=now)
        session.add(player)
        await session.flush()
        mine = {"server_id": server_id, "player_id": player.id}
        await roles_given(session, server_id, user_id, now)
        await uploaded(session, server_id, guild_id, now)
        for row in identity(ctx, server_id, user_id=user_id, character_ids=character_ids):
            await session.merge(row)  # a matching may have left its own
        session.add_all(
            (
                PlayerMember(**mine, user_id=user_id, **half),
                PlayerCharacter(**mine, character_id=character_ids[0], **half),
                RankOverride(**mine, rank_index=1, reason="", set_by=by, set_at=now),
                Availability(**mine, reason="", set_by=by, set_at=now),
                PendingProof(
                    **mine,
                    public_id=f"proof-{server_id}",
                    user_id=user_id,
                    character_id=character_ids[0],
                    source=Source.CLAIM,
                    made_at=now,
                ),
                RejectedCandidate(
                    server_id=server_id, character_id=character_ids[1], user_id=user_id, rejected_by=by, rejected_at=now
                ),
                GuildRank(server_id=server_id, guild_id=guild_id, rank_index=0, name="", level="", description=""),
                Issue(
                    server_id=server_id,
                    public_id=f"issue-{server_id}",
                    rule="",
                    rule_version=1,
                    fingerprint="",
                    facts={},
                    state=State.IGNORED,
                    opened_at=now,
                    **finding,
                ),
                RuleSetting(server_id=server_id, rule="orphan_wow", enabled=True, set_by=by, set_at=now),
                Action(
                    server_id=server_id,
                    at=now,
                    action="link.add",
                    subject_kind=SubjectKind.CHARACTER,
                    subject_id=character_ids[0],
                    before={},
                    after={},
                    evidence={},
                ),
                OutboxMessage(
                    server_id=server_id,
                    kind="",
                    channel_id=1,
                    payload={},
                    dedupe_key="",
                    state=OutboxState.FAILED,
                    attempts=1,
                    due_at=now,
                    reason="",
                    created_at=now,
                    finished_at=now,
                ),
            )
        )


def identity(ctx: Context, server_id: int, *, user_id: int, character_ids: tuple[int, int]) -> Iterator[Base]:
    """Make what matching reads and leaves: about a linked character, and one that is not."""
    now, by, (linked, free) = ctx.clock(), 1, character_ids
    known: dict[str, Any] = {"source": Source.NAME, "confidence": Confidence.HIGH, "evidence": {"reasons": []}}
    yield CharacterNote(server_id=server_id, character_id=free, guild_note="", officer_note="")
    yield NoteAlias(server_id=server_id, alias_key="a", alias="A", user_id=user_id, set_by=by, set_at=now)
    yield AltGroup(server_id=server_id, character_id=free, group_id=free)
    candidates = [{"user_id": user_id, "evidence": []}]
    yield LinkSuggestion(server_id=server_id, character_id=free, candidates=candidates, suggested_at=now)
    yield LinkContradiction(
        server_id=server_id, character_id=linked, user_ids=[user_id], evidence=[{"place": "guild_note"}], found_at=now
    )
    yield PastLink(
        server_id=server_id,
        character_id=linked,
        player_public_id="",
        user_ids=[user_id],
        linked_at=now,
        ended_at=now,
        ended=LinkEnd.CONFIRMED,
        **known,
    )
    yield RuleVerdict(
        server_id=server_id,
        rule="",
        character_id=linked,
        user_id=user_id,
        rule_version=1,
        verdict=Verdict.CONFIRMED,
        was_linked=True,
        given_by=by,
        given_at=now,
    )
    yield Claim(
        public_id=f"claim-{server_id}",
        server_id=server_id,
        character_id=free,
        user_id=user_id,
        state=ClaimState.OPEN,
        asked_at=now,
    )
    yield MatchingState(server_id=server_id, fingerprint="", matched_at=now)


async def roles_given(session: AsyncSession, server_id: int, user_id: int, now: datetime) -> None:
    """Make a run that gave a member a role."""
    run = RoleRun(
        public_id=f"roles-{server_id}", server_id=server_id, kind=RunKind.SYNC, started_at=now, finished_at=now
    )
    session.add(run)
    await session.flush()
    mine = {"server_id": server_id, "user_id": user_id, "role_id": 1}
    session.add(GivenRole(**mine, given_at=now))
    session.add(RoleChange(**mine, run_id=run.id, act=RoleAct.GIVE, state=ChangeState.DONE, reason="", finished_at=now))


async def uploaded(session: AsyncSession, server_id: int, guild_id: int, now: datetime) -> None:
    """Make an uploader's key and what they sent."""
    key = UploadKey(
        public_id=f"key-{server_id}",
        server_id=server_id,
        guild_id=guild_id,
        name="",
        name_key="",
        secret_hash=b"",
        created_at=now,
        created_by=1,
    )
    session.add(key)
    await session.flush()
    session.add(
        Upload(
            public_id=f"upload-{server_id}",
            server_id=server_id,
            guild_id=guild_id,
            key_id=key.id,
            format=1,
            export_id=f"export-{server_id}",
            exported_at=now,
            received_at=now,
            exporter="",
            addon_version="",
            officer_notes=True,
            row_count=1,
            state=UploadState.APPLIED,
            applied_at=now,
            followed_at=now,
            result={},
        )
    )


async def plant(session: AsyncSession, server_id: int) -> list[str]:
    """Write a secret into every free text of a server's rows, empty ones too; give the columns that now hold one.

    AssertionError for a table without a row: what it holds would not be searched for.
    """
    planted = []
    for table in own_tables():
        rows = await session.scalar(sa.select(sa.func.count()).select_from(table).where(owner(table) == server_id))
        assert rows, f"no row of {table.fullname}: let `people` make one"
        for column in text_columns(table):
            name = f"{table.name}.{column.name}"
            # Some of these are unique.
            secret = sa.literal(f"{MARK}.{name}.") + sa.func.md5(sa.literal_column("ctid::text"))
            await session.execute(table.update().where(owner(table) == server_id).values({column: _in(column, secret)}))
            planted.append(name)
    return planted


def _in(column: sa.Column[Any], secret: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    """Give what a column holds instead: the secret, or JSON with the secret under the keys that texts are made of."""
    if not isinstance(column.type, JSONB):
        return secret
    keys = ("name", "username", "guild", "realm", "reason", "rule", "secret")
    whole = sa.func.jsonb_build_object(*(part for key in keys for part in (sa.literal(key), secret)))
    return sa.func.coalesce(column, sa.text("'{}'::jsonb")).op("||")(whole)
