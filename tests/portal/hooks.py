"""The stand-in services as those use them who have partner systems told."""

import copy
from typing import Any

from aiohttp import web

from shared.contracts import TOLD
from shared.contracts.words.telling import LINES
from tests.portal.standin import ACME, ago, missing, page, uid
from tests.portal.systems import Systems

TILL_ID, DESK_HOOK_ID, PAUSED_ID, WEAK_ID = (uid(number) for number in (81, 82, 83, 84))
HOOK_SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl5hjGv1pEbHhWZ7bVDzY="
NEW_HOOK_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDUzNvZ1hpYnI="


def webhooks() -> list[dict[str, Any]]:
    """One that works, one the portal switched off, one staff switched off, one that fails."""
    common = {
        "created_at": ago(days=40), "created_by": "Clara Hoffmann", "old_secret_until": None, "client_id": None,
        "client_name": None, "types": [], "active": True, "disabled_reason": "", "disabled_at": None,
        "failing_since": None, "held": 0, "last_delivery_at": ago(minutes=4), "last_delivery_state": "delivered",
    }  # fmt: skip
    return [
        {**common, "id": TILL_ID, "name": "Acme till", "url": "https://till.acme.example/hook?key=1", "client_id": ACME,
         "client_name": "Acme GmbH", "types": ["project_created", "milestone_completed"]},
        {**common, "id": DESK_HOOK_ID, "name": "Help desk", "url": "https://desk.example/", "active": False,
         "disabled_reason": "gone", "disabled_at": ago(hours=3), "held": 1, "last_delivery_state": "failed"},
        {**common, "id": PAUSED_ID, "name": "Paused", "url": "https://paused.example/", "active": False,
         "disabled_at": ago(days=2), "held": 2, "last_delivery_at": None, "last_delivery_state": None},
        {**common, "id": WEAK_ID, "name": "Warehouse", "url": "https://weak.example/", "failing_since": ago(hours=5),
         "last_delivery_state": "waiting"},
    ]  # fmt: skip


def deliveries() -> list[dict[str, Any]]:
    """Newest first: not sent yet, waiting, failed for a reason of each sort, delivered, a test."""
    rows = [
        ("project_created", "waiting", 0, None, "", None),
        ("milestone_completed", "waiting", 2, 503, "", ago(minutes=-9)),
        ("milestone_completed", "failed", 9, None, "timeout", None),
        ("project_created", "failed", 1, None, "switched_off", None),
        ("project_created", "delivered", 1, 204, "", None),
        ("ping", "delivered", 1, 200, "", None),
    ]
    return [
        {
            "id": uid(90 + number), "type": kind, "event_id": uid(300 + number), "state": state, "tries": tries,
            "last_status": status, "last_error": error, "last_tried_at": ago(minutes=1), "next_try_at": following,
            "delivered_at": None, "created_at": ago(minutes=number),
        }
        for number, (kind, state, tries, status, error, following) in enumerate(rows)
    ]  # fmt: skip


class Hooks(Systems):
    """`state["webhooks"]` are told; `state["deliveries"]` is what each of them was."""

    def reset(self) -> None:
        super().reset()
        self.state["webhooks"] = webhooks()
        self.state["deliveries"] = deliveries()

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            *super()._routes(),
            ("GET", "/webhooks/types", self.list_event_types),
            ("GET", "/webhooks", self.list_webhooks),
            ("POST", "/webhooks", self.create_webhook),
            ("GET", "/webhooks/{id}", self.get_webhook),
            ("PATCH", "/webhooks/{id}", self.change_webhook),
            ("DELETE", "/webhooks/{id}", self.remove_webhook),
            ("POST", "/webhooks/{id}/rotate", self.rotate_webhook),
            ("POST", "/webhooks/{id}/test", self.queued),
            ("GET", "/webhooks/{id}/deliveries", self.list_deliveries),
            ("POST", "/webhooks/{id}/deliveries/{delivery}/retry", self.queued),
        ]

    def _webhook(self, request: web.Request) -> dict[str, Any] | None:
        return next((each for each in self.state["webhooks"] if each["id"] == request.match_info["id"]), None)

    async def list_event_types(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": [{"key": each.type, "name": LINES[each.type].occasion} for each in TOLD]})

    async def list_webhooks(self, request: web.Request) -> web.Response:
        return page(self.state["webhooks"], request)

    async def create_webhook(self, request: web.Request) -> web.Response:
        made = webhooks()[0] | {"id": uid(85), "last_delivery_at": None} | await request.json()
        self.state["webhooks"].insert(0, made)
        return web.json_response(made | {"secret": HOOK_SECRET}, status=201)

    async def get_webhook(self, request: web.Request) -> web.Response:
        found = self._webhook(request)
        return web.json_response(found) if found else missing()

    async def change_webhook(self, request: web.Request) -> web.Response:
        found = self._webhook(request)
        if found is None:
            return missing()
        found |= copy.deepcopy(await request.json())
        return web.json_response(found)

    async def remove_webhook(self, request: web.Request) -> web.Response:
        found = self._webhook(request)
        if found is None:
            return missing()
        self.state["webhooks"].remove(found)
        return web.Response(status=204)

    async def rotate_webhook(self, request: web.Request) -> web.Response:
        found = self._webhook(request)
        if found is None:
            return missing()
        overlap = (await request.json()).get("overlap_hours", 24)
        until = ago(hours=-overlap)
        found["old_secret_until"] = until if overlap else None
        return web.json_response({"secret": NEW_HOOK_SECRET, "old_valid_until": until})

    async def list_deliveries(self, request: web.Request) -> web.Response:
        return page(self.state["deliveries"], request) if self._webhook(request) else missing()

    async def queued(self, request: web.Request) -> web.Response:
        return web.json_response({"delivery_id": uid(90)}) if self._webhook(request) else missing()
