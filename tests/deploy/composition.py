"""docker-compose.yml as Compose reads it, as far as the tests need it: anchors merged, variables filled in."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<word>[^}]*))?\}")


class Missing(Exception):
    """A variable that the file insists on is not set; says what the file says."""


def composition(variables: dict[str, str]) -> dict[str, Any]:
    """The file with `variables` in it. Raises `Missing`."""
    return _filled(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), variables)


def environment(service: dict[str, Any], variables: dict[str, str]) -> dict[str, str]:
    """What a service finds in its environment; a name without a value is passed on, if it is set."""
    told = service.get("environment", {}).items()
    known = {name: variables.get(name) if value is None else str(value) for name, value in told}
    return {name: value for name, value in known.items() if value is not None}


def read_variables(text: str) -> dict[str, str]:
    """The content of an .env file."""
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def _filled(node: Any, variables: dict[str, str]) -> Any:
    match node:
        case dict():
            return {key: _filled(value, variables) for key, value in node.items()}
        case list():
            return [_filled(value, variables) for value in node]
        case str():
            return VARIABLE.sub(lambda found: _value(found, variables), node).replace("$$", "$")
        case _:
            return node


def _value(found: re.Match[str], variables: dict[str, str]) -> str:
    value = variables.get(found["name"], "")
    if not value and found["how"] == ":?":
        raise Missing(found["word"])
    return value or (found["word"] if found["how"] == ":-" else "")
