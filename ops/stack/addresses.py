"""Where the servers are that the services use, the same facts whether this stack started them or somebody else did."""

from collections.abc import Mapping

import msgspec

from ops.stack.errors import StackError

ADMIN_VARIABLE = "PORTAL_DATABASE_ADMIN_URL"


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """One field per environment variable: `nats_url` is `PORTAL_NATS_URL`."""

    database_admin_url: str = ""
    """A role that may create roles and schemas, and the portal's database: postgresql://admin:...@host:port/portal"""
    nats_url: str = ""
    """The operator's URL, with all permissions; the same holds for `redis_url`."""
    redis_url: str = ""
    nats_users: dict[str, str] = {}
    """The same server as each service (`PORTAL_NATS_URL_IDENTITY`); who is not in it comes as the operator."""
    redis_users: dict[str, str] = {}
    smtp_url: str = ""
    s3_endpoint: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = ""
    mailbox_dir: str = ""
    """A folder with one `.eml` file per caught mail, names in order of arrival; empty when mail really leaves."""

    def environment(self) -> dict[str, str]:
        """The variables that say this to a service or a test."""
        told = msgspec.structs.asdict(self).items()
        return {_variable(name): value for name, value in told if value and isinstance(value, str)}

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Addresses":
        """What `PORTAL_STACK=external` was told: no mailbox, because mails of such a stack really leave.

        Raises `StackError` naming each missing variable.
        """
        required = ("database_admin_url", "nats_url", "redis_url", "smtp_url")
        missing = [_variable(name) for name in required if not environ.get(_variable(name))]
        if missing:
            raise StackError(
                f"PORTAL_STACK=external needs {', '.join(missing)}.", "Set them to your servers' addresses."
            )
        plain = {
            name: environ.get(_variable(name), "")
            for name in cls.__struct_fields__
            if not name.endswith("_users") and name != "mailbox_dir"
        }
        return cls(**plain, nats_users=_users("nats_url", environ), redis_users=_users("redis_url", environ))

    @classmethod
    def takes_from(cls, variable: str) -> bool:
        """Whether an environment variable leads to a server: nothing to hand on to every process."""
        return variable.startswith(("PORTAL_DATABASE_", *(_variable(name) for name in cls.__struct_fields__)))


def _users(field: str, environ: Mapping[str, str]) -> dict[str, str]:
    start = f"{_variable(field)}_"
    return {name.removeprefix(start).lower(): url for name, url in environ.items() if name.startswith(start) and url}


def _variable(field: str) -> str:
    return f"PORTAL_{field.upper()}"
