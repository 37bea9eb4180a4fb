"""Settings: a frozen msgspec Struct per process, filled from the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound="Settings")
UPSTREAM = "PORTAL_UPSTREAM_"
_ADDRESS = re.compile(r"http://[^/?#@]+")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What every process reads. A field `database_url` comes from `PORTAL_DATABASE_URL`, or from the file named by
    `PORTAL_DATABASE_URL_FILE` (the usual way to mount a secret).
    """

    env: str = "production"
    public_url: str = "http://localhost:8080"
    host: str = "127.0.0.1"
    port: int = 8000
    private_port: int = 0
    jwks: str = ""
    otlp_endpoint: str = ""
    log_level: str = "INFO"
    time_zone: str = "UTC"
    """Where the company is, as an IANA name (Europe/Berlin): its day is the portal's."""
    clock_offset: str = ""
    """How far ahead of the time the portal's clock is, as in `+8d`: only where `env` is `embedded`."""
    upstreams: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Where the other services are by name, each `http://host:port`: `PORTAL_UPSTREAM_IDENTITY` and so on."""

    def upstream(self, name: str) -> str:
        """The address of the service `name`. Raises `SettingsError` where it was not told."""
        if name not in self.upstreams:
            raise SettingsError(f"{UPSTREAM}{name.upper()} is not set")
        return self.upstreams[name]


class ServiceSettings(Settings, frozen=True, kw_only=True):
    """A service that owns a schema and publishes events."""

    database_url: str
    nats_url: str
    database_pool: int = 6
    """Connections for writes; hot reads have as many again."""


class SettingsError(Exception):
    """The environment does not describe a valid process; the message names the variable."""


def load(kind: type[T], environ: Mapping[str, str] | None = None) -> T:
    """Build `kind` from the environment. Raises `SettingsError` naming each missing or malformed variable."""
    env = os.environ if environ is None else environ
    names = sorted({name.removesuffix("_FILE") for name in env if name.startswith(UPSTREAM)})
    told = {name: _told(env, name) or "" for name in names}
    found: dict[str, Any] = {"upstreams": {name.removeprefix(UPSTREAM).lower(): told[name] for name in told}}
    errors = [f"{name}: not of the form http://host:port" for name in told if not _ADDRESS.fullmatch(told[name])]
    for field in msgspec.structs.fields(kind):
        if field.name in found:
            continue
        name = f"PORTAL_{field.name.upper()}"
        value = _told(env, name)
        if value is None:
            if field.required:
                errors.append(f"{name} is not set")
            continue
        try:
            msgspec.convert(value, field.type, strict=False)
            found[field.name] = value
        except msgspec.ValidationError as error:
            errors.append(f"{name}: {error}")
    if errors:
        raise SettingsError("; ".join(errors))
    return msgspec.convert(found, kind, strict=False)


def _told(env: Mapping[str, str], name: str) -> str | None:
    try:
        return Path(env[f"{name}_FILE"]).read_text().strip() if f"{name}_FILE" in env else env.get(name)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE: {error}") from error
