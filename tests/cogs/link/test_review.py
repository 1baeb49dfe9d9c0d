from collections.abc import Sequence
from dataclasses import replace

import pytest
import simcord

from bot.services import audit, claims, links, options, pipeline, review
from bot.services.review import Idle, Review, SuggestedMember
from bot.services.words import NAMED
from cogs.common.paginator import check_budget
from cogs.link import review_texts as texts
from cogs.link.review_ui import show_turn
from db.people import CharacterView
from db.tables.identity import CharacterNote
from domain.links import Confidence, LinkMode
from sandbox.world import Character
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import read_all, shrink
from tests.cogs.player.longest import longest_claim
from tests.support.clock import START

HOSTILE = "*_~`|[]()<>#@" * 8
NAMESAKES = 3
TWINS = ("quentin", "rosalba")


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that leaves links to its officers: three that would be made, and one character that two members fit."""
    strangers = shrink(home, 2)
    for username in TWINS:
        home.server.add_member(home.env.create_user(username), nick=strangers[0].name)
    await home.env.advance_time(6)
    await home.follow()
    await options.change(
        home.services.ctx, home.server.id, {"link_mode": LinkMode.SUGGEST.value}, actor_id=home.officer.id
    )
    await read_all(home)
    return strangers


async def open_review(home: Home, actor: simcord.MemberActor | None = None) -> simcord.InteractionResult:
    return await (actor or home.officer).slash(home.general, "link review")


async def decide_namesakes(home: Home, shown: simcord.InteractionResult) -> None:
    """Decide what comes first: the links that the evidence would carry."""
    for _ in range(NAMESAKES):
        await home.officer.click(shown.response, label=labels_of(shown.response)[0])


async def linked(home: Home, name: str) -> Sequence[int]:
    character_id = await links.resolve_character(home.services.ctx, home.server.id, name)
    view = await links.whois_character(home.services.ctx, home.server.id, character_id)
    return [member.user_id for member in view.members]


async def note(home: Home, name: str, *, guild_note: str | None = None, officer_note: str | None = None) -> None:
    ctx = home.services.ctx
    character_id = await links.resolve_character(ctx, home.server.id, name)
    async with ctx.sessions.begin() as session:
        session.add(
            CharacterNote(
                server_id=home.server.id,
                character_id=character_id,
                guild_note=guild_note,
                guild_note_at=ctx.clock(),
                officer_note=officer_note,
                officer_note_at=ctx.clock(),
            )
        )


def twins(home: Home) -> list[int]:
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    return sorted(member.id for member in server.members if member.name in TWINS)


async def test_a_suggestion_shows_the_character_the_candidates_and_why(home: Home, strangers: list[Character]) -> None:
    shown = await open_review(home)
    assert shown.ephemeral
    await decide_namesakes(home, shown)
    said = text_of(shown.response)
    one = strangers[0]
    assert f"## Whose is {one.name}?" in said
    assert f"\n{one.realm.name} · " in said
    assert f" {one.level} · Rank {one.rank}" in said
    for username, user_id in zip(TWINS, twins(home), strict=True):
        assert f"**{one.name}** ({username}) · <@{user_id}>\n- the nickname is “{one.name}”" in said
    assert "1 suggestion left" in said


async def test_two_members_with_one_display_name_are_suggested_never_linked(
    home: Home, strangers: list[Character]
) -> None:
    shown = await open_review(home)
    await decide_namesakes(home, shown)
    name = strangers[0].name
    assert labels_of(shown.response) == [f"{name} @quentin", f"{name} @rosalba", "Not a match", "Later"]
    assert await linked(home, name) == []


async def test_what_only_waits_for_a_word_comes_first_and_says_so(home: Home, strangers: list[Character]) -> None:
    said = card_of(await open_review(home))
    assert any(f"## Whose is {name}?" in said for name in home.namesakes)
    assert "would carry this link with high confidence" in said
    assert "4 suggestions left" in said


async def test_picking_a_candidate_proves_the_link_and_shows_the_next(home: Home, strangers: list[Character]) -> None:
    shown = await open_review(home)
    name = next(name for name in home.namesakes if f"## Whose is {name}?" in card_of(shown))
    await home.officer.click(shown.response, label=name)
    said, namesake = text_of(shown.response), home.namesakes[name].id
    assert said.startswith(f"✅ **{name}** is linked to <@{namesake}>: proven, by your word.\n## Whose is ")
    assert "3 suggestions left" in said
    assert await linked(home, name) == [namesake]


async def test_a_decision_is_followed_by_matching_and_audit(home: Home, strangers: list[Character]) -> None:
    shown = await open_review(home)
    name = next(name for name in home.namesakes if f"## Whose is {name}?" in card_of(shown))
    orphan = ("orphan_discord", home.namesakes[name].id)
    ctx = home.services.ctx
    assert orphan in {(one.rule, one.subject_id) for one in await audit.standing(ctx, home.server.id)}
    await home.officer.click(shown.response, label=name)
    assert orphan not in {(one.rule, one.subject_id) for one in await audit.standing(ctx, home.server.id)}


async def test_alts_that_notes_tie_to_a_character_are_named_and_follow_it(
    home: Home, strangers: list[Character]
) -> None:
    main, alt = strangers
    await note(home, alt.name, guild_note=f"alt of {main.name}")
    await options.change(
        home.services.ctx, home.server.id, {"link_mode": LinkMode.AUTOMATIC.value}, actor_id=home.officer.id
    )
    await pipeline.follow_up(home.services.ctx, home.server.id)
    shown = await open_review(home)
    assert f"The same player's, by their notes: **{alt.name}**." in card_of(shown)
    await home.officer.click(shown.response, label=f"{main.name} @quentin")
    quentin, _ = twins(home)
    assert (await linked(home, main.name), await linked(home, alt.name)) == ([quentin], [quentin])


async def test_not_a_match_is_remembered_and_never_suggested_again(home: Home, strangers: list[Character]) -> None:
    shown = await open_review(home)
    await decide_namesakes(home, shown)
    first, second = twins(home)
    await home.officer.click(shown.response, label="Not a match")
    said = text_of(shown.response)
    assert said.startswith(f"✅ **{strangers[0].name}** is not <@{first}> or <@{second}>: no rule will suggest that")
    assert "## Nothing is left to review" in said
    await pipeline.follow_up(home.services.ctx, home.server.id)
    assert await review.next_review(home.services.ctx, home.server.id) is Idle.DONE
    assert await linked(home, strangers[0].name) == []


async def test_later_puts_a_suggestion_behind_all_others(home: Home, strangers: list[Character]) -> None:
    shown = await open_review(home)
    first = card_of(shown).splitlines()[0]
    for left in (1, 2, 3):
        await home.officer.click(shown.response, label="Later")
        said = text_of(shown.response)
        assert first not in said
        assert f"4 suggestions left, {left} of them put off" in said
    await home.officer.click(shown.response, label="Later")
    said = text_of(shown.response)
    assert "comes back after all others" in said
    assert first in said
    assert "Put off <t:" in said


async def test_a_review_goes_on_after_a_restart_in_the_middle_of_it(home: Home, strangers: list[Character]) -> None:
    shown = await open_review(home)
    await home.officer.click(shown.response, label="Later")
    await home.restart()
    name = next(name for name in home.namesakes if f"## Whose is {name}?" in text_of(shown.response))
    await home.officer.click(shown.response, label=name)
    assert await linked(home, name) == [home.namesakes[name].id]
    await home.restart()
    assert "3 suggestions left, 1 of them put off" in text_of(shown.response)
    again = await open_review(home, home.deputy)
    assert card_of(again) == text_of(shown.response).partition("\n")[2]


async def test_what_another_officer_decided_meanwhile_says_who_and_shows_the_next(
    home: Home, strangers: list[Character]
) -> None:
    mine, theirs = await open_review(home), await open_review(home, home.deputy)
    name = next(name for name in home.namesakes if f"## Whose is {name}?" in card_of(mine))
    namesake = home.namesakes[name].id
    await home.deputy.click(theirs.response, label=name)
    await home.officer.click(mine.response, label="Not a match")
    said = text_of(mine.response)
    assert said.startswith(f"⚠️ `{name}` was linked to <@{namesake}> meanwhile, by <@{home.deputy.id}>.\n## Whose is ")
    assert f"## Whose is {name}?" not in said
    assert await linked(home, name) == [namesake]


async def test_who_left_meanwhile_is_not_linked_and_the_others_are_shown_again(
    home: Home, strangers: list[Character]
) -> None:
    shown = await open_review(home)
    await decide_namesakes(home, shown)
    gone, stays = twins(home)
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    member = server.get_member(gone)
    assert member is not None
    await member.kick()
    await home.env.settle()
    label = f"{strangers[0].name} @{member.name}"
    await home.officer.click(shown.response, label=label)
    said = text_of(shown.response)
    assert said.startswith(f"⚠️ <@{gone}> has left the server. Nothing was linked.\n## Whose is {strangers[0].name}?")
    assert f"<@{stays}>" in said
    assert labels_of(shown.response) == [strangers[0].name, "Not a match", "Later"]
    assert await linked(home, strangers[0].name) == []


async def test_both_notes_are_shown_and_the_officers_one_is_marked(home: Home, strangers: list[Character]) -> None:
    shown = await open_review(home)
    await decide_namesakes(home, shown)
    await note(home, strangers[0].name, guild_note="", officer_note="**raid** @everyone")
    await home.officer.click(shown.response, label="Later")
    said = text_of(shown.response)
    assert "Public note: empty" in said
    assert "🔒 Officer note: “\\*\\*raid\\*\\* @\u200beveryone”" in said


async def test_a_review_begins_with_the_claims_that_wait_and_marks_who_claims_the_character(
    home: Home, strangers: list[Character]
) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await claims.ask(home.services.ctx, home.server.id, character=name, user_id=namesake.id)
    shown = await open_review(home)
    assert card_of(shown).startswith("📨 1 member's claim waits for an officer: `/player claims`\n## Whose is ")
    while f"## Whose is {name}?" not in text_of(shown.response):
        assert texts.CLAIMS_IT not in text_of(shown.response)
        await home.officer.click(shown.response, label="Later")
    assert f"<@{namesake.id}>\n- says so: there is an open claim\n- the nickname is" in text_of(shown.response)


async def test_with_nothing_to_review_it_says_what_to_do(home: Home) -> None:
    await home.follow()
    assert "`/sync members`" in card_of(await open_review(home))
    shrink(home, 1)
    await read_all(home)
    assert "`/link coverage`" in card_of(await open_review(home))
    await options.change(home.services.ctx, home.server.id, {"link_mode": "off"}, actor_id=home.officer.id)
    assert "Matching is switched off" in card_of(await open_review(home))


async def test_a_server_without_a_guild_says_what_to_do_first(home: Home) -> None:
    assert "/setup guild" in home.refused(await open_review(home))


async def test_an_officer_who_lost_the_right_can_no_longer_decide(home: Home, strangers: list[Character]) -> None:
    shown = await open_review(home, home.deputy)
    await home.take_rights(home.deputy)
    for label in labels_of(shown.response):
        assert "Only officers" in card_of(await home.deputy.click(shown.response, label=label))
    turn = await review.next_review(home.services.ctx, home.server.id)
    assert isinstance(turn, Review)
    assert turn.left == 4


def test_the_longest_suggestion_fits_into_a_message_and_its_buttons_differ() -> None:
    reasons = tuple(
        {
            "rule": "note_names_member",
            "version": 1,
            "strength": 2,
            "source": "officer_note",
            "place": "officer_note",
            "written": HOSTILE,
            "other": HOSTILE,
            "via": None,
        }
        for _ in range(9)
    )
    turn = Review(
        character=CharacterView(
            1, HOSTILE, "", HOSTILE, "", 1, HOSTILE, 80, rank=3, rank_name=HOSTILE, last_login_at=None, half=None
        ),
        guild_note="@" * 255,
        officer_note="@" * 255,
        candidates=tuple(
            SuggestedMember(2**63 - number, HOSTILE, f"user_{number}".ljust(32, "_"), reasons) for number in range(4)
        ),
        more=1_000,
        alts=tuple(HOSTILE for _ in range(900)),
        confidence=Confidence.MEDIUM,
        later_at=START,
        left=10_000,
        put_off=9_999,
    )
    claim = longest_claim()
    waiting = [
        replace(claim, character=turn.character, member=replace(claim.member, user_id=one.user_id))
        for one in turn.candidates
    ]
    check_budget(show_turn(turn, waiting, texts.refused(HOSTILE, range(2**63 - 4, 2**63))))
    members = ", ".join([f"<@{2**63}>"] * NAMED)
    card = show_turn(
        turn, waiting, texts.not_done(f"`{'x' * 50}` was linked to {members}, 99 more meanwhile, by <@9>.")
    )
    check_budget(card)
    told = str(card.to_components())
    assert "and 895 more" in told
    assert "1,000 more candidates" in told
    assert all(f"@user_{number}" in told for number in range(4))
