"""Sends sign-in links. The table is the queue: no process takes it along, and no request waits for a mail server."""

import asyncio
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from prometheus_client import Counter

from services.identity.settings import IdentitySettings
from services.identity.sign_in_links import commands
from services.identity.sign_in_links.commands import Letter
from services.identity.sign_in_links.models import LIFETIME
from shared.actor import SYSTEM
from shared.database import Database

POLL_SECONDS = 2.0
SMTP_SECONDS = 5.0

SENT = Counter("identity_mails_sent_total", "Mails handed to the mail server")
FAILED = Counter("identity_mails_failed_total", "Attempts the mail server did not take")

log = structlog.get_logger("identity.mailer")


class Mailer:
    """Any number may run; each takes the next mail nobody else has in hand."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._settings = settings
        self._wake = asyncio.Event()
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
        )

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def run(self, database: Database) -> None:
        """Send what is due until cancelled. What goes wrong is tried again, ever later, until the link is too old."""
        while True:
            self._wake.clear()
            try:
                while await self._send_next(database):
                    pass
            except Exception as error:
                log.exception("mailer.interrupted", error=repr(error))
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send_next(self, database: Database) -> bool:
        """Send one mail, outside any transaction; False where none is due."""
        async with database.uow(SYSTEM) as db:
            letter = await commands.write_letter(db)
        if letter is None:
            return False
        try:
            await self._send(self.compose(letter))
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            FAILED.inc()
            log.warning("mailer.not_sent", link=letter.link_id, attempt=letter.attempt, error=type(error).__name__)
            return True
        SENT.inc()
        async with database.uow(SYSTEM) as db:
            await commands.letter_sent(db, letter)
        return True

    async def _send(self, message: EmailMessage) -> None:
        server = urlsplit(self._settings.smtp_url)
        async with asyncio.timeout(SMTP_SECONDS):
            await aiosmtplib.send(
                message,
                hostname=server.hostname,
                port=server.port,
                username=unquote(server.username) if server.username else None,
                password=unquote(server.password) if server.password else None,
                use_tls=server.scheme == "smtps",
            )

    def compose(self, letter: Letter) -> EmailMessage:
        """The mail as text and HTML. Each attempt is a mail of its own, so it has an id of its own."""
        public_url = self._settings.public_url.rstrip("/")
        words = {
            "company": self._settings.company_name,
            "name": letter.name,
            "link": f"{public_url}/sign-in/link?token={letter.token}",
            "code": f"{letter.code[:3]} {letter.code[3:]}",
            "minutes": int(LIFETIME.total_seconds() // 60),
        }
        message = EmailMessage()
        message["From"] = self._settings.mail_from
        message["To"] = letter.to
        message["Subject"] = f"Sign in to {self._settings.company_name}"
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{letter.link_id}.{letter.attempt}@{urlsplit(public_url).hostname}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._templates.get_template("sign_in_link.txt").render(words))
        html = self._templates.get_template("sign_in_link.html").render(words)
        message.add_alternative(html, subtype="html")
        return message
