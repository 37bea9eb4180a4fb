"""What of one client's things and entries somebody reads: said here once, for lists, pages and open streams alike."""

from hashlib import sha256
from uuid import UUID

import msgspec

from shared.actor import Actor
from shared.contracts.summary import Readers


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What of one client's things somebody reads, and which of them wait for them.

    `projects` (None: all), `whole`: what concerns the client as a whole; `behind`: what the client is not told, and
    hidden fields. `restricted`: also what is for some of the client's people only; who has not may still be named by
    `person`, or by the role that they have in its project (`roles`). `side` and `policies` say for whom of the company,
    or else of the client, a thing waits.
    """

    projects: frozenset[UUID] | None
    whole: bool
    behind: bool
    restricted: bool
    person: UUID | None
    roles: dict[UUID, str]
    side: str
    policies: frozenset[str]

    @classmethod
    def of(cls, actor: Actor) -> "Reach":
        """A subcontractor reads what is for everybody of their projects, and nothing of the client beside them."""
        readable = actor.readable_projects()
        return cls(
            projects=readable,
            whole=actor.assignments is None,
            behind=actor.sees_all_clients,
            restricted=readable is None,
            person=actor.reader.id,
            roles={project: role for project in actor.project_roles if (role := actor.role_in(project))},
            side="company" if actor.sees_all_clients else "client",
            policies=actor.policies,
        )

    @property
    def key(self) -> str:
        """The same for all who read the same, and another one for everybody else."""
        said = msgspec.structs.asdict(self) | {"roles": sorted(self.roles.items())}
        return sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()

    @property
    def listed(self) -> list[UUID] | None:
        """The projects, as a value of a statement."""
        return None if self.projects is None else list(self.projects)

    @property
    def named(self) -> tuple[UUID | None, list[UUID], list[str]]:
        """The three values of `is_named`."""
        return self.person, list(self.roles), list(self.roles.values())

    def reaches(self, project_id: UUID | None, *, private: bool, readers: Readers | None = None) -> bool:
        """Whether what belongs to this project, or to none, is theirs to read; `readers`: it is for these only."""
        if private and not self.behind:
            return False
        if readers and not (self.restricted or self._is_among(readers, project_id)):
            return False
        if project_id is None:
            return self.whole
        return self.projects is None or project_id in self.projects

    def _is_among(self, readers: Readers, project_id: UUID | None) -> bool:
        role = self.roles.get(project_id) if project_id else None
        return self.person in readers.people or role in readers.roles


def is_named(thing: str, at: int) -> str:
    """SQL: whether `thing`, a row of the overview, is for everybody of its project or for whom `Reach.named` describes,
    the values from `$at` on.
    """
    role = f"select from unnest(${at + 1}::uuid[], ${at + 2}::text[]) as own (project_id, role)"
    return (
        f"({thing}.reader_roles is null or ${at}::uuid = any({thing}.reader_people)"
        f" or exists ({role} where own.project_id = {thing}.project_id and own.role = any({thing}.reader_roles)))"
    )
