"""Actors and events for the tests of activity, with just enough said to be real."""

from datetime import date
from typing import Any
from uuid import UUID

from shared.actor import Actor
from shared.clock import uuid7
from shared.contracts.projects import MilestoneCompleted, MilestoneCreated, ProjectCreated, ProjectStatusChanged

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
