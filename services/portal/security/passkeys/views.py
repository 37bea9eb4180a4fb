"""What the pages of passkeys show, and what they pass on."""

from typing import Any
from uuid import UUID

import msgspec

from services.portal.security.passkeys.answers import Passkey, PasskeyList
from services.portal.services import Services
from shared.errors import NotFound


async def load(services: Services) -> PasskeyList:
    """The person's own."""
    return await services.identity.get("passkeys", PasskeyList)


async def passkey(services: Services, passkey_id: UUID) -> Passkey:
    """One of one's own. Raises `NotFound` for every other."""
    found = next((each for each in (await load(services)).items if each.id == passkey_id), None)
    if found is None:
        raise NotFound
    return found


def credential(sent: str | None) -> dict[str, Any] | None:
    """What the browser's authenticator answered, for identity to look at; None where that is not even an object."""
    try:
        return msgspec.json.decode(sent or "", type=dict[str, Any])
    except msgspec.MsgspecError:
        return None
