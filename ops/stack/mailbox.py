"""The mail sink: an SMTP server that keeps each mail as one `.eml` file and delivers nothing.

Run as `python -m ops.stack.mailbox PORT FOLDER`. File names sort by arrival; the content is the mail as it came, with
the envelope in front (`X-Envelope-From`, `X-Envelope-To`). Readers see whole files only. Nobody lives at
`bounces.example`: such addresses are refused for good, as a real server would refuse a wrong one.
"""

import asyncio
import itertools
import sys
import time
from collections import deque
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from ops.stack.ports import LOOPBACK

KEEP = 1000
NOBODY_AT = "@bounces.example"
LARGEST = 10 * 1024**2


class Keeper:
    """Writes what arrives into `folder`, and forgets the oldest beyond `KEEP`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = itertools.count()
        self._kept = deque(sorted(folder.glob("*.eml")))

    async def handle_RCPT(  # noqa: N802  (aiosmtpd)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or refuse one nobody has."""
        if address.endswith(NOBODY_AT):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd)
        """Store one mail; the 250 is sent when the file is there."""
        head = [f"X-Envelope-From: {envelope.mail_from}", *(f"X-Envelope-To: {to}" for to in envelope.rcpt_tos)]
        body = envelope.original_content or b""
        name = f"{time.time_ns():020}-{next(self._number) % 1000:03}"
        draft = self._folder / f".{name}"
        draft.write_bytes("".join(f"{line}\r\n" for line in head).encode() + body)
        self._kept.append(draft.rename(self._folder / f"{name}.eml"))
        while len(self._kept) > KEEP:
            self._kept.popleft().unlink(missing_ok=True)
        return "250 kept"


async def serve(port: int, folder: Path) -> None:
    """Listen on the loopback address until cancelled."""
    keeper = Keeper(folder)

    def session() -> SMTP:
        return SMTP(keeper, hostname="localhost", data_size_limit=LARGEST, enable_SMTPUTF8=True)

    server = await asyncio.get_running_loop().create_server(session, LOOPBACK, port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
