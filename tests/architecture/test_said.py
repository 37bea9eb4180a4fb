"""Nothing on a page of the portal is said past the catalogue (docs/decisions/0123)."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, nodes

from services.portal.forms import CODES, SECRETS, TYPED_AGAIN, WRITTEN, said
from tests.architecture.test_rules import PAGES

TEMPLATES = sorted(PAGES.rglob("*.html"))
MODULES = sorted(PAGES.rglob("*.py"))
SAYS = {"_", "gettext", "ngettext", "marked"}
UNREAD = {"Authorization", "Bearer ", "Client Portal", "Cookie", "Deutsch", "English", "From", "Subject", "To", "Vary"}
"""Headers, the name of a company that has none, and languages by their own names."""
READ_OUT = {"alt", "aria-label", "data-label", "placeholder", "title"}
"""Attributes that people see or hear."""
WORD = re.compile(r"[^\W\d_]+[a-z]|[a-z][^\W\d_]")
"""Two letters beside each other that are no abbreviation, such as HTTP."""
UNSPOKEN = (
    r"\{#.*?#\}",
    r"\{% trans\b.*?endtrans %\}",
    r"\{% block (width|look) %\}.*?\{% endblock %\}",  # names of classes
    r"\{\{.*?\}\}|\{%.*?%\}",
    r"(?m:^| |(?<=[\"']))[a-z-]+=(\"[^\"]*\"|'[^']*')(?=[^<>]*(<|$))",  # attributes for a tag that is elsewhere
    r"(?<![\w-])data-[a-z-]+(?![\w=-])",
)
SENTENCE = re.compile(r"[A-Z][a-z]+\b(?![-_/:.\[])|[a-z]{2,},? [a-z]{2,}.*[.?!]$")
"""How a constant begins that people read, or what it is like."""
ENVIRONMENT: Any = Environment(extensions=["jinja2.ext.i18n"])
ENVIRONMENT.newstyle_gettext = True


class Plain(HTMLParser):
    """What a template says by itself: between tags, and in attributes that are read out."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[str] = []
        for unspoken in UNSPOKEN:
            source = re.sub(unspoken, "", source, flags=re.DOTALL)
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            f"{tag} {name}={value}" for name, value in attrs if name in READ_OUT and WORD.search(value or "")
        ]

    def handle_data(self, data: str) -> None:
        self.found += [data.strip()] if WORD.search(data) else []


def quoted(node: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts in a module that no catalogue is asked for; no docstrings, and no names of types."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in SAYS:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    for name, child in ast.iter_fields(node):
        for each in child if isinstance(child, list) else [child]:
            documents = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
            if isinstance(each, ast.AST) and name not in ("annotation", "returns") and not documents:
                yield from quoted(each)


def is_said(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in SAYS - {"marked"}


def constants(node: nodes.Node) -> Iterator[str]:
    """The texts in a template's expressions that no catalogue is asked for."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in SAYS:
        for value in node.kwargs:
            yield from constants(value)
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes():
        yield from constants(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PAGES)))
def test_a_template_says_nothing_past_the_catalogue(path: Path) -> None:
    source = path.read_text()
    assert Plain(source).found == []
    assert [each for each in constants(ENVIRONMENT.parse(source)) if SENTENCE.match(each)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PAGES)))
def test_a_module_says_nothing_past_the_catalogue(path: Path) -> None:
    found = quoted(ast.parse(path.read_text()))
    assert [(line, text) for line, text in found if SENTENCE.match(text) and text not in UNREAD] == []


def test_what_people_write_into_is_called_by_a_text_of_the_catalogue() -> None:
    """A page that shows again what was typed has nothing but the names of its inputs."""
    fields = {
        name
        for path in TEMPLATES
        for name in re.findall(r'forms\.(?:field|area)\(\w+, "(\w+)",', path.read_text())
        if name not in (*CODES, *SECRETS) and not any(part in name for part in TYPED_AGAIN)
    }
    assert len(fields) > 15
    assert {called for name in fields for called, _ in said([(name, "Typed text")])} <= set(WRITTEN)


def test_what_a_template_keeps_is_in_no_language() -> None:
    """What is imported without context is made once for all pages: outside its macros nothing is said there."""
    trees = {
        str(path.relative_to(PAGES)).removeprefix("templates/"): ENVIRONMENT.parse(path.read_text())
        for path in TEMPLATES
    }
    kept = {
        each.template.value
        for tree in trees.values()
        for each in tree.find_all((nodes.Import, nodes.FromImport))
        if not each.with_context
    }
    assert "ui/state.html" in kept
    assert [
        name
        for name in kept
        for part in trees[name].body
        if not isinstance(part, nodes.Macro)
        if any(map(is_said, part.find_all(nodes.Call)))
    ] == []
