"""Matching: links that a rule makes between characters and members, never more than inferred."""

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, links, servers
from domain.audit import SubjectKind
from domain.links import Confidence, LinkMode, Source
from domain.matching import RULE_NAME, RULE_VERSION, NameLink, links_by_equal_name


async def link_equal_names(ctx: Context, session: AsyncSession, *, server_id: int, run_id: int | None) -> int:
    """Link what bears one name and nobody else does, in the caller's transaction; give how many links were made.

    Nothing is linked before roster and members were both read whole once: only then nobody else bears a name for sure;
    and nothing where the server leaves links to its officers.
    """
    server = await servers.required_server(session, server_id)
    if server.link_mode is LinkMode.SUGGEST:
        return 0
    guild_id = await servers.guild_read_whole(session, server_id)
    if guild_id is None:
        return 0
    characters = await links.guild_characters(session, server_id, guild_id)
    names, players = await links.member_names(session, server_id)
    found = links_by_equal_name(characters, names, await links.rejected(session, server_id))
    if not found:
        return 0
    now = ctx.clock()
    newcomers = {ctx.new_public_id(): link for link in found if link.user_id not in players}
    if newcomers:
        created = await links.create_players(session, server_id, newcomers, now)
        players |= {link.user_id: created[public_id] for public_id, link in newcomers.items()}
        await links.add_members(
            session,
            server_id,
            ({"user_id": link.user_id, **_half(link, players, run_id)} for link in newcomers.values()),
            now,
        )
    await links.add_characters(
        session,
        server_id,
        ({"character_id": link.character_id, **_half(link, players, run_id)} for link in found),
        now,
    )
    await actions.log(
        session,
        server_id,
        (
            actions.action(
                "link.add",
                SubjectKind.CHARACTER,
                link.character_id,
                run_id=run_id,
                rule=RULE_NAME,
                rule_version=RULE_VERSION,
                after={"player_id": players[link.user_id], "user_id": link.user_id, "source": Source.NAME.value},
                evidence=_evidence(link),
            )
            for link in found
        ),
        now,
    )
    return len(found)


def _half(link: NameLink, players: dict[int, int], run_id: int | None) -> dict[str, object]:
    return links.half(players[link.user_id], Source.NAME, Confidence.HIGH, _evidence(link), run_id=run_id)


def _evidence(link: NameLink) -> dict[str, object]:
    return {"rule": RULE_NAME, "version": RULE_VERSION, "matched": link.matched.value, "name_key": link.name_key}
