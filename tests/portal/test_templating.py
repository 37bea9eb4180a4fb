"""Templates that others import are made once, and know of the page that is being rendered, and of nothing else."""

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment, nodes
from litestar import Litestar

from services.portal import templating

FOLDERS = (templating.HERE, templating.HERE / "templates")
IMPORT = re.compile(r'{%-?\s*(?:import|from)\s+"([^"]+)"[^%]*%}')
CHANGES = {"company"}
"""A global that is another one after the brand changed; a template made before would keep the old one (`brand.name`)."""


@pytest.fixture
def environment(web: Litestar) -> Environment:
    return web.template_engine.engine  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]


def _imports() -> list[re.Match[str]]:
    return [found for path in templating.HERE.rglob("*.html") for found in IMPORT.finditer(path.read_text())]


def _source(name: str) -> str:
    return next(path for folder in FOLDERS if (path := Path(folder, name)).is_file()).read_text()


def test_no_import_makes_a_template_anew() -> None:
    assert len(_imports()) > 100
    assert [found[0] for found in _imports() if "with context" in found[0]] == []


def test_a_template_is_compiled_once_however_many_portals_a_process_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    templating.templates().get_template("closed.html")

    def compile_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(templating.Templates, "compile", compile_again)
    templating.templates().get_template("closed.html")


def test_imported_templates_know_only_what_stays(environment: Environment) -> None:
    wanted: dict[str, set[str]] = {}
    for name in {found[1] for found in _imports()}:
        parsed = environment.parse(_source(name))
        names = {each.name for each in parsed.find_all(nodes.Name) if each.ctx == "load"}
        given = {each.name for each in parsed.find_all(nodes.Name) if each.ctx != "load"}
        own = given | {each.name for each in parsed.find_all(nodes.Macro)} | _aliases(parsed)
        if unknown := names - own - (set(environment.globals) - CHANGES):
            wanted[name] = unknown
    assert wanted == {}


def _aliases(parsed: nodes.Template) -> set[str]:
    """What other templates are called that this one imports."""
    parts = [each for found in parsed.find_all(nodes.FromImport) for each in found.names]
    named = {each[-1] if isinstance(each, tuple) else each for each in parts}
    return named | {found.target for found in parsed.find_all(nodes.Import)} | {"caller", "loop", "varargs", "kwargs"}


def test_an_imported_template_shows_the_page_that_is_rendered(environment: Environment) -> None:
    source = '{% import "ui/text.html" as text %}{% for each in moments %}{{ text.at(each) }}{% endfor %}'
    template = environment.from_string(source)
    noon = datetime(2026, 3, 12, 12, tzinfo=UTC)

    def shown(zone: str) -> str:
        page: Any = SimpleNamespace(zone=ZoneInfo(zone))
        return template.render(page=page, moments=[noon])

    assert ", 13:00<" in shown("Europe/Berlin")
    assert ", 21:00<" in shown("Asia/Tokyo")
    assert ", 13:00<" in shown("Europe/Berlin")


def test_no_template_calls_what_asks_for_its_context(environment: Environment) -> None:
    asking = {name for name, each in environment.globals.items() if hasattr(each, "jinja_pass_arg")}
    used: set[str] = set()
    for path in templating.HERE.rglob("*.html"):
        used |= {each.name for each in environment.parse(path.read_text()).find_all(nodes.Name)} & asking
    assert asking  # the framework brings some
    assert used == set()
