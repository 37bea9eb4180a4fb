"""HEAD and OPTIONS, as RFC 9110 has them (9.3.2 and 9.3.7): of every resource, by what is known of it anyway."""

import asyncio
from typing import cast

from litestar.types import ASGIApp, HTTPDisconnectEvent, HTTPReceiveMessage, Message, Receive, Scope, Send

ASKED_AS = {"HEAD": "GET", "OPTIONS": "TRACE"}


def with_heads(app: ASGIApp) -> ASGIApp:
    """`app`, which knows neither: HEAD is GET without the body; OPTIONS says what a method that no resource takes is
    refused with (`Allow`), so the two agree. `Allow` has HEAD beside GET.
    """

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await app(scope, receive, send)
            return
        method, done = scope["method"], False
        bodiless = method == "HEAD"

        async def heard() -> HTTPReceiveMessage:
            return HTTPDisconnectEvent(type="http.disconnect") if done else cast("HTTPReceiveMessage", await receive())

        async def said(message: Message) -> None:
            nonlocal done, bodiless
            if message["type"] == "http.response.start":
                headers = [_allowing(*each) for each in message.get("headers", [])]
                if method == "OPTIONS" and message["status"] == 405:
                    bodiless, headers = True, [each for each in headers if each[0].lower() == b"allow"]
                    message = {**message, "status": 204}
                await send({**message, "headers": headers})
            elif not bodiless:
                await send(message)
            elif not done:
                done = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await asyncio.sleep(0)  # lets an answer that never ends notice that it is over

        asked = {**scope, "method": ASKED_AS.get(method, method)}
        await app(asked, heard, said)  # pyright: ignore[reportArgumentType]

    return handle


def _allowing(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    methods = {each.strip() for each in value.split(b",")}
    if name.lower() != b"allow" or b"GET" not in methods:
        return name, value
    return name, b", ".join(sorted(methods | {b"HEAD"}))
