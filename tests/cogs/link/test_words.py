"""`/link confirm`, two accounts of one person, and `/link alias`."""

from typing import Any

import pytest
import simcord
import sqlalchemy as sa

from bot.services import aliases, links
from cogs.common import texts as common_texts
from cogs.link import alias_ui
from db.tables.people import Member
from sandbox.world import Character
from tests.cogs.home import Home, card_of, labels_of
from tests.cogs.link.small import read_all, shrink


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once: the namesakes are linked by it, these four are nobody's."""
    strangers = shrink(home, 4)
    await read_all(home)
    return strangers


async def link(home: Home, command: str, actor: simcord.MemberActor | None = None, **options: Any) -> str:
    result = await (actor or home.officer).slash(home.general, f"link {command}", **options)
    assert result.ephemeral
    return card_of(result)


async def ranks_of(home: Home, user_id: int) -> int | None:
    return (await links.whois_member(home.services.ctx, home.server.id, user_id)).rank


async def test_confirming_a_character_makes_the_inferred_link_count_and_says_so(
    home: Home, strangers: list[Character]
) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    assert await ranks_of(home, namesake.id) is None

    said = await link(home, "confirm", character=name)

    assert f"1 link of <@{namesake.id}> is proven now, by your word. It counts for ranks and roles:" in said
    assert f"**{name}**" in said
    assert await ranks_of(home, namesake.id) == home.sample.world.find(name).rank


async def test_confirming_a_member_tells_every_character(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))

    said = await link(home, "confirm", member=namesake)

    assert f"**{name}**" in said
    assert await link(home, "confirm", member=namesake) == (
        f"Nothing to confirm: all characters of <@{namesake.id}> are proven already."
    )
    assert home.env.errors


async def test_where_nothing_is_inferred_confirming_is_refused_with_what_to_do(
    home: Home, strangers: list[Character]
) -> None:
    name = strangers[0].name
    assert "has no link to confirm. If you know whose it is: `/link add`" in await link(home, "confirm", character=name)
    assert "has no link to confirm" in await link(home, "confirm", member=home.plain)
    both = await link(home, "confirm", character=name, member=home.plain)
    neither = await link(home, "confirm")
    assert both == neither == "Choose a character or a member: exactly one of them."
    assert home.env.errors


async def test_two_discord_accounts_of_one_person_are_said_with_also(home: Home, strangers: list[Character]) -> None:
    name = strangers[0].name
    await link(home, "add", character=name, member=home.plain)
    refused = await link(home, "add", character=name, member=home.deputy)
    assert "say so: `/link add` with `also`" in refused

    said = await link(home, "add", character=name, member=home.deputy, also=True)

    assert f"<@{home.deputy.id}> now counts as the same person as <@{home.plain.id}>" in said
    assert await ranks_of(home, home.deputy.id) == await ranks_of(home, home.plain.id) == strangers[0].rank
    assert home.env.errors


async def test_also_between_two_players_by_peoples_words_says_that_it_waits_as_a_finding(
    home: Home, strangers: list[Character]
) -> None:
    ours, theirs = strangers[0].name, strangers[1].name
    await link(home, "add", character=ours, member=home.plain)
    await link(home, "add", character=theirs, member=home.deputy)

    said = await link(home, "add", character=ours, member=home.deputy, also=True)

    assert said.startswith(f"⏳ **{ours}")
    assert f"<@{home.deputy.id}> is the same person as <@{home.plain.id}> waits as a finding" in said
    assert said.endswith("Merge the two or reject it with `/audit list`.")
    listed = await home.officer.slash(home.general, "audit list", type="duplicate_discord")
    assert f"<@{home.deputy.id}>" in card_of(listed)


async def test_an_alias_is_set_shown_listed_and_taken_back(home: Home, strangers: list[Character]) -> None:
    assert await link(home, "alias", name="Mike", member=home.plain) == (
        f"`Mike` in notes now means <@{home.plain.id}>."
    )
    assert f"already means <@{home.plain.id}>" in await link(home, "alias", name="MIKE", member=home.plain)
    said = await link(home, "alias", name="mike", character=strangers[0].name)
    assert f"`mike` in notes now means the character **{strangers[0].name}" in said
    assert f"Before, it meant <@{home.plain.id}>." in said
    for options in ({}, {"name": "mike"}):
        shown = await link(home, "alias", **options)
        assert f"`mike` → the character **{strangers[0].name}" in shown
        assert f"by <@{home.officer.id}>" in shown
    assert "no longer means" in await link(home, "alias", name="mike", remove=True)
    assert "Nothing yet." in await link(home, "alias")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"remove": True}, "Type the name"),
        ({"name": "Mike", "remove": True}, "Nobody said what `Mike` means"),
        ({"name": "Mike"}, "Nobody said what `Mike` means"),
        ({"name": "★"}, "no letter or digit"),
        ({"name": "2024", "member": True}, "`2024` is a number"),
        ({"member": True}, "Type the name"),
        ({"name": "Mike", "member": True, "character": True}, "exactly one of them"),
        ({"name": "Mike", "member": True, "remove": True}, "choose no member and no character"),
    ],
)
async def test_a_wrong_alias_is_refused_with_what_to_do(
    home: Home, strangers: list[Character], options: dict[str, Any], text: str
) -> None:
    given = dict(options)
    if "member" in given:
        given["member"] = home.plain
    if "character" in given:
        given["character"] = strangers[0].name

    assert text in await link(home, "alias", **given)
    assert home.env.errors


async def test_an_alias_never_means_who_opted_out(home: Home, strangers: list[Character]) -> None:
    ctx = home.services.ctx
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).where(Member.user_id == home.plain.id).values(opted_out_at=ctx.clock()))

    assert "opted out of being matched" in await link(home, "alias", name="Mike", member=home.plain)
    assert home.env.errors


async def test_the_list_of_aliases_is_paged_after_a_restart_too(home: Home, strangers: list[Character]) -> None:
    ctx = home.services.ctx
    for number in range(alias_ui.PER_PAGE + 2):
        await aliases.set_alias(
            ctx, home.server.id, name=f"Mike{number:02}", user_id=home.plain.id, actor_id=home.officer.id
        )
    result = await home.officer.slash(home.general, "link alias")
    assert result.response is not None
    assert labels_of(result.response) == ["Next"]
    assert "Mike16" not in card_of(result)
    await home.restart()

    turned = await home.officer.click(result.response, label="Next")

    assert "`Mike16` →" in card_of(turned)
    assert "Page 2 of 2" in card_of(turned)


async def test_names_of_aliases_are_offered_to_officers_and_nobody_else(home: Home, strangers: list[Character]) -> None:
    await link(home, "alias", name="Mike", member=home.plain)
    [choice] = await home.officer.autocomplete(home.general, "link alias", "name", "MI")
    assert (choice["name"], choice["value"]) == ("Mike → mia", "Mike")
    home.allow("link", home.plain)
    assert await home.plain.autocomplete(home.general, "link alias", "name", "MI") == []
    for command in ("confirm", "alias"):
        assert await link(home, command, home.plain) == common_texts.OFFICERS_ONLY
    assert home.env.errors


async def test_what_an_alias_holds_formats_and_pings_nothing(home: Home, strangers: list[Character]) -> None:
    said = await link(home, "alias", name="@everyone `x` **b**", member=home.plain)
    assert said.startswith("`@everyone 'x' **b**` in notes")
    [*_, call] = [call for call in home.env.http_requests if call.method == "PATCH" and "@original" in call.path]
    assert call.json["allowed_mentions"] == {"parse": []}
