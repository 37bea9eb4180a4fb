"""What a process is told by its environment."""

from pathlib import Path

import pytest

from shared.config import Settings, SettingsError, load


def test_every_setting_may_stand_in_a_file(tmp_path: Path) -> None:
    """A field of any kind, and the addresses of the other services, whose names no field has."""
    said = {"PUBLIC_URL": "https://portal.test", "PORT": "8123", "UPSTREAM_IDENTITY": "http://identity:8000"}
    for name, value in said.items():
        (tmp_path / name).write_text(f"{value}\n")
    environ = {f"PORTAL_{name}_FILE": str(tmp_path / name) for name in said}
    settings = load(Settings, environ | {"PORTAL_UPSTREAM_PROJECTS": "http://projects:8000"})
    assert (settings.public_url, settings.port) == ("https://portal.test", 8123)
    assert settings.upstreams == {"identity": "http://identity:8000", "projects": "http://projects:8000"}


def test_an_address_that_is_none_is_named_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("identity:8000")
    with pytest.raises(SettingsError, match="PORTAL_UPSTREAM_IDENTITY: not of the form"):
        load(Settings, {"PORTAL_UPSTREAM_IDENTITY_FILE": str(tmp_path / "address")})


def test_a_file_that_cannot_be_read_is_named_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "nowhere", tmp_path / "binary", tmp_path):
        with pytest.raises(SettingsError, match="PORTAL_PUBLIC_URL_FILE"):
            load(Settings, {"PORTAL_PUBLIC_URL_FILE": str(path)})
