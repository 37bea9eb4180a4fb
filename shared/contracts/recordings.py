"""Events of `services/identity` about recorded sessions (docs/decisions/0053)."""

from typing import ClassVar

from shared.events import EventData, SecurityEvent


class SessionRecordingEnabled(SecurityEvent, frozen=True):
    """From now on whatever the client's people open is recorded. The aggregate is the client."""

    type: ClassVar[str] = "session_recording_enabled"
    subject: ClassVar[str] = "identity.client.session_recording_enabled.v1"


class SessionRecordingDisabled(SecurityEvent, frozen=True):
    type: ClassVar[str] = "session_recording_disabled"
    subject: ClassVar[str] = "identity.client.session_recording_disabled.v1"


class SessionVisited(EventData, frozen=True):
    """A request of a recorded session, told before it was answered; the aggregate is the session.

    `kind` is page, action, api, refresh or stream. `path` has no query, and `*` for whatever is neither a word nor an
    id. `request_id` is the gateway's, whose decision log has the same.
    """

    type: ClassVar[str] = "session_visited"
    subject: ClassVar[str] = "identity.session.visited.v1"
    method: str
    path: str
    kind: str
    request_id: str
