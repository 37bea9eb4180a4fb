"""What the documents say is what the code is."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from shared.contracts import EVENTS
from shared.events import EventData
from tests.contracts.catalogue import ARCHITECTURE, PARTNERS, with_catalogue, with_types

ROOT = Path(__file__).parent.parent.parent
CONTRACTS = [path.stem for path in sorted((ROOT / "shared/contracts").glob("[a-z]*.py"))]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *ROOT.glob("services/*/README.md"),
    ROOT / "gateway/README.md",
]


def events() -> list[tuple[str, str, str]]:
    """Type, subject and publisher of every contract."""
    return sorted(
        (kind.type, kind.subject, kind.subject.partition(".")[0])
        for name in CONTRACTS
        for kind in vars(import_module(f"shared.contracts.{name}")).values()
        if inspect.isclass(kind) and issubclass(kind, EventData) and "type" in vars(kind)
    )


def owners() -> set[tuple[str, str]]:
    """Each module of contracts with the service its subjects name; a module has one."""
    return {
        (name, kind.subject.partition(".")[0])
        for name in CONTRACTS
        for kind in vars(import_module(f"shared.contracts.{name}")).values()
        if inspect.isclass(kind) and issubclass(kind, EventData) and "type" in vars(kind)
    }


def test_the_documents_list_the_events_as_they_are() -> None:
    """If this fails alone: `python -m tests.contracts.schemas`."""
    text = ARCHITECTURE.read_text()
    assert all(f"| `{kind}` | `{subject}` | {publisher} |" in text for kind, subject, publisher in events())
    assert with_catalogue(text) == text
    assert with_types(PARTNERS.read_text()) == PARTNERS.read_text()


def test_a_contract_belongs_to_the_service_its_module_names() -> None:
    """The first line of a module of contracts says whose events they are."""
    docs = {name: import_module(f"shared.contracts.{name}").__doc__ or "" for name in CONTRACTS}
    publishers = {name: re.findall(r"`services/([a-z]+)`", text)[:1] for name, text in docs.items()}
    publishers.pop("summary")  # a part of events of all services
    assert {name: [service] for name, service in owners()} == publishers


@pytest.mark.parametrize("service", sorted(path.parent.name for path in ROOT.glob("services/*/migrations")))
def test_a_services_readme_lists_its_tables(service: str) -> None:
    """The rows "owns" and "copies" name the tables that its migrations create."""
    text = (ROOT / f"services/{service}/README.md").read_text()
    rows = re.findall(r"^\| (?:owns|copies) \| (.*) \|$", text, re.MULTILINE)
    revisions = "".join(path.read_text() for path in (ROOT / f"services/{service}/migrations").glob("0*.py"))
    tables = {*re.findall(r"create table (\w+)", revisions)} - {*re.findall(r"drop table (\w+)", revisions)}
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == tables


def test_no_two_events_share_a_name_or_a_subject() -> None:
    types, subjects, _ = zip(*events(), strict=True)
    assert sorted(EVENTS) == list(types)
    assert len(set(subjects)) == len(subjects)


def anchors(document: Path) -> set[str]:
    """What a link can name inside a Markdown file: its headings, as GitHub spells them."""
    prose = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """The file exists, and where a link names a heading the file has that heading."""
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)#?([^)\s]*)\)", document.read_text()):
        file = document.parent / target if target else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def test_the_operators_guide_quotes_what_the_portal_shows() -> None:
    """Labels stand in double quotes: each is on a page, in what the `portal` command prints, or a heading of the guide."""
    guide = (ROOT / "docs/operations.md").read_text()
    kinds = [("services/portal", "html"), ("services", "py"), ("ops", "py")]
    shown = "".join(path.read_text() for folder, kind in kinds for path in (ROOT / folder).rglob(f"*.{kind}"))
    labels = set(re.findall(r'"([A-Z][a-z]+(?: [A-Za-z]+)*)"', guide))
    assert {label for label in labels if label not in shown and f"## {label}" not in guide} == set()


def test_every_decision_that_is_named_exists() -> None:
    """Code and documents name decisions by number: `decision 0002`, `docs/decisions/0002`, `0002-unit-of-work.md`."""
    numbers = {path.name[:4] for path in (ROOT / "docs/decisions").glob("*.md")}
    folders = ("services", "gateway", "shared", "ops", "deploy", "docs", "tests")
    files = [
        path
        for folder in folders
        for kind in ("py", "md", "html", "toml")
        for path in (ROOT / folder).rglob(f"*.{kind}")
    ]
    named = re.compile(r"(?:decisions?[ /]|\[)(0\d{3})")
    lost = {
        f"{path.relative_to(ROOT)}: {number}"
        for path in files
        for number in named.findall(path.read_text())
        if number not in numbers
    }
    assert lost == set()


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    commands = [line for line in lines if line.startswith(("make ", "    make "))]
    assert [command.split()[1] for command in commands[:2]] == ["up", "test"]
