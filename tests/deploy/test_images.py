"""deploy/Dockerfile: what it copies is there, and an image holds its own service alone."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.serve import SERVICES, module
from tests.deploy.composition import ROOT

DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", "")
STAGES = dict(re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL))


def copied(stage: str) -> list[str]:
    """What a stage takes from the repository."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", STAGES[stage], re.MULTILINE)
    return [source for line in lines for source in line.split()]


def held_by(service: str) -> list[str]:
    """What the image of a service takes from the repository."""
    stages = {"gateway": ("kernel", "gateway"), "portal": ("kernel", "service", "portal")}
    return [source for stage in stages.get(service, ("kernel", "service")) for source in copied(stage)]


def builds(services: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: service["build"] for name, service in services.items() if "build" in service}


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_stage_copies_is_there(stage: str) -> None:
    for source in copied(stage):
        for service in ("identity",) if "${SERVICE}" not in source else sorted({*SERVICES} - {"gateway"}):
            assert (ROOT / source.replace("${SERVICE}", service)).exists(), source


def test_a_service_gets_the_kernel_the_starter_and_itself() -> None:
    assert copied("kernel") == ["shared", *(f"ops/{name}.py" for name in ("__init__", "serve", "watchdog", "probe"))]
    assert copied("service") == ["services/__init__.py", "services/${SERVICE}"]
    assert copied("gateway") == ["gateway"]
    assert copied("portal") == ["docs/guide"]  # what the portal shows under Help


@pytest.mark.parametrize("service", SERVICES)
def test_with_what_its_image_holds_a_service_can_be_imported(service: str, tmp_path: Path) -> None:
    for source in held_by(service):
        held = source.replace("${SERVICE}", service)
        (tmp_path / held).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / held).symlink_to(ROOT / held)
    imports = f"import ops.serve, importlib; importlib.import_module({module(service)!r})"
    done = subprocess.run(
        [sys.executable, "-c", imports], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_each_service_of_the_composition_builds_its_own_image(services: dict[str, Any]) -> None:
    for name in SERVICES:
        build = builds(services)[name]
        assert services[name]["image"] == f"client-portal/{name}:dev"
        assert build["dockerfile"] == "deploy/Dockerfile"
        assert build["target"] == (name if name in ("gateway", "portal") else "service")
        assert build.get("args", {}) == ({} if name == "gateway" else {"SERVICE": name})


def test_packages_are_locked_by_hash_and_nothing_is_compiled() -> None:
    assert "--require-hashes" in STAGES["packages"]
    assert "--only-binary :all:" in STAGES["packages"]
    assert "apt-get" not in DOCKERFILE


@pytest.mark.parametrize("stage", ["service", "gateway", "ops"])
def test_what_runs_is_not_root_and_the_last_layer_adds_nothing(stage: str) -> None:
    instructions = [line.split()[0] for line in STAGES[stage].splitlines() if re.match(r"[A-Z]+ ", line)]
    after = instructions[instructions.index("USER") + 1 :]
    assert "USER 10001:10001" in STAGES[stage]
    assert set(after) <= {"ENV", "CMD", "ENTRYPOINT", "HEALTHCHECK"}


def test_base_images_can_be_replaced() -> None:
    bases = {line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("FROM ")}
    assert bases == {"${PYTHON_IMAGE}", "kernel", "service"}
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim$", DOCKERFILE, re.MULTILINE)


def test_no_secret_is_an_argument_of_a_build() -> None:
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|SECRET|TOKEN|_KEY)", DOCKERFILE, re.MULTILINE)


def test_the_folders_that_are_written_to_are_the_images_own(services: dict[str, Any]) -> None:
    """An empty volume takes over the folder's owner; without the folder it is root's, and nothing can be written."""
    (made,) = re.findall(r"install -d -o 10001 -g 10001 -m 700 (.+)", STAGES["ops"])
    of_image = [service for service in services.values() if service["image"] == services["ops"]["image"]]
    mounted = {volume.partition(":")[2] for service in of_image for volume in service.get("volumes", [])}
    assert set(made.split()) == mounted
