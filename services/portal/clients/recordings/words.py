"""A recording's lines in words: what was opened by its address, what was done by the audit log's names."""

import re
from collections.abc import Mapping

from shared.contracts import EVENTS
from shared.texts import isolated

API = "/api/client-portal/"
DID = {
    "login": "Signed in",
    "logout": "Signed out",
    "view_project": "Project",
    "update_profile": "Changed a profile",
    "session_rotated": "Session went on under a new id",
    "session_revoked": "A session ended",
    "view_as_started": "Began to view as the client",
    "view_as_ended": "Stopped viewing as the client",
    "stepped_up": "Proved again who they are",
    "step_up_failed": "Failed to prove again who they are",
}
"""Audit types whose name alone says too little; the others are read as they are written."""
READS = frozenset(kind.type for kind in EVENTS.values() if kind.audit == "read")
"""Audit types of what was only looked at."""
PLACES = {
    "/": "Dashboard",
    "/projects": "Projects",
    "/projects/{id}": "A project",
    "/activity": "Activity",
    "/profile": "Profile",
    "/security": "Security",
    "/team": "Team",
    "/organisations": "Organisations",
    "/sign-in": "Sign-in page",
    "/sign-out": "Sign out",
    "/prove-it": "Proof of identity",
    "/preferences": "Settings",
    "/preferences/theme": "Appearance",
    "/widgets/dashboard/kpis": "Key figures",
    "/widgets/session": "Whether still signed in",
    "/api/events/{id}": "Live updates",
    "/api/client-portal/auth/me": "Who is signed in",
}
"""Addresses whose segments do not say what is there."""
VERBS = {"page": "Opened", "action": "Did", "api": "Read by API", "refresh": "Refreshed", "stream": "Followed"}
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def did(kind: str, detail: Mapping[str, object]) -> str:
    """What an audit record says was done; with the name of what it was done to, where it has one."""
    name = detail.get("name")
    return DID.get(kind, plain(kind)) + (f" · {isolated(name)}" if isinstance(name, str) and name else "")


def place(path: str) -> str:
    """What is at an address of the portal: its name, else its segments without the ids."""
    shape = _ID.sub("{id}", path)
    if shape in PLACES:
        return PLACES[shape]
    segments = shape.removeprefix(API).strip("/").removeprefix("widgets/").split("/")
    return " › ".join(plain(each) for each in segments if each not in ("{id}", "*", "")) or "Something else"


def plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()
