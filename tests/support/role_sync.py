"""A server whose roles are kept in memory as Discord would, and hands that make what the outbox asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from bot.services import role_changes, roles
from bot.services.context import Context
from bot.services.outbox import Delivery, Outbox
from bot.services.role_changes import Work
from db.tables.outbox import OutboxMessage
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember
from db.tables.roles import GivenRole
from db.tables.servers import Server
from domain.links import Confidence, Source
from domain.ranks import Power, RankTruth, RoleFacts
from domain.role_sync import RoleAct, RunKind, ServerRoles
from tests.support.people import OFFICER, SERVER, Toon, facts, insert_characters, insert_members

RAIDER, VETERAN, CHIEF, FRIEND = 31, 32, 33, 34
"""Roles: of ranks 3, 1 and 0, the last with powers; and one that stands for no rank."""
BOSS = 8
"""A member who has the powers of the chief's role."""


def role(role_id: int, *powers: Power, below_bot: bool = True) -> RoleFacts:
    return RoleFacts(role_id, f"role {role_id}", False, False, below_bot, frozenset(powers))


@dataclass
class Discord:
    """What Discord has: the server's roles, and the members' by user id."""

    roles: dict[int, RoleFacts] = field(
        default_factory=lambda: {
            one.id: one for one in (role(RAIDER), role(VETERAN), role(CHIEF, Power.MANAGE_SERVER), role(FRIEND))
        }
    )
    held: dict[int, set[int]] = field(default_factory=dict)
    may_manage: bool = True
    made: list[tuple[int, RoleAct, int]] = field(default_factory=list)

    def look(self, server_id: int) -> ServerRoles | None:
        return ServerRoles(owner_id=None, roles=dict(self.roles), may_manage=self.may_manage)

    def make(self, work: Work) -> None:
        held = self.held[work.user_id]
        (held.add if work.act is RoleAct.GIVE else held.discard)(work.role_id)
        self.made.append((work.user_id, work.act, work.role_id))


@dataclass
class Sync:
    """Role sync of a server with Discord as it is in memory."""

    ctx: Context
    guild: int
    discord: Discord

    async def preview(self, **words: Any) -> Any:
        return await roles.preview(self.ctx, SERVER, self.discord.look(SERVER), **words)

    async def start(self, kind: RunKind = RunKind.APPLY, *, key: str | None = None, actor_id: int = OFFICER) -> str:
        return await roles.start(
            self.ctx,
            SERVER,
            key=(await self.preview()).key if key is None else key,
            facts=self.discord.look(SERVER),
            kind=kind,
            actor_id=actor_id,
        )

    async def next(self) -> Delivery | None:
        """Claim a change, others' messages left out."""
        waiting = await self.query("SELECT DISTINCT kind FROM guild_identity.outbox WHERE kind <> 'role'")
        return await Outbox(self.ctx).claim(without=tuple(waiting))

    async def check(self, delivery: Delivery) -> Work | None:
        live, held = self.discord.look(SERVER), self.discord.held.get(delivery.user_id or 0)
        assert live is not None
        change_id = delivery.payload["change"]
        return await role_changes.check(self.ctx, SERVER, change_id, live, held)

    async def perform(self, delivery: Delivery) -> None:
        """Do what the sender does with a change."""
        work = await self.check(delivery)
        if work is not None:
            self.discord.make(work)
            await role_changes.made(self.ctx, SERVER, work.change_id)
        await Outbox(self.ctx).delivered(delivery.id, None, ())

    async def deliver(self) -> None:
        """Make all that waits."""
        while (delivery := await self.next()) is not None:
            await self.perform(delivery)

    async def apply(self) -> str:
        """Begin what the preview shows and make all of it."""
        run = await self.start()
        await self.deliver()
        return run

    async def follow(self) -> None:
        await roles.follow(self.ctx, SERVER)
        await self.deliver()

    async def configure(self, **values: Any) -> None:
        async with self.ctx.sessions.begin() as session:
            await session.execute(sa.update(Server).values(**values))

    async def tell_roles(self) -> None:
        """Let Muster hear which roles members have, as Discord's events tell it."""
        async with self.ctx.sessions.begin() as session:
            for user_id, held in self.discord.held.items():
                await session.execute(
                    sa.update(Member)
                    .where(Member.user_id == user_id)
                    .values(role_ids=sorted(held), changed_at=self.ctx.clock())
                )

    async def ledger(self) -> set[tuple[int, int]]:
        async with self.ctx.sessions() as session:
            found = await session.execute(sa.select(GivenRole.user_id, GivenRole.role_id))
            return {(user_id, role_id) for user_id, role_id in found}

    async def cards(self, kind: str) -> list[dict[str, Any]]:
        async with self.ctx.sessions() as session:
            found = await session.scalars(
                sa.select(OutboxMessage.payload).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
            )
            return list(found)

    async def query(self, sql: str, **values: Any) -> list[Any]:
        async with self.ctx.sessions() as session:
            return [row[0] if len(row) == 1 else tuple(row) for row in await session.execute(sa.text(sql), values)]

    async def person(
        self,
        user_id: int,
        rank: int | None = 3,
        *held: int,
        source: Source = Source.OFFICER,
        by: int | None = OFFICER,
        pending: bool = False,
    ) -> tuple[int, ...]:
        """Insert a member with these roles and a character of a rank, linked by a word; give the player, character."""
        self.discord.held[user_id] = set(held)
        await insert_members(self.ctx, facts(user_id, role_ids=tuple(held), pending=pending))
        toons = [] if rank is None else [Toon(f"Toon{user_id}", rank=rank)]
        ids = await insert_characters(self.ctx, self.guild, *toons)
        return await self.link(ids, user_id, source=source, by=by), *ids

    async def link(self, character_ids: Sequence[int], user_id: int, *, source: Source, by: int | None) -> int:
        async with self.ctx.sessions.begin() as session:
            now = self.ctx.clock()
            player = Player(server_id=SERVER, public_id=self.ctx.new_public_id(), created_at=now)
            session.add(player)
            await session.flush()
            half: dict[str, Any] = {
                "server_id": SERVER,
                "player_id": player.id,
                "source": source,
                "confidence": Confidence.HIGH,
                "evidence": {},
                "linked_at": now,
                "linked_by": by,
            }
            session.add_all(PlayerCharacter(character_id=id_, **half) for id_ in character_ids)
            session.add(PlayerMember(user_id=user_id, **half))
            return player.id


async def switched_on(ctx: Context, guild: int) -> Sync:
    """Let the game decide about roles on a server that follows the guild, and switch role sync on."""
    sync = Sync(ctx, guild, Discord())
    ctx.roles.ask(sync.discord.look)
    await sync.configure(role_sync=True, rank_truth=RankTruth.GAME, audit_channel_id=900)
    async with ctx.sessions.begin() as session:
        for rank, role_id in ((3, RAIDER), (1, VETERAN), (0, CHIEF)):
            await session.execute(
                sa.text(
                    """
                    INSERT INTO guild_identity.guild_ranks
                        (server_id, guild_id, rank_index, titled, role_id, scheduling_weight)
                    VALUES (:server, :guild, :rank, false, :role, 1)
                    """
                ),
                {"server": SERVER, "guild": guild, "rank": rank, "role": role_id},
            )
    return sync
