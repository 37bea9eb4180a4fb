"""A milestone as staff enter it: between the inputs of its form, the service's fields, and words."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from services.portal.answers import Milestone, ProjectDetail
from services.portal.edits import Stored
from services.portal.formats import day
from services.portal.forms import Form
from services.portal.ids import read_id
from services.portal.services import Services
from shared.errors import NotFound
from shared.language import gettext as _

TICK = "depends_on-"
"""Begins the name of each check box of a milestone this one may depend on."""


class Plan(msgspec.Struct, frozen=True):
    """A milestone among the others of its project."""

    project: ProjectDetail
    milestone: Milestone

    @property
    def others(self) -> list[Milestone]:
        return [each for each in self.project.milestones if each.id != self.milestone.id]


async def project(services: Services, project_id: UUID) -> ProjectDetail:
    """The project; raises `ServiceProblem` when it does not exist."""
    return await services.projects.get(f"projects/{project_id}", ProjectDetail)


async def plan(services: Services, project_id: UUID, milestone_id: UUID) -> Plan:
    """A milestone of that project. Raises `NotFound` when it is not one of it."""
    found = await project(services, project_id)
    milestone = next((each for each in found.milestones if each.id == milestone_id), None)
    if milestone is None:
        raise NotFound
    return Plan(found, milestone)


def place(project_id: UUID, milestone_id: UUID) -> str:
    """Where a milestone stands on its project's page."""
    return f"/projects/{project_id}#milestone-{milestone_id}"


def phases(milestones: Sequence[Milestone]) -> list[str]:
    """Phases that are there to choose from, in the order of the plan."""
    return list(dict.fromkeys(each.phase for each in milestones if each.phase))


def stored(plan: Plan) -> Stored:
    """The milestone as its form shows it, and as one would say it."""
    milestone = plan.milestone
    names = {each.id: each.name for each in plan.others}
    inputs: dict[str, object] = {
        **{name: getattr(milestone, name) for name in ("name", "description", "phase", "starts_on", "target_on")},
        **{f"{TICK}{each}": "on" for each in milestone.depends_on},
        "version": milestone.version,
    }
    words = {
        "name": (_("Name"), milestone.name),
        "description": (_("Description"), milestone.description or ""),
        "phase": (_("Phase"), milestone.phase or ""),
        "starts_on": (_("Start"), day(milestone.starts_on)),
        "target_on": (_("Target date"), day(milestone.target_on)),
        "depends_on": (_("Depends on"), ", ".join(names[each] for each in milestone.depends_on if each in names)),
    }
    return Stored(inputs, words)


def body(form: Form) -> dict[str, object]:
    """What the form asks for, by the service's names."""
    form.require(name=_("Give the milestone a name."), target_on=_("When is it to be reached?"))
    form.values.setdefault("depends_on", "")
    ticked = [
        read_id(name.removeprefix(TICK)) for name, value in form.values.items() if name.startswith(TICK) and value
    ]
    return {
        "name": form.values["name"],
        "description": form.values["description"],
        "phase": form.values["phase"] or None,
        "starts_on": form.day("starts_on"),
        "target_on": form.day("target_on"),
        "depends_on": [each for each in ticked if each],
    }
