"""Events of projects: entries about projects and milestones, whether the client sees them, and facts for figures."""

from functools import partial
from typing import Any

import msgspec

from services.activity.fold.meaning import About, Meaning, Meanings
from services.activity.kpis.models import MilestoneFact, ProjectFact
from services.activity.words.telling import told_fields
from shared.clock import day_of
from shared.contracts.projects import (
    MilestoneCompleted,
    MilestoneCreated,
    MilestoneEvent,
    MilestoneReopened,
    MilestoneShared,
    MilestoneUpdated,
    MilestoneWithdrawn,
    ProjectEvent,
    ProjectShared,
    ProjectStatusChanged,
    ProjectUpdated,
    ProjectWithdrawn,
)
from shared.events import RawEvent


def _all_hidden(data: ProjectUpdated | MilestoneUpdated) -> bool:
    return set(data.fields) <= set(data.hidden)


def _project(event: RawEvent, data: Any, *, private: bool | None = None, **more: Any) -> About:
    hidden = bool(data.private if private is None else private)
    return About(kind="project", project_id=event.subject, private=hidden, **more)


def _project_updated(event: RawEvent, data: ProjectUpdated) -> About:
    turns = ("unseen" if data.private else "seen") if "hidden_fields" in data.fields else None
    return _project(event, data, tells=told_fields(data), team_only=_all_hidden(data), turns=turns)


def _milestone(_event: RawEvent, data: MilestoneEvent, **more: Any) -> About:
    """That it is completed or not tells what hides its completion."""
    private = data.private or data.project_private
    return About(kind="milestone", project_id=data.project_id, private=private, **more)


def _milestone_updated(event: RawEvent, data: MilestoneUpdated) -> About:
    tells = {data.hidden_by.get(field, field) for field in told_fields(data)}
    return _milestone(event, data, tells=tells, team_only=_all_hidden(data))


def _milestone_turned(event: RawEvent, data: MilestoneShared | MilestoneWithdrawn) -> About:
    return _milestone(event, data, team_only=True, turns="unseen" if data.project_private else "seen")


def _project_fact(event: RawEvent, data: Any, *, private: bool | None = None) -> ProjectFact | None:
    if event.clientid is None:
        return None
    today = day_of(event.time)
    moved = isinstance(data, ProjectStatusChanged)
    starts_on, status = (None, data.new) if moved else (data.starts_on, data.status)
    return ProjectFact(
        client_id=event.clientid,
        at=event.time,
        id=event.subject,
        version=data.version,
        name=data.name,
        since=min(starts_on or today, today),
        completed_on=today if status == "completed" else None,
        private=data.private if private is None else private,
        hidden_fields=data.hidden_fields,
    )


def _milestone_fact(event: RawEvent, data: MilestoneEvent, **more: Any) -> MilestoneFact | None:
    """Most events of a milestone do not say whether it is completed."""
    if event.clientid is None:
        return None
    facts = {"completed_on": getattr(data, "completed_on", msgspec.UNSET), **more}
    return MilestoneFact(
        client_id=event.clientid,
        at=event.time,
        id=event.subject,
        version=data.version,
        project_id=data.project_id,
        name=data.name,
        target_on=data.target_on,
        private=data.private,
        **facts,
    )


_COMPLETION = [MilestoneEvent.hidden_by["completed_on"]]
_OPEN = partial(_milestone_fact, completed_on=None)

MEANINGS: Meanings = {
    ProjectEvent: Meaning(about=_project, fact=_project_fact),
    ProjectUpdated: Meaning(about=_project_updated),
    ProjectShared: Meaning(
        about=partial(_project, private=False, team_only=True, turns="seen"), fact=partial(_project_fact, private=False)
    ),
    ProjectWithdrawn: Meaning(
        about=partial(_project, private=True, team_only=True, turns="seen"), fact=partial(_project_fact, private=True)
    ),
    MilestoneEvent: Meaning(about=_milestone, fact=_milestone_fact),
    MilestoneCreated: Meaning(fact=_OPEN),
    MilestoneUpdated: Meaning(about=_milestone_updated),
    MilestoneCompleted: Meaning(about=partial(_milestone, tells=_COMPLETION)),
    MilestoneReopened: Meaning(about=partial(_milestone, tells=_COMPLETION), fact=_OPEN),
    MilestoneShared: Meaning(about=_milestone_turned),
    MilestoneWithdrawn: Meaning(about=_milestone_turned),
}
