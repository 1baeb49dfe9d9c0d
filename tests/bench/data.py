"""What several benches need: guilds of any size, and which rows were written."""

from collections.abc import Sequence

import sqlalchemy as sa

from bot.clock import system_clock
from bot.services.context import Context
from db import servers
from domain.regions import Region
from sandbox import world as game
from sandbox.realms import REALMS

HOME = REALMS[0]
LOGIN_MS = 1_790_000_000_000


def letters(number: int) -> str:
    """Spell a number as a name: letters only, as the game has it."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number)).capitalize()


def add_guild(world: game.World, number: int, size: int) -> tuple[game.Guild, Sequence[game.Character]]:
    """Let a guild of so many characters of ten ranks exist; another number is another guild."""
    guild = game.Guild(70 + number, f"Guild {number}", f"guild-{number}", HOME, "ALLIANCE")
    world.guilds.append(guild)
    for serial in range(size):
        character_id = 1_000_000 + number * size + serial
        character = game.Character(
            character_id, letters(character_id), HOME, 8, 1, 90, "ALLIANCE", active_spec=64, last_login=LOGIN_MS
        )
        world.join(world.add(character), guild, serial % 10)
    return guild, world.members(guild)


async def store_guild(ctx: Context, guild: game.Guild) -> int:
    """Store a guild without its characters; give its id."""
    async with ctx.sessions.begin() as session:
        return await servers.store_guild(
            session,
            now=system_clock(),
            region=Region.EU,
            realm_id=HOME.id,
            realm_slug=HOME.slug,
            realm_name=HOME.name,
            blizzard_id=guild.id,
            name=guild.name,
            slug=guild.slug,
            faction=guild.faction,
            crest=None,
        )


async def row_versions(ctx: Context, *tables: str) -> set[tuple[str, str, str]]:
    """Give which version of each row the tables hold: what two such sets do not share was written."""
    found: set[tuple[str, str, str]] = set()
    async with ctx.sessions() as session:
        for table in tables:
            rows = await session.execute(sa.text(f"SELECT ctid::text, xmin::text FROM {table}"))  # noqa: S608
            found |= {(table, row[0], row[1]) for row in rows}
    return found
