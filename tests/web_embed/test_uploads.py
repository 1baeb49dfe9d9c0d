"""The upload routes: who may send, what is answered, and how often; over real sockets and a real database."""

import io
import ipaddress
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bot.logs import start_logging
from bot.services import upload_keys, uploads
from bot.services.context import Context
from tests.support.people import OFFICER, SERVER, insert_guild, insert_server
from tests.support.site import STATUS, UPLOAD, VIEWS, Site, an_export, error_of, healthy, packed, served
from tests.support.uploads import body, load_uploads, row
from web_embed.app import HEADERS, create_web, start_web

ALLIES = 101
ZEROS = "0" * 64
HERE = ipaddress.ip_network("127.0.0.1/32")
NOTE = "tank, alt of Zzyzx"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Write all records as the process writes them, however small."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging("DEBUG", [], stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


# What is acknowledged


async def test_an_upload_is_stored_before_it_is_acknowledged(site: Site) -> None:
    answer = await site.upload(an_export(row("Ana", "alt of Bob"), {"name": 5}))
    [stored] = await load_uploads(site.ctx)
    assert (answer.status_code, answer.json()) == (
        202,
        {"ok": True, "data": {"upload": stored.public_id, "state": "received", "rows": 2}},
    )
    assert (stored.server_id, stored.key_id) == (SERVER, (await site_key(site)).key_id)


async def site_key(site: Site) -> upload_keys.Uploader:
    uploader = await upload_keys.check(site.ctx, site.key.text)
    assert uploader is not None
    return uploader


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Encoding": "gzip"},
        {"Content_Encoding": "X-GZIP"},
        {"Content_Type": "application/gzip"},
        {"Content_Type": "application/x-gzip"},
        {"Content_Type": "application/gzip", "Content_Encoding": "gzip"},
        {"Content_Type": "application/json; charset=utf-8", "Content_Encoding": "gzip"},
    ],
)
async def test_an_upload_may_come_in_gzip(site: Site, headers: dict[str, str]) -> None:
    answer = await site.post(packed(an_export()), site.headers(**headers))
    assert answer.status_code == 202
    assert [one.row_count for one in await load_uploads(site.ctx)] == [1]


async def test_an_upload_without_a_content_type_is_json(site: Site) -> None:
    answer = await site.post(body(an_export()), {"X-API-Key": site.key.text})
    assert answer.status_code == 202


async def test_the_body_of_the_earlier_system_is_taken(site: Site) -> None:
    earlier = {"characters": [{"name": "Ana", "realm": "Stormrage", "guild_note": "x", "officer_note": ""}]}
    assert (await site.upload(earlier)).json()["data"]["rows"] == 1


async def test_the_same_export_again_has_the_same_answer_and_is_stored_once(site: Site) -> None:
    sent = an_export()
    first = await site.upload(sent)
    again = await site.post(packed(sent), site.headers(Content_Encoding="gzip"))
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(await load_uploads(site.ctx)) == 1


async def test_an_export_that_was_applied_already_is_acknowledged_as_such(site: Site) -> None:
    sent = an_export()
    await site.upload(sent)
    await uploads.process(site.ctx, SERVER)
    assert (await site.upload(sent)).json()["data"]["state"] == "applied"


# What is refused


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: "hello",
        lambda text: text[:-1],
        lambda text: text[:20] + ZEROS,
        lambda _: f"muster_{'0' * 12}_{ZEROS}",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", UPLOAD), ("GET", STATUS), ("GET", f"{VIEWS}/x")])
async def test_a_wrong_key_is_401_in_the_same_words_whatever_is_wrong(
    site: Site, method: str, path: str, spoil: Callable[[str], str]
) -> None:
    answer = await site.http.request(method, path, headers={"X-API-Key": spoil(site.key.text)})
    missing = await site.http.request(method, path)
    assert error_of(answer) == (401, "unauthorized")
    assert answer.content == missing.content
    assert await load_uploads(site.ctx) == []


async def test_a_key_is_not_read_from_the_address(site: Site) -> None:
    answer = await site.http.get(STATUS, params={"X-API-Key": site.key.text})
    assert error_of(answer) == (401, "unauthorized")


async def test_a_revoked_key_is_401_at_once(site: Site) -> None:
    assert (await site.get(STATUS)).status_code == 200
    await upload_keys.revoke(site.ctx, SERVER, site.key.key.public_id, actor_id=OFFICER)
    assert error_of(await site.get(STATUS)) == (401, "unauthorized")
    assert error_of(await site.upload()) == (401, "unauthorized")


async def test_a_rotated_key_is_401_at_once(site: Site) -> None:
    new = await upload_keys.rotate(site.ctx, SERVER, site.key.key.public_id, version=0, actor_id=OFFICER)
    assert error_of(await site.upload()) == (401, "unauthorized")
    assert (await site.upload(X_API_Key=new.text)).status_code == 202


async def test_broken_json_is_400(site: Site) -> None:
    assert error_of(await site.post(b'{"format": 1,')) == (400, "bad_json")
    assert error_of(await site.post(b"")) == (400, "bad_json")
    assert error_of(await site.post(b"\xff\xfe")) == (400, "bad_json")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"export_id": 5}, "export_id"),
        ({"guild": {"name": "x", "region": "mars"}}, "guild.region"),
        ({"rows": [{"name": "Ana", "level": "90"}]}, "rows[0].level"),
        ({"rows": []}, "rows"),
        ({"format": 2}, "format"),
    ],
)
async def test_a_wrong_field_is_422_with_its_path(site: Site, change: dict[str, Any], field: str) -> None:
    answer = await site.upload(an_export() | change)
    assert error_of(answer) == (422, "invalid")
    assert answer.json()["error"]["field"] == field
    assert await load_uploads(site.ctx) == []


async def test_an_export_of_another_guild_is_409_and_names_both(site: Site) -> None:
    answer = await site.upload(an_export(guild={"name": "Rivals", "realm": None, "region": "eu"}))
    assert error_of(answer) == (409, "other_guild")
    assert "Rivals" in answer.json()["error"]["message"]
    assert "Raiders of Dawn" in answer.json()["error"]["message"]
    assert await load_uploads(site.ctx) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "multipart/form-data; boundary=x"},
        {"Content_Type": "nonsense"},
        {"Content_Encoding": "br"},
        {"Content_Encoding": "deflate"},
        {"Content_Encoding": "gzip, gzip"},
    ],
)
async def test_what_is_neither_json_nor_gzip_is_415(site: Site, headers: dict[str, str]) -> None:
    assert error_of(await site.upload(**headers)) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", UPLOAD, "POST"),
        ("HEAD", UPLOAD, "POST"),
        ("PUT", UPLOAD, "POST"),
        ("DELETE", UPLOAD, "POST"),
        ("OPTIONS", UPLOAD, "POST"),
        ("POST", STATUS, "GET,HEAD"),
        ("OPTIONS", STATUS, "GET,HEAD"),
        ("PATCH", f"{VIEWS}/x", "GET,HEAD"),
    ],
)
async def test_another_method_is_405_and_says_which_would_do(site: Site, method: str, path: str, allowed: str) -> None:
    answer = await site.http.request(method, path, headers=site.headers())
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    if method != "HEAD":
        assert error_of(answer) == (405, "method_not_allowed")


async def test_no_other_site_may_send_from_a_browser(site: Site) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = await site.http.options(UPLOAD, headers=asked)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_every_answer_of_the_routes_is_hardened_and_stored_by_nobody(site: Site) -> None:
    wrong = {"X-API-Key": "x"}
    answers = [
        await site.upload(),
        await site.get(STATUS),
        await site.get(f"{VIEWS}/nothing"),
        await site.post(b"{"),
        await site.post(b"", wrong),
        await site.http.put(UPLOAD),
        await site.upload(Content_Type="text/plain"),
    ]
    assert [answer.status_code for answer in answers] == [202, 200, 404, 400, 401, 405, 415]
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"].startswith("application/json")


# How often


async def test_five_uploads_at_once_and_then_one_every_five_seconds(site: Site) -> None:
    assert [(await site.upload()).status_code for _ in range(5)] == [202] * 5
    for _ in range(2):
        answer = await site.upload()
        assert error_of(answer) == (429, "rate_limited")
        assert answer.headers["Retry-After"] == "5"
    site.seconds.now += 4.5
    answer = await site.upload()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    site.seconds.now += 1
    assert [(await site.upload()).status_code for _ in range(2)] == [202, 429]
    assert len(await load_uploads(site.ctx)) == 6


async def test_what_is_refused_counts_like_what_is_taken(site: Site) -> None:
    answers = [await site.post(b"{") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]


async def test_each_key_has_its_own_allowance(site: Site) -> None:
    other = await upload_keys.create(site.ctx, SERVER, name="Other", actor_id=OFFICER)
    for _ in range(6):
        answer = await site.upload()
    assert answer.status_code == 429
    assert (await site.upload(X_API_Key=other.text)).status_code == 202


async def test_asking_is_counted_apart_and_more_generously(site: Site) -> None:
    for _ in range(6):
        await site.upload()
    assert [(await site.get(STATUS)).status_code for _ in range(20)] == [200] * 20
    answer = await site.get(f"{VIEWS}/x")
    assert error_of(answer) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "1"


async def test_wrong_keys_do_not_use_up_the_right_ones_allowance(site: Site) -> None:
    forged = f"muster_{site.key.key.public_id}_{ZEROS}"
    for _ in range(20):
        await site.post(b"", {"X-API-Key": forged})
    assert (await site.upload()).status_code == 202


async def test_thirty_wrong_keys_a_minute_from_an_address_and_no_more_are_looked_at(
    site: Site, statements: Callable[..., Any]
) -> None:
    answers = [await site.get(STATUS, "wrong") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {401}
    with statements() as sent:
        answer = await site.get(STATUS, "wrong")
    assert error_of(answer) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "2"
    assert sent == []
    site.seconds.now += 2
    assert (await site.get(STATUS, "wrong")).status_code == 401


async def test_a_key_that_was_right_works_on_beside_wrong_ones_from_its_address(site: Site) -> None:
    assert (await site.get(STATUS)).status_code == 200
    for _ in range(31):
        await site.get(STATUS, "wrong")
    assert (await site.get(STATUS)).status_code == 200
    assert (await site.upload()).status_code == 202
    await upload_keys.revoke(site.ctx, SERVER, site.key.key.public_id, actor_id=OFFICER)
    assert [(await site.get(STATUS)).status_code for _ in range(2)] == [401, 429]


async def test_right_keys_use_up_nothing_of_what_wrong_ones_may(site: Site) -> None:
    for _ in range(20):
        await site.get(STATUS)
    assert [(await site.get(STATUS, "wrong")).status_code for _ in range(31)] == [401] * 30 + [429]


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("203.0.113.9", "203.0.113.10", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", False),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", True),
    ],
)
async def test_wrong_keys_are_counted_by_the_address_that_a_trusted_proxy_names(
    ctx: Context, one: str, other: str, apart: bool
) -> None:
    await insert_guild(ctx, await insert_server(ctx))
    key = await upload_keys.create(ctx, SERVER, name="Bob", actor_id=OFFICER)
    async with served(ctx, key, trusted_proxies=(HERE,)) as site:

        async def ask(address: str) -> int:
            headers = {"X-API-Key": "wrong", "X-Forwarded-For": address}
            return (await site.http.get(STATUS, headers=headers)).status_code

        assert [await ask(one) for _ in range(31)] == [401] * 30 + [429]
        assert await ask(other) == (401 if apart else 429)


async def test_behind_an_unlisted_proxy_wrong_keys_of_others_keep_no_new_key_out(site: Site) -> None:
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    for wrong in ("wrong", f"muster_{'0' * 12}_{ZEROS}"):
        answers = [await site.http.get(STATUS, headers=proxied | {"X-API-Key": wrong}) for _ in range(31)]
        assert [answer.status_code for answer in answers] == [401] * 30 + [429]
    answer = await site.http.get(STATUS, headers=proxied | {"X-API-Key": site.key.text})
    assert answer.status_code == 200


# What is told


async def test_a_key_tells_what_it_is_for(site: Site) -> None:
    answer = await site.get(STATUS)
    assert answer.json() == {
        "ok": True,
        "data": {
            "guild": {"name": "Raiders of Dawn", "realm": "Stormrage", "region": "eu"},
            "uploader": "Bob's PC",
            "newest": None,
            "formats": [0, 1],
            "limits": {"bytes": 2_097_152, "rows": 1_500, "per_minute": 12},
        },
    }


async def test_an_upload_is_told_before_and_after_it_was_applied(site: Site) -> None:
    sent = an_export(row("Ana", "x"), row("Nobody"), {"name": "Bad", "level": "y"}, export_id="17672256-aa")
    upload = (await site.upload(sent)).json()["data"]["upload"]
    before = (await site.get(f"{VIEWS}/{upload}")).json()["data"]
    assert before == {
        "upload": upload,
        "export_id": "17672256-aa",
        "format": 1,
        "uploader": "Bob's PC",
        "rows": 3,
        "exported_at": "2026-01-01T00:00:00+00:00",
        "received_at": "2026-01-01T00:00:00+00:00",
        "applied_at": None,
        "state": "received",
        "result": None,
    }
    await uploads.process(site.ctx, SERVER)
    after = (await site.get(f"{VIEWS}/{upload}")).json()["data"]
    assert (after["state"], after["applied_at"]) == ("applied", "2026-01-01T00:00:00+00:00")
    assert (after["result"]["applied"], after["result"]["unknown"]) == (1, ["Nobody"])
    assert [bad["field"] for bad in after["result"]["invalid"]] == ["level"]
    assert (await site.get(STATUS)).json()["data"]["newest"] == after


async def test_the_head_of_what_is_told_comes_without_it(site: Site) -> None:
    answer = await site.http.head(STATUS, headers=site.headers())
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await site.http.head(STATUS)).status_code == 401


async def test_a_key_sees_no_upload_of_another_server(site: Site) -> None:
    upload = (await site.upload()).json()["data"]["upload"]
    await insert_guild(site.ctx, await insert_server(site.ctx, ALLIES))
    theirs = await upload_keys.create(site.ctx, ALLIES, name="Ally", actor_id=OFFICER)
    answer = await site.get(f"{VIEWS}/{upload}", theirs.text)
    assert error_of(answer) == (404, "not_found")
    assert answer.content == (await site.get(f"{VIEWS}/AAAAAAAA", theirs.text)).content
    assert (await site.get(STATUS, theirs.text)).json()["data"]["newest"] is None


@pytest.mark.parametrize("upload", ["nothing", "%00", "%ED%A0%80", "..%2F..", "x" * 65, "a%20b", ""])
async def test_what_is_no_upload_is_404(site: Site, upload: str) -> None:
    assert error_of(await site.get(f"{VIEWS}/{upload}")) == (404, "not_found")


# What the log tells


async def test_no_key_note_or_body_is_in_any_line_of_the_log(
    site: Site, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = site.key.text.rpartition("_")[2]
    sent = an_export(row("Ana", NOTE, NOTE), {"name": "Bad", "note": 5})

    async def fail(*given: object) -> None:
        raise RuntimeError(f"{site.key.text} was given")

    answers: list[httpx.Response] = [
        await site.upload(sent),
        await site.upload(sent | {"guild": {"name": "Rivals", "realm": None, "region": "eu"}}),
        await site.upload(sent | {"rows": [{"name": "Ana", "note": NOTE, "level": NOTE}]}),
        await site.post(json.dumps(sent).encode()[:-1]),
        await site.post(b"", {"X-API-Key": site.key.text[:-3]}),
        await site.http.get(f"/{site.key.text}"),
    ]
    await uploads.process(site.ctx, SERVER)
    monkeypatch.setattr(uploads, "receive", fail)
    answers.append(await site.upload(sent))
    assert [answer.status_code for answer in answers] == [202, 409, 422, 400, 401, 404, 500]
    lines = written.getvalue()
    assert "upload stored" in lines
    assert "upload refused" in lines
    assert "RuntimeError: muster_" in lines
    for text in (secret, secret[:-3], "Zzyzx", "alt of"):
        assert text not in lines
    for answer in answers:
        assert secret not in answer.text


async def test_what_was_stored_is_logged_by_its_id(site: Site, written: io.StringIO) -> None:
    upload = (await site.upload()).json()["data"]["upload"]
    key_id = (await site_key(site)).key_id
    assert f"upload stored server={SERVER} key={key_id} upload={upload} repeated=False" in written.getvalue()


async def test_without_the_services_the_routes_are_not_there(site: Site) -> None:
    runner = await start_web(create_web(healthy), "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    try:
        answer = await site.http.post(f"http://{host}:{port}{UPLOAD}", headers=site.headers())
    finally:
        await runner.cleanup()
    assert error_of(answer) == (404, "not_found")
