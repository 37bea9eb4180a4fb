"""What each event of the contracts becomes: a table, and the rules that hold for all of them."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.activity.audit.models import UNRECORDED
from services.activity.fold import events
from services.activity.fold.events import Folded, fold
from services.activity.kpis.models import ClientFact
from services.activity.tenants import COMPANY
from shared.clock import uuid7
from shared.contracts import EVENTS, TOLD, api_clients, identity, projects
from shared.contracts.words.telling import keep, say, who
from shared.events import Audit, Event, EventData, RawEvent
from tests.contracts.samples import sample

CLIENT, PROJECT, SUBJECT, SESSION, ACTOR = (UUID(int=number) for number in range(1, 6))
AT = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
TODAY = AT.date()
MILESTONE: dict[str, Any] = {
    "project_id": PROJECT,
    "project_name": "Website relaunch",
    "name": "Design approved",
    "target_on": date(2026, 3, 12),
    "version": 4,
}
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


def told(data: EventData, **envelope: Any) -> Folded:
    """Fold `data` as it comes off the wire."""
    fact = Event[EventData](**{
        "id": uuid7(), "source": "/services/x", "type": data.type, "subject": SUBJECT, "time": AT, "data": data,
        "clientid": CLIENT, "actorid": ACTOR, "actorname": "Clara Hoffmann", "actorkind": "staff", "sessionid": SESSION,
        "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", **envelope,
    })  # fmt: skip
    return fold(msgspec.json.decode(msgspec.json.encode(fact), type=RawEvent), 17)


ENTRIES: list[tuple[EventData, str, str, UUID, str]] = [
    (
        projects.ProjectCreated(name="Website relaunch", status="on_track", version=1),
        "started Website relaunch",
        "",
        SUBJECT,
        "project",
    ),
    (
        projects.ProjectUpdated(name="Shop", status="on_track", version=2, fields=["ends_on", "team"]),
        "changed Shop",
        "Planned end, team",
        SUBJECT,
        "project",
    ),
    (
        projects.ProjectStatusChanged(name="Shop", old="on_track", new="at_risk", version=3),
        "marked Shop as at risk",
        "Was on track",
        SUBJECT,
        "project",
    ),
    (
        projects.ProjectStatusChanged(name="Shop", old="at_risk", new="completed", version=3),
        "completed Shop",
        "Was at risk",
        SUBJECT,
        "project",
    ),
    (
        projects.MilestoneUpdated(**MILESTONE, fields=["description"]),
        "changed Design approved",
        "Website relaunch",
        PROJECT,
        "milestone",
    ),
    (
        projects.MilestoneUpdated(**MILESTONE, fields=["name", "target_on"]),
        "moved Design approved to 12 Mar 2026",
        "Website relaunch",
        PROJECT,
        "milestone",
    ),
    (
        projects.MilestoneCompleted(**MILESTONE, completed_on=TODAY),
        "finished Design approved",
        "Website relaunch",
        PROJECT,
        "milestone",
    ),
    (
        projects.ProjectUpdated(name="Shop", status="on_track", version=2, fields=["name", "scope"], hidden=["scope"]),
        "changed Shop",
        "Name",
        SUBJECT,
        "project",
    ),
    (
        projects.ProjectUpdated(name="Shop", status="on_track", version=2, fields=["hidden_fields"], hidden=["hidden_fields"]),
        "changed Shop",
        "What the client sees",
        SUBJECT,
        "project",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "title", "description", "project", "target"), ENTRIES)
def test_work_is_told_in_plain_words(data: EventData, title: str, description: str, project: UUID, target: str) -> None:
    entry = told(data).entry
    assert entry is not None
    assert say(entry.type, bytes(entry.facts).decode())[:2] == (title, description)
    assert (entry.position, entry.client_id, entry.type, entry.at) == (17, CLIENT, data.type, AT)
    assert (entry.project_id, entry.target_type, entry.target_id) == (project, target, SUBJECT)
    assert (entry.actor_id, entry.actor_name) == (ACTOR, "Clara Hoffmann")


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.type)
def test_what_a_client_reads_is_an_entry_about_its_thing(kind: type[EventData]) -> None:
    data = sample(kind)
    folded = told(data)
    assert folded.entry is not None
    assert (folded.entry.type, folded.record.type) == (kind.type, kind.type)
    assert (folded.entry.target_type, folded.entry.target_id) == (kind.subject.split(".")[1], SUBJECT)
    assert folded.entry.project_id == getattr(data, "project_id", SUBJECT)
    assert bytes(folded.entry.facts) == bytes(keep(data))


SILENT = {kind.type for kind in EVENTS.values() if kind.audit == "none"}
"""What never comes to the fold: `services.activity.consumers` keeps what is published again in the overview alone."""


def test_what_leaves_no_record_is_known_by_its_type() -> None:
    """Also where its contract is not known, of a service that is newer."""
    assert {kind for kind in EVENTS if kind.endswith(UNRECORDED)} == SILENT


@pytest.mark.parametrize(
    "kind", [kind for kind in EVENTS.values() if not kind.told and kind.type not in SILENT], ids=lambda kind: kind.type
)
def test_reads_sign_ins_and_people_are_recorded_and_not_told(kind: type[EventData]) -> None:
    folded = told(sample(kind))
    assert folded.entry is None
    assert folded.record.type == kind.type


PRIVATE: list[tuple[EventData, bool, bool]] = [
    (projects.ProjectCreated(name="x", status="on_track", version=1, private=True), True, False),
    (projects.ProjectUpdated(name="x", status="on_track", version=1, fields=["name"], private=True), True, False),
    (projects.ProjectStatusChanged(name="x", old="on_track", new="delayed", version=1, private=True), True, False),
    (projects.ProjectWithdrawn(name="x", status="on_track", version=1), True, True),
    (projects.ProjectShared(name="x", status="on_track", version=1), False, True),
    (projects.MilestoneCreated(**MILESTONE, private=True), True, False),
    (projects.MilestoneCreated(**MILESTONE, project_private=True), True, False),
    (projects.MilestoneUpdated(**MILESTONE, fields=["name"], private=True), True, False),
    (projects.MilestoneCompleted(**MILESTONE, completed_on=TODAY, project_private=True), True, False),
    (projects.MilestoneReopened(**MILESTONE, private=True), True, False),
    (projects.MilestoneWithdrawn(**MILESTONE, private=True), True, True),
    (projects.MilestoneShared(**MILESTONE, project_private=True), True, True),
    (projects.MilestoneShared(**MILESTONE), False, True),
    (projects.ProjectUpdated(name="x", status="on_track", version=1, fields=["a", "b"], hidden=["a"]), False, False),
    (projects.ProjectUpdated(name="x", status="on_track", version=1, fields=["a"], hidden=["a"]), False, True),
    (projects.MilestoneUpdated(**MILESTONE, fields=["a"], hidden=["a"]), False, True),
    (projects.MilestoneUpdated(**MILESTONE, fields=["a", "target_on"], hidden=["a"]), False, False),
]


@pytest.mark.parametrize(("data", "private", "team_only"), PRIVATE)
def test_an_entry_knows_what_the_client_is_not_told(data: EventData, private: bool, team_only: bool) -> None:
    folded = told(data)
    assert folded.entry is not None
    assert (folded.entry.private, folded.entry.team_only) == (private, team_only)


def test_sharing_withdrawing_and_hiding_turn_a_project_and_nothing_else_does() -> None:
    happened = [*map(sample, TOLD), *(data for data, *_ in ENTRIES)]
    turning = [data for data in happened if told(data).turned]
    assert [data for data in turning if told(data).turned != getattr(data, "project_id", SUBJECT)] == []
    shared_or_not = {f"{what}_{verb}" for what in ("project", "milestone") for verb in ("shared", "withdrawn")}
    assert {data.type for data in turning} == shared_or_not | {"project_updated"}
    assert [data.fields for data in turning if isinstance(data, projects.ProjectUpdated)] == [["hidden_fields"]]


def test_names_that_are_read_from_the_right_keep_to_themselves_in_the_sentence() -> None:
    name = "\u05d0\u05e0\u05d4"
    words = say("milestone_completed", f'{{"name": "{name}"}}', hidden=())
    assert f"{who(name)} {words.title}" == f"\u2068{name}\u2069 finished \u2068{name}\u2069"


def test_an_event_nobody_here_knows_is_recorded() -> None:
    class Renamed(EventData, frozen=True):
        type = "cycle_closed"
        subject = "projects.cycle.closed.v1"
        number: int

    folded = told(Renamed(number=3))
    assert (folded.record.type, folded.record.detail) == ("cycle_closed", '{"number":3}')
    assert folded.entry is folded.ended is folded.fact is None


def test_a_record_says_who_did_what_where_and_when() -> None:
    record = told(projects.ProjectViewed(name="Website relaunch"), actorkind="client").record
    assert (record.client_id, record.position, record.subject) == (CLIENT, 17, SUBJECT)
    assert (record.actor_id, record.actor_kind, record.session_id) == (ACTOR, "client", SESSION)
    assert (record.trace_id, record.at) == ("ab" * 16, AT)


def test_a_person_s_data_stays_out_of_the_record() -> None:
    folded = told(identity.SignedIn(method="password", ip="203.0.113.7", user_agent=CHROME))
    assert folded.record.detail == '{"method":"password","second_factor":""}'
    assert "Clara" not in str(folded.record)
    assert folded.presence is not None
    assert (folded.presence.session_id, folded.presence.ip) == (SESSION, "203.0.113.7")
    assert folded.author is not None
    assert folded.author.name == "Clara Hoffmann"


def test_a_partner_s_token_is_known_by_where_it_was_asked_for() -> None:
    folded = told(api_clients.ApiTokenIssued(scope="projects:read", ip="203.0.113.7", user_agent="acme-erp/2.1"))
    assert folded.record.detail == '{"scope":"projects:read"}'
    assert folded.presence is not None
    assert (folded.presence.session_id, folded.presence.ip) == (SESSION, "203.0.113.7")


@pytest.mark.parametrize(("kind", "home"), [("client", CLIENT), ("staff", COMPANY)])
def test_a_name_belongs_where_its_person_does(kind: str, home: UUID) -> None:
    author = told(projects.ProjectViewed(name="x"), actorkind=kind).author
    assert author is not None
    assert author.client_id == home


def test_nobody_has_no_name() -> None:
    assert told(identity.SignInLinkRequested(), actorid=None, actorname="").author is None


def test_what_concerns_no_client_goes_to_the_company_s_chain() -> None:
    folded = told(identity.SignedIn(method="password", ip="", user_agent=""), clientid=None)
    assert folded.record.client_id == COMPANY
    assert folded.fact is None


@pytest.mark.parametrize("name", ["login", "logout", "failed_login", "password_reset"])
def test_security_events_are_marked(name: str) -> None:
    record = told(sample(EVENTS[name])).record
    assert (record.security, record.financial) == (True, False)


@pytest.mark.parametrize("audit", ["financial", "security", "change", "read"])
def test_a_record_is_marked_as_its_type_says(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects.ProjectViewed, "audit", audit)
    record = told(projects.ProjectViewed(name="Shop")).record
    assert (record.security, record.financial) == (audit == "security", audit == "financial")


def test_a_kind_of_event_added_to_the_contracts_is_told_as_its_base_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of the fold names it."""

    class Postponed(projects.MilestoneEvent, frozen=True):
        type = "milestone_postponed"
        subject = "projects.milestone.postponed.v1"

    monkeypatch.setattr(events, "EVENTS", {**EVENTS, Postponed.type: Postponed})
    monkeypatch.setattr(events, "MEANINGS", {Postponed: events.meaning_of(Postponed)})
    folded = told(Postponed(**MILESTONE, private=True))
    assert folded.entry is not None
    assert (folded.entry.private, folded.entry.target_type, folded.entry.project_id) == (True, "milestone", PROJECT)


ENDS: list[tuple[EventData, UUID | None, bool]] = [
    (identity.SignedOut(), SESSION, True),
    (identity.SessionRevoked(session_hash="00", reason="revoked"), SUBJECT, True),
    (identity.ProjectRolesChanged(roles={}), SUBJECT, False),
    (identity.PoliciesChanged(policies=[]), SUBJECT, False),
    (identity.AssignmentsChanged(limited=True, project_ids=[]), SUBJECT, False),
    (identity.PersonUpdated(fields=["first_name", "active"]), SUBJECT, False),
    (identity.PersonUpdated(fields=["first_name"]), None, False),
    (identity.ClientUpdated(name="Acme", active=False, portal_enabled=True), SUBJECT, False),
    (identity.ClientUpdated(name="Acme", active=True, portal_enabled=False), SUBJECT, False),
    (identity.ClientUpdated(name="Acme", active=True, portal_enabled=True), None, False),
    (identity.ClientUpdated(name="Acme", active=True, portal_enabled=True, fields=["closed_modules"]), SUBJECT, False),
    (identity.ClientUpdated(name="Acme", active=True, portal_enabled=True, fields=["closed_actions"]), None, False),
    (api_clients.ApiClientRevoked(), SUBJECT, True),
    (api_clients.ApiClientUpdated(fields=["scopes"], scopes=[]), SUBJECT, False),
    (api_clients.ApiClientUpdated(fields=["name"], scopes=[]), None, False),
    (identity.SignedIn(method="password", ip="", user_agent=""), None, False),
]


@pytest.mark.parametrize(("data", "subject", "final"), ENDS)
def test_what_ends_whose_streams(data: EventData, subject: UUID | None, final: bool) -> None:
    ended = told(data).ended
    assert (ended and (ended.subject, ended.final)) == (None if subject is None else (subject, final))


def test_a_client_is_known_by_its_newest_name() -> None:
    fact = told(identity.ClientUpdated(name="Acme SE", active=False, portal_enabled=True)).fact
    assert fact == ClientFact(client_id=CLIENT, at=AT, name="Acme SE", active=False)


def test_data_that_breaks_its_promise_is_refused() -> None:
    broken = Event[dict[str, str]](
        id=uuid7(), source="x", type="milestone_completed", subject=SUBJECT, time=AT, data={"name": "x"}
    )
    with pytest.raises(msgspec.ValidationError):
        fold(msgspec.json.decode(msgspec.json.encode(broken), type=RawEvent), 1)
