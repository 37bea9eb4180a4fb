"""The composition as an operator gets it who did nothing but the two documented commands."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.composition import ROOT, composition, read_variables


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of a checkout as the first command needs, after that command."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "deploy" / "env", folder / "deploy" / "env")
    generate(folder)
    return folder


@pytest.fixture(scope="session")
def variables(checkout: Path) -> dict[str, str]:
    return read_variables((checkout / ".env").read_text())


@pytest.fixture(scope="session")
def services(variables: dict[str, str]) -> dict[str, Any]:
    return composition(variables)["services"]


def generate(folder: Path) -> None:
    subprocess.run(["sh", folder / "deploy" / "env" / "generate.sh"], check=True, capture_output=True)
