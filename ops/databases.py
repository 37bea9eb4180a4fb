"""Which services have a schema in the portal's database, and how each gets there. A command that brings no schema up to
date need not load what does.
"""

from pathlib import Path

from sqlalchemy.engine import URL, make_url

ROOT = Path(__file__).parents[1]


def services_with_schema() -> list[str]:
    """The services that own tables."""
    return sorted(path.parent.name for path in (ROOT / "services").glob("*/migrations"))


def runtime_url(admin_url: str, service: str, password: str) -> str:
    """The address a service uses: the same database as its own role."""
    url = make_url(admin_url).set(username=f"{service}_app", password=password)
    return url.render_as_string(hide_password=False)


def plain_url(url: str | URL) -> str:
    """The same address as asyncpg reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
