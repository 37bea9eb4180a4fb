"""Requests of the gateway itself to a service: for a session, its OpenAPI document, its health."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from gateway.claims import ClaimsSigner
from gateway.problems import Refused
from gateway.recording import Visit
from gateway.upstream import Pool, Silent, TooSlow, UpstreamError
from shared.language import marked

SECONDS = 2

log = structlog.get_logger("gateway.inquiries")


class Inquiries:
    """Questions to one service, under the gateway's own claims. Those that change nothing may be asked twice."""

    def __init__(self, service: str, pool: Pool, signer: ClaimsSigner) -> None:
        self._service = service
        self._pool = pool
        self._signer = signer

    async def resolve_session(self, digest: str) -> bytes | None:
        """The record (JSON) of the session with this hash, None where there is none. Raises `Refused` (503)."""
        try:
            status, body = await self.ask("POST", "/internal/sessions/resolve", msgspec.json.encode({"hash": digest}))
        except UpstreamError as error:
            raise _nobody_knows() from error
        if status not in (200, 404):
            log.error("sessions.unresolved", status=status)
            raise _nobody_knows()
        return body if status == 200 else None

    async def rotate_session(self, digest: str) -> bytes:
        """The `Set-Cookie` of a new id for the session with this hash; b"" if it gets none."""
        body = msgspec.json.encode({"hash": digest})
        try:
            status, answer = await self.ask("POST", "/internal/sessions/rotate", body, once=True)
        except UpstreamError as error:
            log.warning("sessions.not_rotated", error=repr(error))
            return b""
        return msgspec.json.decode(answer)["cookie"].encode() if status == 200 else b""

    async def record_visits(self, visits: Sequence[Visit]) -> None:
        """Have visits of recorded sessions stored. Raises `Refused` (503) where it is not certain that they are.

        Told twice where a connection turns out to have been dead: a visit too many is harmless, one too few is not.
        """
        body = msgspec.json.encode({"visits": visits})
        try:
            status, _ = await self.ask("POST", "/internal/sessions/visits", body)
        except UpstreamError as error:
            raise _not_recorded() from error
        if status != 204:
            log.error("visits.not_recorded", status=status)
            raise _not_recorded()

    async def is_there(self) -> bool:
        """Whether the service answers at all."""
        try:
            status, _ = await self.ask("GET", "/healthz")
        except UpstreamError:
            return False
        return status == 200

    async def ask(self, method: str, path: str, body: bytes = b"", *, once: bool = False) -> tuple[int, bytes]:
        """Status and body of an answer. Raises `UpstreamError`, also where it takes longer than `SECONDS`.

        `once`: on a connection of its own, which cannot turn out to have been dead, so never sent twice.
        """
        token = self._signer.system_token(self._service)
        head = b"%b %b HTTP/1.1\r\nhost: %b\r\nauthorization: Bearer %b\r\n" % (
            method.encode(),
            path.encode(),
            self._pool.authority,
            token,
        )
        framing = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        try:
            async with asyncio.timeout(SECONDS):
                return await self._exchange(head + framing + body, fresh=once)
        except TimeoutError as error:
            self._pool.breaker.silent()
            raise TooSlow(path) from error

    async def _exchange(self, request: bytes, *, fresh: bool = False) -> tuple[int, bytes]:
        connection = await self._pool.connect(fresh=fresh)
        connection.begin(request, bodiless=False)
        try:
            await connection.head()
            parts: list[bytes] = []
            while part := await connection.read():
                parts.append(part)
            return connection.status, b"".join(parts)
        except Silent:
            if fresh:
                raise
            return await self._exchange(request, fresh=True)
        finally:
            connection.release()


def _nobody_knows() -> Refused:
    detail = marked("Nobody can say right now who is signed in. Try again in a moment.")
    return Refused(503, "gateway.sessions_unavailable", detail, retry_after=2)


def _not_recorded() -> Refused:
    detail = marked("Your visits are recorded, and this one could not be. Nothing was changed; try again in a moment.")
    return Refused(503, "gateway.not_recorded", detail, retry_after=2)
