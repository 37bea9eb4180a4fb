"""Permissions on NATS and Redis: the files that Compose mounts, read for the embedded servers.

Passwords stand in neither file: NATS fills in variables of its own environment, Redis is given the text filled in.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

DEPLOY = Path(__file__).parents[2] / "deploy"
NATS = DEPLOY / "nats" / "users.conf"
REDIS = DEPLOY / "redis" / "users.conf"
_PASSWORD = re.compile(r"\$\{?(?:NATS|REDIS)_PASSWORD_([A-Z_]+)")


def nats_users() -> list[str]:
    """The services that use NATS."""
    return _users(NATS)


def redis_users() -> list[str]:
    """The services that use Redis."""
    return _users(REDIS)


def nats_environment(operator: str, users: Mapping[str, str]) -> dict[str, str]:
    """What NATS fills into its file. In quotes: it would take some passwords for numbers."""
    named = {f"NATS_PASSWORD_{name.upper()}": password for name, password in users.items()}
    return {name: f'"{password}"' for name, password in ({"NATS_PASSWORD": operator} | named).items()}


def redis_rules(users: Mapping[str, str]) -> str:
    """The lines of Redis' configuration."""
    named = {f"REDIS_PASSWORD_{name.upper()}": password for name, password in users.items()}
    return Template(REDIS.read_text()).substitute(named)


def _users(path: Path) -> list[str]:
    return [name.lower() for name in _PASSWORD.findall(path.read_text())]
