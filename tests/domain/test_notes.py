"""How guilds write notes: one table of habits, the notes that name nobody among them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notes import Form, Mention, read_note

D, O, B = Form.DISCORD, Form.OTHER, Form.BARE  # noqa: E741

# note -> whom it names: (form, keys), the likelier key first; () for nobody. All notes are made up for this table.
HABITS: dict[str, dict[str, Sequence[tuple[Form, str]]]] = {
    "en: a member of Discord": {
        "Discord: Mike": [(D, "mike")],
        "discord mike": [(D, "mike")],
        "disc: mike": [(D, "mike")],
        "dc = mike": [(D, "mike")],
        "DC:mike": [(D, "mike")],
        "discord/mike": [(D, "mike")],
        "discord-mike": [(D, "mike")],
        "Discord name: mike": [(D, "mike")],  # "name", "id", "tag", "nick" label what follows
        "Discord tag: Mike#1234": [(D, "mike")],
        "mike#1234": [(D, "mike")],
        "@mike": [(D, "mike")],
        "(@mike)": [(D, "mike")],
        "disc. @mike_87": [(D, "mike87")],
        "mike on discord": [(D, "mike")],
        "mike in discord": [(D, "mike")],
        "mike (discord)": [(D, "mike")],
        "Discord: Sam": [(D, "sam")],
        "Discord: Nick": [(D, "nick")],
        "Discord nick: Mike": [(D, "mike")],
        "Discord: Mike Miller": [(D, "mike mikemiller")],  # a name of two words, or a word behind the name
        "main: Thor, disc: mike": [(D, "mike"), (O, "thor")],  # what is said of Discord comes first
    },
    "en: nobody of Discord": dict.fromkeys(
        [
            *("Discord?", "no discord", "not on discord", "on discord", "in discord", "has discord", "needs discord"),
            *("Discord: none", "Discord: n/a", "discord: yes", "discord: unknown", "joined discord", "Disc priest"),
        ],
        (),
    ),
    "en: another's alt": {
        "alt of Bob": [(O, "bob")],
        "Alt Of BOB": [(O, "bob")],
        "alt for Bob": [(O, "bob")],
        "Bob's alt": [(O, "bob")],
        "Bob’s alt": [(O, "bob")],
        "Bob alt": [(O, "bob")],
        "Bob alt 2": [(O, "bob")],
        "Bobs alt": [(O, "bobs bob")],  # the name as written first: Bobs may be one
        "James' alt": [(O, "james")],
        "alt (Bob)": [(O, "bob")],
        "alt: Bob": [(O, "bob")],
        "alt - Bob": [(O, "bob")],
        "ALT-BOB": [(O, "bob")],
        "alt/Bob": [(O, "bob")],
        "alt -> Bob": [(O, "bob")],
        "[Alt] Bob": [(O, "bob")],
        "alt of the Bob": [(O, "bob")],
        "just another alt of Bob": [(O, "bob")],
        "Bob (alt)": [(O, "bob")],
        "bank alt of Bob": [(O, "bob")],
        "Bob's bank": [(O, "bob")],
        "Bob's 2nd toon": [(O, "bob")],
        "belongs to Bob": [(O, "bob")],
        "alt of Hunter": [(O, "hunter")],  # after such words even a class is a name
        "Bear's alt": [(O, "bear")],
        "Sam's alt": [(O, "sam")],  # no Saturday
        "Mo alt": [(O, "mo")],
        "alt of Jan": [(O, "jan")],
        "Nick's alt": [(O, "nick")],
    },
    "en: a main": {
        "main: Bob": [(O, "bob")],
        "main=Bob": [(O, "bob")],
        "Main - Bob": [(O, "bob")],
        "Main is Bob": [(O, "bob")],
        "M: Bob": [(O, "bob")],
        "Bob's main": [(O, "bob")],
        "(Bob)": [(B, "bob")],
        "Bob": [(B, "bob")],
        "Bob.": [(B, "bob")],
        "“Bob”": [(B, "bob")],
        "~Bob~": [(B, "bob")],
        "aka Bob": [(B, "bob")],
        "Bob 2": [(B, "bob")],
    },
    "en: with class, rank, figures": {
        "Bob's mage": [(O, "bob")],
        "Bob (mage)": [(O, "bob")],
        "Bob - mage": [(O, "bob")],
        "Bob mage": [(B, "bob")],
        "GM / Mike": [(B, "mike")],
        "GM: Mike": [(B, "mike")],
        "officer Mike": [(B, "mike")],
        "Bob, 480 ilvl": [(B, "bob")],
        "Bob 2.8k io": [(B, "bob")],
        "Bob / Alice": [(B, "bob"), (B, "alice")],
    },
    "en: nobody, a remark": dict.fromkeys(
        [
            *(
                "Main tank",
                "main healer",
                "raid main",
                "alt tank",
                "main spec heal",
                "main group",
                "pvp alt",
                "alt raid",
            ),
            *(
                "knows GM irl",
                "knows Bob irl",
                "inv by Thor",
                "invited by Thor",
                "recruited by Thor",
                "vouched by Thor",
            ),
            *("Mike's wife", "wife of Mike", "Mike's friend", "friend of Mike", "Mike's roommate", "Mike's mom"),
            *("not an alt of Thor", "not Thor's alt", "no alt of Thor", "not Thor", "ex-Thor", "former Thor"),
            *("ask Thor", "Thor knows", "sold to Thor", "team Thor", "trial by Thor", "promoted by Thor"),
            *("alt of Bob and Alice", "alt of Bob & Alice"),  # two people own no character
            *("alt of", "alt", "main", "main: none", "alt of ?", "main:", ":", "?", "-"),
        ],
        (),
    ),
    "en: nobody, figures and dates": dict.fromkeys(
        [
            *("480", "480 ilvl", "ilvl 480", "2.8k io", "io 2800", "12.03.2024", "2024-03-12", "joined May 24"),
            *("April 24", "May 2024", "1st June", "3. Mai", "since Jan", "M+ only", "AFK", "afk till monday"),
        ],
        (),
    ),
    "en: nobody, professions and ranks": dict.fromkeys(
        [
            *("Alch/Ench", "Alch 100 Ench 100", "JC/BS", "LW, skinning", "Herb/Mining", "Prof: BS", "crafter"),
            *(
                "tank",
                "Hunter",
                "resto shaman",
                "trial",
                "vet",
                "Raid lead",
                "GM",
                "trial until June",
                "officer alt",
                "alt of an officer",
                "guild bank",
                "GM",
            ),
        ],
        (),
    ),
    "en: a realm behind the name": {
        "Bob-Argus": [(B, "bob")],
        "main: Bob-Argus": [(O, "bob")],
        "alt of Bob-Twin Peaks": [(O, "bob")],
    },
    "de": {
        "Twink von Bob": [(O, "bob")],
        "Twink v. Bob": [(O, "bob")],
        "Twink: Bob": [(O, "bob")],
        "Twink von der Anna": [(O, "anna")],
        "Bobs Twink": [(O, "bobs bob")],
        "2. Char von Bob": [(O, "bob")],
        "Zweitchar von Bob": [(O, "bob")],
        "Ersatzchar von Bob": [(O, "bob")],
        "Hauptchar: Bob": [(O, "bob")],
        "Hauptcharakter ist Bob": [(O, "bob")],
        "gehört zu Bob": [(O, "bob")],
        "Bob (Jäger)": [(O, "bob")],
        "Bobs Jäger": [(B, "bobs bob")],
        "DC Name: bob": [(D, "bob")],
        **dict.fromkeys(
            [
                *("Freund von Bob", "Frau von Bob", "Bob's Bruder", "kennt Bob", "eingeladen von Bob", "im Discord"),
                *("nicht im DC", "kein Twink von Bob", "Urlaub bis 3.5.", "weg bis Montag", "Raidleiter", "Di Do So"),
            ],
            (),
        ),
    },
    "fr": {
        "Reroll de Bob": [(O, "bob")],
        "reroll d'Alice": [(O, "dalice alice")],
        "reroll d’Éloïse": [(O, "deloise eloise")],
        "mulet de Bob": [(O, "bob")],
        "2e perso de Bob": [(O, "bob")],
        "Perso secondaire de Bob": [(O, "bob")],
        "perso à Bob": [(O, "bob")],
        "perso principal : Bob": [(O, "bob")],
        "Discord : Bob": [(D, "bob")],
        "pseudo: Bob": [(B, "bob")],
        **dict.fromkeys(["Ami de Bob", "femme de Bob", "Frère de Bob", "chasseur de Bob", "pas un reroll de Bob"], ()),
    },
    "es": {
        "alter de Bob": [(O, "bob")],
        "PJ secundario de Bob": [(O, "bob")],
        "segundo pj de Bob": [(O, "bob")],
        "banco de Bob": [(O, "bob")],
        "Principal: Bob": [(O, "bob")],
        "dc Bob": [(D, "bob")],
        **dict.fromkeys(["amigo de Bob", "novia de Bob", "hermano de Bob", "cazador de Bob", "oficial"], ()),
    },
    "pt": {
        "alt do Bob": [(O, "bob")],
        "alt da Ana": [(O, "ana")],
        "2º char do Bob": [(O, "bob")],
        "Personagem do Bob": [(O, "bob")],
        "boneco do Bob": [(O, "bob")],
        **dict.fromkeys(["amigo do Bob", "esposa do Bob", "irmão do Bob", "não alt do Bob"], ()),
    },
    "ru": {
        "альт Боб": [(O, "боб")],
        "Альт - Боб": [(O, "боб")],
        "твинк Боба": [(O, "боба боб")],  # the genitive; a name that ends so comes first
        "альт Андрея": [(O, "андрея андрей андреь")],
        "альт от Боб": [(O, "боб")],
        "тв. Боб": [(O, "боб")],
        "перс Боб": [(O, "боб")],
        "Боб твинк": [(O, "боб")],
        "мейн: Боб": [(O, "боб")],
        "осн Боба": [(O, "боба")],  # a main is named in the nominative
        "Боб (маг)": [(O, "боб")],
        "ДС Боб": [(D, "боб")],
        "офицер Боб": [(B, "боб")],
        **dict.fromkeys(["друг Боба", "жена Боба", "муж Алисы", "Маг Боба", "хил", "рл", "не твинк Боба"], ()),
    },
    "ko": {
        "밥 부캐": [(O, "밥")],  # one letter is a name
        "밥부캐": [(O, "밥")],
        "부캐밥": [(O, "밥")],
        "밥님 부캐": [(O, "밥님 밥")],
        "부캐: 밥": [(O, "밥")],
        "밥(부캐)": [(O, "밥")],
        "본캐 밥": [(O, "밥")],
        "본캐:밥": [(O, "밥")],
        "창고 밥": [(O, "밥")],
        "서브 밥": [(O, "밥")],
        "밥(사제)": [(O, "밥")],
        "밥 힐러": [(B, "밥")],
        "디코 밥": [(D, "밥")],
        "길마 밥": [(B, "밥")],
        **dict.fromkeys(["길마", "탱", "본캐 탱커", "부캐"], ()),
    },
    "zh": {
        "鲍勃小号": [(O, "鲍勃")],
        "鲍勃的小号": [(O, "鲍勃的 鲍勃")],
        "小号 鲍勃": [(O, "鲍勃")],
        "小号：鲍勃": [(O, "鲍勃")],  # signs in full width
        "大号鲍勃": [(O, "鲍勃")],
        "分身（鲍勃）": [(O, "鲍勃")],
        "主号:鲍勃": [(O, "鲍勃")],
        **dict.fromkeys(["小号", "战士", "会长"], ()),
    },
}
CASES = [(note, expected) for notes in HABITS.values() for note, expected in notes.items()]


@pytest.mark.parametrize(("note", "expected"), CASES, ids=[note for note, _ in CASES])
def test_a_note_names_whom_a_careful_officer_would_read(note: str, expected: Sequence[tuple[Form, str]]) -> None:
    assert [(mention.form, " ".join(mention.keys)) for mention in read_note(note) if not mention.whole] == list(
        expected
    )


def only(note: str) -> Mention:
    (mention,) = read_note(note)
    return mention


def test_the_realm_behind_a_name_is_told_apart_from_it() -> None:
    assert (only("main: Bob-Argus").keys, only("main: Bob-Argus").realm) == (("bob",), "argus")
    assert only("alt of Bob-Twin Peaks").realm == "twinpeaks"


@pytest.mark.parametrize("note", ["Bob's mage", "Bob (mage)", "Bob mage", "Bob - mage"])
def test_the_class_beside_a_name_is_kept(note: str) -> None:
    assert only(note).class_word == "mage"


def test_a_name_at_the_end_of_a_full_note_may_be_cut() -> None:
    cut, whole = "raids on Wednesdays, alt of Thori", "alt of Bob"
    assert len(cut) > 30
    assert read_note(cut)[0].doubtful
    assert not only(whole).doubtful
    assert not only("main: Bob, " + "1" * 40).doubtful, "what stands before the end is whole"


def test_whose_thing_that_nobody_knows_is_in_doubt() -> None:
    assert only("Bob's frobnicator").doubtful
    assert not only("Bob's alt").doubtful


def test_an_ending_that_may_belong_to_the_name_is_a_guess() -> None:
    assert only("Lukas Twink").guessed == ("luka",)
    assert only("Lukas’ Twink").guessed == ()
    assert only("твинк Боба").guessed == ("боб",)


@pytest.mark.parametrize("note", ["The Rock", "Mike Miller", "Bob and Alice", "Boss of all"])
def test_several_words_are_one_name_or_none(note: str) -> None:
    assert all(mention.whole for mention in read_note(note))


@pytest.mark.parametrize("note", [None, "", " ", "\n"])
def test_an_unknown_and_an_empty_note_name_nobody(note: str | None) -> None:
    assert read_note(note) == ()


def test_a_name_is_given_as_it_is_written() -> None:
    assert only("alt of Þórdís").written == "Þórdís"
    assert only("ALT OF BOB").written == "BOB"


def test_one_name_said_twice_is_one_mention() -> None:
    assert len(read_note("alt of Bob, Bob's alt")) == 1


NASTY = [
    "\ud800 alt of \udfff",
    "alt\0of\0Bob",
    "\u202ealt of Bob\u202c",
    "a\u0301\u0302\u0303" * 50,
    "\u200b" * 40,
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE notes; --",
    "💥" * 31,
    "@",
    "#1234",
    "@@@@",
    "'s",
    "’s alt",
    "님",
    "- - -",
]


@pytest.mark.parametrize("note", NASTY)
def test_no_bytes_raise(note: str) -> None:
    assert isinstance(read_note(note), tuple)


WORDS = st.sampled_from(
    [*"@#:=-/|&'’().,;", "alt", "of", "main", "discord", "Bob", "'s", " ", "부캐", "님", "твинк", "480", "not", "aka"]
)


@given(st.text(st.characters()) | st.text(st.characters(categories=["Cs", "Cc", "Mn"])) | st.lists(WORDS).map("".join))
def test_no_text_raises_and_every_mention_has_a_key_and_what_is_written(note: str) -> None:
    for mention in read_note(note):
        assert mention.keys
        assert all(mention.keys)
        assert mention.written
        assert set(mention.guessed) <= set(mention.keys)


@given(st.lists(WORDS).map("".join))
def test_case_makes_no_difference(note: str) -> None:
    def said(text: str) -> list[tuple[Form, tuple[str, ...]]]:
        return [(mention.form, mention.keys) for mention in read_note(text)]

    assert said(note.upper()) == said(note.lower())


LONG = [
    "alt of ",
    "|",
    "a",
    "a ",
    "-",
    "a-",
    "'",
    "@",
    "@ab ",
    "#1",
    "a#1234",
    " ",
    ": ",
    "부캐",
    "alt-",
    "님",
    "1.",
    "aka ",
]


@pytest.mark.parametrize("piece", LONG)
def test_the_work_grows_with_the_length_of_a_note_and_not_with_its_square(piece: str) -> None:
    # 100,000 letters: with a pattern that backtracks over them this would run for hours.
    assert isinstance(read_note(piece * (100_000 // len(piece))), tuple)
