"""What the statuses of refusals are called (RFC 9110, 15; RFC 6585): the titles of problems (RFC 9457)."""

from shared.language import gettext as _
from shared.language import marked

PHRASES = {
    400: marked("Bad Request"),
    401: marked("Unauthorized"),
    403: marked("Forbidden"),
    404: marked("Not Found"),
    405: marked("Method Not Allowed"),
    408: marked("Request Timeout"),
    409: marked("Conflict"),
    412: marked("Precondition Failed"),
    413: marked("Content Too Large"),
    414: marked("URI Too Long"),
    415: marked("Unsupported Media Type"),
    422: marked("Unprocessable Content"),
    429: marked("Too Many Requests"),
    431: marked("Request Header Fields Too Large"),
    500: marked("Internal Server Error"),
    501: marked("Not Implemented"),
    502: marked("Bad Gateway"),
    503: marked("Service Unavailable"),
    504: marked("Gateway Timeout"),
    505: marked("HTTP Version Not Supported"),
}


def title(status: int) -> str:
    """The name of a status, in the language of whoever reads."""
    return _(PHRASES.get(status, PHRASES[400 if status < 500 else 500]))  # RFC 9110, 15: as x00 where it is not known
