"""Troubles of all kinds at home, which no command makes: each becomes findings whose fixes are tried."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import sqlalchemy as sa

from bot.services import claims, links, options, pipeline, ranks, rules
from cogs.audit.fixes.players import MENU_SIZE
from cogs.members.cog import QUIET_SECONDS
from db.tables.guilds import Character as CharacterRow
from db.tables.guilds import ProfileCheck
from db.tables.people import Player
from db.tables.servers import GuildRank
from domain.links import LinkMode
from domain.ranks import RankTruth
from sandbox.world import Character
from tests.cogs.audit.acting import character_id
from tests.cogs.home import Home
from tests.cogs.link.small import join
from tests.support.people import insert_note

RANK = 5
ENOUGH = MENU_SIZE + 15
"""Characters for one who has more than a menu holds, and for all others."""

Trouble = Callable[[Home, Iterator[Character]], Awaitable[None]]


async def welcome(home: Home, characters: list[Character]) -> Iterator[Character]:
    """Let characters that left come back, with every rule switched on; give those to make trouble with."""
    ctx, server_id = home.services.ctx, home.server.id
    for state in await rules.states(ctx, server_id):
        if not state.is_on:
            await rules.switch(ctx, server_id, state.rule.name, enabled=True, actor_id=home.officer.id)
    await options.change(ctx, server_id, {"link_mode": LinkMode.SUGGEST.value}, actor_id=home.officer.id)
    for character in characters[:ENOUGH]:
        home.sample.world.join(character, home.sample.guild, RANK)
    await home.sync_roster()
    return iter(characters[:ENOUGH])


async def absence(home: Home, characters: Iterator[Character]) -> None:
    """Let somebody's character, and one of nobody, not be played for long."""
    now, ctx = home.clock(), home.services.ctx
    mine, nobodys = next(characters), next(characters)
    await _say(home, mine, await join(home, "absent"))
    async with ctx.sessions.begin() as session:
        for character in (mine, nobodys):
            id_ = await character_id(home, _typed(character))
            (await session.get_one(CharacterRow, id_)).last_login_at = now - timedelta(days=1_000)
            await session.merge(ProfileCheck(character_id=id_, checked_at=now, last_modified=None))


async def departure(home: Home, characters: Iterator[Character]) -> None:
    """Let a member leave whose character stays in the guild."""
    user_id = await join(home, "departed")
    await _say(home, next(characters), user_id)
    server = home.bot.get_guild(home.server.id)
    member = server and server.get_member(user_id)
    assert member is not None
    await member.kick()
    await home.env.advance_time(QUIET_SECONDS)


async def lost_main(home: Home, characters: Iterator[Character]) -> None:
    """Let the main of a player with more characters than a menu holds leave the guild."""
    ctx, user_id = home.services.ctx, await join(home, "mainless")
    many = [next(characters) for _ in range(MENU_SIZE + 2)]
    for character in many:
        await _say(home, character, user_id)
    player = (await links.whois_member(ctx, home.server.id, user_id)).public_id
    async with ctx.sessions.begin() as session:
        main = await character_id(home, _typed(many[0]))
        await session.execute(sa.update(Player).where(Player.public_id == player).values(main_character_id=main))
    home.sample.world.leave(many[0])
    await home.sync_roster()


async def contradiction(home: Home, characters: Iterator[Character]) -> None:
    """Let notes say that two characters, which an officer linked, are somebody else's."""
    for number in range(2):
        character = next(characters)
        await _say(home, character, await join(home, f"said{number}"))
        await join(home, f"noted{number}")
        id_ = await character_id(home, _typed(character))
        note = f"discord: noted{number}"
        await insert_note(home.services.ctx, id_, officer_note=note, server_id=home.server.id)


async def doubt(home: Home, characters: Iterator[Character]) -> None:
    """Let two members whom nothing tells apart be called like a character."""
    name = next(characters).name
    for username in ("twin0", "twin1"):
        await join(home, username, name)


async def collision(home: Home, characters: Iterator[Character]) -> None:
    """Let an officer confirm twice a claim that makes one player of two."""
    ctx, server_id = home.services.ctx, home.server.id
    for number in range(2):
        user_id, other = await join(home, f"claimer{number}"), await join(home, f"owner{number}")
        own, claimed = next(characters), next(characters)
        await _say(home, own, user_id)
        await _say(home, claimed, other)
        asked = await claims.ask(ctx, server_id, character=_typed(claimed), user_id=user_id)
        by = home.officer.id
        await claims.confirm(ctx, server_id, public_id=asked.public_id, actor_id=by, manages_server=True)


TROUBLES: dict[str, Trouble] = {
    "stale_character": absence,
    "stale_discord_link": departure,
    "link_contradicts_note": contradiction,
    "link_suggestion": doubt,
    "duplicate_discord": collision,
    "main_not_linked": lost_main,
}
"""What makes findings, by the rule that finds them."""


async def make(home: Home, characters: Iterator[Character], rule: str) -> None:
    """Make the trouble that a rule finds, and let matching and audit run."""
    await TROUBLES[rule](home, characters)
    await pipeline.follow_up(home.services.ctx, home.server.id)


async def map_ranks(home: Home) -> None:
    """Let the game decide about roles, and one role belong to all ranks."""
    ctx, server_id = home.services.ctx, home.server.id
    role, guild = home.server.create_role("Guild"), await home.follow()
    await home.env.settle()
    async with ctx.sessions.begin() as session:
        for rank in range(10):
            await session.merge(GuildRank(server_id=server_id, guild_id=guild.id, rank_index=rank, role_id=role.id))
    await ranks.choose_truth(ctx, server_id, RankTruth.GAME, actor_id=home.officer.id)
    await pipeline.follow_up(ctx, server_id)


def _typed(character: Character) -> str:
    return f"{character.name}-{character.realm.slug}"


async def _say(home: Home, character: Character, user_id: int) -> None:
    """Link a character to a member by an officer's word."""
    id_ = await character_id(home, _typed(character))
    await links.add(home.services.ctx, home.server.id, character_id=id_, user_id=user_id, actor_id=home.deputy.id)
