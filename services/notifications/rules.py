"""Who is notified of what: one line for each kind of event, read when it happens and again whenever it is shown.

Nobody is notified of a kind without a line. `Rule` says what a line can ask for. Who did it is not notified, nor is
anybody of what they may not read.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from shared.actor import WITHIN_PROJECTS, Actor
from shared.contracts.accounts import FailedSignInsPaused, InvitationAccepted, OrganisationJoined
from shared.contracts.notifications import WebhookDisabled, WebhookRemoved
from shared.contracts.projects import MilestoneCompleted, ProjectCreated, ProjectShared, ProjectStatusChanged
from shared.contracts.reminders import MilestoneDueSoon, MilestoneOverdue
from shared.events import EventData, publisher_of
from shared.language import marked

Channel = Literal["none", "bell", "bell_and_mail"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
"""How somebody can be notified."""
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
    alone. `once_in`: who was notified of the kind, for the same reason, is not notified again for so long; what was
    about themselves and what was about others does not count for each other.

    `when` says for which events of the kind. `tells` are the event's fields that it is about: the client is not told
    while its project hides them. `page` is where staff read more, `own_page` where the client's people do; without one
    it is the thing's own page. `ended_by` says that a thing without a summary is gone, and its notifications with it.

    People may choose another channel (decision 0119): under the words for the kind, or `occasion` where these say too
    much, once for kinds that are `told_as` one or `chosen_with` it. `fixed` says why nobody chooses here.
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
    occasion: str = ""
    chosen_with: type[EventData] | None = None
    fixed: str = ""

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

    def chosen_as(self, kind: type[EventData]) -> str:
        """As which type of event people choose for this kind."""
        return (self.chosen_with or self.told_as or kind).type

    @property
    def default(self) -> Channel:
        """How those are notified who did not choose."""
        return "bell_and_mail" if self.mail else "bell"

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those that people choose among."""
        return (self.default,) if self.fixed else CHANNELS

    def channel(self, chosen: Channel | None) -> Channel:
        """How who chose this is notified."""
        return chosen if chosen in self.channels else self.default

    @property
    def reaches_limited(self) -> bool:
        """Whether staff who are limited to projects can use the policy at all."""
        return self.policy in WITHIN_PROJECTS

    def may_read(self, actor: Actor) -> bool:
        """Whether it is for somebody like the reader at all; their projects are looked at apart."""
        if actor.sees_all_clients:
            return bool(self.policy) and actor.can(self.policy)
        return bool(self.roles) or (self.primary_contacts and actor.is_primary_contact)

    def may_reach(self, actor: Actor) -> bool:
        """Whether the reader can be notified, by the roles that they have now; of what is their own, everybody can."""
        if self.own:
            return True
        if actor.sees_all_clients:
            return self.may_read(actor)
        held = {"viewer"} if actor.is_primary_contact else set[str | None]()
        held |= {actor.role_in(each) for each in actor.project_roles}
        return not held.isdisjoint(self.roles) or (self.primary_contacts and actor.is_primary_contact)


def _is_in_trouble(data: ProjectStatusChanged) -> bool:
    return data.new in ("at_risk", "delayed")


def _is_somebodys(data: FailedSignInsPaused) -> bool:
    return data.known


def _is_shared(data: ProjectCreated) -> bool:
    return not data.private


_NEWCOMER = Rule(
    primary_contacts=True,
    policy="managePortalAccess",
    page="/contacts/{target_id}",
    own_page="/team",
    occasion=marked("Somebody came into the portal"),
)
RULES: Mapping[type[EventData], Rule] = {
    ProjectCreated: Rule(
        roles=READERS, mail=True, when=_is_shared, once=True, occasion=marked("A project was shared with you")
    ),
    ProjectShared: Rule(roles=READERS, mail=True, told_as=ProjectCreated, once=True),
    MilestoneCompleted: Rule(roles=READERS, tells=("completed_on",)),
    ProjectStatusChanged: Rule(
        roles=("approver",),
        policy="manageProjects",
        mail=True,
        when=_is_in_trouble,
        occasion=marked("A project is at risk or delayed"),
    ),
    MilestoneDueSoon: Rule(policy="manageProjects", mail=True),
    MilestoneOverdue: Rule(policy="manageProjects", mail=True),
    InvitationAccepted: _NEWCOMER,
    OrganisationJoined: msgspec.structs.replace(_NEWCOMER, chosen_with=InvitationAccepted),
    FailedSignInsPaused: Rule(
        own="/security",
        policy="viewAudit",
        page="/failed-sign-ins",
        mail=True,
        when=_is_somebodys,
        once_in=timedelta(days=1),
        occasion=marked("Sign-ins to your account were paused"),
        fixed=marked("You need to know of it if it was not you."),
    ),
    WebhookDisabled: Rule(
        policy="manageApiClients",
        mail=True,
        page="/webhooks/{target_id}",
        ended_by=WebhookRemoved,
        fixed=marked("A partner system receives nothing until somebody acts."),
    ),
}
"""Whose role is asked for is who has it by then: an offered one counts from the first sign-in."""
OWN = [kind.type for kind, rule in RULES.items() if rule.own]
"""The types of events of which the person is notified whom they are about."""

ENDS = {rule.ended_by for rule in RULES.values() if rule.ended_by}
"""What says that a thing without a summary is gone."""


def readable(actor: Actor) -> list[str]:
    """The types of events of which the reader may be notified."""
    return [kind.type for kind, rule in RULES.items() if rule.may_read(actor)]


def offered(actor: Actor) -> dict[str, Rule]:
    """What the reader chooses a channel for, by type: what can reach them, of modules that are open to them."""
    return {
        kind.type: rule
        for kind, rule in RULES.items()
        if rule.chosen_as(kind) == kind.type
        and rule.may_reach(actor)
        and publisher_of(kind.subject) not in actor.closed
    }
