"""A mail server that does what a test wants, in the test's own process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

Say = Callable[[str], Awaitable[str | None]]
"""What to answer about an address; None is an ordinary yes. May take its time."""


async def _yes(_address: str) -> str | None:
    return None


class PostOffice:
    """`at_mail`, `at_rcpt`, `at_data` may be replaced; `took` is what was accepted, whether the answer arrived or not."""

    def __init__(self, *, utf8: bool) -> None:
        self.utf8 = utf8
        self.url = ""
        self.at_mail: Say = _yes
        self.at_rcpt: Say = _yes
        self.at_data: Say = _yes
        self.took: list[tuple[str, EmailMessage]] = []
        self.connections = 0

    @property
    def recipients(self) -> list[str]:
        return [address for address, _ in self.took]

    def session(self) -> SMTP:
        self.connections += 1
        return SMTP(self, hostname="localhost", enable_SMTPUTF8=self.utf8)

    async def handle_MAIL(  # noqa: N802  (aiosmtpd)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self.at_mail(address) or "250 ok"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await self.at_rcpt(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Goes on when the sender is gone: a server that has a mail has it."""
        return await asyncio.shield(self._take(server, envelope))

    async def _take(self, server: SMTP, envelope: Envelope) -> str:
        address = envelope.rcpt_tos[0]
        answer = await self.at_data(address)
        if answer in (None, "silence"):
            message = message_from_bytes(envelope.original_content or b"", _class=EmailMessage, policy=policy.default)
            self.took.append((address, message))
        if answer in ("silence", "nothing") and server.transport:
            server.transport.abort()
        return answer or "250 ok"


@asynccontextmanager
async def post_office(*, utf8: bool = True) -> AsyncIterator[PostOffice]:
    """A server on a port of its own."""
    office = PostOffice(utf8=utf8)
    server = await asyncio.get_running_loop().create_server(office.session, "127.0.0.1", 0)
    office.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield office
