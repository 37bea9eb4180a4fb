"""The service as a process that can be killed and started again."""

from pathlib import Path

from ops.serve import serve
from tests.activity.process import write_to


def serve_notifications(environ: dict[str, str], log: Path) -> None:
    """Serve, with everything that is said in `log`."""
    write_to(log)
    serve("notifications", environ)
