"""What tests of identity work with: the service, browsers, people made through the API, and looks behind it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import msgspec
from pyotp.totp import TOTP

from ops.keys import new_secrets_key
from ops.stack.backing import Backing
from services.identity.people.passwords import SECONDS
from services.identity.policies.models import ADMIN_POLICIES
from services.identity.second_factors.totp import SECONDS as STEP
from services.identity.tokens import digest
from shared.actor import Actor
from shared.broker import connect
from shared.cache import PAUSE, Cache
from shared.clock import now, uuid7
from shared.contracts import EVENTS
from shared.contracts.projects import ProjectCreated
from shared.events import Event, EventData, RawEvent, publisher_of, source_of
from tests.conftest import ServiceApi
from tests.looks import Looks

PASSWORD = "a good long password"
ORDERS_KEY = new_secrets_key()
"""What other services seal with what identity alone is to read."""
PUBLIC_URL = "http://portal.test:8080"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GATEWAY = Actor(kind="system", name="Gateway")
_numbers = count(1)


def staff(*policies: str) -> Actor:
    """Somebody of the company who holds exactly these policies, and whose proof stays fresh as long as tests run."""
    return Actor(
        id=uuid7(),
        name="Jonas Weber",
        kind="staff",
        policies=frozenset(policies),
        ip="192.0.2.1",
        session_id=uuid7(),
        proven_at=now() + timedelta(days=1),
    )


ADMIN = staff(*ADMIN_POLICIES)


def colleague_of(client_id: str, **more: Any) -> Actor:
    """A person of this client, as the gateway would present one."""
    return Actor(id=uuid7(), name="Felix Brandt", kind="client", client_id=UUID(client_id), session_id=uuid7(), **more)


def hashes_done() -> int:
    """How many passwords this process has looked at."""
    return int(next(sample.value for sample in SECONDS.collect()[0].samples if sample.name.endswith("_count")))


def somewhere() -> Actor:
    """Nobody yet, at an address no other test uses: attempts are counted by address."""
    number = next(_numbers)
    return Actor(ip=f"198.{18 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}")


def elsewhere() -> None:
    """Whoever comes next is in a network where nobody was: there a second browser of the same kind is no new place."""
    while next(_numbers) % 250:
        pass


class Identity:
    """The service under test, and what a test looks at besides its answers."""

    def __init__(self, api: ServiceApi, servers: Backing, admin_url: str) -> None:
        self.api = api
        self.servers = servers
        self.admin_url = admin_url
        self.looks = Looks(admin_url, search_path="identity")
        self.redis = Cache(servers.addresses.redis_url).client

    async def close(self) -> None:
        await self.redis.aclose()
        await self.looks.close()

    async def client(self, name: str = "Acme GmbH", **columns: Any) -> str:
        """A new client's id. Its people may come in by every way, where `columns` of its row say nothing else."""
        answer = await self.api(ADMIN, "POST", "clients", json={"name": name})
        assert answer.status_code == 201, answer.text
        columns = {"sign_in_methods": ["magic_link", "password", "passkey", "sso"], **columns}
        for column, value in columns.items():
            await self.execute(f"update clients set {column} = $1 where id = $2", value, answer.json()["id"])
        return answer.json()["id"]

    async def person(self, client_id: str | None = None, **fields: Any) -> dict[str, Any]:
        """Somebody new with an address of their own; staff where there is no `client_id`."""
        body = {
            "kind": "client" if client_id else "staff",
            "client_id": client_id,
            "email": f"person{next(_numbers)}@acme.example",
            "first_name": "Anna",
            "last_name": "Keller",
            "password": PASSWORD,
            **fields,
        }
        answer = await self.api(ADMIN, "POST", "people", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def project(self, client_id: str, *, private: bool = False) -> str:
        """A project of this client that identity has heard of."""
        project_id = uuid7()
        made = ProjectCreated(name="Relaunch", status="on_track", version=1, private=private)
        await self.hears(made, project_id, client_id)
        await self.until("select 1 from known_projects where id = $1", project_id)
        return str(project_id)

    async def hears(self, data: EventData, about: UUID, client_id: str | None) -> None:
        """Something happened in another service."""
        event = Event[EventData](
            id=uuid7(),
            source=source_of(publisher_of(data.subject)),
            type=data.type,
            subject=about,
            time=now(),
            clientid=UUID(client_id) if client_id else None,
            data=data,
        )
        client = await connect(self.servers.addresses.nats_url, "tests")
        await client.jetstream().publish(f"portal.{data.subject}", msgspec.json.encode(event))
        await client.close()

    async def browser(self, person: dict[str, Any] | None = None, place: Actor | None = None) -> "Browser":
        """A browser, signed in as `person` if one is given."""
        browser = Browser(self, place or somewhere())
        if person:
            answer = await browser.sign_in(person["email"])
            assert answer.status_code == 200, answer.text
        return browser

    async def resolve(self, token: str) -> httpx2.Response:
        """Ask as the gateway does, by the hash of a cookie."""
        return await self.api(GATEWAY, "POST", "/internal/sessions/resolve", json={"hash": digest(token)})

    async def execute(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Run a statement past everything, as the database's administrator."""
        return await self.looks.fetch(statement, *values)

    @asynccontextmanager
    async def without(self, server: str) -> AsyncIterator[None]:
        """Have one of the servers killed, and started again at the end."""
        self.servers.kill(server)
        try:
            yield
        finally:
            self.servers.start(server)
            await asyncio.sleep(PAUSE if server == "redis" else 0)

    async def kept(self, *texts: str) -> list[str]:
        """Those of the texts that stand in a row of a table, or in a key or value of Redis."""
        tables = await self.execute("select tablename from pg_tables where schemaname = 'identity'")
        rows = [await self.execute(f"select t::text from {table['tablename']} t") for table in tables]
        kept = [row[0] for table in rows for row in table]
        async for key in self.redis.scan_iter():
            kept += [key.decode(), str(await self.redis.dump(key))]
        everything = "\n".join(kept)
        return [text for text in texts if text in everything]

    async def until(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Wait until a statement gives rows. While no test of identity runs, neither does its service: it may have to find
        its connections dead first.
        """
        async with asyncio.timeout(60):
            while not (found := await self.execute(statement, *values)):
                await asyncio.sleep(0.02)
        return found

    async def events(self, kind: str, about: str | None = None) -> list[RawEvent]:
        """Events of one type in the outbox, of one aggregate where it is named, oldest first."""
        statement = """select event from outbox where subject = $1
                       and ($2::text is null or event->>'subject' = $2) order by seq"""
        rows = await self.execute(statement, f"portal.{EVENTS[kind].subject}", about)
        return [msgspec.json.decode(row["event"], type=RawEvent) for row in rows]

    def mails_to(self, email: str) -> list[EmailMessage]:
        to = f"X-Envelope-To: {email}\r\n".encode()  # stands in front; reading a thousand whole ones takes too long
        named = [raw for raw in self.servers.mails() if raw.find(to, 0, 1000) > 0]
        return [message_from_bytes(raw, policy=policy.default) for raw in named]  # type: ignore[misc]

    async def mails_written(self, email: str) -> list[str]:
        """The ids of the mails to somebody that went out or still will, in the order in which they were asked for."""
        statement = "select id from mails where address = $1 and failed_at is null order by created_at, id"
        return [str(row["id"]) for row in await self.execute(statement, email)]

    async def mail_to(self, email: str, number: int = 1) -> "Mail":
        """Wait for the `number`th mail to somebody, counted as they were asked for: they need not arrive like that."""
        async with asyncio.timeout(60):
            while True:
                arrived = {mail["Message-ID"][1:37]: mail for mail in self.mails_to(email)}
                if len(arrived) >= number:
                    first = (await self.mails_written(email))[:number]
                    if len(first) == number and arrived.keys() >= set(first):
                        return Mail(arrived[first[-1]])
                await asyncio.sleep(0.02)


class Mail:
    """A mail and the secrets in it."""

    def __init__(self, message: EmailMessage) -> None:
        self.message = message
        self.text = self._part("plain")
        self.html = self._part("html")

    @property
    def token(self) -> str:
        return self._found(r"token=([A-Za-z0-9_-]{43})\s")

    @property
    def code(self) -> str:
        return self._found(r"\n +(\d{3} \d{3})\n").replace(" ", "")

    def _part(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        return body.get_content().replace("\r\n", "\n")

    def _found(self, pattern: str) -> str:
        match = re.search(pattern, self.text)
        assert match, self.text
        return match[1]


class App:
    """Somebody's authenticator app."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def code(self, steps: int = 0) -> str:
        """What it shows, or showed or will show so many steps from now."""
        return TOTP(self.secret).generate_otp(int(now().timestamp()) // STEP + steps)

    def wrong(self, number: int = 0) -> str:
        """Six digits that it shows in none of the next minutes: any that are made up may be right by chance."""
        shown = {self.code(steps) for steps in range(-4, 8)}
        return [code for code in (f"{digits:06}" for digits in range(number + 13)) if code not in shown][number]


async def full_step() -> None:
    """Let no step end in the next seconds: what is an old code shall not become a very old one meanwhile."""
    left = STEP - now().timestamp() % STEP
    await asyncio.sleep(left + 0.1 if left < 5 else 0)


async def full_window(minutes: int = 5) -> None:
    """Let no window of attempts end in the next seconds: without Redis one counts from one full hour to the next, in
    parts of so many minutes.
    """
    left = minutes * 60 - now().timestamp() % (minutes * 60)
    await asyncio.sleep(left + 0.1 if left < 30 else 0)


class Browser:
    """One person's browser: its cookies, its address, and who the gateway says it is."""

    def __init__(self, identity: Identity, place: Actor) -> None:
        self._identity = identity
        self.actor = place
        self.cookies: dict[str, str] = {}
        self.user_agent = FIREFOX

    async def __call__(self, method: str, path: str, **request: Any) -> httpx2.Response:
        # The gateway keeps the session's cookie to itself.
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items() if name != "portal_session")
        headers = {"User-Agent": self.user_agent, **({"Cookie": cookies} if cookies else {})}
        headers |= request.pop("headers", {})
        answer = await self._identity.api(self.actor, method, path, headers=headers, **request)
        for header in answer.headers.get_list("set-cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if not self.cookies[name]:
                del self.cookies[name]
        return answer

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx2.Response:
        """Sign in with a password; from then on requests carry what the gateway knows of the session."""
        answer = await self("POST", "auth/login", json={"email": email, "password": password})
        if answer.status_code == 200 and answer.json()["person"]:
            await self.refresh()
        return answer

    async def enrol(self) -> tuple["App", list[str]]:
        """Set up a second factor: the app, whose present code is still good, and the recovery codes."""
        await full_step()
        app = App((await self("POST", "two-factor/enrol")).json()["secret"])
        answer = await self("POST", "two-factor/confirm", json={"code": app.code(-1)})
        assert answer.status_code == 200, answer.text
        return app, answer.json()["recovery_codes"]

    async def show(self, **proof: str) -> httpx2.Response:
        """The second step of signing in."""
        answer = await self("POST", "auth/second-factor", json=proof)
        if answer.status_code == 200:
            await self.refresh()
        return answer

    async def ask_for_link(self, email: str) -> httpx2.Response:
        return await self("POST", "auth/magic-link", json={"email": email})

    async def redeem(self, **proof: str) -> httpx2.Response:
        return await self("POST", "auth/magic-link/consume", json=proof)

    async def record(self) -> dict[str, Any] | None:
        """What the gateway would learn about this browser's session; None where it does not count."""
        answer = await self._identity.resolve(self.cookies["portal_session"])
        return answer.json() if answer.status_code == 200 else None

    async def refresh(self) -> None:
        record = await self.record()
        assert record
        known = {name: record[name] for name in Actor.__struct_fields__ if name in record}
        seen = msgspec.convert(known | {"id": record["person_id"], "ip": self.actor.ip}, Actor)
        self.actor = msgspec.structs.replace(seen, session_ends=datetime.fromisoformat(record["expires_at"]))

    @property
    def session_hash(self) -> str:
        return digest(self.cookies["portal_session"])
