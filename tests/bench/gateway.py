"""The gateway against nginx: plain, and doing the same job with `auth_request`. One worker each, in the same run."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from redis import Redis

from gateway.claims import ClaimsSigner
from gateway.seals import Seal
from gateway.sessions import Session
from ops.keys import new_claims_key
from ops.serve import SERVICES
from ops.stack.backing import backing
from ops.stack.ports import free_port
from shared.clock import now, uuid7
from tests.bench import load
from tests.bench.report import Row

ROOT = Path(__file__).parents[2]
PATH = "/api/client-portal/projects"
UPSTREAMS = tuple(each.upper() for each in SERVICES if each != "gateway")
CONNECTIONS = (8, 16, 64)
ROUNDS = 5
SECONDS = 3
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream service {{ server 127.0.0.1:{service}; keepalive 64; }}
  upstream check {{ server 127.0.0.1:{check}; keepalive 64; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{ listen 127.0.0.1:{plain}; location / {{ proxy_pass http://service; }} }}
  server {{
    listen 127.0.0.1:{asking};
    location / {{
      auth_request /check; auth_request_set $claims $upstream_http_x_claims;
      proxy_set_header Authorization "Bearer $claims"; proxy_pass http://service;
    }}
    location = /check {{
      internal; proxy_pass http://check/; proxy_pass_request_body off;
      proxy_set_header Content-Length ""; proxy_set_header Connection "";
    }}
  }}
}}
"""


def measure() -> list[Row]:
    """Requests a second through each, at 8, 16 and 64 connections."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        print("nginx is not installed (apt-get install nginx-light): no floor for the gateway")
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)
        servers = stack.enter_context(backing(folder / "redis", servers=("redis",)))
        key = msgspec.json.encode(new_claims_key()).decode()
        cookie = sign_in(servers.addresses.redis_url, key)
        ports = {each: free_port() for each in ("service", "check", "gateway", "plain", "asking")}
        start_all(stack, folder, ports, servers.addresses.redis_url, key, nginx)
        targets = ("gateway", "plain", "asking") if nginx else ("gateway",)
        return [row for count in CONNECTIONS for row in rows(count, compare(targets, ports, cookie, count))]


def compare(targets: tuple[str, ...], ports: Mapping[str, int], cookie: str, count: int) -> dict[str, load.Load]:
    """The median run of each, taken in turns: what disturbs the machine disturbs them all."""
    runs: dict[str, list[load.Load]] = {target: [] for target in targets}
    for _ in range(ROUNDS):
        for target in targets:
            url = f"http://127.0.0.1:{ports[target]}{PATH}"
            cookies = {"Cookie": f"portal_session={cookie}"}
            runs[target].append(load.run(url, connections=count, seconds=SECONDS, headers=cookies))
    return {target: sorted(found, key=lambda run: run.per_second)[ROUNDS // 2] for target, found in runs.items()}


def rows(count: int, found: Mapping[str, load.Load]) -> Iterator[Row]:
    ours = found["gateway"]
    for floor, words, budget in (("asking", "nginx + auth_request", 1.0), ("plain", "nginx", 0.5)):
        if floor in found:
            peer = found[floor].per_second
            met = ours.per_second >= budget * peer
            name = f"gateway, {count} connections, to {words}"
            yield Row(name, ours.per_second, "/s", peer, f">= {budget} of {words}", met)
    yield Row(f"gateway, {count} connections, p99", ours.p99, "ms")


def sign_in(redis_url: str, key: str) -> str:
    """A session, where the gateway and nginx's check both find it."""
    cookie = secrets.token_urlsafe(32)
    session = Session(
        uuid7(), uuid7(), "Anna Keller", "client", uuid7(), 1, [], {uuid7(): "approver"}, True, now() + timedelta(days=1),
        now(),
    )  # fmt: skip
    with Redis.from_url(redis_url) as store:
        digest = sha256(cookie.encode()).hexdigest()
        seal = Seal(ClaimsSigner(key).secret("sessions"))
        store.set(f"session:{digest}", seal.close(digest, msgspec.json.encode(session), 24 * 3600))
    return cookie


def start_all(
    stack: ExitStack, folder: Path, ports: Mapping[str, int], redis_url: str, key: str, nginx: str | None
) -> None:
    """The service, the session check, the gateway and nginx; each answers when this returns."""
    here = f"http://127.0.0.1:{ports['service']}"
    settings = {
        "PORTAL_PORT": str(ports["gateway"]),
        "PORTAL_REDIS_URL": redis_url,
        "PORTAL_CLAIMS_KEY": key,
        "PORTAL_REQUESTS_PER_MINUTE": "100000000",
        "PORTAL_SESSION_REQUESTS_PER_MINUTE": "100000000",
        **{f"PORTAL_UPSTREAM_{name}": here for name in UPSTREAMS},
    }
    granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1", "--no-access-log", "--port"]
    commands = {
        "service": [*granian, str(ports["service"]), "tests.bench.gateway_peers:service"],
        "check": [*granian, str(ports["check"]), "--factory", "tests.bench.gateway_peers:session_check"],
        "gateway": [sys.executable, "-m", "ops.serve", "gateway"],
    }
    if nginx:
        user = "user root;" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, user=user, **ports))
        commands["plain"] = [nginx, "-c", str(config), "-e", str(folder / "nginx.log")]
    for name, command in commands.items():
        stack.enter_context(running(command, settings, folder / f"{name}.log"))
    for name in commands:
        await_port(ports[name])


@contextmanager
def running(command: list[str], settings: Mapping[str, str], log: Path) -> Generator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=output, stderr=output)
        try:
            yield
        finally:
            process.terminate()
            process.wait(10)


def await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
