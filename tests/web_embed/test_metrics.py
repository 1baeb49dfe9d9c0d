"""Who may read `/metrics`: this machine and whoever has the key; for all others there is no such page."""

import ipaddress

import httpx
import pytest

from web_embed.app import HealthReport, create_web, start_web
from web_embed.metrics import MetricsPage

KEY = "a-key-of-some-length"
FIGURES = b"muster_servers 3.0\n"
HERE = ipaddress.ip_network("127.0.0.1/32")
INNER = ipaddress.ip_network("10.0.0.0/8")
STRANGER = "203.0.113.9"


async def scrape() -> bytes:
    return FIGURES


async def status() -> HealthReport:
    return HealthReport(database=True, gateway=True, last_sync=None)


async def ask(page: MetricsPage | None, method: str = "GET", **headers: str) -> httpx.Response:
    """Ask over a real loopback socket; header names with _ for -."""
    runner = await start_web(create_web(status, page), "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
            return await client.request(method, f"http://{host}:{port}/metrics", headers=named)
    finally:
        await runner.cleanup()


async def test_this_machine_reads_the_figures_without_a_key() -> None:
    answer = await ask(MetricsPage(scrape))
    assert (answer.status_code, answer.content) == (200, FIGURES)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "header",
    [
        {"X_Forwarded_For": "127.0.0.1"},
        {"X_Forwarded_For": STRANGER},
        {"X_Forwarded_For": ""},
        {"Forwarded": "for=127.0.0.1"},
        {"X_Real_IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
async def test_what_came_through_an_unlisted_proxy_on_this_machine_is_not_local(header: dict[str, str]) -> None:
    assert (await ask(MetricsPage(scrape), **header)).status_code == 404


@pytest.mark.parametrize(
    ("chain", "seen"),
    [
        (STRANGER, 404),
        ("127.0.0.1", 200),
        (f"127.0.0.1, {STRANGER}", 404),  # what the client wrote itself is not believed
        (f"{STRANGER}, 10.1.2.3", 404),
        ("::1, 127.0.0.1:4711", 200),
        ("::1, 10.1.2.3:4711", 404),  # that machine's own loopback, or what somebody on its network made up
        (f"{STRANGER}, 10.1.2.3:4711, [::ffff:127.0.0.1]:80", 404),
        ("::ffff:203.0.113.9", 404),
        ("[::1]:4711", 200),
        ("unknown", 404),
        (",", 404),
    ],
)
async def test_a_trusted_proxy_is_believed_about_its_client(chain: str, seen: int) -> None:
    page = MetricsPage(scrape, trusted_proxies=(HERE, INNER))
    assert (await ask(page, X_Forwarded_For=chain)).status_code == seen


async def test_the_key_opens_the_page_from_anywhere() -> None:
    page = MetricsPage(scrape, key=KEY)
    answer = await ask(page, X_Forwarded_For=STRANGER, Authorization=f"Bearer {KEY}")
    assert (answer.status_code, answer.content) == (200, FIGURES)


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Bearer {KEY}x", f"Basic {KEY}", KEY, "Bearer \u00e9"])
async def test_a_wrong_key_finds_no_page(authorization: str) -> None:
    answer = await ask(MetricsPage(scrape, key=KEY), X_Forwarded_For=STRANGER, Authorization=authorization)
    assert answer.status_code == 404


async def test_without_a_key_in_the_settings_no_key_fits() -> None:
    assert (await ask(MetricsPage(scrape), X_Forwarded_For=STRANGER, Authorization="Bearer None")).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_a_stranger_cannot_tell_the_page_from_one_that_is_not_there(method: str) -> None:
    hidden = await ask(MetricsPage(scrape), method, X_Forwarded_For=STRANGER)
    absent = await ask(None, method, X_Forwarded_For=STRANGER)
    different = {"Date"}
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content
    assert {name: value for name, value in hidden.headers.items() if name.title() not in different} == {
        name: value for name, value in absent.headers.items() if name.title() not in different
    }


async def test_the_figures_are_only_read() -> None:
    answer = await ask(MetricsPage(scrape), "POST")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET,HEAD")
