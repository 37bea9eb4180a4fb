"""What staff may be allowed, in which groups it is usually given, and what bounds whoever gives it."""

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

from shared.actor import Actor
from shared.errors import Conflict, Forbidden
from shared.language import gettext as _
from shared.language import marked

Policy = Literal[
    "manageClients",
    "managePeople",
    "managePortalAccess",
    "manageProjects",
    "viewAudit",
    "viewAsClient",
    "manageApiClients",
    "manageBrand",
]
"""What staff may be allowed."""
GroupKey = Literal["admin", "power_user", "member"]


class PolicyInfo(msgspec.Struct, frozen=True):
    """A policy in words for whoever grants it."""

    key: Policy
    name: str
    description: str


class Group(msgspec.Struct, frozen=True):
    """A usual set of policies. Nobody is in a group: it is a short way to give what is in it."""

    key: GroupKey
    name: str
    policies: tuple[Policy, ...]


POLICIES = (
    PolicyInfo("manageClients", marked("Manage clients"), marked("Add clients, change them and their contacts.")),
    PolicyInfo(
        "managePortalAccess",
        marked("Manage portal access"),
        marked("Open and close a client's portal, decide who can sign in and how, invite contacts."),
    ),
    PolicyInfo(
        "manageProjects", marked("Manage projects"), marked("Start projects, change them, their plan and their status.")
    ),
    PolicyInfo(
        "viewAsClient",
        marked("View as client"),
        marked("See the portal as a client sees it, without changing anything."),
    ),
    PolicyInfo("viewAudit", marked("View the audit log"), marked("See who did what, and who failed to sign in.")),
    PolicyInfo("managePeople", marked("Manage people"), marked("Add people, and set their permissions.")),
    PolicyInfo(
        "manageApiClients",
        marked("Manage API clients"),
        marked("Manage the access of partner systems and their webhooks."),
    ),
    PolicyInfo(
        "manageBrand",
        marked("Manage the brand"),
        marked("Change the company's name, logo, colours and welcome in the portal."),
    ),
)
ADMIN_POLICIES: tuple[Policy, ...] = tuple(policy.key for policy in POLICIES)
GROUPS = (
    Group("admin", marked("Administrator"), ADMIN_POLICIES),
    Group(
        "power_user",
        marked("Power user"),
        tuple(key for key in ADMIN_POLICIES if key not in ("managePeople", "manageApiClients", "manageBrand")),
    ),
    Group("member", marked("Member"), ("manageProjects",)),
)
POLICIES_OF: Mapping[GroupKey, tuple[Policy, ...]] = {group.key: group.policies for group in GROUPS}


class GrantsBeyondOwn(Forbidden):
    code = "person.grants_beyond_own"

    def __init__(self) -> None:
        super().__init__(_("You cannot grant a permission you do not have yourself."))


class HoldsMore(Forbidden):
    code = "person.holds_more"

    def __init__(self) -> None:
        super().__init__(_("They have permissions that you do not have. Ask somebody who has them to change this."))


class LastAdmin(Conflict):
    code = "person.last_admin"

    def __init__(self) -> None:
        super().__init__(_("Nobody else has the permission “Manage people”. Give it to somebody else first."))


def require_grantable(actor: Actor, policies: Collection[str]) -> None:
    """Nobody grants what they do not hold, one by one or by way of a group. Raises `GrantsBeyondOwn`."""
    if actor.kind != "system" and not actor.policies.issuperset(policies):
        raise GrantsBeyondOwn


def require_reach(actor: Actor, policies: Collection[str]) -> None:
    """Nobody changes somebody who holds `policies` beyond their own, for that is a way to become them.

    Raises `HoldsMore`.
    """
    if actor.kind != "system" and not actor.policies.issuperset(policies):
        raise HoldsMore
