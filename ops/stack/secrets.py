"""The passwords of an embedded stack: made once, kept beside the data, readable by their owner only."""

import os
import secrets
from collections.abc import Collection
from pathlib import Path

import msgspec

from ops.stack import access


class Passwords(msgspec.Struct, frozen=True, kw_only=True):
    """One per server for its operator, and one per service for each server it uses."""

    postgres: str
    nats: str
    redis: str
    s3_key: str
    s3_secret: str
    services: dict[str, str]
    nats_users: dict[str, str] = {}
    redis_users: dict[str, str] = {}
    mailbox: str = ""
    """What opens the page with the mails."""

    @classmethod
    def draw(cls) -> "Passwords":
        """New ones, 192 random bits each."""
        return cls(
            postgres=_draw(),
            nats=_draw(),
            redis=_draw(),
            s3_key=f"portal{secrets.token_hex(6)}",
            s3_secret=_draw(),
            services={},
            mailbox=_draw(),
        )


def load_passwords(path: Path, services: list[str]) -> Passwords:
    """Those of `path`, made at the first call; what is new since then is added."""
    kept = msgspec.json.decode(path.read_bytes(), type=Passwords) if path.exists() else Passwords.draw()
    complete = msgspec.structs.replace(
        kept,
        services=_all_of(kept.services, services),
        mailbox=kept.mailbox or _draw(),
        nats_users=_all_of(kept.nats_users, access.nats_users()),
        redis_users=_all_of(kept.redis_users, access.redis_users()),
    )
    if complete != kept or not path.exists():
        kept = complete
        write_private(path, msgspec.json.format(msgspec.json.encode(kept)))
    return kept


def _all_of(kept: dict[str, str], names: Collection[str]) -> dict[str, str]:
    return kept | {name: _draw() for name in names if name not in kept}


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` (0600) at once: a reader, or a crash, meets the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _draw() -> str:
    return secrets.token_urlsafe(24)
