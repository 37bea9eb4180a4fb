"""The stand-in services as those use them who let partner systems in."""

import copy
from typing import Any

from aiohttp import web

from services.identity.api_clients.models import SCOPES
from tests.portal.personnel import Personnel
from tests.portal.standin import ACME, ago, missing, page, uid

ERP_ID, DESK_ID, OLD_ID = (uid(number) for number in (71, 72, 73))
SECRET = "Zq3vJb0n5xW8rT1uYc7eKf2aHd9gLs4pMi6oQw_-B0E"
NEW_SECRET = "B0Ew_-QoiM6pLs4g9dHa2fKe7cYu1Tr8Wx5n0bJv3qZ"
PUBLIC = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "desk"}]}


def api_clients() -> list[dict[str, Any]]:
    """One with a secret, one with keys, one that is over."""
    common = {"created_at": ago(days=40), "created_by": "Clara Hoffmann", "jwks": None, "old_secret_until": None}
    return [
        {**common, "id": ERP_ID, "name": "Acme ERP", "client_id": ACME, "client_name": "Acme GmbH", "auth_method": "client_secret",
         "scopes": ["projects:read", "activity:read"], "last_used_at": ago(minutes=4), "revoked_at": None},
        {**common, "id": DESK_ID, "name": "Help desk", "client_id": None, "client_name": None, "auth_method": "private_key_jwt",
         "scopes": list(SCOPES), "last_used_at": None, "revoked_at": None, "jwks": PUBLIC},
        {**common, "id": OLD_ID, "name": "Old import", "client_id": None, "client_name": None, "auth_method": "client_secret",
         "scopes": ["projects:write"], "last_used_at": ago(days=30), "revoked_at": ago(days=20)},
    ]  # fmt: skip


class Systems(Personnel):
    """`state["api_clients"]` are the partner systems."""

    def reset(self) -> None:
        super().reset()
        self.state["api_clients"] = api_clients()

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            *super()._routes(),
            ("GET", "/api-clients/scopes", self.list_scopes),
            ("GET", "/api-clients", self.list_api_clients),
            ("POST", "/api-clients", self.create_api_client),
            ("GET", "/api-clients/{id}", self.get_api_client),
            ("PATCH", "/api-clients/{id}", self.change_api_client),
            ("POST", "/api-clients/{id}/rotate", self.rotate),
            ("DELETE", "/api-clients/{id}", self.revoke),
        ]

    def _system(self, request: web.Request) -> dict[str, Any] | None:
        return next((each for each in self.state["api_clients"] if each["id"] == request.match_info["id"]), None)

    async def list_scopes(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": [{"key": key, "name": name} for key, name in SCOPES.items()]})

    async def list_api_clients(self, request: web.Request) -> web.Response:
        return page(self.state["api_clients"], request)

    async def create_api_client(self, request: web.Request) -> web.Response:
        made = api_clients()[0] | {"id": uid(74), "last_used_at": None} | await request.json()
        self.state["api_clients"].insert(0, made)
        secret = SECRET if made["auth_method"] == "client_secret" else None
        return web.json_response(made | {"client_secret": secret}, status=201)

    async def get_api_client(self, request: web.Request) -> web.Response:
        found = self._system(request)
        return web.json_response(found) if found else missing()

    async def change_api_client(self, request: web.Request) -> web.Response:
        found = self._system(request)
        if found is None:
            return missing()
        found |= copy.deepcopy(await request.json())
        return web.json_response(found)

    async def rotate(self, request: web.Request) -> web.Response:
        found = self._system(request)
        if found is None:
            return missing()
        overlap = (await request.json()).get("overlap_hours", 24)
        until = ago(hours=-overlap)
        found["old_secret_until"] = until if overlap else None
        return web.json_response({"client_secret": NEW_SECRET, "old_valid_until": until})

    async def revoke(self, request: web.Request) -> web.Response:
        found = self._system(request)
        if found is None:
            return missing()
        found["revoked_at"] = ago(seconds=0)
        return web.Response(status=204)
