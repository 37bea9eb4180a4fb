"""A project as staff enter it: between the inputs of its form, the service's fields, and words."""

from uuid import UUID

from services.portal.answers import ProjectDetail
from services.portal.edits import Stored
from services.portal.formats import day
from services.portal.forms import Form
from services.portal.projects import team_rows as team
from services.portal.projects.views import HIDEABLE, detail_of, hideable
from services.portal.services import Services
from shared.language import gettext as _
from shared.language import marked

STATUS = {
    "on_track": marked("On track"),
    "at_risk": marked("At risk"),
    "delayed": marked("Delayed"),
    "completed": marked("Completed"),
}
NOW = {
    "on_track": marked("{name}: on track"),
    "at_risk": marked("{name}: at risk"),
    "delayed": marked("{name}: delayed"),
    "completed": marked("{name}: completed"),
}
"""What a toast says of a project that has this status now."""
FIELDS = ("name", "description", "scope", "status")
HIDDEN = "hidden_fields-"
"""Begins the name of each check box of a field that the client is not to see."""


def statuses() -> dict[str, str]:
    """The statuses of a project in words."""
    return {status: _(word) for status, word in STATUS.items()}


async def project(services: Services, project_id: UUID) -> ProjectDetail:
    """The project; raises `ServiceProblem` when it does not exist."""
    return await detail_of(services, project_id)


def stored(project: ProjectDetail) -> Stored:
    """The project as its form shows it, and as one would say it."""
    dates = {"starts_on": project.starts_on, "ends_on": project.ends_on}
    inputs: dict[str, object] = {
        **{name: getattr(project, name) for name in FIELDS},
        **dates,
        "completion": project.fixed_completion,
        **team.inputs(project.team),
        **{f"{HIDDEN}{field}": "on" for field in project.hidden_fields},
        "version": project.version,
    }
    percent = project.fixed_completion
    words = {
        "name": (_("Name"), project.name),
        "description": (_("Summary"), project.description or ""),
        "scope": (_("Scope"), project.scope or ""),
        "status": (_("Status"), _(STATUS[project.status])),
        "starts_on": (_("Start"), day(project.starts_on)),
        "ends_on": (_("Planned end"), day(project.ends_on)),
        "completion": (_("Progress"), _("Follows the milestones") if percent is None else f"{percent} %"),
        "team": (_("Team"), ", ".join(member.name for member in project.team)),
        "hidden_fields": (_("Hidden"), ", ".join(_(hideable(field).alone) for field in project.hidden_fields)),
    }
    return Stored(inputs, words)


def body(form: Form) -> dict[str, object]:
    """What the form asks for, by the service's names."""
    form.require(name=_("Give the project a name."))
    form.values.setdefault("team", "")
    form.values.setdefault("hidden_fields", "")
    return {
        **{name: form.values[name] for name in FIELDS},
        "starts_on": form.day("starts_on"),
        "ends_on": form.day("ends_on"),
        "completion": form.whole("completion", 0, 100),
        "team": team.members(form),
        "hidden_fields": [field for field in HIDEABLE if form.values[f"{HIDDEN}{field}"]],
    }
