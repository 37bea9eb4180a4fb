"""The permission to decide who can sign in: the fields concerned, and the rule of each aggregate (decision 0070)."""

from collections.abc import Mapping

from shared.actor import Actor
from shared.errors import Forbidden, StepUpRequired
from shared.language import gettext as _

DECIDING: Mapping[str, frozenset[str]] = {
    "clients": frozenset(
        {
            *("active", "portal_enabled", "portal_user_id", "sign_in_methods", "second_factor"),
            *("allowed_networks", "allowed_domains", "team_invites"),
        }
    ),
    "people": frozenset(
        {"kind", "client_id", "email", "password_hash", "active", "portal_access", "is_primary_contact"}
    ),
    "identity_providers": frozenset({"client_id", "issuer", "oauth_client_id", "secret", "domains"}),
}
"""The columns of each table that decide who can sign in, as whom, and by which method."""


class WaysInAreForStaff(Forbidden):
    code = "client.ways_in_are_for_staff"

    def __init__(self) -> None:
        super().__init__(_("Staff decide who can sign in, how, and with which permissions; a partner system cannot."))


class AccessNeedsPolicy(Forbidden):
    code = "access.needs_policy"

    def __init__(self, policy: str) -> None:
        super().__init__(
            _("This decides who can sign in to the portal. You need the permission {policy}.", policy=policy)
        )


def require_may_let_in(actor: Actor, policy: str = "managePortalAccess") -> None:
    """Require the policy and recent authentication of whoever decides who can sign in; refuse partner systems.

    The portal itself may: it carries out what was decided before (an address of an allowed domain registers).

    Raises `WaysInAreForStaff`, `AccessNeedsPolicy` and `StepUpRequired`.
    """
    if actor.kind == "system":
        return
    if actor.kind == "partner":
        raise WaysInAreForStaff
    if not actor.can(policy):
        raise AccessNeedsPolicy(policy)
    if not actor.is_freshly_proven:
        raise StepUpRequired
