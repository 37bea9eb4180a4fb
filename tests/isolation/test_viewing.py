"""Who sees the portal as a person reads exactly what that person reads, and changes nothing."""

import re
from typing import Any

import httpx2
import pytest

from tests.isolation.matrix import RIGHTS, ask, ids_of
from tests.portal_stack import API, PEOPLE, Portal

OWN = re.compile(r"/(sessions|passkeys|two-factor|auth/(me|step-up|organisations))$")
"""What is the viewer's own, or said of the person in other words (tests/identity/viewing)."""
KEPT = re.compile(r"^/(security|organisations)(/|$)")
"""Pages about what somebody signs in with, and where else they do."""


@pytest.mark.parametrize("role", ["feedback", "viewer", "approver"])
def test_reads_are_that_persons_and_writes_are_refused(portal: Portal, role: str) -> None:
    portal.forget(role)  # the kept session does not get too old meanwhile
    ids, theirs, viewing = ids_of(portal), portal.as_(role), view_as(portal, role)
    wrong: dict[str, str] = {}
    for right in RIGHTS:
        if right.alone or (right.service == "portal" and right.method != "GET"):
            continue
        how: dict[str, Any] = {"headers": {"accept": "text/html"}} if right.service == "portal" else {}
        got = ask(viewing, right, ids, **how)
        if right.method != "GET":
            same = got.status_code in (403, 404)
            own = got
        elif OWN.search(right.path):
            continue
        else:
            own = ask(theirs, right, ids, **how)
            whole = right.service != "portal" and own.headers.get("content-type", "").startswith("application/json")
            same = got.status_code == (403 if KEPT.match(right.path) else own.status_code)
            # What changes meanwhile is asked for again.
            same = same and (
                not whole
                or got.json() == own.json()
                or ask(viewing, right, ids, **how).json() == ask(theirs, right, ids, **how).json()
            )
        if not same:
            wrong[right.name] = f"{got.status_code} {got.text[:200]} instead of {own.status_code} {own.text[:200]}"
    assert wrong == {}


def view_as(portal: Portal, role: str) -> httpx2.Client:
    """The administrator, who sees the portal as this person."""
    me = portal.me(role)
    http = portal.sign_in(PEOPLE["admin"])
    answer = http.post(f"{API}/auth/view-as", json={"client_id": me["client_id"], "person_id": me["id"]})
    assert answer.status_code == 200, answer.text
    return http
