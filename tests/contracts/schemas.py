"""The published events as JSON Schema, and what may not change about them.

`python -m tests.contracts.schemas` writes down the present state, and what the documents list of it. Do that after adding an event or an optional field;
anything else is refused by test_schemas.py and needs a new version of the subject instead.
"""

from pathlib import Path
from typing import Any

import msgspec

from shared.contracts import EVENTS, subjects_of
from shared.events import EventData
from tests.contracts import catalogue

HERE = Path(__file__).parent
SNAPSHOT = HERE / "schemas.json"
Schema = dict[str, Any]


def schemas_of(kind: type[EventData]) -> dict[str, Schema]:
    """What a reader of this event may rely on, by its subjects, and of each struct in it, by the struct's name; words for
    people are left out.
    """
    parts = msgspec.json.schema_components([kind], ref_template="{name}")[1]
    names = {kind.__name__: subjects_of(kind)}
    return {
        called: {
            "type": kind.type if name in names else name,
            "fields": {each: _shape(field) for each, field in part["properties"].items()},
            "required": sorted(part.get("required", [])),
        }
        for name, part in parts.items()
        for called in names.get(name, [name])
    }


def _shape(field: Schema) -> Schema:
    return {key: value for key, value in field.items() if key not in ("title", "description")}


def present() -> dict[str, Schema]:
    """All events by subject, and what they are made of."""
    return {name: schema for kind in EVENTS.values() for name, schema in schemas_of(kind).items()}


def breaks(old: dict[str, Schema], new: dict[str, Schema]) -> list[str]:
    """Why yesterday's events or yesterday's readers would fail with `new`. Empty: only things were added."""
    found: list[str] = []
    for subject, before in old.items():
        after = new.get(subject)
        if after is None:
            found.append(f"{subject}: is gone")
            continue
        if after["type"] != before["type"]:
            found.append(f"{subject}: is called {after['type']} now")
        for name, shape in before["fields"].items():
            if name not in after["fields"]:
                found.append(f"{subject}: {name} is gone")
            elif after["fields"][name] != shape:
                found.append(f"{subject}: {name} has another shape")
        found += [f"{subject}: {name} is required now" for name in after["required"] if name not in before["required"]]
    return found


if __name__ == "__main__":
    kept: dict[str, Schema] = msgspec.json.decode(SNAPSHOT.read_bytes()) if SNAPSHOT.exists() else {}
    if broken := breaks(kept, present()):
        raise SystemExit("Not compatible:\n" + "\n".join(broken))
    catalogue.write()
    SNAPSHOT.write_bytes(msgspec.json.format(msgspec.json.encode(present(), order="sorted"), indent=2) + b"\n")
