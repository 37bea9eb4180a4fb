"""A recording's lines in words: what was opened by its address, what was done by the audit log's names."""

import re
from collections.abc import Mapping

from shared.contracts import EVENTS
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

API = "/api/client-portal/"
DID = {
    "login": marked("Signed in"),
    "logout": marked("Signed out"),
    "view_project": marked("Project"),
    "update_profile": marked("Changed a profile"),
    "session_rotated": marked("Session went on under a new id"),
    "session_revoked": marked("A session ended"),
    "view_as_started": marked("Began to view as the client"),
    "view_as_ended": marked("Stopped viewing as the client"),
    "stepped_up": marked("Proved again who they are"),
    "step_up_failed": marked("Failed to prove again who they are"),
}
"""Audit types whose name alone says too little; the others are read as they are written."""
READS = frozenset(kind.type for kind in EVENTS.values() if kind.audit == "read")
"""Audit types of what was only looked at."""
PLACES = {
    "/": marked("Dashboard"),
    "/projects": marked("Projects"),
    "/projects/{id}": marked("A project"),
    "/activity": marked("Activity"),
    "/profile": marked("Profile"),
    "/security": marked("Security"),
    "/team": marked("Team"),
    "/organisations": marked("Organisations"),
    "/sign-in": marked("Sign-in page"),
    "/sign-out": marked("Sign out"),
    "/prove-it": marked("Proof of identity"),
    "/settings/theme": marked("Appearance"),
    "/widgets/dashboard/kpis": marked("Key figures"),
    "/widgets/session": marked("Whether still signed in"),
    "/api/events/{id}": marked("Live updates"),
    "/api/client-portal/auth/me": marked("Who is signed in"),
}
"""Addresses whose segments do not say what is there."""
OPENED = marked("Opened")
VERBS = {
    "page": OPENED,
    "action": marked("Did"),
    "api": marked("Read by API"),
    "refresh": marked("Refreshed"),
    "stream": marked("Followed"),
}
WRITTEN = (
    marked("Api client created"), marked("Api client revoked"), marked("Api client rotated"),
    marked("Api client updated"), marked("Api token issued"), marked("Api token refused"),
    marked("Assignments changed"), marked("Brand drafted"), marked("Brand published"),
    marked("Bulk invitation finished"), marked("Bulk invitation started"), marked("Client created"),
    marked("Client updated"), marked("Contact created"), marked("Contact moved"), marked("Email change requested"),
    marked("Email changed"), marked("Email verified"), marked("Failed login"), marked("Identity linked"),
    marked("Invitation accepted"), marked("Invitation failed"), marked("Invitation sent"), marked("Mail failed"),
    marked("Milestone completed"), marked("Milestone created"), marked("Milestone reopened"),
    marked("Milestone shared"), marked("Milestone updated"), marked("Milestone withdrawn"),
    marked("Organisation joined"), marked("Organisation switched"), marked("Passkey added"),
    marked("Passkey clone suspected"), marked("Passkey removed"), marked("Password changed"),
    marked("Password reset"), marked("Password reset requested"), marked("Person created"),
    marked("Policies changed"), marked("Portal access granted"), marked("Portal access revoked"),
    marked("Portal disabled"), marked("Portal enabled"), marked("Project created"), marked("Project roles changed"),
    marked("Project roles offered"), marked("Project shared"), marked("Project status changed"),
    marked("Project updated"), marked("Project withdrawn"), marked("Recovery codes replaced"),
    marked("Registration requested"), marked("Second factor disabled"), marked("Second factor enabled"),
    marked("Session recording disabled"), marked("Session recording enabled"), marked("Session visited"),
    marked("Sign in link requested"), marked("Sign in paused"), marked("Single sign on changed"),
    marked("Step up code requested"), marked("Webhook created"), marked("Webhook disabled"),
    marked("Webhook removed"), marked("Webhook rotated"), marked("Webhook updated"), marked("Access"),
    marked("Active"), marked("Activity"), marked("All"), marked("Api clients"), marked("Ask"), marked("Assignments"),
    marked("Audit"), marked("Begin"), marked("Brand"), marked("Bulk"), marked("Callback"), marked("Clients"),
    marked("Coming"), marked("Complete"), marked("Confirm"), marked("Confirm email"), marked("Consume"),
    marked("Contacts"), marked("Dashboard"), marked("Deactivate"), marked("Deliveries"), marked("Disable"),
    marked("Discard"), marked("Domain"), marked("Draft"), marked("Edit"), marked("Email"), marked("Enable"),
    marked("End"), marked("Enrol"), marked("Events"), marked("Export"), marked("Failed sign ins"), marked("File"),
    marked("Forgot password"), marked("Help"), marked("Images"), marked("Invitation"), marked("Invitations"),
    marked("Join"), marked("Keep"), marked("Kept form"), marked("Kpis"), marked("Link"), marked("Login"),
    marked("Logo"), marked("Logout"), marked("Look"), marked("Magic link"), marked("Mail"), marked("Mail link"),
    marked("Mailbox"), marked("Mailed link"), marked("Me"), marked("Milestones"), marked("Move"), marked("Nearest"),
    marked("New"), marked("Off"), marked("Options"), marked("Organisations"), marked("Others"), marked("Overview"),
    marked("Page not found"), marked("Passkey"), marked("Passkeys"), marked("Password"), marked("People"),
    marked("Phases"), marked("Picture"), marked("Pictures"), marked("Plan"), marked("Policies"), marked("Portal"),
    marked("Portal access"), marked("Preview"), marked("Profile"), marked("Project roles"),
    marked("Project teams"), marked("Projects"), marked("Proof"), marked("Prove it"), marked("Publish"),
    marked("Recipients"), marked("Recordings"), marked("Recovery codes"), marked("Register"), marked("Remove"),
    marked("Rename"), marked("Reopen"), marked("Resend"), marked("Reset"), marked("Reset link"),
    marked("Reset password"), marked("Resolve"), marked("Retry"), marked("Revoke"), marked("Revoke others"),
    marked("Rotate"), marked("Scopes"), marked("Second factor"), marked("Security"), marked("Session"),
    marked("Sessions"), marked("Share"), marked("Sign in"), marked("Sign in methods"), marked("Sign out"),
    marked("Single sign on"), marked("Status"), marked("Step up"), marked("Switch"), marked("Switch client"),
    marked("Switch organisation"), marked("Team"), marked("Test"), marked("Theme"), marked("Token"),
    marked("Two factor"), marked("Types"), marked("Verification"), marked("Verify email"), marked("View as"),
    marked("Visits"), marked("Webhooks"), marked("Withdraw"), marked("Mail accepted"), marked("Notifications"),
    marked("Open"), marked("Read"), marked("Read all"), marked("Unread"), marked("Choices"), marked("Settings"),
    marked("Notification choices changed"), marked("Failed sign ins paused"), marked("Mails"), marked("Returned"),
)  # fmt: skip
"""What is read as it is written: audit types, then parts of addresses. Here it is for the catalogues to find."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def did(kind: str, detail: Mapping[str, object]) -> str:
    """What an audit record says was done; with the name of what it was done to, where it has one."""
    name = detail.get("name")
    told = _(DID.get(kind, plain(kind)))
    return told + (f" · {isolated(name)}" if isinstance(name, str) and name else "")


def place(path: str) -> str:
    """What is at an address of the portal: its name, else its segments without the ids."""
    shape = _ID.sub("{id}", path)
    if shape in PLACES:
        return _(PLACES[shape])
    segments = shape.removeprefix(API).strip("/").removeprefix("widgets/").split("/")
    return " › ".join(_(plain(each)) for each in segments if each not in ("{id}", "*", "")) or _("Something else")


def plain(name: str) -> str:
    """An audit type, or a part of an address, as it is written."""
    return name.replace("_", " ").replace("-", " ").capitalize()
