"""Each service describes its API whole (`shared/openapi.py`): a route that leaves something out fails here."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from gateway.routes import SERVICES
from shared.openapi import Description
from tests.isolation.routes import application, declared, shape

Json = dict[str, Any]
BROWSERS = {"NewCredential", "Assertion"}
"""What browsers fill in: they may say more than the standard has today (WebAuthn Level 3, 5.1)."""


class Operation(NamedTuple):
    """One operation in a service's description."""

    route: str
    said: Json
    whole: Json

    def resolve(self, node: Json) -> Json:
        """`node`, or what it refers to."""
        found = self.whole
        for step in node["$ref"].split("/")[1:] if "$ref" in node else ():
            found = found[step]
        return found if "$ref" in node else node

    def contents(self) -> dict[str, Json]:
        """What is sent and answered, each with its schema."""
        found = {"body": self.said.get("requestBody", {}), **self.said["responses"]}
        return {at: content for at, each in found.items() for content in self.resolve(each).get("content", {}).values()}

    def accepts(self, schema: Json, value: Any) -> bool:
        whole = schema | {"components": self.whole["components"]}
        return jsonschema_rs.validator_for(whole, validate_formats=True).is_valid(value)


@cache
def described(service: str) -> tuple[Json, set[str]]:
    """What a service says of itself, and the texts that nobody gave an example of."""
    app = application(service)
    plugin = next(each for each in app.openapi_config.render_plugins if isinstance(each, Description))  # type: ignore[union-attr]
    return plugin.of(app)


def operations() -> Iterator[Operation]:
    for service in SERVICES:
        whole, _ = described(service)
        for path, item in whole["paths"].items():
            for method, said in item.items():
                yield Operation(f"{method.upper()} {path}", said, whole)


def test_each_operation_says_what_it_does_under_a_name_of_its_own() -> None:
    found = list(operations())
    assert len(found) > 100
    assert [each.route for each in found if not 3 <= len(each.said["summary"]) <= 100] == []
    assert [each.route for each in found if not each.said["description"].startswith(each.said["summary"][:1])] == []
    names = Counter((each.whole["info"]["title"], each.said["operationId"]) for each in found)
    assert [name for name, times in names.items() if times > 1 or not re.fullmatch(r"[a-z]+(_[a-z]+)*", name[1])] == []


@pytest.mark.parametrize("service", SERVICES)
def test_each_text_has_an_example(service: str) -> None:
    """Where one is missing, `examples.toml` of the service needs a line for the field."""
    assert described(service)[1] == set()


def test_each_operation_has_examples_that_fit() -> None:
    wrong = [
        f"{each.route} {at}: {content.get('example')!r}"
        for each in operations()
        for at, content in each.contents().items()
        if "example" not in content or not each.accepts(content["schema"], content["example"])
    ]
    assert wrong == []


def test_a_body_that_takes_no_unknown_fields_says_so() -> None:
    opened: set[str] = set()

    def look(operation: Operation, schema: Json) -> None:
        schema = operation.resolve(schema)
        if "properties" in schema and schema.get("additionalProperties") is not False:
            opened.add(schema["title"])
        for inner in [*schema.get("anyOf", []), *schema.get("properties", {}).values(), schema.get("items", {})]:
            if inner and schema.get("title") not in BROWSERS:
                look(operation, inner)

    for each in operations():
        if body := each.said.get("requestBody", {}).get("content", {}).get("application/json"):
            look(each, body["schema"])
    assert opened == BROWSERS


def test_each_refusal_is_said() -> None:
    """What rights.toml has each role answered, and what any caller may meet."""
    found = {shape(each.route): each.said["responses"] for each in operations()}
    unsaid = [
        f"{right.name} {role}: {cell}"
        for right in declared()
        if (answers := found.get(shape(f"{right.method} {right.path}")))
        for role, cell in right.cells.items()
        if isinstance(cell, int) and str(cell) not in answers
    ]
    assert unsaid == []
    assert [route for route, answers in found.items() if not {"401", "429", "503"} <= answers.keys()] == []
    assert [route for route, answers in found.items() if not any(status[0] == "2" for status in answers)] == []


def test_who_may_use_an_operation_is_said() -> None:
    """`security` names people's sessions, or partners' scopes; what is open to everybody has an empty list."""
    for each in operations():
        ways = [next(iter(way), "") for way in each.said["security"]]
        assert set(ways) <= {"session", "partner", "api_client", ""}, each.route
        assert set(filter(None, ways)) <= each.whole["components"]["securitySchemes"].keys()


def test_patterns_are_read_the_same_by_other_languages() -> None:
    """ECMA 262 with its flag `u`, which JSON Schema asks for, refuses what only Python escapes."""

    def patterns(node: Any) -> Iterator[str]:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            yield from [value] if key == "pattern" and isinstance(value, str) else patterns(value)

    found = {pattern for service in SERVICES for pattern in patterns(described(service)[0])}
    known = r"\\([\\.*+?^$()\[\]{}|/dDsSwWnrtfv]|x[0-9a-f]{2}|u[0-9a-f]{4}|-)"
    assert [pattern for pattern in found if "\\" in re.sub(known, "", pattern)] == []
    assert len(found) > 10
