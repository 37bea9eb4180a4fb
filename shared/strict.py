"""A request is of the types its handler declares: JSON keeps its types, the text of an address is converted (0109)."""

from functools import lru_cache
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.enums import RequestEncodingType
from litestar.exceptions import ValidationException
from litestar.handlers.base import BaseRouteHandler

from shared.errors import Invalid, UnsupportedMediaType
from shared.language import gettext as _
from shared.problems import AnyRequest, parameter_name

Connection = ASGIConnection[Any, Any, Any, Any]


class StrictRequest(AnyRequest):
    """Reads a JSON body by the types its handler declares: 1 is no boolean, "1" no number."""

    async def json(self) -> Any:
        sent, declared = await super().json(), self.route_handler.parsed_data_field
        try:
            return msgspec.convert(sent, declared.annotation) if declared else sent
        except msgspec.ValidationError as error:
            said, _, where = str(error).partition(" - at `$")
            raise ValidationException(extra=[{"key": where.strip("`.") or "data", "message": said}]) from error


def require_json(connection: Connection) -> None:
    """A body says that it is JSON. What a page elsewhere may send without asking us first never does (Fetch, 2.2.2)."""
    takes = connection.route_handler.parsed_data_field
    forms = (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART)
    if takes is None or getattr(takes.kwarg_definition, "media_type", None) in forms:
        return
    headers = connection.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and ("transfer-encoding" in headers or headers.get("content-length", "0") != "0"):
        raise UnsupportedMediaType


def refuse_null(connection: Connection) -> None:
    """`?client_id=null` is no client, and not all of them: a parameter that is to be none is left out."""
    if not connection.scope["query_string"]:
        return
    for name in _may_be_left_out(connection.route_handler):
        if any(value.lower() == "null" for value in connection.query_params.getall(name, [])):
            raise Invalid(_("Leave this out, or give it a value."), field=name)


@lru_cache(1024)
def _may_be_left_out(handler: BaseRouteHandler) -> list[str]:
    """The parameters of a handler that the framework would read `null` as none for; a text stays what it is."""
    fields = handler.parsed_fn_signature.parameters.items()
    return [
        parameter_name(name, field)
        for name, field in fields
        if field.is_optional and not field.has_inner_subclass_of(str)
    ]
