"""What people said of what the rules found."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from db.recordset import rows, with_rows
from domain.evidence import RULES
from domain.links import Source, Verdict
from domain.trust import Counts


@dataclass(frozen=True, slots=True)
class Judged:
    """A person's word on a pair that a rule had linked, or had only suggested."""

    rule: str
    rule_version: int
    character_id: int
    user_id: int
    verdict: Verdict
    was_linked: bool


def judge(
    reasons: Iterable[Mapping[str, Any]],
    character_id: int,
    user_ids: Iterable[int],
    verdict: Verdict,
    *,
    was_linked: bool,
) -> list[Judged]:
    """Turn a verdict on a character and members into one on the rule that decided: that of the first reason, if any."""
    first = next(iter(reasons), None)
    if first is None or "rule" not in first:
        return []
    rule, version = first["rule"], first.get("version", 1)
    return [Judged(rule, version, character_id, user_id, verdict, was_linked) for user_id in user_ids]


RECORD = with_rows(
    """
    INSERT INTO guild_identity.rule_verdicts AS known
        (server_id, rule, character_id, user_id, rule_version, verdict, was_linked, given_by, given_at)
    SELECT :server_id, rule, character_id, user_id, rule_version, verdict, was_linked, :by, :now
    FROM jsonb_to_recordset(:judged) AS row (
        rule text, character_id bigint, user_id bigint, rule_version smallint, verdict text, was_linked boolean
    )
    ON CONFLICT (server_id, rule, character_id, user_id) DO UPDATE SET
        rule_version = excluded.rule_version,
        verdict = excluded.verdict,
        -- A link that the rule made stays one that it made, also when it is suggested later on.
        was_linked = known.was_linked OR excluded.was_linked,
        given_by = excluded.given_by,
        given_at = excluded.given_at
    """,
    "judged",
)


async def record(session: AsyncSession, server_id: int, judged: Iterable[Judged], *, by: int, now: datetime) -> None:
    """Keep verdicts; the last word on a pair counts."""
    records = [
        {
            "rule": one.rule,
            "rule_version": one.rule_version,
            "character_id": one.character_id,
            "user_id": one.user_id,
            "verdict": one.verdict.value,
            "was_linked": one.was_linked,
        }
        for one in judged
    ]
    if records:
        await session.execute(RECORD, {"server_id": server_id, "judged": rows(records), "by": by, "now": now})


RESTATE = sa.text(
    """
    UPDATE guild_identity.rule_verdicts SET verdict = :verdict, given_by = :by, given_at = :now
    WHERE server_id = :server_id AND character_id = :character_id AND user_id = ANY(:user_ids)
        AND verdict <> :verdict
    """
).bindparams(sa.bindparam("user_ids", type_=ARRAY(sa.BigInteger)))


async def restate(
    session: AsyncSession,
    server_id: int,
    character_id: int,
    user_ids: Collection[int],
    verdict: Verdict,
    *,
    by: int,
    now: datetime,
) -> None:
    """Let a later word on pairs stand in place of the verdicts that were given on them; makes none where none was."""
    if user_ids:
        await session.execute(
            RESTATE,
            {
                "server_id": server_id,
                "character_id": character_id,
                "user_ids": list(user_ids),
                "verdict": verdict.value,
                "by": by,
                "now": now,
            },
        )


# What was said of an earlier version of a rule tells nothing of the present one. A standing link is a rule's own as
# long as its half comes from inference; the verdicts are on links that stand no more, or stand by a person's word.
BY_RULE = with_rows(
    """
    WITH present AS (SELECT * FROM jsonb_to_recordset(:rules) AS row (rule text, version smallint)),
    judged AS (
        SELECT rule, count(*) FILTER (WHERE verdict = 'confirmed') AS confirmed,
            count(*) FILTER (WHERE verdict = 'rejected') AS rejected, 0 AS standing
        FROM guild_identity.rule_verdicts JOIN present USING (rule)
        WHERE server_id = :server_id AND rule_version = present.version AND was_linked
        GROUP BY rule
    ),
    standing AS (
        SELECT evidence #>> '{reasons,0,rule}' AS rule, 0 AS confirmed, 0 AS rejected, count(*) AS standing
        FROM guild_identity.player_characters
        JOIN present ON present.rule = evidence #>> '{reasons,0,rule}'
            AND evidence #>> '{reasons,0,version}' = present.version::text
        WHERE server_id = :server_id AND source = ANY(:inferred)
        GROUP BY 1
    )
    SELECT rule, sum(confirmed)::int, sum(rejected)::int, sum(confirmed + rejected + standing)::int
    FROM (SELECT * FROM judged UNION ALL SELECT * FROM standing) AS counted
    GROUP BY rule
    """,
    "rules",
).bindparams(sa.bindparam("inferred", type_=ARRAY(sa.Text)))


async def by_rule(session: AsyncSession, server_id: int) -> dict[str, Counts]:
    """Count the links that each rule, as it is in this release, made on a server, and what people said of them."""
    found = await session.execute(
        BY_RULE,
        {
            "server_id": server_id,
            "rules": [{"rule": rule.name.value, "version": rule.version} for rule in RULES.values()],
            "inferred": [source.value for source in Source if not source.is_by_person],
        },
    )
    return {rule: Counts(confirmed, rejected, made) for rule, confirmed, rejected, made in found}
