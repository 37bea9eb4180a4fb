"""The servers alone: what every test of the portal stands on."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
from sqlalchemy.engine import make_url

from ops.databases import runtime_url
from ops.migrate import ensure_database
from ops.stack import mailbox
from ops.stack.backing import Backing, backing
from ops.stack.errors import StackError
from shared.broker import connect, ensure_stream


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    """Servers of this module alone, for it kills them."""
    with backing(tmp_path_factory.mktemp("own"), servers=("postgres", "nats", "redis", "mail", "s3")) as running:
        yield running


async def test_postgres_keeps_its_rows_through_a_crash(own: Backing) -> None:
    url = own.addresses.database_admin_url
    await ensure_database(url)
    await ensure_database(url)  # and it is no harm to repeat
    connection = await asyncpg.connect(url)
    await connection.execute("create table kept (what text)")
    await connection.execute("insert into kept values ('row')")
    own.kill("postgres")
    own.start("postgres")
    await connection.close()
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select what from kept") == "row"
    await connection.close()


async def test_postgres_wants_the_password(own: Backing) -> None:
    wrong = runtime_url(own.addresses.database_admin_url, "nobody", "guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


async def test_nats_writes_each_message_to_the_disk_before_it_answers(tmp_path: Path) -> None:
    with backing(tmp_path, durable=True, servers=("nats",)) as servers:
        config = (tmp_path / "nats" / "nats.conf").read_text()
        assert "sync_interval: always" in config
        client = await connect(servers.addresses.nats_url, "test")
        await ensure_stream(client.jetstream(), 1)
        await client.jetstream().publish("portal.test.thing.made.v1", b"kept")
        await client.close()
        servers.kill("nats")
        servers.start("nats")
        client = await connect(servers.addresses.nats_url, "test")
        assert (await client.jetstream().get_last_msg("PORTAL", "portal.test.thing.made.v1")).data == b"kept"
        await client.close()


async def test_s3_refuses_who_does_not_sign(own: Backing) -> None:
    async with aiohttp.ClientSession() as http, http.put(f"{own.addresses.s3_endpoint}/portal/file") as answer:
        assert answer.status in (400, 403)


def test_mail_sink_keeps_each_mail_whole_and_in_order(own: Backing) -> None:
    for number in range(3):
        send(own, f"Mail {number}", f"<{number}@portal.test>", f"Grüße {number}")
    files = sorted(Path(own.addresses.mailbox_dir).glob("*.eml"))
    mails = [BytesParser(policy=default).parsebytes(path.read_bytes()) for path in files]
    assert [mail["Message-ID"] for mail in mails] == [f"<{number}@portal.test>" for number in range(3)]
    assert mails[2]["X-Envelope-To"] == "anna@acme.example"
    assert mails[2].get_content().strip() == "Grüße 2"


async def test_mail_sink_forgets_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "KEEP", 2)
    keeper = mailbox.Keeper(tmp_path)
    for number in range(5):
        envelope = mailbox.Envelope()
        envelope.original_content = f"Subject: {number}\r\n\r\n".encode()
        assert (await keeper.handle_DATA(None, None, envelope)).startswith("250")
    kept = [path.read_bytes() for path in sorted(tmp_path.iterdir())]  # noqa: ASYNC240  (a handful of bytes)
    assert [content.split(b"Subject: ")[1][:1] for content in kept] == [b"3", b"4"]


def test_a_folder_keeps_its_passwords_for_the_next_run(tmp_path: Path) -> None:
    with backing(tmp_path, servers=("redis",)) as first:
        before = make_url(first.addresses.redis_url).password
    with backing(tmp_path, servers=("redis",)) as second:
        assert make_url(second.addresses.redis_url).password == before


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir(parents=True)
    (tmp_path / "redis" / "appendonly.aof").write_bytes(b"this is no append-only file\n" * 10)
    with (
        pytest.raises(StackError, match=r"(?s)redis did not start:.*append only file"),
        backing(tmp_path, servers=("redis",)),
    ):
        pass


def send(servers: Backing, subject: str, message_id: str, body: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = (
        "portal@x.test",
        "anna@acme.example",
        subject,
        message_id,
    )
    mail.set_content(body)
    address = urlsplit(servers.addresses.smtp_url)
    with smtplib.SMTP(address.hostname or "", address.port or 0) as smtp:
        smtp.send_message(mail)
