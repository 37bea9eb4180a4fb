"""A recording's lines in words: what was opened by its address, what was done by the audit log's names."""

import re
from collections.abc import Mapping

from shared.contracts import EVENTS
from shared.contracts.words.telling import LINES
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
"""Audit types without words of their own whose name alone says too little; the others are read as they are written."""
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
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def did(kind: str, detail: Mapping[str, object]) -> str:
    """What an audit record says was done, in the words for its type of event; with the name of what it was done to,
    where it has one.
    """
    name = detail.get("name")
    told = _(LINES[kind].occasion if kind in LINES else DID.get(kind, plain(kind)))
    return told + (f" · {isolated(name)}" if isinstance(name, str) and name else "")


def place(path: str) -> str:
    """What is at an address of the portal: its name, else its segments without the ids."""
    shape = _ID.sub("{id}", path)
    if shape in PLACES:
        return _(PLACES[shape])
    segments = shape.removeprefix(API).strip("/").removeprefix("widgets/").split("/")
    return " › ".join(_(plain(each)) for each in segments if each not in ("{id}", "*", "")) or _("Something else")


def plain(name: str) -> str:
    """An audit type, or a part of an address, as it is written. `make texts` finds them where they are declared."""
    return name.replace("_", " ").replace("-", " ").capitalize()
