"""Texts and their translations: none missing, none left over, none in only one language (docs/decisions/0123)."""

import ast
import importlib
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, get_args

import pytest

from services.identity.fields import Language
from shared import errors
from shared.errors import DomainError
from shared.language import KERNEL, SOURCE, read
from tests.texts import ROOT, catalogues, language_of, renewed, translated

PLACES = re.compile(r"%\(\w+\)s|\{\w*\}|</?[a-z][^>]*>|&\w+;")
"""What a translation has as well: places for values, and markup."""


def folder_of(catalogue: Path) -> Path:
    return catalogue.parents[3]


def forms(text: Any) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


@pytest.mark.parametrize("catalogue", catalogues(), ids=lambda path: f"{folder_of(path).name}-{language_of(path)}")
def test_a_catalogue_has_what_the_code_says_and_nothing_else(catalogue: Path) -> None:
    """`make texts` brings it up to date; what is new then wants to be translated."""
    found = translated(catalogue)
    assert catalogue.read_text() == renewed(catalogue)
    assert not found.obsolete
    for message in found:
        if message.id:
            assert not message.fuzzy, message.id
            assert all(forms(message.string)), message.id
            pairs = list(zip(forms(message.id), forms(message.string), strict=True))
            assert all(sorted(PLACES.findall(one)) == sorted(PLACES.findall(other)) for one, other in pairs), message.id


def test_a_text_is_said_the_same_wherever_it_stands() -> None:
    said: defaultdict[tuple[str, object], set[object]] = defaultdict(set)
    for catalogue in catalogues():
        for message in translated(catalogue):
            if message.id:
                said[language_of(catalogue), message.id].add(message.string)
    assert {text: found for text, found in said.items() if len(found) > 1} == {}


def test_who_speaks_a_language_has_the_kernel_speak_it() -> None:
    for catalogue in catalogues():
        assert set(read(folder_of(catalogue))) <= set(read(KERNEL))
    assert set(read(ROOT / "services" / "identity")) == set(get_args(Language))
    assert SOURCE in get_args(Language)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def refusals(module: str, tree: ast.Module) -> list[ast.expr]:
    """What refusals are made of in a module: the first argument, where one is raised or its class says what it says."""
    names = vars(importlib.import_module(module))

    def refuses(name: str) -> bool:
        found = names.get(name) or getattr(errors, name, None)
        return isinstance(found, type) and issubclass(found, DomainError)

    found: list[ast.expr] = []
    for node in ast.walk(tree):
        calls = [each for each in ast.walk(node) if isinstance(each, ast.Call) and each.args]
        if isinstance(node, ast.ClassDef) and refuses(node.name):
            found += [each.args[0] for each in calls if ast.unparse(each.func) == "super().__init__"]
        elif isinstance(node, ast.Call) and node.args and refuses(ast.unparse(node.func).rpartition(".")[2]):
            found.append(node.args[0])
    return found


@pytest.mark.parametrize("folder", sorted({folder_of(path) for path in catalogues()}), ids=lambda path: path.name)
def test_a_refusal_is_said_in_the_language_of_who_reads_it(folder: Path) -> None:
    """Who has a catalogue says nothing past it: no plain sentence is given to a refusal."""
    past = [
        f"{path.relative_to(ROOT)}:{said.lineno}: {ast.unparse(said)}"
        for path in folder.rglob("*.py")
        if not {"migrations", "testing"} & set(path.parts)
        for said in refusals(module_of(path), ast.parse(path.read_text()))
        for part in ast.walk(said)
        if isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip())
        if not any(
            isinstance(call, ast.Call) and ast.unparse(call.func) == "_" and part in ast.walk(call)
            for call in ast.walk(said)
        )
    ]
    assert past == []
