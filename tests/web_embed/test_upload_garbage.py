"""Whatever is sent: no answer blames the server, and no note changes but by an export that is right."""

import gzip
import json
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.services import upload_keys, uploads
from db.tables.identity import CharacterNote
from tests.support.people import SERVER
from tests.support.site import Site, an_export
from tests.support.uploads import body, load_uploads, row

EXAMPLES = 60
REFUSED = {400, 409, 413, 415, 422}
GOOD = an_export(export_id="1767225600-5f3a9c1e")
FIELDS = (*GOOD, *row("x"), "characters", "guid", "class", "level", "rank", "realm", "region", "officer_notes")
NEEDED = ("export_id", "exported_at", "guild", "exporter", "rows")
Note = tuple[int, str | None, str | None]

texts = st.text(st.characters(codec=None), max_size=20).filter(lambda text: text not in ("Ana", "Bob"))
numbers = st.integers() | st.floats() | st.sampled_from([0, 1, 2**63, 10**400, -1, 1e999])
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(FIELDS) | texts, inner, max_size=8),
    max_leaves=25,
)


def as_json(content: Any) -> bytes:
    """Write what JSON knows and what it does not."""
    return json.dumps(content).encode()


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """Give a good export that is cut off, or that holds what no JSON holds."""
    content = bytearray(body(GOOD))
    if draw(st.booleans()):
        return bytes(content[: draw(st.integers(0, len(content) - 1))])
    place = draw(st.integers(0, len(content) - 1))
    content[place : place + 1] = draw(st.sampled_from([b"\x00", b"\xff", b"\xed\xa0\x80"]))
    return bytes(content)


@st.composite
def wrongly_filled(draw: st.DrawFn) -> bytes:
    """Give a good export in which a field that it needs is of another type."""
    name = draw(st.sampled_from(NEEDED))
    good = type(GOOD[name])
    return as_json(GOOD | {name: draw(values.filter(lambda value: not isinstance(value, good)))})


@st.composite
def wrongly_packed(draw: st.DrawFn) -> bytes:
    """Give gzip of an export that is cut off, followed by something, or in which a byte is another."""
    content = gzip.compress(body(GOOD), mtime=0)
    way = draw(st.sampled_from(["cut off", "followed", "changed"]))
    if way == "cut off":
        return content[: draw(st.integers(0, len(content) - 1))]
    if way == "followed":
        return content + draw(st.binary(min_size=1, max_size=40))
    place = draw(st.integers(10, len(content) - 1))
    return content[:place] + bytes([content[place] ^ draw(st.integers(1, 255))]) + content[place + 1 :]


@pytest.fixture
async def known(site: Site) -> list[Note]:
    """Let Ana have a note; give all notes."""
    await site.upload(an_export(row("Ana", "kept", "kept too")))
    await uploads.process(site.ctx, SERVER)
    notes = await load_notes(site)
    assert [note[1:] for note in notes] == [("kept", "kept too")]
    return notes


async def load_notes(site: Site) -> list[Note]:
    async with site.ctx.sessions() as session:
        found = await session.scalars(sa.select(CharacterNote).order_by(CharacterNote.character_id))
        return [(one.character_id, one.guild_note, one.officer_note) for one in found]


async def send(site: Site, content: bytes, **headers: str) -> int:
    """Send as soon as a bucket allows, and let follow what follows; give the status."""
    site.seconds.now += 60
    answer = await site.post(content, site.headers(**headers))
    answer.json()
    if answer.status_code == 202:
        await uploads.process(site.ctx, SERVER)
    return answer.status_code


def garbage(strategy: st.SearchStrategy[bytes]) -> Any:
    """Give examples of a strategy to a test; the site stays the same for all."""
    sent_to_one_site = settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    return lambda test: sent_to_one_site(given(content=strategy)(test))


@garbage(st.binary(max_size=300) | spoiled())
async def test_bytes_are_refused_and_change_nothing(site: Site, known: list[Note], content: bytes) -> None:
    assert await send(site, content) in REFUSED
    assert await load_notes(site) == known


@garbage(wrongly_filled())
async def test_an_export_with_a_wrong_field_is_refused_and_changes_nothing(
    site: Site, known: list[Note], content: bytes
) -> None:
    assert await send(site, content) in REFUSED
    assert await load_notes(site) == known
    assert len(await load_uploads(site.ctx)) == 1


@garbage(values.map(as_json))
async def test_json_of_any_shape_blames_nobody_here_and_changes_nothing(
    site: Site, known: list[Note], content: bytes
) -> None:
    assert await send(site, content) in REFUSED | {202}
    assert await load_notes(site) == known


@garbage(st.lists(values, min_size=1, max_size=4).map(lambda rows: as_json(GOOD | {"rows": rows})))
async def test_rows_of_any_shape_blame_nobody_here_and_change_nothing(
    site: Site, known: list[Note], content: bytes
) -> None:
    assert await send(site, content) in REFUSED | {202}
    assert await load_notes(site) == known


@garbage(st.binary(max_size=300) | wrongly_packed())
async def test_what_looks_like_gzip_is_refused_or_unpacked_whole(site: Site, known: list[Note], content: bytes) -> None:
    assert await send(site, content, Content_Encoding="gzip") in REFUSED
    assert await load_notes(site) == known


@garbage(st.binary(max_size=300).map(gzip.compress))
async def test_packed_bytes_are_refused(site: Site, known: list[Note], content: bytes) -> None:
    assert await send(site, content, Content_Type="application/gzip") in REFUSED
    assert await load_notes(site) == known


@given(text=texts)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_key_of_any_letters_names_nobody(site: Site, text: str) -> None:
    assert await upload_keys.check(site.ctx, text) is None
