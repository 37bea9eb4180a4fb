"""Entries about projects and milestones."""

from functools import partial
from typing import Any

from shared.contracts.entries.about import About, Abouts
from shared.contracts.projects import (
    MilestoneCompleted,
    MilestoneEvent,
    MilestoneReopened,
    MilestoneShared,
    MilestoneUpdated,
    MilestoneWithdrawn,
    ProjectEvent,
    ProjectShared,
    ProjectUpdated,
    ProjectWithdrawn,
)
from shared.contracts.words.telling import told_fields
from shared.events import AnyEvent


def _all_hidden(data: ProjectUpdated | MilestoneUpdated) -> bool:
    return set(data.fields) <= set(data.hidden)


def _project(event: AnyEvent, data: Any, *, private: bool | None = None, **more: Any) -> About:
    hidden = bool(data.private if private is None else private)
    return About(kind="project", project_id=event.subject, private=hidden, **more)


def _project_updated(event: AnyEvent, data: ProjectUpdated) -> About:
    turns = ("unseen" if data.private else "seen") if "hidden_fields" in data.fields else None
    return _project(event, data, tells=told_fields(data), team_only=_all_hidden(data), turns=turns)


def _milestone(_event: AnyEvent, data: MilestoneEvent, **more: Any) -> About:
    """That it is completed or not tells what hides its completion."""
    private = data.private or data.project_private
    return About(kind="milestone", project_id=data.project_id, private=private, **more)


def _milestone_updated(event: AnyEvent, data: MilestoneUpdated) -> About:
    tells = {data.hidden_by.get(field, field) for field in told_fields(data)}
    return _milestone(event, data, tells=tells, team_only=_all_hidden(data))


def _milestone_turned(event: AnyEvent, data: MilestoneShared | MilestoneWithdrawn) -> About:
    return _milestone(event, data, team_only=True, turns="unseen" if data.project_private else "seen")


_COMPLETION = [MilestoneEvent.hidden_by["completed_on"]]

ABOUT: Abouts = {
    ProjectEvent: _project,
    ProjectUpdated: _project_updated,
    ProjectShared: partial(_project, private=False, team_only=True, turns="seen"),
    ProjectWithdrawn: partial(_project, private=True, team_only=True, turns="seen"),
    MilestoneEvent: _milestone,
    MilestoneUpdated: _milestone_updated,
    MilestoneCompleted: partial(_milestone, tells=_COMPLETION),
    MilestoneReopened: partial(_milestone, tells=_COMPLETION),
    MilestoneShared: _milestone_turned,
    MilestoneWithdrawn: _milestone_turned,
}
