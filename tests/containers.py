"""The tests' servers as containers: `PORTAL_TEST_STACK=containers`. Images and health checks are docker-compose.yml's.

On Linux TESTCONTAINERS_CONNECTION_MODE=bridge_ip goes straight to the containers; through published ports Docker's proxy
keeps connections alive that a test has long given up.
"""

import os
import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import httpx2
import yaml
from docker.models.containers import Container
from testcontainers.core.container import DockerContainer

from ops.stack import access
from ops.stack.addresses import Addresses
from ops.stack.errors import StackError
from ops.stack.ports import free_port
from ops.stack.secrets import Passwords

COMPOSE = yaml.safe_load((Path(__file__).parent.parent / "docker-compose.yml").read_text())["services"]
NAMES = ("postgres", "nats", "redis", "mail")
READY_SECONDS = 60
HASTY = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "max_connections=150")
"""Nobody cuts the power of a test."""


class Server:
    """One container, at an address that stays when it is killed and started again."""

    def __init__(self, name: str, command: list[str], *ports: int, folder: str = "", **environment: str) -> None:
        self._name = name
        self._ports = ports
        self._container = DockerContainer(image(name)).with_command(command).with_envs(**environment)
        if folder:
            self._container.with_volume_mapping(str(access.DEPLOY / folder), f"/etc/{folder}", "ro")
        for port in ports:
            self._container.with_bind_ports(port, free_port())
        self._addresses: list[str] = []

    @property
    def addresses(self) -> list[str]:
        """`host:port` for each port, by testcontainers' connection mode: of this machine, or of the container."""
        host = self._container.get_container_host_ip()
        return [f"{host}:{self._container.get_exposed_port(port)}" for port in self._ports]

    @property
    def container(self) -> Container:
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return wrapped

    def start(self) -> None:
        if self._addresses:
            self.container.start()
        else:
            self._container.start()
        before, self._addresses = self._addresses, self.addresses
        if before and before != self._addresses:
            raise StackError(f"{self._name} came back at another address.", "Publish its port: docker_host mode.")

    def until_ready(self) -> None:
        probe: list[str] = COMPOSE[self._name]["healthcheck"]["test"][1:]
        end = time.monotonic() + READY_SECONDS
        while self.container.status != "running" or self.container.exec_run(probe).exit_code:
            if time.monotonic() > end:
                raise StackError(f"{self._name} did not start:", self.container.logs().decode()[-2000:])
            time.sleep(0.1)

    def remove(self) -> None:
        if self._addresses:
            self._container.stop()


class Containers:
    """What `Backing` is, of containers."""

    def __init__(self) -> None:
        self._drawn = drawn = Passwords.draw()
        self._mails: dict[str, bytes] = {}
        postgres = {
            "POSTGRES_PASSWORD": drawn.postgres,
            "POSTGRES_INITDB_ARGS": COMPOSE["postgres"]["environment"]["POSTGRES_INITDB_ARGS"],
        }
        users = access.nats_environment(drawn.nats, dict.fromkeys(access.nats_users(), drawn.nats))
        redis = ["redis-server", "--requirepass", drawn.redis]
        self._servers = {
            "postgres": Server("postgres", ["postgres", *HASTY], 5432, **postgres),
            "nats": Server("nats", ["-c", "/etc/nats/nats.conf"], 4222, folder="nats", **users),
            "redis": Server("redis", redis, 6379, REDISCLI_AUTH=drawn.redis),
            "mail": Server("mail", [], 1025, 8025),
        }

    @cached_property
    def addresses(self) -> Addresses:
        at = {name: server.addresses[0] for name, server in self._servers.items()}
        return Addresses(
            database_admin_url=f"postgresql://postgres:{self._drawn.postgres}@{at['postgres']}/portal",
            nats_url=f"nats://portal:{self._drawn.nats}@{at['nats']}",
            redis_url=f"redis://:{self._drawn.redis}@{at['redis']}/0",
            smtp_url=f"smtp://{at['mail']}",
        )

    def mails(self) -> list[bytes]:
        for each in reversed(self._mail("messages?limit=500").json()["messages"]):  # they come newest first
            if each["ID"] not in self._mails:
                self._mails[each["ID"]] = self._with_envelope(each["ID"])
        return list(self._mails.values())

    def _with_envelope(self, number: str) -> bytes:
        mail = self._mail(f"message/{number}").json()
        head = [f"X-Envelope-From: {mail['ReturnPath']}", *(f"X-Envelope-To: {to['Address']}" for to in mail["To"])]
        return "".join(f"{line}\r\n" for line in head).encode() + self._mail(f"message/{number}/raw").content

    def _mail(self, path: str) -> httpx2.Response:
        return httpx2.get(f"http://{self._servers['mail'].addresses[1]}/api/v1/{path}")

    def start(self, *names: str) -> None:
        for name in names:
            self._servers[name].start()
        for name in names:
            self._servers[name].until_ready()

    def kill(self, name: str) -> None:
        container = self._servers[name].container
        container.kill()
        container.wait()

    def pid(self, name: str) -> int:
        return int(self._servers[name].container.attrs["State"]["Pid"])

    def stop(self) -> None:
        for server in self._servers.values():
            server.remove()


def image(name: str) -> str:
    """The image of a service in docker-compose.yml: `${VARIABLE:-default}` as Compose reads it."""
    named = re.fullmatch(r"\$\{(\w+):-(.+)\}", COMPOSE[name]["image"])
    assert named, COMPOSE[name]["image"]
    return os.environ.get(named[1]) or named[2]


@contextmanager
def containers() -> Generator[Containers]:
    """Running ones; removed at the end, with what they kept."""
    made = Containers()
    try:
        made.start(*NAMES)
        yield made
    finally:
        made.stop()
