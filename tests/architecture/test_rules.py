"""The rules of docs/architecture.md that a reviewer should not have to remember."""

import ast
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SERVICES = sorted(path.parent for path in (ROOT / "services").glob("*/app.py"))
PAGES = ROOT / "services" / "portal"
RUNTIME = [ROOT / name for name in ("services", "gateway", "shared", "ops")]
FEATURES = sorted(
    path.parent
    for service in SERVICES
    if service != PAGES
    for path in service.glob("*/models.py")
    if (path.parent / "api.py").exists()  # what no route reaches is a part that features share
)
ROOMS = {"api.py", "commands.py", "queries.py", "models.py"}

MUST_NOT_IMPORT = {
    "models.py": ("litestar", "nats", "aiohttp", "shared.database", "shared.outbox", "shared.http", "shared.claims"),
    "queries.py": ("litestar", "nats", "shared.outbox", "shared.http"),
    "commands.py": ("litestar", "nats", "shared.http"),
    "api.py": ("sqlalchemy", "asyncpg", "nats", "shared.outbox"),
    "settings.py": ("litestar", "nats", "sqlalchemy", "os"),
}
BUSINESS_NOUNS = re.compile(
    r"\b(invoice|ticket|quote|document|milestone|cycle|requirement|payment|contract_line|dashboard)s?\b", re.IGNORECASE
)
ACCESS = {"actor.py", "claims.py", "tokens.py", "partners.py"}
ACCESS_BUDGET, PLUMBING_BUDGET = 650, 4679
"""docs/decisions/0007: the kernel may grow only on purpose."""


def modules(*folders: Path) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            yield path, parsed(path)


@cache
def parsed(path: Path) -> ast.Module:
    """Once for all rules, none of which changes it."""
    return ast.parse(path.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def under(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def test_there_is_something_to_check() -> None:
    assert {path.name for path in SERVICES} >= {"identity", "projects", "activity", "notifications", "portal"}
    assert len(FEATURES) >= 5


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_services_never_import_each_other(service: Path) -> None:
    others = tuple(f"services.{each.name}" for each in SERVICES if each != service)
    found = [f"{path}: {name}" for path, tree in modules(service) for name in imports(tree) if under(name, others)]
    assert found == []


def test_the_gateway_knows_no_service_and_no_database() -> None:
    banned = ("services", "sqlalchemy", "asyncpg")
    found = [
        f"{path}: {name}" for path, tree in modules(ROOT / "gateway") for name in imports(tree) if under(name, banned)
    ]
    assert found == []


def test_the_kernel_knows_nobody_above_it() -> None:
    banned = ("services", "gateway", "ops", "tests")
    found = [
        f"{path}: {name}" for path, tree in modules(ROOT / "shared") for name in imports(tree) if under(name, banned)
    ]
    assert found == []


def test_nothing_that_runs_imports_tests() -> None:
    banned = ("tests", "pytest", "shared.testing")
    found = [
        f"{path}: {name}"
        for path, tree in modules(*RUNTIME)
        if "testing" not in path.parts
        for name in imports(tree)
        if under(name, banned)
    ]
    assert found == []


@pytest.mark.parametrize("room", MUST_NOT_IMPORT)
def test_each_file_of_a_feature_keeps_to_its_room(room: str) -> None:
    found = [
        f"{path}: {name}"
        for path, tree in modules(*(service for service in SERVICES if service != PAGES))
        if path.name == room
        for name in imports(tree)
        if under(name, MUST_NOT_IMPORT[room])
    ]
    assert found == []


@pytest.mark.parametrize("feature", FEATURES, ids=lambda path: f"{path.parent.name}.{path.name}")
def test_a_feature_is_four_files(feature: Path) -> None:
    assert {path.name for path in feature.glob("*.py")} >= ROOMS


def test_only_the_kernel_commits() -> None:
    """One request, one transaction: `uow` commits, nobody else does (docs/decisions/0002)."""
    found = [
        f"{path}:{node.lineno}"
        for path, tree in modules(ROOT / "services", ROOT / "gateway")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("commit", "rollback")
    ]
    assert found == []


def test_every_command_that_changes_something_tells_it() -> None:
    """A write ends in the outbox: each module of commands appends, or is a projection fed by events."""
    missing = [
        str(path)
        for path, tree in modules(*(service for service in SERVICES if service != PAGES))
        if path.name == "commands.py" and path.parent.parent.name != "activity"
        if not any(under(name, ("shared.outbox",)) for name in imports(tree))
    ]
    assert missing == []


def test_the_kernel_names_no_business() -> None:
    """A request with its answer is what uvicorn calls `self.cycle`."""
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in sorted((ROOT / "shared").rglob("*.py"))
        if "contracts" not in path.parts and "testing" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if BUSINESS_NOUNS.search(line.partition('"""')[0].partition("#")[0].replace("self.cycle", ""))
    ]
    assert found == []


def test_the_kernel_stays_small() -> None:
    paths = [path for path in (ROOT / "shared").rglob("*.py") if not {"contracts", "testing"} & set(path.parts)]
    lines = {path.relative_to(ROOT / "shared").as_posix(): len(path.read_text().splitlines()) for path in paths}
    access = sum(lines[name] for name in ACCESS)
    assert access <= ACCESS_BUDGET
    assert sum(lines.values()) - access <= PLUMBING_BUDGET


def test_each_kernel_module_serves_three() -> None:
    """The rule of three: what fewer deployables import belongs to the one that does."""
    users: dict[str, set[str]] = {}
    deployables = [*SERVICES, ROOT / "gateway", ROOT / "ops", ROOT / "shared"]
    for deployable in deployables:
        for _, tree in modules(deployable):
            for name in imports(tree):
                if name.startswith("shared."):
                    users.setdefault(".".join(name.split(".")[:2]), set()).add(deployable.name)
    kernel = {f"shared.{path.stem}" for path in (ROOT / "shared").glob("*.py")} - {"shared.__init__"}
    # What `shared.http` itself builds every service from has all of them as users.
    built_in = {
        "shared.relay",
        "shared.retention",
        "shared.schedule",
        "shared.background",
        "shared.broker",
        "shared.delivery",
        "shared.telemetry",
        "shared.lines",  # what `shared.telemetry` and the launcher write by
        "shared.dead_letters",
        "shared.inbox",
        "shared.idempotency",
        "shared.heads",
        "shared.phrases",
        "shared.problems",
        "shared.strict",
        "shared.openapi",
        "shared.examples",
        "shared.server",  # `ops.serve` runs all of them on it
    }
    # What a service that publishes is written with: two of today's do, and every further one will (decision 0007).
    publishing = {"shared.orm", "shared.outbox", "shared.versions"}
    # A rule of security that two services have each for themselves is two rules: it moves at its second user.
    security = {"shared.outgoing"}
    # A second way to read what strangers send would be a second thing to attack: there is one from its first user on.
    one_of_a_kind = {"shared.sandbox", "shared.confinement"}
    assert {
        name for name in kernel - built_in - publishing - security - one_of_a_kind if len(users.get(name, ())) < 3
    } == set()
    assert {name for name in publishing | security if len(users.get(name, ())) < 2} == set()


def test_a_migration_that_changes_rows_sees_them() -> None:
    """Row-level security is forced on the owner as well, who runs the migrations: an update would find no row."""
    released = {"identity/0005_client_access", "activity/0009_sentences"}
    for path in sorted(ROOT.glob("services/*/migrations/0*.py")):
        code = path.read_text()
        if f"{path.parts[-3]}/{path.stem}" not in released:
            for table in re.findall(r"\bupdate (\w+)(?: \w+)? set", code):
                lifted = rf"alter table ({table}|{{\w+}}) no force row level security"
                assert re.search(lifted, code), f"{path}: {table}"


def test_what_the_release_before_uses_is_not_taken_away() -> None:
    """Its processes run on the new schema until an update is through (docs/decisions/0006): a release stops using a table
    or a column, a later one drops it. The revision says since which one nothing uses it: `UNREAD_SINCE = "1.2"`.
    """
    before_any_release = {"identity/0007_one_time_tokens", "identity/0026_domains_found"}
    releases = set(re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)) - {"Unreleased"}
    takes_away = re.compile(r"\bdrop (table|column|view|materialized view)\b|\brename\b", re.IGNORECASE)
    found = [
        name
        for path in sorted(ROOT.glob("services/*/migrations/0*.py"))
        if takes_away.search(code := path.read_text())
        if not set(re.findall(r'^UNREAD_SINCE = "(.+)"$', code, re.MULTILINE)) & releases
        if (name := f"{path.parts[-3]}/{path.stem}") not in before_any_release
    ]
    assert found == []


def test_statements_take_the_present_from_the_clock() -> None:
    """What PostgreSQL calls now is another clock than `shared.clock`, and `PORTAL_CLOCK_OFFSET` does not move it."""
    asks = re.compile(
        r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|\bcurrent_(date|time)", re.IGNORECASE
    )
    compares_with_the_outbox = ROOT / "services/activity/audit/verify.py"
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in modules(ROOT / "services")
        if "migrations" not in path.parts and path != compares_with_the_outbox
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, str) and asks.search(node.value))
        or (isinstance(node, ast.Attribute) and node.attr == "now" and ast.unparse(node.value) == "func")
    ]
    assert found == []


def test_files_stay_readable() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {length}"
        for path, _ in modules(*RUNTIME)
        if (length := len(path.read_text().splitlines())) > 300
    ]
    assert long == []


def test_every_public_function_and_route_says_what_it_is() -> None:
    missing = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, tree in modules(ROOT / "services", ROOT / "gateway", ROOT / "shared")
        if path.name in ("api.py", "commands.py") or path.parent == ROOT / "shared"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert missing == []


def test_the_repository_speaks_of_the_project_only() -> None:
    """No path of a machine and no host of a package registry in anything that is committed."""
    banned = re.compile(
        r"(^|[^\w.-])/(work|farm|root)/[a-z.]|registry\.npmjs|files\.pythonhosted|pypi\.org", re.MULTILINE
    )
    kinds = {".py", ".md", ".txt", ".in", ".toml", ".json", ".yml", ".yaml", ".html", ".css", ".js", ".sh", ""}
    skipped = {".git", ".venv", ".portal", "node_modules", "__pycache__", "vendor", ".ruff_cache", ".pytest_cache"}
    found: list[str] = []
    for at, folders, names in os.walk(ROOT):
        folders[:] = {*folders} - skipped - {".hypothesis"}  # which other tests may be writing to
        for path in (Path(at) / name for name in names):
            if path.is_file() and path.suffix in kinds and path != Path(__file__):
                found += [str(path.relative_to(ROOT))] * bool(banned.search(path.read_text(errors="replace")))
    assert found == []


def locked(name: str) -> set[str]:
    """The packages that an installation from this file has."""
    return set(
        re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==", (ROOT / "requirements" / name).read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("requirements", ["base.txt", "stack.txt"])
def test_what_runs_is_installed_where_it_runs(requirements: str) -> None:
    """The tests have more installed than an image or `make up` has: what is missing there they would not miss."""
    distributions, installed, missing = packages_distributions(), locked(requirements), set[str]()
    for path, tree in modules(*RUNTIME):
        if requirements == "base.txt" and path.parent.name == "stack":
            continue  # the embedded stack is in no image
        for top in {name.partition(".")[0] for name in imports(tree)} - sys.stdlib_module_names:
            found = {each.lower().replace("_", "-") for each in distributions.get(top, [])}
            if not (ROOT / top).exists() and not found & installed:
                missing.add(f"{path.relative_to(ROOT)}: {top}")
    assert missing == set()


def test_no_test_moves_the_clock_of_the_event_loop() -> None:
    """What runs beside the test in the same loop would wait for minutes once the clock is put back (`tests/clocks.py`)."""
    moves = re.compile(r"""setattr\(\s*(time\s*,\s*["']monotonic["']|["'][\w.]*\btime\.monotonic["'])""")
    found = [path for path in sorted((ROOT / "tests").rglob("*.py")) if moves.search(path.read_text())]
    assert found == []


NAMES = {"name", "first_name", "last_name", "client_name", "project_name", "company_name"}


def _bare_names(tree: ast.Module) -> Iterator[ast.expr]:
    """Names of others in f-strings, `format` and texts, and not in the call of `isolated` that keeps them to themselves.

    A text without a space is no sentence: it is an address, or the name of an input.
    """
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.JoinedStr):
            said = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)] if " " in said else []
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("format", "_", "gettext"):
            given = node.args if isinstance(node.func, ast.Attribute) else []  # what `_` is given first is the text
            parts = [*given, *(keyword.value for keyword in node.keywords)]
        yield from (part for part in parts if isinstance(part, ast.Attribute) and part.attr in NAMES)


def test_names_in_sentences_made_in_python_keep_to_themselves() -> None:
    """A name that is read from the right turns what stands around it; pages see to it themselves (`templating`)."""
    found = [
        f"{path.relative_to(ROOT)}:{part.lineno}: {ast.unparse(part)}"
        for path, tree in modules(ROOT / "services")
        for part in _bare_names(tree)
        if not ast.unparse(part).startswith(("self.", "path."))
    ]
    assert found == []
