"""The portal's own processes: their environment, how one is forked, and when it is ready."""

import contextlib
import http.client
import importlib
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formataddr
from pathlib import Path

from ops.databases import runtime_url, services_with_schema
from ops.keys import KeyFiles
from ops.serve import SERVICES, module, serve
from ops.stack import access, process
from ops.stack.addresses import Addresses
from ops.stack.ports import LOOPBACK, free_port, listen
from ops.stack.secrets import Passwords

DEMO_COMPANY = "Northwind Studio"
"""Who the demo portal belongs to, unless PORTAL_COMPANY_NAME says otherwise."""
DEMO_SENDER = "portal@northwind.example"


@dataclass
class Service:
    """One service with its listening socket: bound once by the launcher, so that a service that is started again
    finds the callers of the meantime waiting and refuses none.
    """

    name: str
    socket: socket.socket
    private_port: int = field(default_factory=free_port)
    _said: str = "nothing"

    @property
    def url(self) -> str:
        """Its address on the loopback."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def private_url(self) -> str:
        """The address of its metrics."""
        return f"http://{LOOPBACK}:{self.private_port}"

    @property
    def port(self) -> int:
        """The number its socket listens on."""
        return int(self.socket.getsockname()[1])

    def ready(self) -> bool:
        """Does it serve requests? Never raises."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            self._said = f"{answer.status} {answer.read(500).decode(errors='replace')}"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return answer.status == 200

    def explain(self) -> str:
        """What it last answered to that question."""
        return f"It answers {self._said}"


def bind(public: socket.socket) -> dict[str, Service]:
    """Every service with a socket of its own; the gateway's is the public one."""
    return {name: Service(name, public if name == "gateway" else listen()) for name in SERVICES}


def import_all() -> None:
    """Load every service's code once, before any fork, so that all processes share it."""
    for name in SERVICES:
        importlib.import_module(module(name))


def environments(
    services: Mapping[str, Service],
    addresses: Addresses,
    passwords: Passwords,
    keys: KeyFiles,
    public_url: str,
    *,
    env: str,
) -> dict[str, dict[str, str]]:
    """The environment variables of each service, beside those of this process. `env` is what `PORTAL_ENV` says.

    Only the service that uses a secret gets it.
    """
    shared = {
        "PORTAL_ENV": env,
        "PORTAL_PUBLIC_URL": public_url,
        "PORTAL_HOST": LOOPBACK,
        "PORTAL_JWKS": str(keys.jwks),
    }
    shared |= {f"PORTAL_UPSTREAM_{name.upper()}": each.url for name, each in services.items() if name != "gateway"}
    own = {
        name: {"PORTAL_PORT": str(each.port), "PORTAL_PRIVATE_PORT": str(each.private_port)}
        for name, each in services.items()
    }
    for name in access.nats_users():
        own[name]["PORTAL_NATS_URL"] = addresses.nats_users.get(name, addresses.nats_url)
    for name in access.redis_users():
        own[name]["PORTAL_REDIS_URL"] = addresses.redis_users.get(name, addresses.redis_url)
    for name in services_with_schema():
        own[name]["PORTAL_DATABASE_URL"] = runtime_url(addresses.database_admin_url, name, passwords.services[name])
    own["gateway"]["PORTAL_CLAIMS_KEY_FILE"] = str(keys.claims)
    own["identity"] |= {"PORTAL_TOKEN_KEY_FILE": str(keys.tokens), "PORTAL_SECRETS_KEY_FILE": str(keys.secrets)}
    own["identity"]["PORTAL_ORDERS_KEY_FILE"] = str(keys.orders)
    own["identity"]["PORTAL_SMTP_URL"] = addresses.smtp_url
    own["identity"]["PORTAL_PRIVATE_ISSUERS"] = os.environ.get("PORTAL_PRIVATE_ISSUERS", "true")
    own["notifications"]["PORTAL_SECRETS_KEY_FILE"] = str(keys.webhook_secrets)
    own["notifications"]["PORTAL_PRIVATE_WEBHOOKS"] = os.environ.get("PORTAL_PRIVATE_WEBHOOKS", "true")
    company = os.environ.get("PORTAL_COMPANY_NAME", DEMO_COMPANY)
    own["identity"]["PORTAL_COMPANY_NAME"] = company
    own["identity"]["PORTAL_MAIL_FROM"] = os.environ.get("PORTAL_MAIL_FROM", formataddr((company, DEMO_SENDER)))
    own["portal"]["PORTAL_COMPANY_NAME"] = company
    own["portal"]["PORTAL_SECRETS_KEY_FILE"] = str(keys.form_secrets)
    if addresses.mailbox_dir:
        own["portal"]["PORTAL_MAILBOX_DIR"] = addresses.mailbox_dir
        own["portal"]["PORTAL_MAILBOX_TOKEN"] = passwords.mailbox
    inherited = {name: value for name, value in os.environ.items() if not Addresses.takes_from(name)}
    return {name: {**inherited, **shared, **told} for name, told in own.items()}


def starter(
    service: Service, others: Mapping[str, Service], environ: Mapping[str, str], leave_parent: Callable[[], None]
) -> Callable[[int], process.Child]:
    """A function that forks this service; called again when it ended. `leave_parent` runs first in the child."""

    def work() -> None:
        Path("/proc/self/comm").write_text(f"portal-{service.name}")  # for ps and top: all forks look alike otherwise
        leave_parent()
        for other in others.values():
            if other is not service:
                other.socket.close()
        with contextlib.suppress(KeyboardInterrupt):
            serve(service.name, environ, [service.socket])

    return lambda output: process.fork(work, output)
