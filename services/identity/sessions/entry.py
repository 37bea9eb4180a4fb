"""The answer to a successful sign-in, however it was proven."""

from uuid import UUID

import msgspec
from litestar import Response

from services.identity.people.queries import Me, get_me
from services.identity.second_factors.models import ENROL, RECOVERY_CODE, SECOND_FACTOR, TOTP, Step
from services.identity.sessions.admission import PAUSE, Pending
from services.identity.sessions.cache import SessionCache
from services.identity.sessions.commands import Entry
from services.identity.sessions.cookies import Cookies
from shared.actor import SYSTEM
from shared.database import ReadOnly

METHODS = {SECOND_FACTOR: [TOTP, RECOVERY_CODE], ENROL: [TOTP]}


class SignedIn(msgspec.Struct, frozen=True):
    """`next` is the step still due, by one of `methods`; while there is one, nobody is signed in yet."""

    person: Me | None
    next: Step | None = None
    methods: list[str] = []


class Door:
    """Answers a sign-in: notifies the gateways of the session that ended, and sets the cookie of the new one."""

    def __init__(self, session_cache: SessionCache, cookies: Cookies, read: ReadOnly) -> None:
        self._session_cache = session_cache
        self._cookies = cookies
        self._read = read

    async def let_in(self, entry: Entry | Pending) -> Response[SignedIn]:
        """The session's cookie, or the one that a further step is bound to."""
        if isinstance(entry, Pending):
            pending = self._cookies.pending(entry.token, int(PAUSE.total_seconds()))
            return Response(SignedIn(None, entry.step, METHODS[entry.step]), status_code=200, cookies=[pending])
        answer = await self.renew(entry)
        return Response(SignedIn(answer.content), status_code=200, cookies=answer.cookies)

    async def finish(self, entry: Entry) -> Response[SignedIn]:
        """The same after the second step, which waits no longer."""
        answer = await self.let_in(entry)
        answer.cookies.append(self._cookies.nothing_pending())
        return answer

    async def renew(self, entry: Entry, *, viewing: UUID | None = None, seen_as: UUID | None = None) -> Response[Me]:
        """Hand out the new cookie of somebody who is in already (`commands.renew`)."""
        cookies = (await self.go_on(entry)).cookies
        async with self._read(SYSTEM) as connection:
            me = await get_me(connection, entry.person_id, viewing, seen_as)
        return Response(me, status_code=200, cookies=cookies)

    async def go_on(self, entry: Entry) -> Response[None]:
        """The same where nothing is to be said."""
        await self._session_cache.tell(ended=entry.ended)
        cookies = [self._cookies.session(entry.token, entry.seconds)]
        return Response(None, status_code=204, cookies=cookies)
