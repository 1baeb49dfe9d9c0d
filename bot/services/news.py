"""What a roster or notes of the game changed, as the officers of the servers are told it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import links, outbox, ranks, servers
from db.links import StandingLink
from db.outbox import Word
from db.tables.guilds import Guild
from domain.identity import Link
from domain.links import Source
from domain.news import RosterNews

__all__ = ["StandingLink"]

NEWS: Final = "roster_news"
LINKS: Final = "link_news"
NAMED_LINKS: Final = 15
FROM_NOTES: Final = frozenset({Source.GUILD_NOTE, Source.OFFICER_NOTE, Source.ALIAS})


def word_of_news(guild: Guild, run_id: int, news: RosterNews) -> Word:
    """Give the word to the servers of a guild on what a roster changed."""
    payload = {"guild": guild.name, **asdict(news)}
    return Word(NEWS, payload, f"{guild.id}:{run_id}")


async def rank_names(ctx: Context, server_id: int) -> dict[int, str]:
    """Give what a server calls the ranks of its guild, those that it gave a name."""
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        found = () if guild is None else await ranks.ranks(session, server_id, guild.id)
    return {rank.index: rank.name for rank in found if rank.name is not None}


async def queue_links(ctx: Context, session: AsyncSession, server_id: int, made: Iterable[Link]) -> None:
    """Queue the word on the links that rules made of what notes say, if there are any and there is a channel for it.

    Which they are is queued, and not what to say: what was undone before the word goes out is not told.
    """
    pairs = [[link.character_id, link.user_id] for link in made if link.source in FROM_NOTES]
    if not pairs:
        return
    server = await servers.required_server(session, server_id)
    if server.audit_channel_id is None or server.left_at is not None:
        return
    await outbox.queue(
        session,
        server_id=server_id,
        kind=LINKS,
        channel_id=server.audit_channel_id,
        payload={"count": len(pairs), "links": pairs[:NAMED_LINKS]},
        dedupe_key=ctx.new_public_id(),  # of two words none replaces the other
        now=ctx.clock(),
    )


async def named_links(ctx: Context, server_id: int, payload: Mapping[str, Any]) -> Sequence[StandingLink]:
    """Give those of the links that a word names which still stand."""
    wanted = [(character_id, user_id) for character_id, user_id in payload["links"]]
    async with ctx.sessions() as session:
        found = await links.standing(session, server_id, [character_id for character_id, _ in wanted])
    return [one for one in found if (one.character_id, one.user_id) in wanted]
