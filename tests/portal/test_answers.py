"""What pages read of the services' answers, compared with what each service says of itself."""

import ast
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from services.portal.services import UPSTREAMS
from tests.architecture.test_rules import PAGES, ROOT
from tests.portal.documents import document, shape_of

METHODS = ("get", "post", "put", "patch", "send")
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Call:
    """A call of a service in the code of a page: what is asked, and as what the answer is read."""

    def __init__(self, file: Path, node: ast.Call, function: Function, service: str, method: str) -> None:
        self.where = f"{file.relative_to(ROOT)}:{node.lineno}"
        self.service = service
        self._names: dict[str, Any] = vars(import_module(".".join(file.relative_to(ROOT).with_suffix("").parts)))
        self._assigned = dict(_assigned(function))
        arguments = function.args.args + function.args.kwonlyargs
        self._given = {each.arg: self._names.get(ast.unparse(each.annotation)) for each in arguments if each.annotation}
        sent = list(node.args)
        self.method = ast.literal_eval(sent.pop(0)) if method == "send" else method.upper()
        self.paths = self._texts(sent[0])
        self.kind: Any = eval(ast.unparse(sent[1]), self._names)

    def _texts(self, node: ast.expr) -> list[str]:
        """A path with `{}` for what is filled in; several where one of a few words is."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return ["".join(each) for each in product(*map(self._texts, parts))]
            case ast.FormattedValue(value=ast.Name(id=name)) if isinstance(self._names.get(name), str):
                return [self._names[name]]
            case ast.FormattedValue(value=ast.Name(id=name)) if get_origin(self._given.get(name)) is Literal:
                return list(get_args(self._given[name]))
            case ast.Name(id=name) if name in self._assigned:
                return self._texts(self._assigned[name])
            case ast.Name(id=name) if isinstance(self._names.get(name), str):
                return [self._names[name]]
            case _:
                return ["{}"]


def _assigned(function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What a function calls by a name."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                yield from (
                    (each.id, value) for each, value in zip(names, values, strict=True) if isinstance(each, ast.Name)
                )
            case _:
                pass


def calls() -> Iterator[Call]:
    for file in sorted(PAGES.rglob("*.py")):
        tree = ast.parse(file.read_text())
        bodies = [tree.body, *(each.body for each in tree.body if isinstance(each, ast.ClassDef))]
        for function in (each for body in bodies for each in body if isinstance(each, Function)):
            for node in ast.walk(function):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=service), attr=method), args=[_, _, *_]):
                        if service in UPSTREAMS and method in METHODS:
                            yield Call(file, node, function, service, method)
                    case _:
                        pass


CALLS = list(calls())


def test_there_are_calls() -> None:
    assert len(CALLS) > 120


@pytest.mark.parametrize("service", UPSTREAMS)
def test_pages_read_what_the_service_answers(service: str) -> None:
    wrong: set[str] = set()
    described = document(service)
    for call in (each for each in CALLS if each.service == service):
        for path in call.paths:
            schema = described.answer(call.method, path)
            if schema is None:
                wrong.add(f"{call.where}: no route {call.method} {path}")
            elif call.kind not in (bytes, type(None)):
                wrong |= set(described.unread(shape_of(call.kind), schema, f"{call.method} {path} as {call.kind}"))
    assert sorted(wrong) == []
