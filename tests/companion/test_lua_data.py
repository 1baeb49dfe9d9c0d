"""SavedVariables are read as data: every literal form, and nothing but literals."""

import math
from collections.abc import Iterator

import pytest
from lupa import lua51

from muster_companion import lua_data
from muster_companion.lua_data import BooleanKey, LuaKey, LuaSyntaxError, LuaTable, LuaValue, parse


def value_of(text: str | bytes) -> LuaValue:
    """Read one value."""
    source = text.encode() if isinstance(text, str) else text
    return parse(b"a = " + source).get("a")


def refused(source: str | bytes) -> LuaSyntaxError:
    """Give the error for what can't be read."""
    with pytest.raises(LuaSyntaxError) as caught:
        parse(source.encode() if isinstance(source, str) else source)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"Bob"', "Bob"),
        ("'Bob'", "Bob"),
        ('""', ""),
        ("'say \"hi\"'", 'say "hi"'),
        ('"it\'s"', "it's"),
        (r'"\195\177"', "ñ"),
        (r'"a\0b"', "a\0b"),
        (r'"\0651"', "A1"),
        (r'"\65x"', "Ax"),
        (r'"\a\b\f\n\r\t\v\\\"\'"', "\a\b\f\n\r\t\v\\\"'"),
        (r'"\q\-"', "q-"),
        ('"two\\\nlines"', "two\nlines"),
        ('"two\\\r\nlines"', "two\nlines"),
        ('"|cffff0000red|r {x} [y] --z"', "|cffff0000red|r {x} [y] --z"),
        ('"Тест 測試 🐉"', "Тест 測試 🐉"),
        ("[[long]]", "long"),
        ("[[\nfirst line end dropped]]", "first line end dropped"),
        ("[[\r\n\r\nonly one\r\ndropped]]", "\nonly one\ndropped"),
        ("[==[ ]] ]=] \\n ]==]", " ]] ]=] \\n "),
        ("[[]]", ""),
    ],
)
def test_every_form_of_text_is_read(text: str, value: str) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-5", -5),
        ("- 5", -5),
        ("007", 7),
        ("1767225600", 1767225600),
        ("3.25", 3.25),
        (".5", 0.5),
        ("3.", 3),
        ("1e3", 1000),
        ("1E-3", 0.001),
        ("2.5e+1", 25),
        ("0x1F", 31),
        ("-0Xff", -255),
        ("9007199254740993", 9007199254740992.0),
        ("0x" + "f" * 400, math.inf),
        ("1e309", math.inf),
        ("-1e309", -math.inf),
    ],
)
def test_every_form_of_number_is_read(text: str, value: float) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize("text", ["1", "1.0", "1e0", "0x1", "100000000000000000000e-20"])
def test_a_whole_number_is_an_int_however_it_is_written(text: str) -> None:
    assert type(value_of(text)) is int


@pytest.mark.parametrize("text", ["inf", "1/0", "1.#INF"])
def test_infinity_is_read_as_the_c_libraries_print_it(text: str) -> None:
    assert (value_of(text), value_of(f"-{text}")) == (math.inf, -math.inf)


@pytest.mark.parametrize("text", ["nan", "-nan", "nan(ind)", "-nan(ind)", "-1.#IND", "1.#QNAN", "0/0", "-0/0"])
def test_what_is_no_number_is_read_as_the_c_libraries_print_it(text: str) -> None:
    value = value_of(f"{{ {text}, 1 }}")
    assert isinstance(value, dict)
    assert isinstance(value[1], float)
    assert math.isnan(value[1])
    assert value[2] == 1


def test_true_false_and_nil_are_read() -> None:
    assert parse(b"a = true; b = false c = nil") == {"a": True, "b": False}


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("{}", {}),
        ("{ }", {}),
        ('{ "a", "b", }', {1: "a", 2: "b"}),
        ('{ [1] = "a", [2] = "b" }', {1: "a", 2: "b"}),
        ('{ [1] = "a", [3] = "c" }', {1: "a", 3: "c"}),
        ("{ [\"a b\"] = 1; c = 2; ['d'] = 3, [ [[e]] ] = 4 }", {"a b": 1, "c": 2, "d": 3, "e": 4}),
        ("{ [true] = 1, [1] = 2, [false] = 3 }", {BooleanKey.TRUE: 1, 1: 2, BooleanKey.FALSE: 3}),
        ("{ [-1] = 1, [1.5] = 2, [0x10] = 3, ['1'] = 4 }", {-1: 1, 1.5: 2, 16: 3, "1": 4}),
        ("{ 1, nil, 3 }", {1: 1, 3: 3}),
        ("{ a = nil, ['b'] = nil }", {}),
        ("{ a = 1, a = 2, [ 'b' ] = 1, b = nil }", {"a": 2}),
        ("{ 1, x = 2, 3, { 4 } }", {1: 1, "x": 2, 2: 3, 3: {1: 4}}),
        ("{ [[long]], [=[er]=] }", {1: "long", 2: "er"}),
        ("{ true, false }", {1: True, 2: False}),
        ("{ [ 1 ] = { [ 'a' ] = { b = { } } } }", {1: {"a": {"b": {}}}}),
        (r'{ ["\195\177"] = 1, ["\""] = 2 }', {"ñ": 1, '"': 2}),
        ("{\n\t-- one\n\t1, -- [1]\n\t--[[ two\n\n]] 2 --[==[ ]] ]==], -- [2]\n--\n}", {1: 1, 2: 2}),
        ("{ [--[[a]] 'k' --b\n ] --[[c]] = --d\n 'v' --[[e]] }", {"k": "v"}),
        ("{ k --[[a]] = 1 }", {"k": 1}),
        ("{ inf = 1, nan = 2, truethy = 3 }", {"inf": 1, "nan": 2, "truethy": 3}),
    ],
)
def test_every_form_of_table_is_read(text: str, table: LuaTable) -> None:
    assert value_of(text) == table
    assert parse(f"a={text}".replace("\n", "\r\n").encode()) == {"a": table}


def test_escapes_arrays_comments_colours_newlines_and_a_table_not_at_the_files_end_are_read() -> None:
    source = (
        b'\nOther = 5\r\nMusterDB = {\r\n\t[1] = "Jos\\195\\169", -- [1]\r\n'
        b'\t["note"] = "|cff00ff00alt|r of\\nBob \\\\o/",\r\n\t[2] = { "deep", [2] = "x" },\r\n}\r\n'
        b'Last = "end" -- done'
    )
    assert parse(source) == {
        "Other": 5,
        "MusterDB": {1: "José", 2: {1: "deep", 2: "x"}, "note": "|cff00ff00alt|r of\nBob \\o/"},
        "Last": "end",
    }


def test_a_byte_order_mark_counts_as_nothing() -> None:
    assert parse(b"\xef\xbb\xbfa = 1") == {"a": 1}
    assert refused(b"\xef\xbb\xbfa ? 1").column == 3


@pytest.mark.parametrize("source", [b"", b" \r\n\t", b"-- nothing", b"--[[ nothing\n]]", b"\xef\xbb\xbf"])
def test_an_empty_file_assigns_nothing(source: bytes) -> None:
    assert parse(source) == {}


def test_the_last_assignment_of_a_name_holds() -> None:
    assert parse(b"a = 1 a = 2 b = 1 b = nil") == {"a": 2}


@pytest.mark.parametrize("form", ['"caf\\233 ok"', '"caf\xe9 ok"', "'caf\xe9 ok'", "[[caf\xe9 ok]]"])
def test_bytes_that_are_no_utf_8_are_replaced_and_never_crash_the_upload(form: str) -> None:
    value = value_of(form.encode("latin-1"))
    assert isinstance(value, str)
    assert value == "caf\ufffd ok"
    assert value.encode("utf-8")


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("a = function() end", 1, 5, "found `function`"),
        ("a = 1\nb = print('x')", 2, 5, "found `print`"),
        ("a = {\n  x = os.exit(1),\n}", 2, 7, "found `os`"),
        ('a = {\n  "x" .. "y",\n}', 2, 7, "found `..`"),
        ('a = "x" .. "y"', 1, 9, "found `..`"),
        ("a = 1 + 2", 1, 7, "found `+`"),
        ("a = { 1 + 2 }", 1, 9, "found `+`"),
        ("local a = 1", 1, 1, "found `local`"),
        ("print('x')", 1, 6, "only `name = value`"),
        ("a.b = 1", 1, 2, "found `.`"),
        ("a, b = 1, 2", 1, 2, "found `,`"),
        ("a = b", 1, 5, "found `b`"),
        ("a = { b }", 1, 7, "found `b`"),
        ("a = (1)", 1, 5, "found `(`"),
        ("a = #'x'", 1, 5, "found `#`"),
        ("a = not true", 1, 5, "found `not`"),
        ("a = -'5'", 1, 6, "found `'`"),
        ("a = - -5", 1, 7, "found `-`"),
        ("a = ...", 1, 5, "found `...`"),
        ("a == 1", 1, 4, "found `=`"),
        ("a = { x == 1 }", 1, 7, "found `x`"),
        ("a = { ['x'] == 1 }", 1, 14, "found `=`"),
        ("return 1", 1, 1, "found `return`"),
        ("a = 1;;", 1, 7, "found `;`"),
        ("a = { 1,, 2 }", 1, 9, "found `,`"),
        ("a = { 1 2 }", 1, 9, "`,` or `}` is expected"),
        ("a = { , }", 1, 7, "found `,`"),
        ("a = { end = 1 }", 1, 7, "found `end`"),
        ("a = { [nil] = 1 }", 1, 7, "nil and NaN can't be keys"),
        ("a = { [0/0] = 1 }", 1, 7, "nil and NaN can't be keys"),
        ("a = { 'x', [1] = 'y' }", 1, 12, "there is a value 1 already"),
        ("a = { [{}] = 1 }", 1, 8, "found `{`"),
        ("a = { ['x' = 1 }", 1, 12, "`]` is expected"),
        ("a = { ['x'] 1 }", 1, 13, "`=` is expected"),
        ("a = 5x", 1, 5, "this is no number"),
        ("a = 1..2", 1, 5, "this is no number"),
        ("a = 1e", 1, 5, "this is no number"),
        ("a = 0x", 1, 5, "this is no number"),
        ("a = 1_000", 1, 5, "this is no number"),
        (r'a = "\256"', 1, 6, "at most 255"),
        ('a = "x\ny"', 1, 5, "does not end in its line"),
        ("a = [=x", 1, 5, "found `[`"),
        ("a = [[ [[ ]]", 1, 5, "Lua 5.1 refuses"),
        ("é = 1", 1, 1, "found the byte 0xc3"),
        ("a = 1 }", 1, 7, "found `}`"),
        ("a = {\r\n\t'ü', ?", 2, 7, "found `?`"),
    ],
)
def test_what_is_no_data_is_refused_with_line_and_column(source: str, line: int, column: int, words: str) -> None:
    error = refused(source)
    assert (error.line, error.column) == (line, column), str(error)
    assert words in error.problem
    assert str(error) == f"line {line}, column {column}: {error.problem}"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_count_alike_whatever_ends_them(line_end: str) -> None:
    assert refused(line_end.join(["a = {", "1,", "[[x", "y]],", "?"])).line == 5


WHOLE = b'a = {\n\t["b"] = "c\\"d", -- e\n\t{ 1, -2.5, true, [[f]] },\n\t["g"] = nil,\n}\n'


def test_a_file_that_is_cut_off_anywhere_is_refused() -> None:
    assert parse(WHOLE)
    for length in range(1, WHOLE.rindex(b"}") + 1):
        assert isinstance(refused(WHOLE[:length]), LuaSyntaxError)


@pytest.mark.parametrize("source", ["a = {", "a = { 1", "a = { x =", "a = { [", "a =", "a", "a = { 'x',\n", "a = { 'x"])
def test_the_words_for_a_file_that_is_cut_off_say_so(source: str) -> None:
    assert "as if it were cut off" in str(refused(source))


@pytest.mark.parametrize("source", ["a = [[", "a = [==[ ]]", "--[[ never closed", "a = 'x\n"])
def test_what_never_ends_is_told_where_it_begins(source: str) -> None:
    error = refused(source)
    assert source[error.column - 1] in "[-'"


@pytest.mark.parametrize(
    "source", [b"\x1bLuaQ\0\1\4\4\4\10\0", b"\0" * 1000, b"\xff\xfea\0=\0001\0", bytes(range(256))]
)
def test_binary_input_is_refused(source: bytes) -> None:
    assert "found the byte 0x" in str(refused(source))


def test_deep_tables_are_read_as_deep_as_the_limit_and_refused_beyond() -> None:
    def nested(depth: int) -> bytes:
        return b"a = " + b"{" * depth + b"}" * depth

    assert parse(nested(lua_data.MAX_DEPTH))
    assert refused(nested(lua_data.MAX_DEPTH + 1)).column == 5 + lua_data.MAX_DEPTH
    assert "nested deeper than 150" in str(refused(nested(1_000_000)))


def test_lua_itself_loads_tables_as_deep_as_the_limit() -> None:
    source = b"a = " + b"{" * lua_data.MAX_DEPTH + b"}" * lua_data.MAX_DEPTH
    lua51.LuaRuntime(encoding=None).execute(source)


def test_a_file_over_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lua_data, "MAX_BYTES", 2**20)
    assert "larger than 1 MB" in str(refused(b"?" * (2**20 + 1)))
    assert parse(b" " * 2**20) == {}


def test_equal_keys_are_one_object() -> None:
    table = parse(b'a = { { ["officer_note"] = 1 }, { officer_note = 2 }, { ["officer_note"] = "\\n" } }')["a"]
    assert isinstance(table, dict)
    keys = [key for row in table.values() if isinstance(row, dict) for key in row]
    assert len(keys) == 3
    assert all(key is keys[0] for key in keys)


def taken(source: bytes) -> Iterator[tuple[LuaKey, LuaTable]]:
    found: list[tuple[LuaKey, LuaTable]] = []
    parse(source, under=("DB", "exports"), take=lambda key, table: found.append((key, table)))
    return iter(found)


def test_tables_under_a_path_are_handed_over_instead_of_being_kept() -> None:
    source = b'DB = { x = { y = {} }, exports = { ["a"] = { rows = { {} } }, { 1 }, b = 5 }, exports2 = { c = {} } }'
    assert list(taken(source)) == [("a", {"rows": {1: {}}}), (1, {1: 1})]
    left = parse(source, under=("DB", "exports"), take=lambda _key, _table: None)
    assert left == {"DB": {"x": {"y": {}}, "exports": {"b": 5}, "exports2": {"c": {}}}}


@pytest.mark.parametrize(
    "source", [b"Other = { exports = { a = {} } }", b"DB = { { exports = { a = {} } } }", b"DB = {}"]
)
def test_tables_elsewhere_are_not_handed_over(source: bytes) -> None:
    assert list(taken(source)) == []


@pytest.mark.parametrize(
    "source",
    [
        b"a = {" + b"-" * 300_000,
        b"a = {" + b" -- x\n" * 50_000,
        b'a = { ["' + b"x" * 300_000,
        b"a = { " + b" " * 300_000 + b"?",
        b'a = { ["x"]' + b" " * 300_000 + b"?",
        b'a = { ["x"] = "y"' + b" " * 300_000 + b"?",
        b'a = "' + b"\\n" * 150_000,
        b"a = " + b"9" * 300_000,
        b"a = " + b"[=" * 150_000,
        b"a = " + b"{[" * 150_000,
        b"--[=[" * 60_000,
        b"\n" * 300_000 + b"?",
    ],
)
def test_hostile_input_is_refused_in_a_time_that_grows_with_its_length_only(source: bytes) -> None:
    # Each takes milliseconds, or minutes where a pattern looks again and again at the same bytes.
    assert refused(source + b"?")
