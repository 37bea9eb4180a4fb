"""The stand-in services as they keep pictures of people, how the company looks, and how somebody is notified."""

import base64
from typing import Any

from aiohttp import web

from tests.portal.standin import Standin, problem, uid

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture: a PNG of one pixel."""
INDIGO = {"accent": "#4338ca", "hover": "#3825b9", "ink": "#4338ca", "soft": "#eeedfa", "on_accent": "#ffffff"}
OLIVE = {"accent": "#988e18", "hover": "#a79d2f", "ink": "#78700e", "soft": "#f6f5ea", "on_accent": "#000000"}
SEEN = {"passes": True, "ratio": 7.04, "nearest": "#4338ca"}


def draft() -> dict[str, Any]:
    return {
        "name": "Northwind Studio",
        "logo_id": None,
        "logo_ground": "light",
        "icon_id": None,
        "palettes": {"light": INDIGO, "dark": INDIGO},
        "texts": {},
        "accent": "#4338ca",
        "accent_dark": None,
        "contrast": {"light": SEEN, "dark": SEEN},
        "changed": [],
        "version": 4,
    }


def choice(kind: str, occasion: str, channel: str = "bell", *, reason: str = "") -> dict[str, Any]:
    """How somebody is notified of a kind of event; with a `reason` that is fixed."""
    channels = [channel] if reason else ["none", "bell", "bell_and_mail"]
    told = {"type": kind, "occasion": occasion, "channel": channel, "default": channel}
    return told | {"channels": channels, "reason": reason}


def choices() -> list[dict[str, Any]]:
    return [
        choice("project_created", "A project was shared with you", "bell_and_mail"),
        choice("milestone_completed", "A milestone was completed"),
        choice("webhook_disabled", "A webhook was switched off", "bell_and_mail", reason="Somebody has to act."),
    ]


class Gallery(Standin):
    """`state["pictures"]` maps a person to a picture; `state["brand"]` is what everybody sees, where there is anything;
    `state["choices"]` are the reader's, at `state["chosen"]`, their version.
    """

    def reset(self) -> None:
        super().reset()
        self.state |= {"pictures": {}, "brand": None, "draft": draft(), "choices": choices(), "chosen": 3}

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            ("GET", "/people/pictures", self.list_pictures),
            ("PUT", "/people/me/picture", self.show_picture),
            ("DELETE", "/people/me/picture", self.nothing),
            ("DELETE", "/people/{id}/picture", self.nothing),
            ("GET", "/brand", self.get_brand),
            ("GET", "/brand/draft", self.get_draft),
            ("PATCH", "/brand/draft", self.change_draft),
            ("DELETE", "/brand/draft", self.nothing),
            ("PUT", "/brand/draft/logo", self.get_draft),
            ("DELETE", "/brand/draft/logo", self.get_draft),
            ("POST", "/brand/publish", self.publish),
            ("GET", "/notifications/choices", self.get_choices),
            ("PATCH", "/notifications/choices", self.change_choices),
            *super()._routes(),
        ]

    def _said(self, request: web.Request) -> web.Response | None:
        """What `say` has for this path."""
        said = self.problems.get(request.path.removeprefix("/api/client-portal"))  # type: ignore[attr-defined]
        return web.json_response(said, status=said["status"]) if said else None

    async def list_pictures(self, request: web.Request) -> web.Response:
        known: dict[str, str] = self.state["pictures"]
        asked = [each for each in request.query.getall("id") if each in known]
        return web.json_response({"items": [{"person_id": each, "picture_id": known[each]} for each in asked]})

    async def show_picture(self, request: web.Request) -> web.Response:
        return self._said(request) or web.json_response({"person_id": uid(61), "picture_id": uid(500)})

    async def nothing(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def get_brand(self, _request: web.Request) -> web.Response:
        return web.json_response(self.state["brand"]) if self.state["brand"] else problem(404, "not_found", "None.")

    async def get_draft(self, request: web.Request) -> web.Response:
        return self._said(request) or web.json_response(self.state["draft"])

    async def change_draft(self, request: web.Request) -> web.Response:
        if said := self._said(request):
            return said
        if request.headers.get("If-Match") != f'"{self.state["draft"]["version"]}"':
            return problem(412, "stale", "Somebody changed this.")
        self.state["draft"] |= {name: value for name, value in (await request.json()).items() if name != "texts"}
        return web.json_response(self.state["draft"])

    async def publish(self, request: web.Request) -> web.Response:
        if said := self._said(request):
            return said
        self.state["brand"] = {
            name: self.state["draft"][name]
            for name in ("name", "logo_id", "logo_ground", "icon_id", "palettes", "texts")
        }
        return web.json_response(self.state["draft"])

    async def get_choices(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.state["choices"], "version": self.state["chosen"]})

    async def change_choices(self, request: web.Request) -> web.Response:
        if said := self._said(request):
            return said
        if request.headers.get("If-Match") != f'"{self.state["chosen"]}"':
            return problem(412, "stale", "Somebody changed this.")
        self.choose(**(await request.json())["channels"])
        return await self.get_choices(request)

    def choose(self, **channels: str) -> None:
        """The reader chooses, here or elsewhere."""
        for each in self.state["choices"]:
            each["channel"] = channels.get(each["type"], each["channel"])
        self.state["chosen"] += 1
