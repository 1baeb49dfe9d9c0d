"""The command tree as Discord knows it: published when it changed, not at every start."""

from sqlalchemy.dialects.postgresql import insert

from bot.services.context import Context
from db.tables.commands import PublishedCommands


async def published_fingerprint(ctx: Context, application_id: int) -> str | None:
    """Give the fingerprint of the tree that was last published, None before the first time."""
    async with ctx.sessions() as session:
        published = await session.get(PublishedCommands, application_id)
    return None if published is None else published.fingerprint


async def note_published(ctx: Context, application_id: int, fingerprint: str) -> None:
    """Remember that Discord took a tree."""
    values = {"fingerprint": fingerprint, "published_at": ctx.clock()}
    async with ctx.sessions.begin() as session:
        await session.execute(
            insert(PublishedCommands)
            .values(application_id=application_id, **values)
            .on_conflict_do_update(index_elements=[PublishedCommands.application_id], set_=values)
        )
