"""A server in which everything could be done, with one of each kind of person in it, and a way to let them try all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import discord
import simcord

from bot.services import aliases, claims, departures, links, pipeline, ranks
from bot.services.ranks import Chooser
from cogs.common import live_roles
from cogs.members.cog import QUIET_SECONDS
from domain.ranks import Power, RoleFacts
from domain.runs import Trigger
from tests.cogs.home import Home, text_of
from tests.cogs.permissions import CHOICES, COMMANDS, CONTROLS, FORMS, Persona, Row
from tests.support import forge
from tests.support.tree import Filler, Leaf, leaves

ALIAS = "Mike"
"""What notes call the proven member."""
MASTER = "Aldreinnar"
"""What the guild master is called: no other character, and nobody on Discord."""


class Kind(Enum):
    """Name what is tried."""

    CHOICES = "choices"
    CONTROL = "control"
    FORM = "form"
    COMMAND = "command"


ROWS = {Kind.CHOICES: CHOICES, Kind.CONTROL: CONTROLS, Kind.FORM: FORMS, Kind.COMMAND: COMMANDS}


@dataclass(frozen=True, slots=True)
class Act:
    """Something of the table that can be tried."""

    kind: Kind
    row: Row

    def __str__(self) -> str:
        return f"{self.kind.value} {self.row}"


ACTS = tuple(Act(kind, row) for kind, rows in ROWS.items() for row in rows)


@dataclass(frozen=True, slots=True)
class Result:
    """How an act ended: the texts of all answers, whether they are for the actor alone, what was offered or redrawn."""

    answered: bool = True
    answers: tuple[str, ...] = ()
    private: bool = True
    choices: tuple[str, ...] = ()
    redrawn: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody acts: a channel, and a message of Muster's in it."""

    channel: simcord.ChannelHandle
    message_id: int
    filler: Filler

    def card(self) -> str:
        """Give what the message shows."""
        return str(forge.message_in(self.channel, self.message_id)["components"])


@dataclass(repr=False)
class Hall:
    """A guild whose roster was read, with departures that wait and are told in `place`.

    `council` is the officer role, `stewards` a role with Manage Roles, `shown` the fingerprint of those departures,
    `claim` one of the member without a link.
    """

    home: Home
    cast: Mapping[Persona, forge.Actor]
    council: simcord.RoleHandle
    stewards: simcord.RoleHandle
    place: Place
    shown: str
    claim: str

    async def perform(self, actor: forge.Actor, act: Act, place: Place | None = None) -> Result:
        """Let somebody try something; a stranger does it in a direct message, as only a forged interaction can."""
        place, row = place or self.place, self._filled(act.row)
        before = place.card()
        match act.kind:
            case Kind.CONTROL:
                result = await forge.use_control(actor, place.channel, place.message_id, row.name, row.values)
            case Kind.FORM:
                result = await forge.submit_form(actor, place.channel, place.message_id, row.name, dict(row.typed))
            case Kind.COMMAND:
                result = await self._call(actor, place, row)
            case Kind.CHOICES:
                return Result(choices=await self._complete(actor, place, row))
        # After a deferred click, the card that was pressed counts as its response.
        answers = [
            one for one in (result.response, *result.followups) if one is not None and one.id != place.message_id
        ]
        return Result(
            answered=result.acknowledged,
            answers=tuple(text_of(answer) for answer in answers),
            private=all(answer.ephemeral for answer in answers),
            redrawn=place.card() != before,
        )

    async def _call(self, actor: forge.Actor, place: Place, row: Row) -> simcord.InteractionResult:
        leaf = self._leaf(row.name)
        options = place.filler.required(leaf)
        options |= {
            one.display_name: place.filler.value(leaf, one) for one in leaf.options if one.display_name in row.fill
        }
        if isinstance(actor, simcord.MemberActor):
            return await actor.slash(place.channel, row.name, **options)
        return await forge.command(actor, row.name, options, as_seen_by=self.home.officer, at=place.channel)

    async def _complete(self, actor: forge.Actor, place: Place, row: Row) -> tuple[str, ...]:
        command, _, option = row.name.rpartition(" ")
        options = {name: value for name, value in place.filler.required(self._leaf(command)).items() if name != option}
        if isinstance(actor, simcord.MemberActor):
            found = await actor.autocomplete(place.channel, command, option, "", **options)
        else:
            found = await forge.completion(actor, command, option, options, as_seen_by=self.home.officer)
        return tuple(choice["name"] for choice in found)

    def _leaf(self, name: str) -> Leaf:
        return next(leaf for leaf in leaves(self.home.bot) if leaf.name == name)

    def _filled(self, row: Row) -> Row:
        roles = {"council": str(self.council.id), "stewards": str(self.stewards.id)}
        ids = {"shown": self.shown, "claim": self.claim, **roles}
        return replace(row, name=row.name.format(**ids), values=tuple(value.format(**ids) for value in row.values))


async def furnish(home: Home) -> Hall:
    """Bring in everybody; the guild master is the proven member, by an officer's word."""
    world, guild, ctx = home.sample.world, home.sample.guild, home.services.ctx
    master, other, *others = [one for one in world.members(guild) if one.name not in home.namesakes]
    world.rename(master, MASTER)
    world.set_rank(master, 0)
    # The rank that the table names; this character stays.
    world.set_rank(other, 3)
    council = home.server.create_role("Council")
    stewards = home.server.create_role("Stewards", permissions=discord.Permissions(manage_roles=True))
    petra, cora, fritz = (
        home.server.add_member(home.env.create_user(name), roles=roles)
        for name, roles in (("petra", []), ("cora", [council]), ("fritz", []))
    )
    await home.env.advance_time(QUIET_SECONDS)
    await home.report_to(home.general)
    await home.sync_roster()
    await home.sync_members()
    master_id = await links.resolve_character(ctx, home.server.id, MASTER)
    await links.add(ctx, home.server.id, character_id=master_id, user_id=petra.id, actor_id=home.officer.id)
    await aliases.set_alias(ctx, home.server.id, name=ALIAS, user_id=petra.id, actor_id=home.officer.id)
    await choose_officers(home, council)
    for leaving in others[:30]:
        world.leave(leaving)
    followed = await home.follow()
    await pipeline.sync_roster(ctx, home.services.battlenet, followed.id, trigger=Trigger.TIMER)
    await home.deliver()
    claimed = f"{others[-1].name}-{others[-1].realm.slug}"
    asked = await claims.ask(ctx, home.server.id, character=claimed, user_id=home.plain.id)
    open_commands(home, home.server)
    cast: dict[Persona, forge.Actor] = {
        Persona.STRANGER: home.env.create_user("eve"),
        Persona.UNLINKED: home.plain,
        Persona.INFERRED: next(iter(home.namesakes.values())),
        Persona.PROVEN: petra,
        Persona.FOREIGN: fritz,
        Persona.OFFICER_BY_ROLE: cora,
        Persona.MANAGER: home.officer,
        Persona.OWNER: simcord.MemberActor(home.env, home.server, home.server.owner),
    }
    await cast[Persona.STRANGER].send_dm("hello")
    filler = Filler(user=petra, role=stewards, channel=home.general, texts={**texts_of(home), "character": other.name})
    shown = departures.fingerprint(await departures.list_waiting(ctx, home.server.id))
    place = Place(home.general, home.general.history()[0].id, filler)
    return Hall(home, cast, council, stewards, place, shown, asked.public_id)


def texts_of(home: Home) -> dict[str, str]:
    """Give what is typed into commands."""
    guild = home.sample.guild
    return {
        "region": guild.realm.region,
        "realm": guild.realm.slug,
        "guild": guild.name,
        "link remove character": MASTER,
        "link alias name": ALIAS,
        "rank": "0",
        "audit list rank": 3,
        "finding": "Nobody",
        "since": "7d",
        "reason": "a reason",
    }


async def choose_officers(home: Home, role: simcord.RoleHandle) -> None:
    """Let a role make officers, as the server's owner does by `/setup ranks`."""
    await ranks.choose_officer_role(home.services.ctx, home.server.id, role_facts(home, role), chooser=owner_of(home))


async def map_rank(home: Home, index: int, name: str) -> simcord.RoleHandle:
    """Create a role and let it stand for a rank, as the server's owner does."""
    role = home.server.create_role(name)
    await home.env.settle()
    await ranks.map_role(home.services.ctx, home.server.id, index, role_facts(home, role), chooser=owner_of(home))
    return role


def owner_of(home: Home) -> Chooser:
    """Give the server's owner as one who chooses roles."""
    return Chooser(home.server.owner.id, frozenset(Power))


def role_facts(home: Home, role: simcord.RoleHandle) -> RoleFacts:
    """Give what the rules ask about a role."""
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    found = server.get_role(role.id)
    assert found is not None
    return live_roles.role_facts(found)


def open_commands(home: Home, server: simcord.GuildHandle) -> None:
    """Open every command to everybody in a server's Integrations settings, so that only Muster's own check is left."""
    for name in {leaf.group for leaf in leaves(home.bot)}:
        root = home.env.backend.find_command(name, server.id)
        assert root is not None
        server.set_command_permissions(int(root["id"]), {server.default_role: True})
