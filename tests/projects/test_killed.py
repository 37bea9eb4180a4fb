"""The process that works on a POST with an `Idempotency-Key` dies of SIGKILL, and another one gets the request again."""

import os
import signal
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from asyncpg.transaction import Transaction

from ops import serve as serving
from ops.stack.backing import Backing
from shared.clock import uuid7
from shared.testing.claims import Signer
from tests.activity.process import Service, write_to
from tests.projects.build import STAFF, Desk

NOTHING_IS_MADE, ALL_IS_MADE = "before the commit", "between commit and answer"


@pytest.mark.parametrize("moment", [NOTHING_IS_MADE, ALL_IS_MADE])
async def test_whoever_sends_it_again_has_made_one_thing(
    desk: Desk, servers: Backing, signer: Signer, tmp_path: Path, moment: str
) -> None:
    body = {"client_id": str(await desk.client()), "name": f"Dies {moment}"}
    key = {"Idempotency-Key": str(uuid7())}
    told = {
        "env": "embedded",
        "database_url": desk.api.database_url,
        "nats_url": servers.addresses.nats_url,
        "jwks": str(signer.jwks),
    }
    environ = {f"PORTAL_{name.upper()}": value for name, value in told.items()}
    mortal = Service(environ, tmp_path / "projects.log", partial(serve_until_commit, moment))
    await mortal.begin()
    try:
        async with httpx2.AsyncClient(timeout=30) as http:
            with pytest.raises(httpx2.TransportError):
                url, headers = f"{mortal.url}/api/client-portal/projects", signer.headers(STAFF, "projects") | key
                await http.post(url, json=body, headers=headers)
    finally:
        mortal.kill()
    made_before = await projects_named(desk, body["name"])
    assert len(made_before) == (1 if moment == ALL_IS_MADE else 0)

    again = await desk(STAFF, "POST", "projects", json=body, headers=key)
    assert again.status_code == 201, again.text
    assert again.headers.get("idempotency-replayed") == ("true" if made_before else None)
    assert await projects_named(desk, body["name"]) == [again.json()["id"]]
    assert [each.type for each in await desk.told(again.json())] == ["project_created"]
    assert again.headers["etag"] == '"1"'


async def projects_named(desk: Desk, name: str) -> list[str]:
    """The ids of the stored projects of this name."""
    connection = await asyncpg.connect(desk.api.database_url, server_settings={"role": "projects_staff"})
    try:
        return [str(row["id"]) for row in await connection.fetch("select id from projects where name = $1", name)]
    finally:
        await connection.close()


def serve_until_commit(moment: str, environ: dict[str, str], log: Path) -> None:
    """The service, in a process that kills itself at the first commit of a POST."""
    posting = ContextVar("posting", default=False)
    application, commit = serving.application, Transaction.commit

    def watched(service: str, told: Any) -> Any:
        app, settings = application(service, told)

        async def serve_one(scope: Any, receive: Any, send: Any) -> None:
            posting.set(scope.get("method") == "POST")
            await app(scope, receive, send)

        return serve_one, settings

    async def die(transaction: Transaction) -> None:
        if posting.get() and moment == NOTHING_IS_MADE:
            os.kill(os.getpid(), signal.SIGKILL)
        await commit(transaction)
        if posting.get():
            os.kill(os.getpid(), signal.SIGKILL)

    write_to(log)
    serving.application = watched
    Transaction.commit = die  # type: ignore[method-assign]
    serving.serve("projects", environ)
