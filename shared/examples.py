"""Examples of JSON schemas, made of their types and of a service's own words for its fields."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
FORMATS = {
    "uuid": "01935f3c-7a00-7000-8000-000000000020",
    "date": "2030-03-01",
    "date-time": "2030-03-01T09:30:00Z",
}
COMMON = {"next_cursor": "WyIyMDMwLTAzLTAxIl0", "cursor": "WyIyMDMwLTAzLTAxIl0", "version": 3}


class Examples:
    """Makes examples. `words` has a field's by its name, or by `Type.field` where the name means something else there,
    and a whole type's by the type's name. `missing` are the texts that nothing was said of.
    """

    def __init__(self, schemas: Mapping[str, Json], words: Mapping[str, Any]) -> None:
        self.missing: set[str] = set()
        self._schemas = schemas
        self._words: Json = {**COMMON, **words}

    def of(self, schema: Json, owner: str = "", field: str = "") -> Any:
        """A value that fits `schema`, which is the one of the type `owner`, or of a field of it."""
        for name in (f"{owner}.{field}", field) if field else (owner,):
            if name in self._words:
                return self._words[name]
        if reference := schema.get("$ref", "").rpartition("/")[2]:
            return self.of(self._schemas[reference], reference)
        if kinds := schema.get("anyOf") or schema.get("oneOf"):
            return self.of(next(each for each in kinds if each.get("type") != "null"), owner, field)
        if "enum" in schema:
            return schema["enum"][0]
        return self._of_type(schema, owner, field)

    def _of_type(self, schema: Json, owner: str, field: str) -> Any:  # noqa: PLR0911  (one for each type)
        match schema.get("type"):
            case "object" if "properties" in schema:
                return {name: self.of(each, owner, name) for name, each in schema["properties"].items()}
            case "object" if values := schema.get("additionalProperties"):
                return {FORMATS["uuid"]: self.of(values, owner, field)}
            case "array":
                return [self.of(schema.get("items", {}), owner, field)]
            case "boolean":
                return schema.get("default", True)
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "string" if "format" in schema:
                return FORMATS[schema["format"]]
            case "string":
                self.missing.add(f"{owner}.{field}")
                return "text"
            case _:
                return {}
