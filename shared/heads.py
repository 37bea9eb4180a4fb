"""HEAD is answered wherever GET is: by what answers GET, without the body (RFC 9110, 9.3.2)."""

import asyncio
from typing import cast

from litestar.types import ASGIApp, HTTPDisconnectEvent, HTTPReceiveMessage, Message, Receive, Scope, Send


def with_heads(app: ASGIApp) -> ASGIApp:
    """`app`, which knows no HEAD of its own; what it says it allows (`Allow`) has HEAD beside GET."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await app(scope, receive, send)
            return
        is_head, done = scope["method"] == "HEAD", False

        async def heard() -> HTTPReceiveMessage:
            return HTTPDisconnectEvent(type="http.disconnect") if done else cast("HTTPReceiveMessage", await receive())

        async def said(message: Message) -> None:
            nonlocal done
            if message["type"] == "http.response.start":
                await send({**message, "headers": [_allowing(*each) for each in message.get("headers", [])]})
            elif not is_head:
                await send(message)
            elif not done:
                done = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await asyncio.sleep(0)  # lets an answer that never ends notice that it is over

        asked = {**scope, "method": "GET"} if is_head else scope
        await app(asked, heard, said)  # pyright: ignore[reportArgumentType]

    return handle


def _allowing(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    methods = {each.strip() for each in value.split(b",")}
    if name.lower() != b"allow" or b"GET" not in methods:
        return name, value
    return name, b", ".join(sorted(methods | {b"HEAD"}))
