"""Secrets: none in the repository, random ones by the documented command, kept when it is run again."""

import re
import shutil
from pathlib import Path

from tests.deploy.composition import ROOT, read_variables
from tests.deploy.conftest import generate

SECRETS = re.compile(r"PASSWORD|_KEY$")


def test_the_example_has_every_secret_and_no_value_for_any() -> None:
    example = read_variables((ROOT / "deploy/env/.env.example").read_text())
    secrets = {name: value for name, value in example.items() if SECRETS.search(name)}
    assert len(secrets) >= 8
    assert set(secrets.values()) == {""}


def test_each_secret_is_random_and_fits_into_an_address(variables: dict[str, str]) -> None:
    secrets = [value for name, value in variables.items() if SECRETS.search(name)]
    assert len(set(secrets)) == len(secrets) >= 8
    assert all(re.fullmatch(r"p[0-9a-f]{48}", secret) for secret in secrets)


def test_only_the_operator_may_read_them(checkout: Path) -> None:
    assert (checkout / ".env").stat().st_mode & 0o077 == 0


def test_run_again_it_changes_nothing(checkout: Path) -> None:
    before = (checkout / ".env").read_bytes()
    generate(checkout)
    assert (checkout / ".env").read_bytes() == before
    assert not (checkout / ".env.new").exists()


def test_after_an_update_it_adds_what_is_new_and_keeps_what_the_operator_wrote(checkout: Path, tmp_path: Path) -> None:
    shutil.copytree(checkout / "deploy", tmp_path / "deploy")
    old = (checkout / ".env").read_text().splitlines()
    kept = [*(line for line in old if not line.startswith("REDIS_PASSWORD=")), "MINE=1", "PORTAL_OTLP_ENDPOINT="]
    (tmp_path / ".env").write_text("\n".join(kept))
    generate(tmp_path)
    *lines, added = (tmp_path / ".env").read_text().splitlines()
    assert lines == kept
    assert re.fullmatch(r"REDIS_PASSWORD=p[0-9a-f]{48}", added)


def test_git_and_docker_never_see_them() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
    allowed = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    shipped = ["!gateway", "!ops", "!requirements/base.txt", "!services", "!shared"]
    assert sorted(allowed) == ["!docs/guide", "!docs/guide/*/*.md", *shipped]
