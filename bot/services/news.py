"""What a roster changed, as the officers of its servers are told it."""

from dataclasses import asdict
from typing import Final

from bot.services.context import Context
from db import ranks, servers
from db.outbox import Word
from db.tables.guilds import Guild
from domain.news import RosterNews

NEWS: Final = "roster_news"


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
