"""Who is who: a test for each rule, and for each way in which systems of this kind linked the wrong people."""

import unicodedata

import pytest

from domain.evidence import Place, RuleName
from domain.identity import Outcome
from domain.links import Source
from domain.matching import RULES_IN_FORCE
from tests.support.identity_cases import (
    HIGH,
    MAGE,
    MEDIUM,
    WARRIOR,
    alias,
    char,
    link_of,
    linked,
    member,
    outcome,
    suggested,
)

NOBODY = Outcome()

# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["username", "global_name", "nick"])
def test_a_member_who_alone_bears_the_name_is_linked_surely(place: str) -> None:
    names = {"username": "someone", place: "Thor"}
    found = outcome([char(1, "Thor")], [member(101, **names)])
    link = link_of(found, 1)
    assert (link.user_id, link.confidence, link.rule, link.source) == (101, HIGH, RuleName.EQUAL_NAME, Source.NAME)
    assert link.evidence[0].place is Place(place)


@pytest.mark.parametrize(
    ("name", "borne"),
    [
        ("Thor", "Thorin"),
        ("Thorin", "Thor"),
        ("Ana", "Banana"),
        ("Walter", "Alt of Bob"),
        ("Romain", "Main tank"),
        ("Theodore", "The Rock"),
        ("Christina", "Chris"),
        ("Chris", "Christina"),
    ],
)
def test_a_name_inside_a_name_links_nobody(name: str, borne: str) -> None:
    for names in ({"username": borne}, {"username": "x", "nick": borne}, {"username": "x", "nick": f"Dave | {borne}"}):
        assert linked(outcome([char(1, name)], [member(101, **names)])) == {}


@pytest.mark.parametrize(
    ("note", "borne"),
    [
        ("Alt of Bob", "walter"),  # "alt" is inside
        ("Main tank", "romain"),  # "main" is inside
        ("The Rock", "theodore"),
        ("The Rock", "rock"),
        ("Chris", "christina"),
        ("alt of Thor", "thorin"),
        ("Ana", "banana"),
    ],
)
def test_a_word_of_a_note_inside_a_name_links_nobody(note: str, borne: str) -> None:
    assert linked(outcome([char(1, "Xelia", note)], [member(101, borne)])) == {}


def test_a_name_that_ends_in_s_is_no_plural_of_another() -> None:
    assert linked(outcome([char(1, "Xelia", "Chris")], [member(101, "chri")])) == {}
    found = outcome([char(1, "Xelia", "Lukas Twink")], [member(101, "luka")])
    assert link_of(found, 1).confidence is MEDIUM, "perhaps “Luka's”, perhaps Lukas, whom nobody knows"
    both = [member(101, "luka"), member(102, "lukas")]
    assert linked(outcome([char(1, "Xelia", "Lukas Twink")], both)) == {1: 102}


@pytest.mark.parametrize(
    "note", ["Mike's wife", "Mike's friend", "friend of Mike", "Mike's roommate", "not Mike's alt"]
)
def test_who_is_somebodys_relation_is_not_that_somebody(note: str) -> None:
    assert linked(outcome([char(1, "Xelia", note)], [member(101, "mike")])) == {}


def test_two_members_with_one_display_name_are_suggested_never_linked() -> None:
    found = outcome([char(1, "Mike")], [member(101, "a", "Mike"), member(102, "b", "mike")])
    assert linked(found) == {}
    assert suggested(found) == {1: [101, 102]}


def test_two_people_called_mike_in_notes_are_suggested_never_linked() -> None:
    found = outcome([char(1, "Xelia", "Mike")], [member(101, "a", "Mike"), member(102, "b", "Mike")])
    assert linked(found) == {}
    assert suggested(found) == {1: [101, 102]}


@pytest.mark.parametrize(
    ("name", "borne"),
    [
        ("Søren", "soren"),
        ("Ælfric", "aelfric"),
        ("Œdipe", "oedipe"),
        ("Weiß", "weiss"),
        ("Łukasz", "lukasz"),
        ("Đorđe", "dorde"),
        ("Þórðr", "thordr"),
        ("Kılıç", "kilic"),
    ],
)
def test_letters_that_nfkd_does_not_fold_are_folded(name: str, borne: str) -> None:
    assert linked(outcome([char(1, name)], [member(101, borne)])) == {1: 101}


def test_one_letter_names_in_hangul_and_han_are_names() -> None:
    found = outcome(
        [char(1, "김"), char(2, "龍"), char(3, "Xelia", "김 부캐")], [member(101, "a", None, "김"), member(102, "龍")]
    )
    assert linked(found) == {1: 101, 2: 102, 3: 101}


def test_yo_is_ye() -> None:
    assert linked(outcome([char(1, "Артём")], [member(101, "x", "Артем")])) == {1: 101}


def test_nfc_equals_nfd() -> None:
    decomposed = unicodedata.normalize("NFD", "Éloïse")
    assert linked(outcome([char(1, "Éloïse")], [member(101, "x", decomposed)])) == {1: 101}


@pytest.mark.parametrize(
    "nick",
    [
        *("Thor | Dave", "Dave / Thor", "Dave/Thor/Ana", "Thor (Alt)", "[GM] Thor", "⚔ Thor ⚔", "𝕿𝖍𝖔𝖗 ✨ Dave"),
        *(
            "Thor, Ana",
            "Thor - Dave",
            "Dave (Thor)",
            "Thor & Ana",
            "Thor・Dave",
            "Thor｜Dave",
            "Thor🔥Dave",
            "Thor-Argus",
            "T h o r",
        ),
    ],
)
def test_a_nickname_carries_several_names(nick: str) -> None:
    assert linked(outcome([char(1, "Thor")], [member(101, "x", None, nick)])) == {1: 101}


def test_a_part_that_is_a_usual_word_may_tell_what_somebody_plays_and_is_not_sure() -> None:
    for name in ("Tank", "Holy", "Raider"):
        found = outcome([char(1, name)], [member(101, "x", None, f"Dave | {name}")])
        assert link_of(found, 1).confidence is MEDIUM
        assert link_of(outcome([char(1, name)], [member(101, name.lower())]), 1).confidence is HIGH


def test_a_username_with_digits_and_separators_still_bears_the_name() -> None:
    assert linked(outcome([char(1, "Thor")], [member(101, "thor_87")])) == {1: 101}
    assert linked(outcome([char(1, "Thor")], [member(101, "thor_in_hood")])) == {}


def test_twins_on_two_realms_are_suggested_unless_a_realm_or_accents_tell_them_apart() -> None:
    twins = [char(1, "Twin", realm="twin-peaks"), char(2, "Twin", realm="argus")]
    found = outcome(twins, [member(101, "twin")])
    assert linked(found) == {}
    assert suggested(found) == {1: [101], 2: [101]}
    assert linked(outcome(twins, [member(101, "x", None, "Twin-TwinPeaks")])) == {1: 101}
    accents = [char(1, "Twín"), char(2, "Twïn")]
    assert linked(outcome(accents, [member(101, "x", "Twín")])) == {1: 101}


@pytest.mark.parametrize("name", ["xXThorXx", "TheThor", "thor123", "ThorTV"])
def test_a_decorated_name_is_never_enough_alone(name: str) -> None:
    found = outcome([char(1, "Thor")], [member(101, name.lower())])
    assert linked(found) == {}
    assert suggested(found) == {1: [101]}


def test_the_same_decorated_name_in_two_places_is_still_one() -> None:
    found = outcome([char(1, "Bert"), char(2, "김")], [member(101, "elbert", "El Bert"), member(102, "kim", "Kim")])
    assert (linked(found), suggested(found)) == ({}, {1: [101], 2: [102]})
    found = outcome([char(1, "Thor")], [member(101, "xxthorxx", "The Thor")])
    assert (linked(found), link_of(found, 1).confidence) == ({1: 101}, MEDIUM)


def test_a_name_in_another_script_is_never_enough_alone() -> None:
    found = outcome([char(1, "Володя")], [member(101, "volodya")])
    assert linked(found) == {}
    assert suggested(found) == {1: [101]}


@pytest.mark.parametrize("borne", ["thorindal", "thorindall", "torindale", "thorindael"])
def test_a_similar_name_suggests_and_never_links(borne: str) -> None:
    found = outcome([char(1, "Thorindale")], [member(101, borne, borne, borne)])
    assert linked(found) == {}
    assert suggested(found) == {1: [101]}
    assert {one.rule for one in found.suggestions[0].candidates[0].evidence} == {RuleName.SIMILAR_NAME}


def test_one_person_with_two_accounts_is_linked_once_and_not_surely() -> None:
    found = outcome([char(1, "Thor")], [member(101, "mikeyk", "Thor"), member(102, "mikeyk_", "Thor")])
    assert linked(found) == {1: 101}
    assert (link_of(found, 1).rule, link_of(found, 1).confidence) == (RuleName.SECOND_NAME, MEDIUM)


def test_two_accounts_that_are_known_as_one_player_are_one_person() -> None:
    found = outcome([char(1, "Thor")], [member(101, "a", "Thor"), member(102, "b", "Thor")], of={101: 7, 102: 7})
    assert (linked(found), link_of(found, 1).confidence) == ({1: 101}, HIGH)


def test_the_accounts_of_a_player_give_their_reasons_in_one_order() -> None:
    accounts = [member(101, "thor", None, "Thorin"), member(102, "thor"), member(103, "x", "thor")]
    known = {101: 7, 102: 7, 103: 7}
    assert outcome([char(1, "Thor")], accounts, of=known) == outcome([char(1, "Thor")], accounts[::-1], of=known)


def test_in_a_crowd_of_one_name_nobody_is_even_suggested() -> None:
    crowd = [member(1000 + number, f"u{number}", "Mike") for number in range(2000)]
    assert outcome([char(1, "Mike"), char(2, "Xelia", "discord: Mike")], crowd) == NOBODY


def test_names_of_nothing_but_signs_match_nothing() -> None:
    assert outcome([char(1, "")], [member(101, "", "!!!", "⚔")]) == NOBODY


# -- notes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("note", ["Discord: mike", "@mike", "mike#1234", "Mike", "GM / Mike"])
def test_a_member_named_in_a_note_is_linked_surely(note: str) -> None:
    for where, source in (("note", Source.GUILD_NOTE), ("officer_note", Source.OFFICER_NOTE)):
        link = link_of(outcome([char(1, "Xelia", **{where: note})], [member(101, "mike")]), 1)
        assert (link.user_id, link.confidence, link.rule) == (101, HIGH, RuleName.NOTE_NAMES_MEMBER)
        assert link.source is source


@pytest.mark.parametrize("note", ["alt of Thor", "main: Thor", "Thor"])
def test_alt_of_and_main_are_compared_with_characters_before_members(note: str) -> None:
    guild = [char(1, "Thor"), char(2, "Xelia", note)]
    found = outcome(guild, [member(101, "thor"), member(102, "dave")], owned={1: 7}, of={102: 7})
    assert linked(found) == {2: 102}
    assert link_of(found, 2).rule is RuleName.NOTE_NAMES_CHARACTER
    assert link_of(found, 2).evidence[0].via == 1


def test_a_note_that_names_two_characters_of_one_name_is_no_surer_than_the_links_of_both() -> None:
    namesakes = [char(1, "Thor"), char(2, "Thor", realm="argus", note="Daves mage")]
    alt = char(3, "Xelia", "alt of Thor")
    unsure = outcome([*namesakes, alt], [member(101, "mike"), member(102, "dave")], owned={1: 7}, of={102: 7})
    sure = outcome([*namesakes, alt], [member(102, "dave")], owned={1: 7, 2: 7}, of={102: 7})
    assert (link_of(unsure, 2).user_id, link_of(unsure, 2).confidence) == (102, MEDIUM)
    assert link_of(unsure, 3).confidence is MEDIUM
    assert link_of(sure, 3).confidence is HIGH


def test_words_about_discord_name_a_member_even_where_a_character_is_called_so() -> None:
    guild = [char(1, "Thor"), char(2, "Xelia", "discord: thor")]
    found = outcome(guild, [member(101, "thor"), member(102, "dave")], owned={1: 7}, of={102: 7})
    assert linked(found) == {2: 101}


def test_two_alts_that_name_the_same_unlinked_member_are_one_player() -> None:
    found = outcome([char(1, "Xelia", "discord: mike"), char(2, "Yorrick", "Mike's alt")], [member(101, "mike")])
    assert linked(found) == {1: 101, 2: 101}


def test_chains_lead_from_alt_to_alt_to_main() -> None:
    guild = [char(3, "Cerys", "alt of Berta"), char(2, "Berta", "alt of Alwin"), char(1, "Alwin")]
    found = outcome(guild, [member(101, "alwin")])
    assert linked(found) == {1: 101, 2: 101, 3: 101}
    assert [link.round for link in found.links] == [1, 2, 3]


def test_a_long_chain_needs_no_deep_recursion() -> None:
    letters = "abcdefghij"
    names = ["Q" + "".join(letters[int(digit)] for digit in f"{number:04}") for number in range(1500)]
    guild = [char(n, name, f"alt of {names[n - 1]}" if n else None) for n, name in enumerate(names)]
    assert len(outcome(guild, [member(5001, names[0])]).links) == 1500
    assert outcome(guild, []).groups == (tuple(range(1500)),)


def test_alts_that_name_each_other_are_a_group_and_link_nobody() -> None:
    guild = [char(1, "Alwin", "alt of Berta"), char(2, "Berta", "alt of Alwin"), char(3, "Cerys", "alt of Cerys")]
    found = outcome(guild, [member(101, "dave")])
    assert (linked(found), found.groups) == ({}, ((1, 2),))


def test_alts_that_name_each_other_are_linked_once_one_is_known() -> None:
    guild = [char(1, "Alwin", "alt of Berta"), char(2, "Berta", "alt of Alwin")]
    assert linked(outcome(guild, [member(101, "alwin")])) == {1: 101, 2: 101}


def test_a_name_with_its_realm_names_one_of_two_twins() -> None:
    guild = [char(1, "Twin", realm="twin-peaks"), char(2, "Twin", realm="argus"), char(3, "Xelia", "main: Twin-Argus")]
    found = outcome(guild, [], owned={1: 7, 2: 8})
    assert linked(found) == {}
    members = [member(101, "a"), member(102, "b")]
    assert linked(outcome(guild, members, owned={1: 7, 2: 8}, of={101: 7, 102: 8})) == {3: 102}
    guild[2] = char(3, "Xelia", "main: Twin")
    found = outcome(guild, members, owned={1: 7, 2: 8}, of={101: 7, 102: 8})
    assert (linked(found), suggested(found)) == ({}, {3: [101, 102]})


def test_one_known_twin_is_not_both_even_where_their_player_bears_the_name() -> None:
    guild = [char(1, "Twin", realm="twin-peaks"), char(2, "Twin"), char(3, "Xelia", "alt of Twin")]
    found = outcome(guild, [member(101, "x", None, "Dave / Twin")], owned={1: 7}, of={101: 7})
    assert 3 not in linked(found)


def test_a_nickname_that_others_notes_hold_too_leads_to_their_player_but_not_surely() -> None:
    guild = [char(1, "Thor", "Zorki's alt"), char(2, "Xelia", "alt of Zorki")]
    found = outcome(guild, [member(101, "thor")])
    assert linked(found) == {1: 101, 2: 101}
    assert (link_of(found, 2).rule, link_of(found, 2).confidence) == (RuleName.SHARED_NICKNAME, MEDIUM)


def test_a_remark_that_many_notes_hold_is_no_nickname() -> None:
    for remark in ("legend", "lol", "pvp alt", "main tank", "alt raid"):
        found = outcome([char(1, "Thor", remark), char(2, "Xelia", remark)], [member(101, "thor")])
        assert linked(found) == {1: 101}, remark


def test_a_link_over_a_medium_link_is_medium() -> None:
    guild = [char(1, "Thor", "Zorki's alt"), char(2, "Xelia", "Zorki's alt"), char(3, "Yorrick", "alt of Xelia")]
    found = outcome(guild, [member(101, "thor")])
    assert [link_of(found, id_).confidence for id_ in (1, 2, 3)] == [HIGH, MEDIUM, MEDIUM]


def test_the_officer_note_comes_before_the_public_note() -> None:
    found = outcome([char(1, "Xelia", "discord: carl", "discord: mike")], [member(101, "mike"), member(102, "carl")])
    assert linked(found) == {1: 101}
    assert link_of(found, 1).confidence is MEDIUM, "the public note says another"


def test_a_class_that_the_character_is_not_lowers() -> None:
    found = outcome([char(1, "Xelia", "Mike's warrior", class_id=MAGE)], [member(101, "mike")])
    assert link_of(found, 1).confidence is MEDIUM
    found = outcome([char(1, "Xelia", "Mike's warrior", class_id=WARRIOR)], [member(101, "mike")])
    assert link_of(found, 1).confidence is HIGH


def test_a_russian_genitive_leads_to_the_name_but_not_surely() -> None:
    found = outcome([char(1, "Иксель", "твинк Боба")], [member(101, "боб")])
    assert (linked(found), link_of(found, 1).confidence) == ({1: 101}, MEDIUM)
    assert linked(outcome([char(1, "Иксель", "твинк Боба")], [member(101, "боб"), member(102, "боба")])) == {1: 102}


def test_an_equal_name_and_a_note_that_says_another_are_not_sure() -> None:
    found = outcome([char(1, "Mike", "discord: carl")], [member(101, "mike"), member(102, "carl")])
    assert (linked(found), link_of(found, 1).confidence) == ({1: 101}, MEDIUM)
    assert [(one.character_id, one.user_ids) for one in found.contradictions] == [(1, (102,))]


# -- people's words ---------------------------------------------------------------------------------------------------


def test_a_note_that_comes_to_mean_another_in_a_later_pass_lowers_as_well() -> None:
    characters = [
        char(1, "Mike", "alt of Bob"),
        char(2, "Bob"),
        char(3, "Alto", "alt of Mike"),
        char(4, "Bank", "Alto's alt"),
    ]
    found = outcome(characters, [member(101, "mike"), member(102, "bob")])
    assert linked(found) == {1: 101, 2: 102, 3: 101, 4: 101}
    # Mike may be Bob's: what leads over him is no surer than he is.
    assert {link.character_id: link.confidence for link in found.links} == {1: MEDIUM, 2: HIGH, 3: MEDIUM, 4: MEDIUM}


def test_a_word_that_is_a_realm_of_the_guild_names_nobody() -> None:
    assert linked(outcome([char(1, "Thor", "Argus", realm="argus")], [member(101, "argus")])) == {}


def test_a_note_with_the_characters_own_name_names_nobody_else() -> None:
    found = outcome([char(1, "Marcé", "alt of Marcé"), char(2, "Marce")], [member(101, "marce")])
    assert linked(found) == {2: 101}


def test_a_name_without_accents_tells_twins_apart_but_not_surely() -> None:
    found = outcome(
        [char(1, "Dicoz"), char(2, "Dïcoz")], [member(101, "x", nick="Dicoz"), member(102, "y", nick="Dïcoz")]
    )
    assert {link.character_id: link.confidence for link in found.links} == {1: MEDIUM, 2: HIGH}


def test_a_nickname_counts_no_more_than_a_display_name_that_is_shown() -> None:
    found = outcome([char(1, "Thor")], [member(101, "guest", nick="Thor"), member(102, "raider", "Thor")])
    assert linked(found) == {}
    assert sorted(suggested(found)[1]) == [101, 102]


@pytest.mark.parametrize("source", [source for source in Source if source.is_by_person])
def test_a_link_by_a_person_is_never_undone_and_a_note_against_it_is_a_contradiction(source: Source) -> None:
    found = outcome(
        [char(1, "Xelia", "discord: mike")],
        [member(101, "mike"), member(102, "carl")],
        owned={1: 7},
        of={102: 7},
        source=source,
    )
    assert (found.links, found.suggestions) == ((), ())
    assert [(one.character_id, one.user_ids) for one in found.contradictions] == [(1, (101,))]
    assert found.contradictions[0].evidence[0].rule is RuleName.NOTE_NAMES_MEMBER


def test_a_note_that_agrees_or_was_rejected_contradicts_nothing() -> None:
    guild, members = [char(1, "Xelia", "discord: mike")], [member(101, "mike"), member(102, "carl")]
    assert outcome(guild, members, owned={1: 7}, of={101: 7}).contradictions == ()
    assert outcome(guild, members, owned={1: 7}, of={102: 7}, rejected=[(1, 101)]).contradictions == ()


@pytest.mark.parametrize("note", ["Bear", "Bear's alt", "alt of bear", "discord: bear"])
def test_an_alias_says_what_a_name_in_notes_means(note: str) -> None:
    members = [member(101, "mike"), member(102, "bear")]
    found = outcome([char(1, "Xelia", note)], members, aliases=[alias("Bear", user_id=101)])
    assert (linked(found), link_of(found, 1).rule) == ({1: 101}, RuleName.ALIAS)
    assert (link_of(found, 1).source, link_of(found, 1).confidence) == (Source.ALIAS, HIGH)


def test_an_alias_may_mean_a_character() -> None:
    guild = [char(1, "Thor"), char(2, "Xelia", "alt of Bear"), char(3, "Bear")]
    found = outcome(guild, [member(101, "thor"), member(102, "bear")], aliases=[alias("bear", character_id=1)])
    assert linked(found) == {1: 101, 2: 101, 3: 102}


def test_an_alias_is_stronger_than_an_equal_name() -> None:
    members = [member(101, "mike"), member(102, "carl")]
    found = outcome([char(1, "Mike", "Zorki")], members, aliases=[alias("Zorki", user_id=102)])
    assert (linked(found), link_of(found, 1).confidence) == ({1: 102}, HIGH)


def test_an_alias_of_somebody_who_left_links_nobody() -> None:
    guild, aliases = [char(1, "Xelia", "Zorki")], [alias("Zorki", user_id=999), alias("Ghost", character_id=999)]
    assert outcome(guild, [member(101, "zorki")], aliases=aliases) == NOBODY


def test_a_hidden_member_is_never_linked_nor_suggested() -> None:
    guild = [char(1, "Mike"), char(2, "Xelia", "discord: mike"), char(3, "Mikes"), char(4, "Yorrick", "alt of Mike")]
    found = outcome(guild, [member(101, "mike", hidden=True)])
    assert (linked(found), suggested(found)) == ({}, {})
    assert outcome(guild, [member(101, "mike", hidden=True)], aliases=[alias("Xe", user_id=101)]).links == ()


def test_a_hidden_member_still_keeps_others_from_being_taken_for_the_only_one() -> None:
    members = [member(101, "a", "Mike", hidden=True), member(102, "b", "Mike")]
    found = outcome([char(1, "Mike"), char(2, "Xelia", "discord: Mike")], members)
    assert (linked(found), suggested(found)) == ({}, {1: [102], 2: [102]})


def test_a_rejected_pair_is_never_linked_nor_suggested() -> None:
    guild, members = [char(1, "Mike"), char(2, "Mikel")], [member(101, "mike")]
    found = outcome(guild, members, rejected=[(1, 101), (2, 101)])
    assert (linked(found), suggested(found)) == ({}, {})
    noted = [char(1, "Xelia", "alt of Thor"), char(2, "Thor")]
    assert linked(outcome(noted, [member(101, "thor")], rejected=[(1, 101)])) == {2: 101}


def test_a_rejected_member_does_not_make_another_of_the_same_name_sure() -> None:
    members = [member(101, "a", "Mike"), member(102, "b", "Mike")]
    found = outcome([char(1, "Mike")], members, rejected=[(1, 101)])
    assert (linked(found), suggested(found)) == ({}, {1: [102]})


def test_rejecting_one_account_of_a_player_rejects_the_player() -> None:
    members = [member(101, "thor"), member(102, "dave")]
    assert linked(outcome([char(1, "Thor")], members, of={101: 7, 102: 7}, rejected=[(1, 102)])) == {}


def test_a_rule_that_people_reject_suggests_and_links_no_more() -> None:
    guild, members = [char(1, "Thor"), char(2, "Xelia", "discord: thor")], [member(101, "thor")]
    found = outcome(guild, members, suggesting=[RuleName.EQUAL_NAME])
    assert (linked(found), suggested(found)) == ({2: 101}, {1: [101]})
    found = outcome(guild, members, suggesting=RuleName)
    assert (linked(found), suggested(found)) == ({}, {1: [101], 2: [101]})


def test_no_evidence_of_a_rule_counts_as_a_proof() -> None:
    guild = [char(1, "Thor", "discord: thor", "discord: thor"), char(2, "Xelia", "alt of Thor"), char(3, "Yor", "Bear")]
    found = outcome(guild, [member(101, "thor", "Thor", "Thor")], aliases=[alias("bear", user_id=101)])
    assert len(found.links) == 3
    assert not any(link.source.is_proof or link.source.is_by_person for link in found.links)


# -- suggestions and groups -------------------------------------------------------------------------------------------


def test_holding_the_rank_s_role_orders_candidates_and_proposes_nobody() -> None:
    members = [member(101, "a", "Mike"), member(102, "b", "Mike", ranks=frozenset({5}))]
    assert suggested(outcome([char(1, "Mike")], members)) == {1: [102, 101]}
    assert outcome([char(1, "Xelia")], members) == NOBODY


def test_a_class_in_a_note_proposes_nobody() -> None:
    assert outcome([char(1, "Xelia", "mage")], [member(101, "mage")]) == NOBODY


def test_a_suggestion_holds_few_candidates() -> None:
    members = [member(100 + number, f"u{number}", "Mike") for number in range(8)]
    assert suggested(outcome([char(1, "Mike")], members)) == {1: [100, 101, 102, 103, 104]}


def test_who_is_named_in_a_note_of_a_members_character_is_suggested() -> None:
    guild = [char(1, "Thor", "main: Xelia"), char(2, "Xelia")]
    found = outcome(guild, [member(101, "thor")])
    assert (linked(found), suggested(found)) == ({1: 101}, {2: [101]})
    assert found.suggestions[0].candidates[0].evidence[0].rule is RuleName.NAMED_IN_NOTE


def test_characters_tied_by_notes_alone_are_a_group_and_no_player() -> None:
    guild = [
        char(1, "Alwin", "alt of Berta"),
        char(2, "Berta"),
        char(3, "Cerys", "Zorki's bank"),
        char(4, "Doran", "alt of Zorki"),
        char(5, "Elwin", "lol"),
        char(6, "Fenja", "lol"),
    ]
    found = outcome(guild, [member(101, "dave")])
    assert (found.links, found.suggestions, found.groups) == ((), (), ((1, 2), (3, 4)))


def test_the_version_changes_with_that_of_any_rule() -> None:
    assert RULES_IN_FORCE.count("-") == len(RuleName) - 1


def test_who_else_may_own_a_character_whose_link_is_not_sure_is_told() -> None:
    found = outcome([char(1, "Mike", "discord: carl")], [member(101, "mike"), member(102, "carl")])
    assert {one.character_id: [who.user_id for who in one.candidates] for one in found.alternatives} == {1: [102]}
