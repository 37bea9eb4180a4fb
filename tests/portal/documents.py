"""The services' OpenAPI documents, and what is wrong with a value, or with a shape that pages read, by them."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import inspect

from shared.http import API
from tests.isolation.routes import application

Schema = Mapping[str, Any]
NAMED = {
    inspect.StrType: "string",
    inspect.UUIDType: "string",
    inspect.DateType: "string",
    inspect.DateTimeType: "string",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
}
FORMATS = {inspect.UUIDType: "uuid", inspect.DateType: "date", inspect.DateTimeType: "date-time"}
PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class Document:
    """One service's description of itself."""

    def __init__(self, service: str) -> None:
        self._whole: Schema = application(service).openapi_schema.to_schema()

    def answer(self, method: str, path: str) -> Schema | None:
        """The schema of the good answer to a request, `{}` for one without a body; None where there is no such route.
        What is filled into the path is `{}`.
        """
        for template, item in self._whole["paths"].items():
            if re.sub(r"{[^}]*}", "{}", template.removeprefix(f"{API}/")) == path and method.lower() in item:
                return _good(item[method.lower()])
        return None

    def answer_at(self, method: str, path: str) -> Schema | None:
        """The same for a path as it is asked; words go before what is filled in."""
        shapes = {
            template: re.sub(r"{[^}]*}", "[^/]+", template.removeprefix(f"{API}/")) for template in self._whole["paths"]
        }
        for template in sorted(shapes, key=lambda each: each.count("{")):
            operation = self._whole["paths"][template].get(method.lower())
            if operation and re.fullmatch(shapes[template], path):
                return _good(operation)
        return None

    def _forms(self, schema: Schema) -> list[Schema]:
        """The forms a value may have: references followed, alternatives taken apart."""
        if "$ref" in schema:
            return self._forms(self._whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        for word in ("oneOf", "anyOf"):
            if word in schema:
                return [form for each in schema[word] for form in self._forms(each)]
        kinds = schema.get("type")
        return [{**schema, "type": kind} for kind in kinds] if isinstance(kinds, list) else [schema]

    def unread(self, kind: inspect.Type, schema: Schema, where: str) -> Iterator[str]:
        """What this shape expects that the service does not promise, or cannot read that it does."""
        for form in self._forms(schema):
            yield from self._unread_form(kind, form, where)

    def _unread_form(self, kind: inspect.Type, form: Schema, where: str) -> Iterator[str]:
        kind = kind.type if isinstance(kind, inspect.Metadata) else kind
        wanted = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
        if not form or any(isinstance(each, inspect.AnyType | inspect.RawType) for each in wanted):
            return
        if "enum" in form or "const" in form:
            yield from _unread_words(wanted, form, where)
            return
        fitting = [each for each in wanted if _fits(each, form)]
        if not fitting:
            yield f"{where}: the service may answer {form.get('type')} {form.get('format', '')}".rstrip()
        for each in fitting[:1]:
            match each:
                case inspect.StructType():
                    yield from self._unread_fields(each, form, where)
                case inspect.ListType():
                    yield from self.unread(each.item_type, form.get("items", {}), f"{where}[]")
                case inspect.DictType() if isinstance(form.get("additionalProperties"), Mapping):
                    yield from self.unread(each.value_type, form["additionalProperties"], f"{where}.*")
                case _:
                    pass

    def _unread_fields(self, kind: inspect.StructType, form: Schema, where: str) -> Iterator[str]:
        properties, promised = form.get("properties", {}), form.get("required", ())
        for field in kind.fields:
            here = f"{where}.{field.encode_name}"
            if field.encode_name not in properties:
                if not _is_own(field.type):
                    yield f"{here}: the service answers no such field"
                continue
            if field.required and field.encode_name not in promised:
                yield f"{here}: the service may leave it out"
            yield from self.unread(field.type, properties[field.encode_name], here)

    def told(self, value: Any, schema: Schema) -> Any:
        """A value as the service answers it: without fields that it does not have, and with each that it always has,
        empty where `value` says nothing of it.
        """
        form = next((each for each in self._forms(schema) if _is_a(value, each)), {})
        if isinstance(value, list):
            return [self.told(each, form.get("items", {})) for each in value]
        if not isinstance(value, dict) or "properties" not in form:
            return value
        known = form["properties"]
        always = {name: self._nothing(known[name]) for name in form.get("required", ()) if name not in value}
        return always | {name: self.told(each, known[name]) for name, each in value.items() if name in known}

    def _nothing(self, schema: Schema) -> Any:
        forms = self._forms(schema)
        kinds = [each.get("type") for each in forms]
        if "null" in kinds or any(None in each.get("enum", ()) for each in forms):
            return None
        nothing: dict[str | None, Any] = {"array": [], "boolean": False, "integer": 0, "number": 0, "string": ""}
        return self.told({}, forms[0]) if kinds[0] == "object" else nothing.get(kinds[0])

    def strange(self, value: Any, schema: Schema, where: str) -> Iterator[str]:
        """What of a value the service would never answer."""
        forms = self._forms(schema)
        form = next((each for each in forms if _is_a(value, each)), None)
        if form is None:
            yield f"{where}: {value!r}"
        elif isinstance(value, list):
            for each in value:
                yield from self.strange(each, form.get("items", {}), f"{where}[]")
        elif isinstance(value, dict) and "properties" in form:
            yield from (f"{where}.{name}: is missing" for name in form.get("required", ()) if name not in value)
            for name, each in value.items():
                yield from self.strange(each, form["properties"][name], f"{where}.{name}")


def _good(operation: Schema) -> Schema:
    good = next((each for status, each in sorted(operation["responses"].items()) if status.startswith("2")), {})
    return good.get("content", {}).get("application/json", {}).get("schema", {})


@cache
def document(service: str) -> Document:
    return Document(service)


def shape_of(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def _is_own(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.Metadata) and bool((kind.extra or {}).get("own"))


def _fits(kind: inspect.Type, form: Schema) -> bool:
    """Whether a shape can read what this form describes, as far as its outside goes."""
    named = form.get("type")
    match kind:
        case inspect.StructType() | inspect.DictType():
            return named == "object"
        case inspect.ListType():
            return named == "array"
        case inspect.LiteralType():
            return False
        case inspect.FloatType():
            return named in ("number", "integer")
        case _:
            wanted = FORMATS.get(type(kind))
            return NAMED.get(type(kind)) == named and (wanted is None or form.get("format") == wanted)


def _unread_words(wanted: tuple[inspect.Type, ...], form: Schema, where: str) -> Iterator[str]:
    if any(isinstance(each, inspect.StrType) for each in wanted):
        return
    read = {value for each in wanted if isinstance(each, inspect.LiteralType) for value in each.values}
    read |= {None} if any(isinstance(each, inspect.NoneType) for each in wanted) else set()
    if more := {*form.get("enum", ()), *([form["const"]] if "const" in form else ())} - read:
        yield f"{where}: the service may answer {sorted(map(str, more))}"


def _is_a(value: Any, form: Schema) -> bool:
    if not form:
        return True
    if "enum" in form or "const" in form:
        return value in form.get("enum", [form.get("const")])
    named = form.get("type")
    if isinstance(value, dict | list):
        return named == ("object" if isinstance(value, dict) else "array")
    if named == "number" and type(value) is int:
        return True
    if PLAIN[type(value)] != named:
        return False
    return _has_format(value, form.get("format")) if isinstance(value, str) else True


def _has_format(value: str, named: str | None) -> bool:
    kinds: dict[str | None, Any] = {"uuid": UUID, "date": inspect.datetime.date, "date-time": inspect.datetime.datetime}
    if named not in kinds:
        return True
    try:
        msgspec.convert(value, kinds[named])
    except msgspec.ValidationError:
        return False
    return True
