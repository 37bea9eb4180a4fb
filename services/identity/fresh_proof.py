"""Every change asks for a fresh proof of who somebody is, unless its route says why not (decision 0071)."""

from typing import Any

from litestar.connection import Request

from shared.actor import Actor
from shared.errors import StepUpRequired

NEEDS_NO_PROOF = "needs_no_proof"
"""`opt={NEEDS_NO_PROOF: "Its reason."}` on a route or a router; the page of rights shows it."""
SAFE = {"GET", "HEAD", "OPTIONS"}


async def require_proof(request: Request[Actor, Actor, Any]) -> None:
    """Require recent authentication. Runs after the guards, so that a caller without the permission gets 403.

    A partner system authenticates with each token; the aggregate refuses what needs a person (`letting_in`).
    Raises `StepUpRequired`.
    """
    options = request.route_handler.opt
    asks = request.method not in SAFE and not (options.get("public") or options.get("internal"))
    if (
        asks
        and not options.get(NEEDS_NO_PROOF)
        and request.auth.kind != "partner"
        and not request.auth.is_freshly_proven
    ):
        raise StepUpRequired
