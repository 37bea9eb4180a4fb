"""The mail server, as far as it can be believed: what it took, what it refused, and what nobody can know."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP

from services.identity.mails.headers import AS_SENT

TALK_SECONDS = 15.0
"""For everything up to the mail itself."""
TAKE_SECONDS = 60.0
"""For the mail itself: some servers look through it before they answer."""


class Undelivered(Exception):
    """The server did not take the mail."""


class NotNow(Undelivered):
    """It may another time."""


class Refused(Undelivered):
    """It never will: this address, or this mail (RFC 5321, 4.2.1: 5yz)."""


class Overtaken(Undelivered):
    """Nobody wants this mail sent any more."""


class Unconfirmed(Exception):
    """The mail went out and the answer did not come: the server may have taken it (RFC 5321, 4.1.1.4)."""


class MailServer:
    """One connection, kept for as long as there are mails to send."""

    def __init__(self, url: str, sender: str) -> None:
        """`url`: `smtp://[user:password@]host[:port]`, or `smtps://`. `sender`: an address, with or without a name."""
        self._at = urlsplit(url)
        self._sender = parseaddr(sender)[1]
        self._smtp: SMTP | None = None

    async def send(self, message: EmailMessage, to: str, hand_over: Callable[[], Awaitable[bool]]) -> None:
        """Give the server a mail; `hand_over` is asked last of all. Raises `Undelivered`, `Unconfirmed`."""
        data = message.as_bytes(policy=AS_SENT.clone(utf8=not to.isascii()))
        try:
            async with asyncio.timeout(TALK_SECONDS):
                smtp = await self._ready()
                await self._address(smtp, to)
                if not await hand_over():
                    await smtp.rset()
                    raise Overtaken
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._drop()
            raise NotNow(type(error).__name__) from error
        except Undelivered:
            raise
        except Exception:  # half-way through its commands the connection is of no use to the next mail
            self._drop()
            raise
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                await smtp.data(data)
        except aiosmtplib.SMTPDataError as error:
            await self._reset(smtp)
            raise _refusal(error) from error
        except Exception as error:  # whatever it is: the mail may be out
            self._drop()
            raise Unconfirmed(type(error).__name__) from error

    async def close(self) -> None:
        """Say good-bye."""
        if self._smtp:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await self._smtp.quit()
        self._drop()

    async def _ready(self) -> SMTP:
        if self._smtp and self._smtp.is_connected:
            return self._smtp
        self._smtp = SMTP(
            hostname=self._at.hostname,
            port=self._at.port,
            username=unquote(self._at.username) if self._at.username else None,
            password=unquote(self._at.password) if self._at.password else None,
            use_tls=self._at.scheme == "smtps",
            timeout=TAKE_SECONDS,
        )
        await self._smtp.connect()
        return self._smtp

    async def _address(self, smtp: SMTP, to: str) -> None:
        """Whom it is for. Only what the server says about the recipient is final: the rest may be our own mistake."""
        if to.isascii():
            await smtp.mail(self._sender)
        else:
            if not smtp.supports_extension("SMTPUTF8"):
                raise Refused("SMTPUTF8")
            await smtp.mail(self._sender, options=["SMTPUTF8"])
        try:
            await smtp.rcpt(to, encoding="ascii" if to.isascii() else "utf-8")
        except aiosmtplib.SMTPRecipientRefused as error:
            await self._reset(smtp)
            raise _refusal(error) from error

    async def _reset(self, smtp: SMTP) -> None:
        """Ready for the next mail, on a new connection if it must be."""
        try:
            await smtp.rset()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            self._drop()

    def _drop(self) -> None:
        if self._smtp:
            self._smtp.close()
        self._smtp = None


def _refusal(error: aiosmtplib.SMTPResponseException) -> Undelivered:
    return Refused(str(error.code)) if error.code >= 500 else NotNow(str(error.code))
