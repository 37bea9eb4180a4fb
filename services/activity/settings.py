"""What the service reads from the environment."""

from shared.config import ServiceSettings


class ActivitySettings(ServiceSettings, frozen=True, kw_only=True):
    """Seconds, of the live stream: how often it says that it is alive, how long one lives, how long a reader that
    reads nothing is waited for. `stream_replay` is how many missed entries are sent again at most.
    """

    redis_url: str
    stream_heartbeat: float = 12
    stream_life: float = 900
    stream_patience: float = 20
    stream_replay: int = 1000
