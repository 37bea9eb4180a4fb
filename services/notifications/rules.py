"""Who is notified of what: one line for each kind of event, read when it happens and again whenever it is shown.

Nobody is notified of a kind without a line. `Rule` says what a line can ask for. Who did it is not notified, nor is
anybody of what they may not read.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from shared.actor import WITHIN_PROJECTS, Actor
from shared.contracts.accounts import FailedSignInsPaused, InvitationAccepted, OrganisationJoined
from shared.contracts.notifications import WebhookDisabled, WebhookRemoved
from shared.contracts.projects import MilestoneCompleted, ProjectCreated, ProjectShared, ProjectStatusChanged
from shared.contracts.reminders import MilestoneDueSoon, MilestoneOverdue
from shared.events import EventData

READERS = ("approver", "viewer")
"""The project roles that read what a project holds. A primary contact is a viewer at least, in every project."""


def _always(_data: Any) -> bool:
    return True


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Notified are, of a client, `roles` in the project, and its `primary_contacts` of what concerns all of it; of the
    company, who holds `policy` and, where limited to projects, is assigned to this one. `mail`: they get a mail, too.

    Of what the client's feed keeps from its people they are notified as of another kind, `told_as`. `once`: each person
    is notified of a thing once, whichever of the kinds told alike happens to it.

    With `own`, the person whom the event is about is notified, too, and reads more on that page; the mail is for them
    alone. `once_in`: who was notified of the kind, for the same reason, is not notified again for so long.

    `when` says for which events of the kind. `tells` are the event's fields that it is about: the client is not told
    while its project hides them. `page` is where staff read more, `own_page` where the client's people do; without one
    it is the thing's own page. `ended_by` says that a thing without a summary is gone, and its notifications with it.
    """

    roles: tuple[str, ...] = ()
    primary_contacts: bool = False
    policy: str = ""
    mail: bool = False
    when: Callable[[Any], bool] = _always
    tells: tuple[str, ...] = ()
    page: str = ""
    own_page: str = ""
    ended_by: type[EventData] | None = None
    told_as: type[EventData] | None = None
    once: bool = False
    own: str = ""
    once_in: timedelta | None = None

    def applies(self, data: EventData) -> bool:
        """Whether anybody is notified of this event."""
        return self.when(data)

    def type_of(self, kind: type[EventData]) -> str:
        """As which type of event people are notified of one of this kind."""
        return (self.told_as or kind).type

    def place(self, target: tuple[str, UUID], project_id: UUID | None, reader: UUID | None, *, staff: bool) -> str:
        """Where in the portal `reader` reads more of it: a path. `target` is what it is about, by type and id."""
        kind, id_ = target
        if self.own and reader == id_:
            return self.own
        page = self.page if staff else self.own_page
        anchor = f"#milestone-{id_}" if kind == "milestone" else ""
        return page.format(target_id=id_) if page else f"/projects/{project_id}{anchor}"

    @property
    def reaches_limited(self) -> bool:
        """Whether staff who are limited to projects can use the policy at all."""
        return self.policy in WITHIN_PROJECTS

    def may_read(self, actor: Actor) -> bool:
        """Whether it is for somebody like the reader at all; their projects are looked at apart."""
        if actor.sees_all_clients:
            return bool(self.policy) and actor.can(self.policy)
        return bool(self.roles) or (self.primary_contacts and actor.is_primary_contact)


def _is_in_trouble(data: ProjectStatusChanged) -> bool:
    return data.new in ("at_risk", "delayed")


def _is_somebodys(data: FailedSignInsPaused) -> bool:
    return data.known


def _is_shared(data: ProjectCreated) -> bool:
    return not data.private


_NEWCOMER = Rule(primary_contacts=True, policy="managePortalAccess", page="/contacts/{target_id}", own_page="/team")
RULES: Mapping[type[EventData], Rule] = {
    ProjectCreated: Rule(roles=READERS, mail=True, when=_is_shared, once=True),
    ProjectShared: Rule(roles=READERS, mail=True, told_as=ProjectCreated, once=True),
    MilestoneCompleted: Rule(roles=READERS, tells=("completed_on",)),
    ProjectStatusChanged: Rule(roles=("approver",), policy="manageProjects", mail=True, when=_is_in_trouble),
    MilestoneDueSoon: Rule(policy="manageProjects", mail=True),
    MilestoneOverdue: Rule(policy="manageProjects", mail=True),
    InvitationAccepted: _NEWCOMER,
    OrganisationJoined: _NEWCOMER,
    FailedSignInsPaused: Rule(
        own="/security",
        policy="viewAudit",
        page="/failed-sign-ins",
        mail=True,
        when=_is_somebodys,
        once_in=timedelta(days=1),
    ),
    WebhookDisabled: Rule(policy="manageApiClients", mail=True, page="/webhooks/{target_id}", ended_by=WebhookRemoved),
}
"""Whose role is asked for is who has it by then: an offered one counts from the first sign-in."""
MAILED = [rule.type_of(kind) for kind, rule in RULES.items() if rule.mail]
"""The types of events that are mailed, too."""
OWN = [kind.type for kind, rule in RULES.items() if rule.own]
"""The types of events of which the person is notified whom they are about."""

ENDS = {rule.ended_by for rule in RULES.values() if rule.ended_by}
"""What says that a thing without a summary is gone."""


def readable(actor: Actor) -> list[str]:
    """The types of events of which the reader may be notified."""
    return [kind.type for kind, rule in RULES.items() if rule.may_read(actor)]
