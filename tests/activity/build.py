"""Actors and events for the tests of activity, with just enough said to be real."""

from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from shared.actor import Actor
from shared.clock import today, uuid7
from shared.contracts.projects import MilestoneCompleted, MilestoneCreated, ProjectCreated, ProjectStatusChanged
from shared.contracts.summary import Summary
from shared.events import EventData

D = TypeVar("D", bound=EventData)
ACME, BIRCH = uuid7(), uuid7()
CLARA = Actor(id=uuid7(), name="Clara Hoffmann", kind="staff", session_id=uuid7(), policies=frozenset({"viewAudit"}))
JONAS = Actor(id=uuid7(), name="Jonas Weber", kind="staff", session_id=uuid7())


def contact(client_id: UUID, *, primary: bool = False, name: str = "Anna Keller", **roles: Any) -> Actor:
    """A person of a client; `roles` as `project_roles={...}`."""
    return Actor(
        id=uuid7(),
        name=name,
        kind="client",
        client_id=client_id,
        session_id=uuid7(),
        is_primary_contact=primary,
        **roles,
    )


ANNA = contact(ACME, primary=True)
OLIVER = contact(BIRCH, primary=True, name="Oliver Reed")


def project_created(name: str = "Website relaunch", version: int = 1, **more: Any) -> ProjectCreated:
    return ProjectCreated(**{"name": name, "status": "on_track", "version": version, **more})


def status_changed(
    new: str, old: str = "on_track", version: int = 2, name: str = "Website relaunch"
) -> ProjectStatusChanged:
    return ProjectStatusChanged(name=name, old=old, new=new, version=version)


def _milestone(project_id: UUID, name: str, version: int, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "project_name": "Website relaunch",
        "name": name,
        "target_on": date(2026, 3, 12),
        "version": version,
        **more,
    }


def milestone_created(
    project_id: UUID, name: str = "Design approved", version: int = 1, **more: Any
) -> MilestoneCreated:
    return MilestoneCreated(**_milestone(project_id, name, version, more))


def milestone_completed(
    project_id: UUID, name: str = "Design approved", version: int = 2, **more: Any
) -> MilestoneCompleted:
    return MilestoneCompleted(**_milestone(project_id, name, version, {"completed_on": date(2026, 3, 10), **more}))


def with_summary(data: D, about: UUID) -> D:
    """An event of a project or a milestone as its service tells it: with the summary of what it is `about`, as far as it
    follows from the event. What has one, or can have none, stays.
    """
    if getattr(data, "summary", None) is not msgspec.UNSET:
        return data
    fields = msgspec.structs.asdict(data)
    shared = {"title": fields["name"], "version": fields["version"]}
    if project_id := fields.get("project_id"):
        done_on = fields.get("completed_on")
        hidden_by = {"status": "completion", "done_on": "completion", "starts_on": "milestone_starts_on"}
        summary = Summary(
            **shared, kind="milestone", status="completed" if done_on else "open", project_id=project_id, made_on=today(),
            due_on=fields["target_on"], done_on=done_on, private=fields["private"], hidden_by=hidden_by,
        )  # fmt: skip
    else:
        status = fields.get("status") or fields["new"]
        hidden = fields["hidden_fields"]
        summary = Summary(
            **shared, kind="project", status=status, project_id=about, made_on=today(),
            starts_on=fields.get("starts_on"), due_on=fields.get("ends_on"),
            done_on=today() if status == "completed" else None,
            private=fields.get("private", data.type == "project_withdrawn"),
            hides=[] if hidden is msgspec.UNSET else hidden,
            hidden_by={"starts_on": "starts_on", "due_on": "ends_on"},
        )  # fmt: skip
    return msgspec.structs.replace(data, summary=summary)
