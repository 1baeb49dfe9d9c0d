"""Whoever takes the guild master's name gets a link that shows, and no rank, role, right or word with it."""

from collections.abc import Awaitable, Callable

import pytest
import simcord

from bot.services import aliases, audit, links, pipeline, upload_keys, uploads
from bot.services.links import PlayerView
from cogs.common import texts
from cogs.common.members import read_members
from cogs.members.cog import QUIET_SECONDS
from cogs.player import claim_texts, me_texts
from cogs.setup import ranks_texts
from cogs.whois import texts as whois_texts
from domain.errors import NotFound
from domain.links import Source
from domain.note_rows import NoteRow
from domain.runs import Trigger
from tests.cogs.hall import ACTS, MASTER, Hall, Kind, furnish, map_rank
from tests.cogs.home import Home, card_of, text_of
from tests.cogs.permissions import OFFICERS, Persona
from tests.support.uploads import apply_notes, body, export, row

ROLE_RULES = ("role_mismatch", "no_guild_role")

Way = Callable[[Hall], simcord.MemberActor]
"""How somebody comes by the name; gives who that is."""
Moment = Callable[[Hall, Way], Awaitable[simcord.MemberActor]]

CAPTAIN = 1


@pytest.fixture
async def hall(home: Home) -> Hall:
    """Give a guild whose master is nobody on Discord; its first two ranks stand for roles."""
    hall = await furnish(home)
    ctx = home.services.ctx
    await map_rank(home, 0, "Leaders")
    await map_rank(home, CAPTAIN, "Captains")
    master_id = await links.resolve_character(ctx, home.server.id, MASTER)
    await links.remove(ctx, home.server.id, character_id=master_id, actor_id=home.officer.id)
    return hall


def by_nick(hall: Hall) -> simcord.MemberActor:
    """Change the nickname."""
    hall.home.env.backend.edit_member(hall.home.server.id, hall.home.plain.id, {"nick": MASTER})
    return hall.home.plain


def by_nick_with_another_ranks_role(hall: Hall) -> simcord.MemberActor:
    """Change the nickname while holding a role of a lower rank, given by hand."""
    captains = hall.home.server.roles["Captains"]
    changes = {"nick": MASTER, "role_ids": [captains.id]}
    hall.home.env.backend.edit_member(hall.home.server.id, hall.home.plain.id, changes)
    return hall.home.plain


def by_display_name(hall: Hall) -> simcord.MemberActor:
    """Change the name that the user shows everywhere."""
    hall.home.env.backend.get_user(hall.home.plain.id).global_name = f" {MASTER.upper()} "
    hall.home.env.backend.announce_member_update(hall.home.server.id, hall.home.plain.id)
    return hall.home.plain


def by_username(hall: Hall) -> simcord.MemberActor:
    """Change the user's own name."""
    hall.home.env.backend.get_user(hall.home.plain.id).name = MASTER.lower()
    hall.home.env.backend.announce_member_update(hall.home.server.id, hall.home.plain.id)
    return hall.home.plain


def by_joining(hall: Hall) -> simcord.MemberActor:
    """Join under the name."""
    return hall.home.server.add_member(hall.home.env.create_user(MASTER.lower()))


def by_joining_into_screening(hall: Hall) -> simcord.MemberActor:
    """Join under the name, and not accept the rules yet."""
    actor = by_joining(hall)
    hall.home.env.backend.get_member(hall.home.server.id, actor.id).pending = True
    hall.home.env.backend.announce_member_update(hall.home.server.id, actor.id)
    return actor


async def at_rest(hall: Hall, way: Way) -> simcord.MemberActor:
    """Take the name while nothing runs."""
    return way(hall)


async def in_a_roster_run(hall: Hall, way: Way) -> simcord.MemberActor:
    """Take the name after the roster was read and before it is applied."""
    home, taken = hall.home, []
    guild = await home.follow()

    async def progress(said: str) -> None:
        if said.startswith("Applying"):
            taken.append(way(hall))
            await home.env.settle()

    await pipeline.sync_roster(
        home.services.ctx, home.services.battlenet, guild.id, trigger=Trigger.COMMAND, progress=progress
    )
    [actor] = taken
    return actor


async def in_a_member_run(hall: Hall, way: Way) -> simcord.MemberActor:
    """Take the name after the member list was read and before it is compared."""
    home, taken = hall.home, []
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    read = await read_members(home.services.ctx, server)

    async def fetch() -> object:
        taken.append(way(hall))
        await home.env.settle()
        return read

    await pipeline.sync_members(home.services.ctx, server.id, fetch, trigger=Trigger.TIMER)
    [actor] = taken
    return actor


async def everything_follows(hall: Hall) -> None:
    """Let all that the timers and events start run, twice."""
    for _ in range(2):
        await hall.home.env.advance_time(QUIET_SECONDS)
        await hall.home.sync_members()
        await hall.home.sync_roster()
        await hall.home.deliver()


async def who_is(hall: Hall, actor: simcord.MemberActor) -> PlayerView:
    return await links.whois_member(hall.home.services.ctx, hall.home.server.id, actor.id)


async def proposed_roles(hall: Hall, actor: simcord.MemberActor) -> list[str]:
    """Give the names of the roles that findings would have somebody given."""
    standing = await audit.standing(hall.home.services.ctx, hall.home.server.id)
    names = {role.id: name for name, role in hall.home.server.roles.items()}
    found = [one.facts for one in standing if one.rule in ROLE_RULES and str(actor.id) in str(one.facts)]
    return [names[facts["expected_role_id"]] for facts in found]


async def refused_acts(hall: Hall, actor: simcord.MemberActor) -> None:
    """Let somebody try everything that is for officers; AssertionError for what is not refused."""
    for act in (act for act in ACTS if act.row.who <= OFFICERS):
        result = await hall.perform(actor, act)
        assert result.choices == ()
        assert act.kind is Kind.CHOICES or result.answers == (texts.OFFICERS_ONLY,), f"{act}: {result}"
    assert hall.home.env.errors


WAYS = [
    (by_nick, at_rest),
    (by_nick_with_another_ranks_role, at_rest),
    (by_display_name, at_rest),
    (by_username, at_rest),
    (by_joining, in_a_roster_run),
    (by_nick, in_a_roster_run),
    (by_joining, in_a_member_run),
    (by_nick, in_a_member_run),
]


async def has_a_link_and_no_authority(hall: Hall, actor: simcord.MemberActor, source: Source) -> None:
    """Hold that somebody is linked to the guild master by a rule, and gets nothing by it."""
    view = await who_is(hall, actor)
    # The rule did link them: what follows is not for want of a link.
    assert [(one.name, one.rank, one.half and one.half.source) for one in view.characters] == [(MASTER, 0, source)]
    assert not view.is_proven(view.characters[0])
    assert view.rank is None
    assert await proposed_roles(hall, actor) == []
    card = card_of(await hall.home.officer.slash(hall.home.general, "whois", member=actor))
    assert whois_texts.INFERRED in card
    assert whois_texts.PROVEN not in card.replace(whois_texts.NO_RANK, "")
    assert whois_texts.NO_RANK in card
    own = card_of(await actor.slash(hall.home.general, "player me"))
    assert MASTER in own
    assert me_texts.NO_RANK in own
    word = await hall.home.officer.slash(hall.home.general, "player rank", member=actor, rank="0", reason="please")
    assert "Nobody has vouched for who" in card_of(word)
    assert (await who_is(hall, actor)).override is None
    await refused_acts(hall, actor)


@pytest.mark.parametrize(("way", "moment"), WAYS, ids=lambda one: one.__name__)
async def test_who_takes_the_guild_masters_name_gets_no_rank_no_role_and_no_right(
    hall: Hall, way: Way, moment: Moment
) -> None:
    actor = await moment(hall, way)
    await everything_follows(hall)
    await has_a_link_and_no_authority(hall, actor, Source.NAME)


async def test_who_joins_under_the_guild_masters_name_is_not_even_linked_while_in_rules_screening(hall: Hall) -> None:
    actor = by_joining_into_screening(hall)
    await everything_follows(hall)
    view = await who_is(hall, actor)
    assert (view.public_id, view.characters, view.rank) == (None, (), None)
    await refused_acts(hall, actor)


async def note(hall: Hall, **notes: str) -> None:
    """Let the guild master's character carry notes."""
    ctx, server_id = hall.home.services.ctx, hall.home.server.id
    master_id = await links.resolve_character(ctx, server_id, MASTER)
    rows = [NoteRow(MASTER, character_id=master_id, **notes)]
    assert (await apply_notes(ctx, server_id, rows, as_of=ctx.clock())).applied


async def in_the_public_note(hall: Hall) -> None:
    """Be named in the character's public note, which its player writes."""
    await note(hall, guild_note="discord: mia")


async def in_the_officer_note(hall: Hall) -> None:
    """Be named in the character's officer note."""
    await note(hall, officer_note="discord: mia")


async def in_a_forged_upload(hall: Hall) -> None:
    """Be named in an export of one's own making, sent with an uploader's key."""
    home, ctx, guild = hall.home, hall.home.services.ctx, hall.home.sample.guild
    made = await upload_keys.create(ctx, home.server.id, name="Mia's PC", actor_id=home.officer.id)
    uploader = await upload_keys.check(ctx, made.text)
    assert uploader is not None
    named = {"name": guild.name, "realm": guild.realm.name, "region": guild.realm.region}
    forged = row(MASTER, "discord: mia", "discord: mia", realm=home.sample.world.find(MASTER).realm.name, rank=0)
    await uploads.receive(ctx, uploader, body(export(forged, at=ctx.clock(), guild=named)))
    await uploads.process(ctx, home.server.id)


async def by_an_alias(hall: Hall) -> None:
    """Be what an officer said that the note means."""
    ctx, server_id, user_id = hall.home.services.ctx, hall.home.server.id, hall.home.plain.id
    await aliases.set_alias(ctx, server_id, name="Bossling", user_id=user_id, actor_id=hall.home.officer.id)
    await note(hall, guild_note="discord: Bossling")


@pytest.mark.parametrize(
    ("name_them", "source"),
    [
        (in_the_public_note, Source.GUILD_NOTE),
        (in_the_officer_note, Source.OFFICER_NOTE),
        (in_a_forged_upload, Source.OFFICER_NOTE),
        (by_an_alias, Source.ALIAS),
    ],
    ids=lambda one: getattr(one, "__name__", one.__class__.__name__),
)
async def test_whom_a_note_calls_the_guild_master_gets_no_rank_no_role_and_no_right(
    hall: Hall, name_them: Callable[[Hall], Awaitable[None]], source: Source
) -> None:
    await name_them(hall)
    await everything_follows(hall)
    await has_a_link_and_no_authority(hall, hall.home.plain, source)


async def test_who_claims_the_guild_masters_character_gets_nothing_before_an_officer_confirms_it(hall: Hall) -> None:
    home = hall.home
    await home.plain.slash(home.general, "player claim", character=MASTER)
    await everything_follows(hall)
    view = await who_is(hall, home.plain)
    assert (view.public_id, view.characters, view.rank) == (None, (), None)
    assert await proposed_roles(hall, home.plain) == []
    await refused_acts(hall, home.plain)
    card = next(one for one in home.general.history() if "### Claim" in text_of(one) and MASTER in text_of(one))
    assert claim_texts.GUILD_MASTER in text_of(card)
    await home.officer.click(card, label="Confirm")
    await everything_follows(hall)
    assert (await who_is(hall, home.plain)).rank == 0
    assert await proposed_roles(hall, home.plain) == ["Leaders"]
    # Not even then: officers are those who hold the right or the role.
    await refused_acts(hall, home.plain)


async def test_who_claims_under_the_guild_masters_name_gets_what_a_rule_gives_and_no_more(hall: Hall) -> None:
    actor = by_nick(hall)
    await hall.home.env.advance_time(QUIET_SECONDS)
    await actor.slash(hall.home.general, "player claim", character=MASTER)
    await everything_follows(hall)
    await has_a_link_and_no_authority(hall, actor, Source.NAME)


async def vouch(hall: Hall) -> str:
    """Let an officer link the plain member to a captain; give that character's name."""
    home = hall.home
    name: str = hall.place.filler.texts["character"]
    home.sample.world.set_rank(home.sample.world.find(name), CAPTAIN)
    await home.sync_roster()
    said = card_of(await home.officer.slash(home.general, "link add", character=name, member=home.plain))
    assert "proven, by your word" in said
    return name


async def vouched_first(hall: Hall) -> str:
    """Be proven, then take the guild master's name."""
    name = await vouch(hall)
    by_nick(hall)
    await everything_follows(hall)
    return name


async def vouched_later(hall: Hall) -> str:
    """Take the guild master's name, then be proven as somebody else."""
    by_nick(hall)
    await everything_follows(hall)
    return await vouch(hall)


@pytest.mark.parametrize("order", [vouched_first, vouched_later], ids=lambda one: one.__name__)
async def test_a_proof_for_one_character_is_none_for_another_that_a_name_led_to(
    hall: Hall, order: Callable[[Hall], Awaitable[str]]
) -> None:
    name = await order(hall)
    await everything_follows(hall)
    actor = hall.home.plain
    view = await who_is(hall, actor)
    assert {one.name: view.is_proven(one) for one in view.characters} == {name: True, MASTER: False}
    assert view.rank == CAPTAIN
    assert await proposed_roles(hall, actor) == ["Captains"]
    await refused_acts(hall, actor)


async def test_the_name_of_a_guild_master_who_left_the_server_leads_nobody_to_the_character(hall: Hall) -> None:
    home, ctx = hall.home, hall.home.services.ctx
    master = home.deputy
    master_id = await links.resolve_character(ctx, home.server.id, MASTER)
    await links.add(ctx, home.server.id, character_id=master_id, user_id=master.id, actor_id=home.officer.id)
    home.server.remove_member(master)
    await everything_follows(hall)
    actor = by_joining(hall)
    await everything_follows(hall)
    view = await who_is(hall, actor)
    assert (view.public_id, view.characters, view.rank) == (None, (), None)
    assert [one.user_id for one in (await links.whois_character(ctx, home.server.id, master_id)).members] == [master.id]
    await refused_acts(hall, actor)


async def test_a_bot_and_a_webhook_of_the_guild_masters_name_are_nobody(hall: Hall) -> None:
    home, ctx = hall.home, hall.home.services.ctx
    await everything_follows(hall)
    bot = home.server.add_member(home.env.create_user(MASTER.lower(), bot=True), nick=MASTER)
    await home.server.create_webhook(home.general, MASTER).send("I am the guild master")
    await everything_follows(hall)
    with pytest.raises(NotFound, match="Bots are left out"):
        await who_is(hall, bot)
    master_id = await links.resolve_character(ctx, home.server.id, MASTER)
    view = await links.whois_character(ctx, home.server.id, master_id)
    assert (view.members, view.characters[0].half) == ((), None)


async def test_officers_hold_the_chosen_role_by_its_id_whatever_roles_are_called(hall: Hall) -> None:
    home, cora = hall.home, hall.cast[Persona.OFFICER_BY_ROLE]
    opened = ranks_texts.title(home.sample.guild.name)
    second = home.server.create_role("Council")
    impostor = home.server.add_member(home.env.create_user("ivan"), roles=[second])
    await home.env.advance_time(QUIET_SECONDS)
    await refused_acts(hall, impostor)
    home.env.backend.edit_role(home.server.id, hall.council.id, {"name": "Old council"})
    home.env.backend.edit_role(home.server.id, second.id, {"name": "Officers"})
    await home.env.advance_time(QUIET_SECONDS)
    await refused_acts(hall, impostor)
    assert opened in card_of(await cora.slash(home.general, "setup ranks"))
    home.env.backend.delete_role(home.server.id, hall.council.id)
    await home.env.advance_time(QUIET_SECONDS)
    await refused_acts(hall, cora)
    await refused_acts(hall, impostor)
