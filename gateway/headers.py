"""Headers are rebuilt, never filtered: what is not on a list here does not exist upstream.

Whole names are compared, so aliases such as `x_portal_user`, `x.portal.user` or `Authorization ` are not forwarded.
"""

from collections.abc import Iterable

from gateway.problems import Refused

Headers = list[tuple[bytes, bytes]]

_LISTS = frozenset({b"accept", b"accept-encoding", b"accept-language", b"cookie", b"if-match", b"if-none-match"})
"""Headers whose value is a list: several lines of one name mean the same as one (RFC 9110, 5.3)."""

_FORWARDED = _LISTS | {
    b"content-disposition",
    b"content-language",
    b"content-type",
    b"hx-boosted",
    b"hx-current-url",
    b"hx-history-restore-request",
    b"hx-prompt",
    b"hx-request",
    b"hx-target",
    b"hx-trigger",
    b"hx-trigger-name",
    b"idempotency-key",
    b"if-modified-since",
    b"if-range",
    b"if-unmodified-since",
    b"last-event-id",
    b"range",
    b"referer",
    b"sec-purpose",
    b"user-agent",
    b"x-csrf-token",
}
_READ = frozenset(
    {
        b"authorization",
        b"connection",
        b"content-length",
        b"forwarded",
        b"host",
        b"origin",
        b"sec-fetch-site",
        b"traceparent",
        b"transfer-encoding",
        b"x-forwarded-for",
    }
)
"""Headers the gateway itself decides on; none of them travels further."""

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OURS = frozenset({b"authorization", b"date", b"server", b"traceparent", b"x-request-id"})
"""Answer headers that only the gateway may set."""
_DROPPED = _HOP_BY_HOP | _OURS

_BODILESS = (204, 304)
"""No body follows, so a length that speaks of one (RFC 9110, 8.6 allows it for 304) would only confuse."""

_MAY_REPEAT = _LISTS | {b"authorization", b"connection", b"forwarded", b"x-forwarded-for"}
"""Two credentials read as one that is no good; so it stays a matter of who is calling, and no malformed request."""


class Inbound:
    """The headers of one request, read once: `forwarded` go on, `read` are for the gateway's own decisions."""

    __slots__ = ("forwarded", "read")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        forwarded: dict[bytes, bytes] = {}
        read: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in _FORWARDED:
                place = forwarded
            elif name in _READ:
                place = read
            else:
                continue
            place[name] = value if name not in place else _join(name, place[name], value)
        self.forwarded = forwarded
        self.read = read
        if b"connection" in read:
            self._drop_listed(read[b"connection"])

    def _drop_listed(self, connection: bytes) -> None:
        """What the caller declared hop-by-hop ends here (RFC 9110, 7.6.1); claims are added later, out of reach."""
        for name in self.forwarded.keys() & map(bytes.strip, connection.lower().split(b",")):
            del self.forwarded[name]


def _join(name: bytes, first: bytes, second: bytes) -> bytes:
    if name not in _MAY_REPEAT:
        raise Refused(400, "gateway.ambiguous_header", "A header that counts once was sent twice.")
    return first + (b"; " if name == b"cookie" else b", ") + second


def answer_headers(status: int, upstream: Headers, always: Headers, defaults: Headers) -> Headers:
    """The upstream's answer headers without hop-by-hop ones, our own set, and the security ones where it set none."""
    dropped = _DROPPED if status not in _BODILESS else _DROPPED | {b"content-length"}
    names = [name for name, _ in upstream]
    if b"connection" in names:
        listed = b",".join(value for name, value in upstream if name == b"connection").lower()
        dropped = dropped | {token.strip() for token in listed.split(b",")}
    kept = [header for header in upstream if header[0] not in dropped]
    kept += always
    kept += [header for header in defaults if header[0] not in names]
    return kept
