"""Authentication of partner systems: an access token instead of a session's cookie, and limits by api client."""

from gateway.limits import Limiter
from gateway.problems import Refused
from shared.actor import Actor
from shared.errors import DomainError, Unavailable
from shared.partners import PartnerVerifier

_BEARER = b"bearer "


class Partners:
    """Knows whose access token it is. The token ends here; services get claims of the gateway's own (decision 0047)."""

    def __init__(self, verifier: PartnerVerifier, requests: Limiter) -> None:
        self._verifier = verifier
        self._requests = requests

    async def find(self, authorization: bytes, peer: str) -> Actor | None:
        """The partner whose token this is; None where it is no bearer token at all.

        Raises `Refused`: 401 for a token that does not count, 429, and 503 while nobody can say.
        """
        if authorization[: len(_BEARER)].lower() != _BEARER:
            return None
        try:
            partner = await self._verifier.verify(authorization[len(_BEARER) :].decode("latin-1").strip(), peer)
        except DomainError as error:
            status = 503 if isinstance(error, Unavailable) else 401
            wait = error.retry_after or 0
            raise Refused(status, error.code, error.detail, retry_after=wait, challenge=error.challenge) from error
        await self._requests.admit(f"api-client:{partner.id}")
        return partner
