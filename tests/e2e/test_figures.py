"""What a running process tells about itself: `/metrics`, and one line of log for each interaction."""

import json

import httpx

from tests.e2e.conftest import Home

KEY = "the-key-of-this-test"


async def test_an_interaction_is_counted_and_told_with_the_time_to_its_first_answer(stage: Home, database: str) -> None:
    stage.bot = stage.process(DATABASE_URL=database, MUSTER_METRICS_KEY=KEY, MUSTER_LOG_FORMAT="json")
    await stage.raise_curtain()
    await stage.say("sync status")

    def lines() -> list[dict[str, object]]:
        return [line for line in map(json.loads, stage.bot.log) if line["message"] == "interaction"]

    await stage.discord.until(lines, "the line about the interaction")
    (line,) = lines()
    assert (line["kind"], line["name"], line["server"]) == ("command", "sync status", stage.server_id)
    assert isinstance(line["interaction"], int)
    first, whole = line["first_answer_ms"], line["whole_ms"]
    assert isinstance(first, int)
    assert isinstance(whole, int)
    assert 0 <= first <= whole

    page = f"http://127.0.0.1:{stage.web_port}/metrics"
    async with httpx.AsyncClient(trust_env=False) as client:
        figures = (await client.get(page)).text
        forwarded = {"X-Forwarded-For": "203.0.113.9"}
        assert (await client.get(page, headers=forwarded)).status_code == 404
        assert (await client.get(page, headers=forwarded | {"Authorization": f"Bearer {KEY}"})).status_code == 200
    assert 'muster_first_answer_seconds_count{kind="command",name="sync status"} 1.0' in figures
    assert "muster_gateway_connected 1.0" in figures
    assert "muster_database_up 1.0" in figures
    assert "muster_servers 1.0" in figures
    assert str(stage.server_id) not in figures
    assert not any(KEY in text for text in stage.bot.log)
