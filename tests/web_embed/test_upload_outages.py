"""Uploads while the database is away, slow or lost in a commit: nothing is acknowledged that is not stored."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import upload_keys, uploads
from bot.services.context import Context
from bot.services.uploads import Receipt
from db.engine import create_engine, create_sessions
from domain.errors import Unavailable
from tests.support.clock import FakeClock
from tests.support.people import OFFICER, SERVER
from tests.support.site import STATUS, Site, an_export, error_of, served
from tests.support.uploads import load_uploads
from web_embed import uploads as routes

NOBODY_LISTENS = "postgresql://muster@127.0.0.1:1/muster"
END_IN_COMMIT = (
    """
    CREATE FUNCTION end_in_commit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER end_in_commit AFTER INSERT ON guild_identity.uploads
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_in_commit()
    """,
)


@pytest.fixture
async def away(site: Site) -> AsyncIterator[Site]:
    """Serve the routes over a database that does not answer, to somebody with a key."""
    engine = create_engine(NOBODY_LISTENS)
    async with served(Context(create_sessions(engine), FakeClock()), site.key) as served_site:
        yield served_site
    await engine.dispose()


@pytest.mark.parametrize("key", ["right", "wrong"])
async def test_without_the_database_every_answer_is_503_and_says_when_to_ask_again(away: Site, key: str) -> None:
    more = {} if key == "right" else {"X_API_Key": "wrong"}
    for answer in (await away.upload(**more), await away.get(STATUS, more.get("X_API_Key"))):
        assert error_of(answer) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "10"


async def test_a_database_that_hangs_is_away(scratch_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "KEY_SECONDS", 0.1)
    async with scratch_site.ctx.sessions.begin() as session:
        await session.execute(sa.text("LOCK TABLE guild_identity.upload_keys IN ACCESS EXCLUSIVE MODE"))
        assert error_of(await scratch_site.get(STATUS)) == (503, "unavailable")
    assert (await scratch_site.get(STATUS)).status_code == 200


async def test_an_upload_that_cannot_be_stored_in_time_is_not_acknowledged(
    scratch_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "STORE_SECONDS", 0.1)
    sent = an_export()
    async with scratch_site.ctx.sessions.begin() as session:
        await session.execute(sa.text("LOCK TABLE guild_identity.uploads IN SHARE MODE"))
        assert error_of(await scratch_site.upload(sent)) == (503, "unavailable")
    assert await load_uploads(scratch_site.ctx) == []
    monkeypatch.setattr(routes, "STORE_SECONDS", 30)
    assert (await scratch_site.upload(sent)).status_code == 202


async def test_an_upload_whose_commit_failed_is_not_acknowledged(scratch_site: Site) -> None:
    sent = an_export()
    async with scratch_site.ctx.sessions.begin() as session:
        for statement in END_IN_COMMIT:
            await session.execute(sa.text(statement))
    assert error_of(await scratch_site.upload(sent)) == (503, "unavailable")
    async with scratch_site.ctx.sessions.begin() as session:
        await session.execute(sa.text("DROP TRIGGER end_in_commit ON guild_identity.uploads"))
    assert await load_uploads(scratch_site.ctx) == []
    assert (await scratch_site.upload(sent)).status_code == 202


async def test_an_upload_whose_commit_was_not_confirmed_is_not_acknowledged_and_is_taken_once(
    scratch_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = uploads.receive

    async def lost(*given: Any) -> None:
        await receive(*given)
        raise ConnectionResetError

    sent = an_export()
    monkeypatch.setattr(uploads, "receive", lost)
    assert error_of(await scratch_site.upload(sent)) == (503, "unavailable")
    monkeypatch.setattr(uploads, "receive", receive)
    [stored] = await load_uploads(scratch_site.ctx)
    answer = await scratch_site.upload(sent)
    assert (answer.status_code, answer.json()["data"]["upload"]) == (202, stored.public_id)
    assert len(await load_uploads(scratch_site.ctx)) == 1


async def test_a_worker_that_is_away_is_503(scratch_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("The computation was ended; try again.")

    monkeypatch.setattr(uploads, "receive", away)
    answer = await scratch_site.upload()
    assert error_of(answer) == (503, "unavailable")
    assert answer.json()["error"]["message"] == "The computation was ended; try again."


async def test_the_same_export_sent_many_times_at_once_is_stored_once(scratch_site: Site) -> None:
    sent = an_export()
    answers = await asyncio.gather(*(scratch_site.upload(sent) for _ in range(5)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    assert len(await load_uploads(scratch_site.ctx)) == 1


async def test_many_uploaders_of_one_address_who_come_at_once_are_all_let_in(scratch_site: Site) -> None:
    ctx = scratch_site.ctx
    keys = [await upload_keys.create(ctx, SERVER, name=f"PC {number}", actor_id=OFFICER) for number in range(24)]
    texts = [key.text for key in (*keys, scratch_site.key)] * 3
    answers = await asyncio.gather(*(scratch_site.upload(X_API_Key=text) for text in texts))
    assert {answer.status_code for answer in answers} == {202}
    assert len(await load_uploads(ctx)) == len(texts)


async def test_a_key_revoked_while_its_upload_is_stored_stores_nothing(
    scratch_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = uploads.receive

    async def revoked_first(*given: Any) -> Receipt:
        await upload_keys.revoke(scratch_site.ctx, SERVER, scratch_site.key.key.public_id, actor_id=OFFICER)
        return await receive(*given)

    monkeypatch.setattr(uploads, "receive", revoked_first)
    assert error_of(await scratch_site.upload()) == (401, "unauthorized")
    assert await load_uploads(scratch_site.ctx) == []
