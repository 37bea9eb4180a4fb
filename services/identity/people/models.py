"""A person: somebody who may sign in, of the company's staff or of one client."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.letting_in import DECIDING, require_may_let_in
from shared.actor import Actor
from shared.clock import now
from shared.contracts.accounts import OrganisationJoined, ProjectRolesOffered
from shared.contracts.identity import (
    PersonCreated,
    PersonUpdated,
    PoliciesChanged,
    ProjectRolesChanged,
    Standing,
)
from shared.errors import Conflict, Invalid
from shared.language import gettext as _
from shared.orm import Base, Identified, Timestamped, made_by_the_table
from shared.versions import Versioned

PersonKind = Literal["staff", "client"]
Role = Literal["approver", "viewer", "feedback_only"]
"""What a client's person is in one project."""


class EmailTaken(Conflict):
    code = "person.email_taken"

    def __init__(self) -> None:
        super().__init__(_("Somebody signs in with this address already."), field="email")


class AccountElsewhere(Conflict):
    """Credentials belong to the account; a membership has none of its own (decision 0048)."""

    code = "account.elsewhere"

    def __init__(self) -> None:
        super().__init__(_("You manage your sign-in methods at another of your organisations. Switch to it first."))


class AdminExists(Conflict):
    code = "person.admin_exists"

    def __init__(self) -> None:
        super().__init__(_("There is an administrator already. They can add people."))


class RolesNeedClient(Conflict):
    code = "person.roles_need_client"

    def __init__(self) -> None:
        super().__init__(_("Only the people of a client have project roles; staff have permissions."))


class PoliciesNeedStaff(Conflict):
    code = "person.policies_need_staff"

    def __init__(self) -> None:
        super().__init__(_("Only staff have permissions; the people of a client have project roles."))


class NameNeeded(Invalid):
    code = "person.name_needed"

    def __init__(self) -> None:
        super().__init__(_("Give a first or a last name: one of the two is enough."), field="first_name")


def require_named(first_name: str, last_name: str) -> None:
    """Somebody has a first name, a last name, or both. Raises `NameNeeded`."""
    if not (first_name or last_name):
        raise NameNeeded


class KindContradiction(Invalid):
    code = "person.kind_contradiction"


class Person(Base, Identified, Timestamped, Versioned):
    """`version` rises with everything a session carries: name, roles, policies (contract of the gateway's cache).

    A client's contact is a person, too: `portal_access` says whether they may sign in (decision 0045). Only among those
    who may is an `email` unique; a contact may have none. `limited` staff see what they are assigned to, nothing else.

    A row is an account, with credentials of its own, or with `account_id` a membership: the same human as that account
    in another client's book, from `joined_at` on (decision 0048). `is_shared`: somebody joined with this account.
    """

    __tablename__ = "people"

    kind: Mapped[str]
    email: Mapped[str | None]
    first_name: Mapped[str]
    last_name: Mapped[str]
    client_id: Mapped[UUID | None] = mapped_column(default=None)
    password_hash: Mapped[str | None] = mapped_column(default=None, repr=False)
    phone: Mapped[str] = mapped_column(default="")
    title: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    language_chosen: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    portal_access: Mapped[bool] = mapped_column(default=True)
    limited: Mapped[bool] = mapped_column(default=False)
    is_primary_contact: Mapped[bool] = mapped_column(default=False)
    policies: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    email_verified_at: Mapped[datetime | None] = mapped_column(default=None)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(default=None)
    owned_since: Mapped[datetime | None] = mapped_column(default=None)
    account_id: Mapped[UUID | None] = mapped_column(default=None)
    joined_at: Mapped[datetime | None] = mapped_column(default=None)
    is_shared: Mapped[bool] = mapped_column(default=False)
    sort_key: Mapped[str] = made_by_the_table()
    found_by: Mapped[str] = made_by_the_table()

    def __post_init__(self) -> None:
        require_named(self.first_name, self.last_name)

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def called(self) -> str:
        """How a mail greets them."""
        return self.first_name or self.last_name

    @property
    def is_admin(self) -> bool:
        """Whether they can give rights to others (`policies.queries.count_admins` asks the same of the table)."""
        may = self.kind == "staff" and self.active and self.portal_access and not self.limited
        return may and "managePeople" in self.policies

    @property
    def may_enter(self) -> bool:
        """Whether the portal is open to them and they have accepted it: who may be notified, and mailed."""
        return self.active and self.portal_access and self.has_account

    @property
    def standing(self) -> Standing:
        """What events say of which doors they have."""
        return Standing(
            kind=self.kind,
            may_enter=self.may_enter,
            is_primary_contact=self.is_primary_contact,
            policies=list(self.policies),
        )

    @property
    def credentials_of(self) -> UUID:
        """Whose second factor counts for this person: the account's they joined with, or their own."""
        return self.account_id if self.account_id and self.joined_at else self.id

    def require_let_in_by(self, actor: Actor, *, within_team: bool = False) -> None:
        """Check that `actor` may decide whether this person can sign in: of staff, with `managePeople`.

        `within_team`: a primary contact decides it for their own team, but for other primary contacts (decision 0046).
        Raises what `require_may_let_in` does.
        """
        leads = actor.is_primary_contact and actor.client_id == self.client_id and not actor.read_only
        if not (within_team and leads and not self.is_primary_contact):
            require_may_let_in(actor, "managePeople" if self.kind == "staff" else "managePortalAccess")

    def created(self, actor: Actor) -> PersonCreated:
        """Say that this person exists. Raises `KindContradiction` where kind and the rest do not agree, and what
        `require_let_in_by` does.
        """
        if self.kind == "client":
            if self.client_id is None:
                raise KindContradiction(_("A client's person needs a client."), field="client_id")
            if self.policies:
                raise KindContradiction(_("Policies are for staff."), field="policies")
        elif self.client_id is not None:
            raise KindContradiction(_("Staff belong to no client."), field="client_id")
        elif self.is_primary_contact:
            raise KindContradiction(_("Only a client's person is a primary contact."), field="is_primary_contact")
        self.require_let_in_by(actor, within_team=self.password_hash is None)
        return PersonCreated(kind=self.kind, standing=self.standing)

    def change(self, actor: Actor, changes: Mapping[str, object]) -> PersonUpdated | None:
        """Take over what is new in `changes`; None where nothing is. Raises `NameNeeded` and, for
        fields that decide who can sign in, what `require_let_in_by` does; not for a person without access who is
        nobody's account at another client.
        """
        new = {field: value for field, value in changes.items() if getattr(self, field) != value}
        if (self.portal_access or self.is_shared or new.get("portal_access")) and DECIDING["people"].intersection(new):
            self.require_let_in_by(actor, within_team=new == {"active": False})
        for field, value in new.items():
            setattr(self, field, value)
        if not new:
            return None
        require_named(self.first_name, self.last_name)
        self.version += 1
        return PersonUpdated(fields=sorted(new), standing=self.standing)

    def confirm_address(self, email: str) -> None:
        """Sign in with this address: its owner has confirmed it there and at the one before."""
        self.email, self.email_verified_at = email, now()

    def take_password(self, password_hash: str) -> None:
        """Sign in with this password: its owner has chosen it."""
        self.password_hash = password_hash

    def give_up_password(self) -> None:
        """Have none: they sign in with their account's."""
        self.password_hash = None

    def stay_outside(self) -> None:
        """Be a contact without access from the start."""
        self.portal_access, self.account_id = False, None

    def take_roles(self, roles: dict[UUID, str], before: dict[UUID, str]) -> ProjectRolesChanged | None:
        """Have `roles` instead of those `before`; None where they are the same. Raises `RolesNeedClient`."""
        if self.client_id is None:
            raise RolesNeedClient
        if roles == before:
            return None
        self.version += 1
        return ProjectRolesChanged(roles=roles)

    def be_offered(self, roles: dict[UUID, str], before: dict[UUID, str]) -> ProjectRolesOffered | None:
        """Get `roles` at the first sign-in, not those `before`; None if they are the same. Raises `RolesNeedClient`."""
        if self.client_id is None:
            raise RolesNeedClient
        if roles == before:
            return None
        self.version += 1
        return ProjectRolesOffered(roles=roles)

    def take_policies(self, policies: Collection[str]) -> PoliciesChanged | None:
        """Have exactly these policies; None where they are the same. Raises `PoliciesNeedStaff`."""
        if self.kind != "staff":
            raise PoliciesNeedStaff
        wanted = sorted(set(policies))
        if wanted == sorted(self.policies):
            return None
        self.policies = wanted
        self.version += 1
        return PoliciesChanged(policies=wanted)

    @property
    def has_account(self) -> bool:
        """Whether somebody has been in the portal, or could with what they have: nobody has to invite them."""
        if self.account_id:
            return self.joined_at is not None
        return self.owned_since is not None or self.password_hash is not None

    @property
    def is_known(self) -> bool:
        """Whether this row stands for somebody: it is active, or serves what they are at other clients."""
        return self.active or self.is_shared

    def point_to(self, account: "Person") -> None:
        """Be the same human as `account`, once they have joined."""
        self.account_id, self.joined_at, self.is_shared = account.id, None, False

    def join(self, account: "Person", ip: str, user_agent: str) -> OrganisationJoined:
        """Be the same human as `account` from now on, with nothing of one's own to sign in with."""
        self.point_to(account)
        self.joined_at = now()
        account.is_shared = True
        return OrganisationJoined(ip=ip, user_agent=user_agent, standing=self.standing)

    def forget_owner(self) -> None:
        """Delete every credential and whose it was: the person has to be invited like a new one."""
        self.password_hash = self.owned_since = self.email_verified_at = self.joined_at = None
        self.language_chosen = False

    def stand_alone(self) -> None:
        """Be nobody's membership: an account of its own."""
        self.account_id = self.joined_at = None
        self.is_shared = False

    def leave(self) -> None:
        """Be a contact without access from now on: whose address it was has given it up."""
        self.stand_alone()
        self.portal_access = False
        self.version += 1

    def signed_in(self, session_id: UUID, ip: str) -> Actor:
        """The person as the author of what happens in a new session."""
        kind = "staff" if self.kind == "staff" else "client"
        return Actor(id=self.id, name=self.name, kind=kind, client_id=self.client_id, session_id=session_id, ip=ip)


class ProjectRole(Base):
    __tablename__ = "project_roles"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    role: Mapped[str]
