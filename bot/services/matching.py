"""Matching: who is who on a server, planned, made and kept; never more than inferred."""

import base64
import hashlib
import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.services import news
from bot.services.context import Context
from db import actions, links, locks, matching, servers
from db.matching import Looked
from domain.audit import SubjectKind
from domain.decision import MADE_BY_ITSELF, Decision, accepted, decide
from domain.errors import Conflict
from domain.evidence import RuleName
from domain.identity import Case, Link, Member, Outcome
from domain.links import Confidence, LinkMode
from domain.matching import RULES_IN_FORCE, match

log = logging.getLogger(__name__)

TRIES: Final = 3
"""How often a matching begins again because something changed while it was computed."""
KEY_BYTES: Final = 9
NOT_READ_YET = (
    "Nothing can be matched before the guild's roster and the member list were both read. Run `/sync roster` and "
    "`/sync members` first."
)
LOOK_AGAIN = "Something changed meanwhile, and nothing was linked. Look again with `/link match`."


@dataclass(frozen=True, slots=True)
class Matched:
    """What a matching changed: links made, and suggestions that were not there before.

    `skipped` tells that there was nothing to do, or that it was left to the next follow-up.
    """

    linked: int = 0
    suggested: int = 0
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class PlannedCharacter:
    """A character as it is shown; `realm` is the realm's name."""

    id: int
    name: str
    realm: str
    rank: int


@dataclass(frozen=True, slots=True)
class PlannedLink:
    """A link that would be made, and whom it is about: the character, and the name that others see of the member."""

    link: Link
    character: PlannedCharacter
    member: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What matching finds now, links of all confidences sorted by character.

    `key` stands for these links; `hits` counts them by the rule that decided and the pass.
    """

    key: str
    links: tuple[PlannedLink, ...]
    hits: tuple[tuple[RuleName, int, int], ...]
    suggestions: int
    groups: int
    contradictions: int


@dataclass(frozen=True, slots=True)
class _Found:
    """What a computation looked at and found."""

    looked: Looked
    case: Case
    realms: dict[int, str]
    outcome: Outcome


async def match_server(ctx: Context, server_id: int, *, run_id: int | None = None) -> Matched:
    """Match a server's characters and members, and do of what is found what the server's mode lets rules do.

    One cheap statement where nothing changed since the last time, or where roster and members were not both read
    whole: only then nobody else bears a name for sure. What changes meanwhile is matched again, and after three times
    left to the next follow-up. Matchings take turns: what one has done is nothing new to those that waited, and no more
    than one case is in memory.
    """
    async with ctx.sessions() as session:
        looked = await matching.look(session, server_id, rules=RULES_IN_FORCE)
    if looked.guild_id is None or not looked.is_new:
        return Matched(skipped=True)
    async with ctx.matching:
        for _ in range(TRIES):
            found = await _find(ctx, server_id, only_new=True)
            if found is None:
                return Matched(skipped=True)
            mode = found.looked.mode
            decision = decide(found.outcome, mode, accepted(found.outcome, MADE_BY_ITSELF[mode]))
            done = await _write(ctx, server_id, found, decision, run_id=run_id, remember=True)
            if done is not None:
                return done
    log.info("matching server %s is left to its next follow-up: what it looks at kept changing", server_id)
    return Matched(skipped=True)


async def plan(ctx: Context, server_id: int) -> Plan:
    """Say what would be linked and why, whatever the server's mode; writes nothing.

    Raises FollowsNoGuild or Conflict where nothing can be matched yet.
    """
    found = await _find_now(ctx, server_id)
    outcome = found.outcome
    characters = {
        one.id: PlannedCharacter(one.id, one.name, found.realms[one.id], one.rank) for one in found.case.characters
    }
    members = {one.id: _shown(one) for one in found.case.members}
    hits = Counter((link.rule, link.round) for link in outcome.links)
    return Plan(
        _key(outcome),
        tuple(PlannedLink(one, characters[one.character_id], members[one.user_id]) for one in outcome.links),
        tuple((rule, round_, count) for (rule, round_), count in sorted(hits.items())),
        len(outcome.suggestions),
        len(outcome.groups),
        len(outcome.contradictions),
    )


async def apply(
    ctx: Context,
    server_id: int,
    *,
    key: str,
    actor_id: int,
    character_ids: Collection[int] | None = None,
    confidences: Collection[Confidence] = (Confidence.HIGH,),
) -> int:
    """Make the links of a plan at an officer's wish, whatever the server's mode; give how many.

    They stay inferred: the officer let the rules do their work, and did not say who is who. With `character_ids` only
    those are linked. Raises Conflict when by now other links would be made than the plan told.
    """
    found = await _find_now(ctx, server_id)
    outcome = found.outcome
    if _key(outcome) != key:
        raise Conflict(LOOK_AGAIN)
    if character_ids is None:
        wanted = accepted(outcome, confidences)
    else:
        wanted = tuple(one for one in outcome.links if one.character_id in character_ids)
        wanted = tuple(one for one in wanted if one.confidence in confidences)
    decision = decide(outcome, found.looked.mode, wanted)
    # Not remembered: the next follow-up does what is the rules' own to do.
    done = await _write(ctx, server_id, found, decision, actor_id=actor_id, remember=False)
    if done is None:
        raise Conflict(LOOK_AGAIN)
    return done.linked


async def _find(ctx: Context, server_id: int, *, only_new: bool = False) -> _Found | None:
    """Read a server's case and compute who is who; None where nothing can be matched, or nothing is new."""
    async with ctx.sessions() as session:
        looked = await matching.look(session, server_id, rules=RULES_IN_FORCE)
        if looked.guild_id is None or (only_new and not looked.is_new):
            return None
        if only_new and looked.mode is LinkMode.OFF:
            return _Found(looked, Case((), ()), {}, Outcome())
        loaded = await matching.load(session, server_id, looked.guild_id)
    return _Found(looked, loaded.case, dict(loaded.realms), await ctx.compute(match, loaded.case))


async def _find_now(ctx: Context, server_id: int) -> _Found:
    found = await _find(ctx, server_id)
    if found is None:
        async with ctx.sessions() as session:
            await servers.required_guild(session, server_id)
        raise Conflict(NOT_READ_YET)
    return found


async def _write(
    ctx: Context,
    server_id: int,
    found: _Found,
    decision: Decision,
    *,
    remember: bool,
    run_id: int | None = None,
    actor_id: int | None = None,
) -> Matched | None:
    """Write what differs from what stands, in one transaction; None when what was looked at has changed."""
    now = ctx.clock()
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        looked = await matching.look(session, server_id, rules=RULES_IN_FORCE)
        if looked.fingerprint != found.looked.fingerprint:
            return None
        if decision.links:
            players = {user_id: owner.player_id for user_id, owner in found.case.member_owners.items()}
            newcomers = _deciding({link.user_id for link in decision.links} - players.keys(), decision.links)
            if newcomers:
                public_ids = {ctx.new_public_id(): user_id for user_id in newcomers}
                created = await links.create_players(session, server_id, public_ids, now)
                players |= {user_id: created[public_id] for public_id, user_id in public_ids.items()}
                halves = ({"user_id": one.user_id, **_half(one, players, run_id)} for one in newcomers.values())
                await links.add_members(session, server_id, halves, now)
            halves = ({"character_id": one.character_id, **_half(one, players, run_id)} for one in decision.links)
            await links.add_characters(session, server_id, halves, now)
            await actions.log(
                session,
                server_id,
                [_action(link, players, run_id=run_id, actor_id=actor_id) for link in decision.links],
                now,
            )
            # Not what follows from an officer's act: a clean-up would else fill the channel line by line.
            if run_id is not None:
                await news.queue_links(ctx, session, server_id, decision.links)
        suggested = await matching.keep_suggestions(session, server_id, decision.proposals, run_id=run_id, now=now)
        await matching.keep_groups(session, server_id, decision.groups)
        await matching.keep_contradictions(session, server_id, decision.contradictions, now=now)
        if remember:
            if decision.links:
                # Of what changed meanwhile only the links are known: a roster that others write now is new.
                after = await matching.look(session, server_id, rules=RULES_IN_FORCE)
                looked = replace(looked, links=after.links)
            await matching.remember(session, server_id, looked.fingerprint, run_id=run_id, now=now)
    return Matched(len(decision.links), suggested)


def _deciding(user_ids: Collection[int], found: Collection[Link]) -> dict[int, Link]:
    """Give for each of these members the strongest of the links that make them a player."""
    strongest: dict[int, Link] = {}
    for link in sorted(found, key=lambda one: (one.confidence is Confidence.HIGH, one.source, -one.character_id)):
        if link.user_id in user_ids:
            strongest[link.user_id] = link
    return strongest


def _half(link: Link, players: dict[int, int], run_id: int | None) -> dict[str, Any]:
    return links.half(players[link.user_id], link.source, link.confidence, _evidence(link), run_id=run_id)


def _evidence(link: Link) -> dict[str, Any]:
    return {"round": link.round, "reasons": [reason.to_json() for reason in link.evidence]}


def _action(link: Link, players: dict[int, int], *, run_id: int | None, actor_id: int | None) -> dict[str, Any]:
    return actions.action(
        "link.add",
        SubjectKind.CHARACTER,
        link.character_id,
        actor_id=actor_id,
        run_id=run_id,
        rule=link.rule,
        rule_version=link.evidence[0].version,
        after={
            "player_id": players[link.user_id],
            "user_id": link.user_id,
            "source": link.source.value,
            "confidence": link.confidence.value,
        },
        evidence=_evidence(link),
    )


def _shown(member: Member) -> str:
    return member.nick or member.global_name or member.username


def _key(outcome: Outcome) -> str:
    """Give a short text that changes with what would be linked, to whom, why and how surely."""
    told = "\n".join(
        f"{one.character_id} {one.user_id} {one.confidence} {[reason.to_json() for reason in one.evidence]}"
        for one in outcome.links
    )
    return base64.urlsafe_b64encode(hashlib.sha256(told.encode()).digest()[:KEY_BYTES]).decode()
