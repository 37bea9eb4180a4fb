"""Where the portal is that a command means: what the environment says, else the embedded stack of this checkout."""

import os

from ops.stack.command import folder
from ops.stack.errors import StackError
from ops.stack.state import State


def address(variable: str) -> str:
    """The value of `PORTAL_..._URL`. Raises `StackError` when nobody knows it."""
    run = State(folder()).read_run()
    found = os.environ.get(variable) or (run.addresses.get(variable) if run else None)
    if not found:
        raise StackError(f"{variable} is not set and no embedded stack runs here.", "Set it, or `make up` first.")
    return found


def gateway_url() -> str:
    """The portal's public address: PORTAL_PUBLIC_URL, else the embedded stack's."""
    run = State(folder()).read_run()
    if run:
        return run.gateway
    return address("PORTAL_PUBLIC_URL")
