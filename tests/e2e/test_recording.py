"""A recorded session, in a real browser: switched on while it runs, told on every page, read by staff, and by nobody else."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Seat, Sit, sign_in
from tests.portal_stack import API, PASSWORD, PEOPLE, Portal

LINE = "Your visit is recorded for compliance."
SECRET = "hidden-in-a-query"


class Regulated:
    """A client of its own, with one person in it."""

    def __init__(self, portal: Portal, name: str) -> None:
        self.portal, self.staff = portal, portal.as_("admin")
        self.id: str = self._made("clients", {"name": f"Clinic {name}", "variant": "regulated"})["id"]
        ways = {"sign_in_methods": ["password"]}
        assert self.staff.patch(f"{API}/clients/{self.id}", json=ways).status_code == 200
        self.email = f"ida.{name}@clinic.example"
        person = {"kind": "client", "client_id": self.id, "email": self.email, "first_name": "Ida", "last_name": "Moor"}
        self._made("people", person | {"password": PASSWORD, "is_primary_contact": True})

    def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.staff.post(f"{API}/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def switch(self, on: bool) -> None:
        answer = self.staff.patch(f"{API}/clients/{self.id}", json={"session_recording": on})
        assert answer.status_code == 200, answer.text

    def sessions(self) -> list[dict[str, Any]]:
        return self.staff.get(f"{API}/audit/recordings", params={"client_id": self.id}).json()["items"]

    def records(self, session_id: str, **params: str) -> list[dict[str, Any]]:
        query = {"client_id": self.id, "session_id": session_id, "oldest_first": "true", "limit": "100"}
        return self.staff.get(f"{API}/audit", params=query | params).json()["items"]

    def switched(self) -> list[str]:
        """How it was switched, newest first."""
        params = {"client_id": self.id, "security": "true", "limit": "100"}
        found = self.staff.get(f"{API}/audit", params=params).json()["items"]
        return [each["type"] for each in found if each["type"].startswith("session_recording")]

    def pages(self, session_id: str) -> list[str]:
        """The addresses of the pages that the recording has, in its order."""
        found = [each["detail"] for each in self.records(session_id) if each["type"] == "session_visited"]
        return [each["path"] for each in found if each["kind"] == "page"]


def until_told(seat: Seat, told: bool) -> int:
    """Reload until the page says so, or says so no longer; how often it was told."""
    line = seat.page.get_by_text(LINE)
    for loads in range(1, 200):
        seat.open("/profile")
        if bool(line.count()) is told:
            return loads
    raise AssertionError(f"never {'told' if told else 'left alone'}")


def test_a_visit_from_sign_in_to_sign_out(portal: Portal, sit: Sit) -> None:
    clinic = Regulated(portal, "visited")
    with sit("admin") as clerk, sit("anonymous") as ida:
        sign_in(ida.page, clinic.email)
        for path in ("/", "/projects", "/security"):
            ida.open(path)
            expect(ida.page.get_by_text(LINE)).to_have_count(0)
        assert clinic.sessions() == []
        clerk.open(f"/clients/{clinic.id}/access")
        clerk.page.get_by_label("Record sessions").check()
        clerk.page.get_by_role("button", name="Save access").click()
        expect(clerk.page.get_by_role("link", name="Recordings")).to_be_visible()
        before = until_told(ida, True)
        walk = ["/", "/projects", "/activity", "/team", "/team/new", "/profile", "/security"]
        for path in walk:
            ida.open(f"{path}?note={SECRET}")
            expect(ida.page.get_by_text(LINE)).to_be_visible()
        assert ida.faults(picture="recorded") == []
        expect(ida.page.get_by_role("heading", name="Recording")).to_be_visible()
        ida.page.locator("summary", has_text="Your account").click()
        ida.page.get_by_role("button", name="Log out").click()
        ida.page.wait_for_url("**/sign-in*")
        [session] = portal.until(lambda: [each for each in clinic.sessions() if each["ended_at"]])
        session_id = session["session"]["id"]
        portal.until(lambda: {"session_revoked", "logout"} <= {each["type"] for each in clinic.records(session_id)})
        [session] = clinic.sessions()
        assert session["actor"]["name"] == "Ida Moor"
        assert "Chrome" in session["session"]["browser"]
        shown = clinic.pages(session_id)
        assert shown == ["/profile"] * (len(shown) - len(walk)) + walk
        assert len(shown) - len(walk) in range(1, before + 1)
        records = clinic.records(session_id)
        types = [each["type"] for each in records]
        assert types[0] == "login"
        assert {"session_revoked", "logout"} <= set(types[-3:])
        assert SECRET not in str(records)
        assert session["visits"] == types.count("session_visited")

        clerk.page.get_by_role("link", name="Recordings").click()
        clerk.page.get_by_role("link", name="Ida Moor").click()
        expect(clerk.page.get_by_role("heading", level=1)).to_have_text("Ida Moor")
        rows = clerk.page.locator("tbody tr")
        expect(rows.first).to_contain_text("Signed in")
        expect(rows.filter(has_text="Opened")).to_have_count(len(shown))
        assert [*clerk.complaints, *clerk.faults(picture="recording")] == []
        clerk.page.get_by_role("link", name="Only actions").click()
        expect(rows.filter(has_text="Sign out")).to_contain_text("POST /sign-out")
        expect(rows.filter(has_text="Opened")).to_have_count(0)
        with clerk.page.expect_download() as download:
            clerk.page.get_by_role("link", name="Download").click()
        assert re.fullmatch(rf"recording-{session_id}\.json", download.value.suggested_filename)


def test_switched_off_nothing_more_is_recorded(portal: Portal, sit: Sit) -> None:
    clinic = Regulated(portal, "off")
    clinic.switch(True)
    with sit(clinic.email, scripts=False) as ida:
        until_told(ida, True)
        clinic.switch(False)
        until_told(ida, False)
        [session] = portal.until(clinic.sessions)
        session_id = session["session"]["id"]
        shown = clinic.pages(session_id)
        ida.open("/team")
        clinic.switch(True)  # an event behind what may have been recorded, so that its arrival says that nothing was
        until_told(ida, True)
        portal.until(lambda: len(clinic.pages(session_id)) > len(shown))
        assert "/team" not in clinic.pages(session_id)
    portal.until(lambda: len(clinic.switched()) == 3)
    on, off = "session_recording_enabled", "session_recording_disabled"
    assert clinic.switched() == [on, off, on]


def test_staff_who_view_as_the_client_are_recorded_in_their_own_name(portal: Portal, sit: Sit) -> None:
    clinic = Regulated(portal, "viewing")
    clinic.switch(True)
    with sit(PEOPLE["admin"]) as seat:
        seat.open(f"/clients/{clinic.id}")
        expect(seat.page.get_by_text(LINE)).to_have_count(0)
        seat.page.get_by_role("link", name="View as client").click()
        seat.page.get_by_role("button", name="View as Clinic").click()
        expect(seat.page.get_by_role("region", name="View as client")).to_be_visible()
        seat.open("/projects")
        expect(seat.page.get_by_text(LINE)).to_be_visible()
    [session] = portal.until(clinic.sessions)
    assert (session["actor"]["name"], session["actor"]["kind"]) == ("Clara Hoffmann", "viewing")
    portal.until(lambda: clinic.pages(session["session"]["id"])[-1:] == ["/projects"])


def test_nobody_else_reads_it(portal: Portal) -> None:
    """Not another client's people, not their partner systems, not staff without the right; and a partner turns nothing."""
    clinic = Regulated(portal, "alone")
    clinic.switch(True)
    ida = portal.sign_in(clinic.email)
    assert ida.get("/projects").status_code == 200
    [session] = portal.until(clinic.sessions)
    query = {"session_id": session["session"]["id"], "client_id": clinic.id}
    page = f"/clients/{clinic.id}/recordings/{query['session_id']}"
    for who in ("birch", "approver", "member", "subcontractor"):
        for path in (f"{API}/audit", f"{API}/audit/recordings"):
            assert portal.as_(who).get(path, params=query).status_code == 403, (who, path)
        for path in (page, f"{page}/export", f"/clients/{clinic.id}/recordings"):
            assert portal.as_(who).get(path).status_code == 403, (who, path)
    assert ida.get(f"{API}/audit", params=query).status_code == 403
    birch = portal.as_("partner")
    for path in (f"{API}/audit", f"{API}/audit/recordings"):
        assert birch.get(path, params=query).status_code == 404
        theirs = birch.get(path, params={"session_id": query["session_id"]})
        assert (theirs.status_code, theirs.json()["items"]) == (200, [])
    own = portal.client()
    own.headers["Authorization"] = f"Bearer {portal.token(portal.api_client(clinic.id, 'audit:read'))}"
    for path in (f"{API}/audit", f"{API}/audit/recordings"):
        assert own.get(path, params={"session_id": query["session_id"]}).json()["items"]
    birch_id = portal.me("birch")["client_id"]
    refused = birch.patch(f"{API}/clients/{birch_id}", json={"session_recording": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "client.ways_in_are_for_staff")
