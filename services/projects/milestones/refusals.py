"""Why a plan is not changed: the broken rule, and where other milestones are the reason, which."""

from collections.abc import Iterable

from shared.errors import Conflict, Invalid
from shared.language import gettext as _
from shared.texts import isolated


class AlreadyCompleted(Conflict):
    code = "milestone.already_completed"

    def __init__(self) -> None:
        super().__init__(_("This milestone is completed already."))


class NotCompleted(Conflict):
    code = "milestone.not_completed"

    def __init__(self) -> None:
        super().__init__(_("This milestone is open already."))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(isolated(name) for name in names)


class DependenciesOpen(Conflict):
    code = "milestone.dependencies_open"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(_("Something it depends on is not completed yet: {names}.", names=_listed(names)))


class DependentsCompleted(Conflict):
    code = "milestone.dependents_completed"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(_("Something completed rests on it. Reopen that first: {names}.", names=_listed(names)))


class DependsOnPrivate(Invalid):
    code = "milestone.depends_on_private"

    def __init__(self, names: Iterable[str]) -> None:
        text = _("The client would see it, but not what it depends on: {names}.", names=_listed(names))
        super().__init__(text, field="depends_on")


class NeededByShared(Conflict):
    code = "milestone.needed_by_shared"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            _("The client sees something that depends on it. Keep that private first: {names}.", names=_listed(names))
        )


class RestsOnPrivate(Conflict):
    code = "milestone.rests_on_private"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(_("It depends on something private. Share that first: {names}.", names=_listed(names)))


class DependencyCycle(Invalid):
    code = "milestone.dependency_cycle"

    def __init__(self) -> None:
        super().__init__(_("A milestone cannot depend on itself, directly or by way of others."), field="depends_on")


class UnknownDependency(Invalid):
    code = "milestone.unknown_dependency"

    def __init__(self) -> None:
        super().__init__(_("A milestone can only depend on milestones of the same project."), field="depends_on")


class TargetBeforeStart(Invalid):
    code = "milestone.target_before_start"

    def __init__(self) -> None:
        super().__init__(_("The target date cannot lie before the start."), field="target_on")


class CompletedInFuture(Invalid):
    code = "milestone.completed_in_future"

    def __init__(self) -> None:
        super().__init__(_("What is completed was completed today or earlier."), field="completed_on")
