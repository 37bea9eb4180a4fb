"""`ETag` and `If-Match` of handlers that show or change something with a version."""

from typing import Annotated, Protocol, TypeVar

from litestar import Response
from litestar.params import Parameter

from services.projects.versions import etag
from shared.texts import TEXT

IfMatch = Annotated[str | None, Parameter(header="If-Match", max_length=400, pattern=TEXT, default=None)]


class _HasVersion(Protocol):
    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=_HasVersion)


def with_etag(view: V) -> Response[V]:
    """The answer that shows `view`, tagged with its version."""
    return Response(view, headers={"ETag": etag(view.version)})
