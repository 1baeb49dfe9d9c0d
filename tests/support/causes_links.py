"""What the rules about links find: what brings it about, how it ends, and what makes it another problem."""

from collections.abc import Awaitable, Callable, Mapping

import sqlalchemy as sa

from bot.services import links, members
from bot.services.context import Context
from db.tables.guilds import Membership
from db.tables.identity import LinkContradiction, LinkSuggestion
from db.tables.people import (
    Member,
    PendingProof,
    Player,
    PlayerMember,
    RejectedCandidate,
)
from domain.links import Source
from tests.support.changes import (
    UNPROVEN,
    Cause,
    Change,
    Planted,
    ana_leaves,
    bo_leaves,
    deleting,
    going,
    holding,
    insert,
    linking,
    one_after_another,
    setting,
    unlink,
)
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_characters,
    insert_members,
    insert_player,
    leave_guild,
    map_rank,
)


async def suggest(planted: Planted, *user_ids: int) -> None:
    """Let matching have found these members for Ana."""
    candidates = [{"user_id": user_id, "evidence": []} for user_id in user_ids]
    async with planted.ctx.sessions.begin() as session:
        await session.merge(
            LinkSuggestion(
                server_id=SERVER, character_id=planted.ana, candidates=candidates, suggested_at=planted.ctx.clock()
            )
        )


async def stranger(ctx: Context, guild: int) -> Planted:
    """Plant Ana, whom nobody knows, and member 1."""
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    return Planted(ctx, guild, ana, ana)


async def unlinked_member(ctx: Context, guild: int) -> Planted:
    """Plant member 1, of whom nothing is known, and Ana."""
    planted = await stranger(ctx, guild)
    return Planted(ctx, guild, 1, planted.ana)


async def suggested(ctx: Context, guild: int) -> Planted:
    """Plant Ana, who may be member 1's."""
    planted = await stranger(ctx, guild)
    await suggest(planted, 1)
    return planted


def contradicted(source: Source) -> Callable[[Context, int], Awaitable[Planted]]:
    """Plant Ana, linked to member 1 by a source, while something speaks for member 2."""

    async def plant(ctx: Context, guild: int) -> Planted:
        [ana] = await insert_characters(ctx, guild, "Ana")
        await insert_members(ctx, facts(1), facts(2), facts(3))
        player = await insert_player(ctx, [ana], [1], source=source)
        against = LinkContradiction(
            server_id=SERVER, character_id=ana, user_ids=[2], evidence=[{"place": "nick"}], found_at=ctx.clock()
        )
        await insert(ctx, against)
        return Planted(ctx, guild, ana, ana, player=player)

    return plant


async def left_behind(ctx: Context, guild: int) -> Planted:
    """Plant Ana and member 1, who left."""
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    player = await insert_player(ctx, [ana], [1])
    await members.member_left(ctx, SERVER, 1)
    return Planted(ctx, guild, 1, ana, player=player)


async def come_back(planted: Planted) -> None:
    """Let member 1 join again."""
    await members.member_changed(planted.ctx, SERVER, facts(1))


async def leave_again(planted: Planted) -> None:
    """Let member 1 come back and leave a day later."""
    await come_back(planted)
    planted.wait(days=1)
    await members.member_left(planted.ctx, SERVER, 1)


async def doubly_proven(ctx: Context, guild: int) -> Planted:
    """Plant a proof that member 1, whose Ana is, is also the player whose Bo is."""
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1), facts(2))
    mine, other = await insert_player(ctx, [ana], [1]), await insert_player(ctx, [bo], [2])
    await insert(ctx, proof(ctx, other, bo))
    return Planted(ctx, guild, 1, ana, bo, mine)


def proof(ctx: Context, player_id: int, character_id: int) -> PendingProof:
    """Make a proof that waits: member 1 is this player, by this character."""
    return PendingProof(
        public_id=ctx.new_public_id(),
        server_id=SERVER,
        user_id=1,
        player_id=player_id,
        character_id=character_id,
        source=Source.CLAIM,
        given_by=OFFICER,
        made_at=ctx.clock(),
    )


async def prove_again(planted: Planted) -> None:
    """Let another proof take the place of the one that waits."""
    async with planted.ctx.sessions.begin() as session:
        waiting = (await session.scalars(sa.select(PendingProof))).one()
        player_id, character_id = waiting.player_id, waiting.character_id
        await session.delete(waiting)
    await insert(planted.ctx, proof(planted.ctx, player_id, character_id))


async def merge(planted: Planted) -> None:
    """Let member 1 be the player whom the proof names."""
    async with planted.ctx.sessions.begin() as session:
        named = await session.scalar(sa.select(PendingProof.player_id))
        await session.execute(sa.update(PlayerMember).values(player_id=named))


async def free_bo(planted: Planted) -> None:
    """Let an officer take Bo from the other player, who ends with it."""
    await links.remove(planted.ctx, SERVER, character_id=planted.bo, actor_id=OFFICER)


async def mainless(ctx: Context, guild: int) -> Planted:
    """Plant a player whose main, Ana, left the guild; Bo, the off-spec, did not."""
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1))
    player = await insert_player(ctx, [ana, bo], [1])
    pointers = setting(Player, Player.id == player, main_character_id=ana, offspec_character_id=bo)
    await pointers(Planted(ctx, guild, player))
    await leave_guild(ctx, ana)
    return Planted(ctx, guild, player, ana, bo, player)


async def choose_bo(planted: Planted) -> None:
    """Let Bo be the main."""
    await setting(Player, Player.id == planted.player, main_character_id=planted.bo)(planted)


async def without_player(planted: Planted) -> None:
    """Let the last link of the player end."""
    await unlink(planted)
    await links.remove(planted.ctx, SERVER, character_id=planted.bo, actor_id=OFFICER)


_OF_CONTRADICTIONS: Mapping[str, Change] = {
    "nothing speaks for somebody else any more": deleting(LinkContradiction),
    "the link is removed": unlink,
    "the character left the guild": ana_leaves,
}
_ANOTHER = setting(LinkContradiction, user_ids=[3])

CAUSES = (
    Cause(
        "orphan_wow",
        stranger,
        {
            "it is linked to a member": linking(1),
            "something is suggested": lambda planted: suggest(planted, 1),
            "its member left": one_after_another(linking(1), going(1)),
            "it left the guild": ana_leaves,
        },
        {"it was linked meanwhile": one_after_another(linking(1), unlink)},
    ),
    Cause(
        "orphan_discord",
        unlinked_member,
        {
            "a character is linked": linking(1),
            "they opted out": setting(Member, opted_out_at=sa.text("first_seen_at")),
            "they hold no rank's role": lambda planted: map_rank(planted.ctx, planted.guild, 1, 31),
            "they are in rules screening again": holding(pending=True),
            "they left": going(1),
        },
        {"they joined anew": setting(Member, joined_at=sa.text("first_seen_at"))},
    ),
    Cause(
        "link_suggestion",
        suggested,
        {
            "it is linked": linking(1),
            "nobody is suggested any more": deleting(LinkSuggestion),
            "an officer refused the last one": lambda planted: insert(
                planted.ctx,
                RejectedCandidate(
                    server_id=SERVER,
                    character_id=planted.ana,
                    user_id=1,
                    rejected_by=OFFICER,
                    rejected_at=planted.now,
                ),
            ),
            "the last one opted out": setting(Member, opted_out_at=sa.text("first_seen_at")),
            "the last one left": going(1),
            "the character left the guild": ana_leaves,
        },
        {
            "another member is suggested": one_after_another(
                lambda planted: insert_members(planted.ctx, facts(2)), lambda planted: suggest(planted, 1, 2)
            )
        },
    ),
    Cause(
        "link_contradicts_note",
        contradicted(Source.OFFICER),
        {**_OF_CONTRADICTIONS, "the link is only inferred": UNPROVEN},
        {"it speaks for another one": _ANOTHER},
    ),
    Cause(
        "note_mismatch",
        contradicted(Source.NAME),
        {**_OF_CONTRADICTIONS, "a person confirms it": linking(1)},
        {"it speaks for another one": _ANOTHER},
    ),
    Cause(
        "stale_discord_link",
        left_behind,
        {
            "they are back": come_back,
            "their last character is unlinked": unlink,
            "their last character left the guild": ana_leaves,
            "they are the player no more": deleting(PlayerMember),
        },
        {"they left again": leave_again},
    ),
    Cause(
        "duplicate_discord",
        doubly_proven,
        {
            "the proof is rejected": deleting(PendingProof),
            "the players are merged": merge,
            "the member is nobody's any more": unlink,
            "the character is not the other player's any more": free_bo,
            "the character left the guild": bo_leaves,
            "the member left": going(1),
        },
        {"another proof waits": prove_again},
    ),
    Cause(
        "main_not_linked",
        mainless,
        {
            "another one is chosen": choose_bo,
            "none is chosen": setting(Player, main_character_id=None),
            "the character is back": setting(Membership, left_at=None),
            "the character is not theirs any more": unlink,
            "the player is gone": without_player,
        },
        {"the off-spec is gone too": bo_leaves},
    ),
)
