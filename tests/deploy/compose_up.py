"""The composition really built and started: `make test-compose`, where a container engine answers.

Its own project, secrets, volumes and port; nothing of it is left afterwards.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ops.serve import SERVICES
from ops.stack.ports import free_port
from tests.deploy.composition import ROOT

pytestmark = pytest.mark.timeout(900)
PROJECT = "portal-test-compose"
API = "/api/client-portal"
EMAIL, PASSWORD = "clara@northwind.example", "not-the-demo-password"
END_CHILD_OF_INIT = """
import os, pathlib
for each in pathlib.Path("/proc").glob("[0-9]*"):
    status = (each / "status").read_text()
    if "\\nPPid:\\t1\\n" in status and int(each.name) != os.getpid() and int(each.name) != os.getppid():
        os.kill(int(each.name), 9)
"""
WRITE_EVERYWHERE = """
for folder in ("/", "/app", "/venv", "/etc", "/var/tmp", "/tmp"):
    try:
        open(folder + "/x", "w")
        print(folder)
    except OSError:
        pass
"""
IMPORT_EACH = """
import importlib
found = []
for name in {}:
    try:
        found.append(importlib.import_module(name))
    except ModuleNotFoundError:
        pass
print(found)
"""


@dataclass
class Running:
    """The composition, as an operator and as somebody with a browser reach it."""

    url: str
    environ: dict[str, str]
    env_file: Path

    def compose(self, *words: str, said: str = "", fails: bool = False) -> str:
        argv = ["docker", "compose", "--progress", "quiet", "-p", PROJECT, "--env-file", str(self.env_file), *words]
        done = subprocess.run(argv, cwd=ROOT, env=self.environ, input=said, capture_output=True, text=True, check=False)
        assert fails or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + (done.stderr if fails else "")

    def inside(self, service: str, program: str, *, fails: bool = False) -> str:
        """What a Python program prints inside a running service."""
        return self.compose("exec", "-T", service, "python", "-c", program, fails=fails)

    def inspect(self, service: str) -> dict[str, Any]:
        container = self.compose("ps", "-aq", service).strip()
        return json.loads(subprocess.check_output(["docker", "inspect", container]))[0]

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=15)

    def sign_in(self) -> httpx2.Client:
        http = self.client()
        answer = http.post(f"{API}/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return http


@pytest.fixture(scope="module")
def running(checkout: Path) -> Iterator[Running]:
    port = free_port()
    environ = os.environ | {
        "PORTAL_PORT": str(port),
        "PORTAL_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORTAL_SUBNET": "10.88.58.0/24",
        "PORTAL_TRUSTED_PROXIES": "10.88.58.1",
    }
    running = Running(environ["PORTAL_PUBLIC_URL"], environ, checkout / ".env")
    try:
        running.compose("up", "-d", "--build", "--wait")
        running.compose("run", "--rm", "-T", "ops", "create-admin", EMAIL, "Clara", "Hoffmann", said=f"{PASSWORD}\n")
        yield running
    finally:
        running.compose("--profile", "ops", "down", "-v", "--timeout", "5")


def until(asked: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := asked()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


def secrets(running: Running) -> list[str]:
    found = re.findall(r"=(p[0-9a-f]{48})$", running.env_file.read_text(), re.MULTILINE)
    made = len(re.findall(r"(?:PASSWORD\w*|_KEY)=$", (ROOT / "deploy/env/.env.example").read_text(), re.MULTILINE))
    assert len(found) == made
    return found


def test_the_first_administrator_signs_in_and_sees_every_page(running: Running) -> None:
    http = running.sign_in()
    assert http.get(f"{API}/auth/me").json()["email"] == EMAIL
    for page in ("/", "/clients", "/projects", "/activity", "/profile"):
        assert http.get(page).status_code == 200, page


def test_there_is_one_first_administrator(running: Running) -> None:
    words = ("run", "--rm", "-T", "ops", "create-admin", "x@y.example", "X", "Y")
    assert "There is an administrator already." in running.compose(*words, said=f"{PASSWORD}\n", fails=True)


def test_what_is_written_arrives_in_the_feed(running: Running) -> None:
    http = running.sign_in()
    client = http.post(f"{API}/clients", json={"name": "Acme GmbH"}).json()
    project = {"client_id": client["id"], "name": "Relaunch"}  # the client travels to projects as an event
    until(lambda: http.post(f"{API}/projects", json=project).status_code == 201)
    feed = until(lambda: http.get(f"{API}/activity", params={"client_id": client["id"]}).json()["items"])
    assert "project_created" in {entry["type"] for entry in feed}


def test_a_sign_in_link_is_mailed(running: Running) -> None:
    assert running.client().post(f"{API}/auth/magic-link", json={"email": EMAIL}).status_code == 202
    ask = "import urllib.request as r; print(r.urlopen('http://mail:8025/api/v1/messages').read().decode())"
    mails = until(lambda: json.loads(running.inside("portal", ask))["messages"])
    assert [to["Address"] for to in mails[0]["To"]] == [EMAIL]
    text = running.inside("portal", ask.replace("messages", f"message/{mails[0]['ID']}"))
    assert f"{running.url}/sign-in/link" in text


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_returns_by_itself(running: Running, service: str) -> None:
    http = running.sign_in()
    before = running.inspect(service)["RestartCount"]
    running.inside(service, END_CHILD_OF_INIT, fails=True)
    until(lambda: running.inspect(service)["RestartCount"] > before)
    running.compose("up", "-d", "--wait", "--no-recreate")
    assert http.get("/projects").status_code == 200


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_nobody_and_can_change_nothing(running: Running, service: str) -> None:
    status = running.inside(service, "print(open('/proc/self/status').read())")
    assert re.findall(r"^Uid:\t(\d+)", status, re.MULTILINE) == ["10001"]
    assert set(re.findall(r"^Cap\w+:\t(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    assert running.inside(service, WRITE_EVERYWHERE).split() == ["/tmp"]


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_one_service_and_no_compiler(running: Running, service: str) -> None:
    others = {*SERVICES} - {service}
    names = [other if other == "gateway" else f"services.{other}" for other in others]
    program = IMPORT_EACH.format([*names, "shared.testing", "ops.stack", "ops.cli"])
    assert running.inside(service, program) == "[]\n"
    missing = "import shutil; print(any(map(shutil.which, ('gcc', 'cc', 'make', 'ld', 'git'))))"
    assert running.inside(service, missing) == "False\n"


@pytest.mark.parametrize("service", [*SERVICES, "migrate"])
def test_no_secret_is_in_an_image(running: Running, service: str) -> None:
    image = running.inspect(service)["Image"]
    layers = subprocess.check_output(["docker", "history", "--no-trunc", image], text=True)
    found = layers + subprocess.check_output(["docker", "image", "inspect", image], text=True)
    assert not [secret for secret in secrets(running) if secret in found]
    assert not re.search(r"PASSWORD|SECRET|TOKEN", found)


def test_no_secret_is_on_a_command_line(running: Running) -> None:
    names = [name for name in running.compose("ps", "--services").split() if name != "s3"]  # its image writes that one
    containers = running.compose("ps", "-q", *names).split()
    shown = [
        subprocess.check_output(["docker", "top", container, "-o", "pid,args"], text=True) for container in containers
    ]
    assert len(shown) == len(SERVICES) + 5
    assert not [secret for secret in secrets(running) if secret in "".join(shown)]


def test_only_the_gateway_answers_from_outside(running: Running) -> None:
    names = running.compose("ps", "--services").split()
    published = [name for name in names if any(running.inspect(name)["NetworkSettings"]["Ports"].values())]
    assert published == ["gateway"]


def test_behind_a_proxy_of_this_machine_people_keep_their_own_address(running: Running) -> None:
    running.client().get("/sign-in", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
    until(lambda: '"peer":"198.51.100.7"' in running.compose("logs", "--no-log-prefix", "gateway"))


def test_traces_reach_the_collector(running: Running) -> None:
    running.sign_in().get("/")
    until(lambda: re.search("resource spans|/v1/traces", running.compose("logs", "--no-log-prefix", "traces")))


def test_starting_again_finds_the_same_portal(running: Running) -> None:
    http = running.sign_in()
    running.compose("down", "--timeout", "10")
    running.compose("up", "-d", "--wait")
    assert http.get(f"{API}/auth/me").json()["email"] == EMAIL
