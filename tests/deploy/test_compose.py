"""docker-compose.yml against the code it starts; that it really starts is proven by `make test-compose`."""

import importlib
import re
from hashlib import sha256
from ipaddress import ip_network
from typing import Any, get_type_hints

import pytest

from gateway import routes as gateway
from ops.databases import services_with_schema
from ops.serve import SERVICES, module
from services.portal import services as pages
from shared.config import UPSTREAM, ServiceSettings, Settings, load
from tests.deploy.composition import ROOT, Missing, composition, environment, read_variables

SERVERS = ("postgres", "nats", "redis", "s3", "mail", "traces")
ONCE = ("keys", "migrate", "ops")
UPSTREAMS = {f"{UPSTREAM}{name.upper()}": f"http://{name}:8000" for name in SERVICES if name != "gateway"}


def settings_of(service: str) -> type[Settings]:
    return get_type_hints(importlib.import_module(module(service)).create_app)["settings"]


def test_every_service_and_server_is_in_it(services: dict[str, Any]) -> None:
    folders = {path.parent.name for path in (ROOT / "services").glob("*/app.py")}
    assert folders | {"gateway"} == set(SERVICES)
    assert set(services) == {*SERVICES, *SERVERS, *ONCE}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_told_what_it_needs_and_nothing_it_does_not_know(
    name: str, services: dict[str, Any], variables: dict[str, str]
) -> None:
    kind, told = settings_of(name), environment(services[name], variables)
    fields = {f"PORTAL_{field.upper()}" for field in kind.__struct_fields__}
    assert {variable.removesuffix("_FILE") for variable in services[name]["environment"]} <= fields | set(UPSTREAMS)
    given = {variable.removesuffix("_FILE"): value for variable, value in told.items()}
    settings = load(kind, given)
    assert settings.env == "compose"


@pytest.mark.parametrize("name", SERVICES)
def test_addresses_name_services_of_the_same_networks(name: str, services: dict[str, Any]) -> None:
    told = " ".join(str(value) for value in services[name]["environment"].values())
    hosts = re.findall(r"://(?:[^@/\s]*@)?([a-z0-9]+):\d+", told)
    assert hosts
    reachable = {other for other, each in services.items() if networks(each) & networks(services[name])}
    assert set(hosts) - {"localhost"} <= reachable


def test_each_service_signs_in_as_itself_with_a_password_only_it_has(
    services: dict[str, Any], variables: dict[str, str]
) -> None:
    owners = [name for name in SERVICES if issubclass(settings_of(name), ServiceSettings)]
    assert sorted(owners) == services_with_schema()
    for name in owners:
        secret = variables[f"PORTAL_DATABASE_PASSWORD_{name.upper()}"]
        assert f"//{name}_app:{secret}@" in services[name]["environment"]["PORTAL_DATABASE_URL"]
        assert [other for other in SERVICES if secret in str(services[other])] == [name]
        assert f"PORTAL_DATABASE_PASSWORD_{name.upper()}" in services["migrate"]["environment"]


def test_only_the_administrators_tools_know_the_administrators_password(
    services: dict[str, Any], variables: dict[str, str]
) -> None:
    knowing = {name for name, service in services.items() if variables["POSTGRES_PASSWORD"] in str(service)}
    assert knowing == {"postgres", "migrate", "ops"}


def test_each_key_is_held_by_who_signs_with_it_and_cannot_be_changed_there(services: dict[str, Any]) -> None:
    mounts = {name: service["volumes"] for name, service in services.items() if "keys:" in str(service.get("volumes"))}
    assert mounts == {
        "gateway": ["keys:/keys:ro"],
        "identity": ["identity-keys:/keys:ro"],
        "notifications": ["activity-keys:/keys:ro"],
        "portal": ["portal-keys:/keys:ro"],
        "keys": [
            "keys:/keys",
            "identity-keys:/identity-keys",
            "activity-keys:/notifications-keys",
            "portal-keys:/portal-keys",
        ],
    }


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_knows_where_every_other_is(name: str, services: dict[str, Any]) -> None:
    """Gateway and pages name the services that they ask; the launcher tells the same from the services it starts."""
    told = services[name]["environment"]
    assert {variable: at for variable, at in told.items() if variable.startswith(UPSTREAM)} == UPSTREAMS
    assert {*gateway.SERVICES, gateway.PORTAL} == set(SERVICES) - {"gateway"}
    assert set(pages.UPSTREAMS) == set(gateway.SERVICES)


def test_only_the_gateway_is_published_and_only_on_the_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"gateway": ["127.0.0.1:8080:8000"]}


def test_the_data_has_no_way_out(variables: dict[str, str], services: dict[str, Any]) -> None:
    assert composition(variables)["networks"]["data"] == {"internal": True}
    assert {name for name in services if networks(services[name]) == {"data"}} == {
        "postgres",
        "nats",
        "redis",
        "s3",
        "migrate",
    }


def test_the_example_trusts_the_proxy_of_this_machine_alone(variables: dict[str, str]) -> None:
    (network,) = composition(variables)["networks"]["default"]["ipam"]["config"]
    example = (ROOT / "deploy/env/.env.example").read_text()
    trusted = re.findall(r"^# PORTAL_TRUSTED_PROXIES=(.+)$", example, re.MULTILINE)
    assert trusted == [str(next(ip_network(network["subnet"]).hosts()))]


def test_every_container_is_locked_down_and_bounded(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"] is True, name
        assert "cap_add" not in service, name
        assert "privileged" not in service, name
        assert re.fullmatch(r"\d+[mg]", service["deploy"]["resources"]["limits"]["memory"]), name
        assert service["logging"]["options"]["max-size"], name


def test_nothing_waits_for_what_cannot_say_that_it_is_ready(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            once = services[needed]["restart"] == "no"
            assert how["condition"] == ("service_completed_successfully" if once else "service_healthy"), name
            assert once or "healthcheck" in services[needed], name


def test_images_are_pinned_and_may_be_replaced() -> None:
    raw = composition_text()
    images = re.findall(r"^\s+image: (.+)$", raw, re.MULTILINE)
    assert len(images) == len(SERVICES) + len(SERVERS) + 1
    for image in images:
        assert re.fullmatch(
            r"client-portal/\w+:\$\{PORTAL_VERSION:-dev\}|\$\{[A-Z0-9]+_IMAGE:-[\w./-]+:[\w.-]*\d[\w.-]*\}", image
        ), image
    assert "latest" not in raw


def test_every_variable_is_in_the_example_or_has_a_default() -> None:
    example = (ROOT / "deploy/env/.env.example").read_text()
    documented = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", example, re.MULTILINE))
    raw = composition_text()
    used = set(re.findall(r"\$\{(\w+)(?::\?[^}]*)?\}", raw)) | set(
        re.findall(r"^\s+([A-Z][A-Z0-9_]+):$", raw, re.MULTILINE)
    )
    assert used <= documented | {"PORTAL_ENV"}
    assert documented <= used | set(re.findall(r"\$\{(\w+):-", raw))


def test_without_the_first_command_compose_says_which_it_is() -> None:
    example = read_variables((ROOT / "deploy/env/.env.example").read_text())
    with pytest.raises(Missing, match=r"run deploy/env/generate\.sh first"):
        composition(example)


def test_what_is_acknowledged_is_on_the_disk() -> None:
    assert re.search(r"^\s+sync_interval: always\b", (ROOT / "deploy/nats/nats.conf").read_text(), re.MULTILINE)
    redis = (ROOT / "deploy/redis/redis.conf").read_text().splitlines()
    assert {"appendonly yes", "maxmemory-policy noeviction"} <= set(redis)


@pytest.mark.parametrize("name", ["nats", "redis"])
def test_a_server_starts_anew_when_its_users_change(name: str, services: dict[str, Any]) -> None:
    """Compose compares what it is told, and not the files that it mounts: a server would go on with the old rights."""
    users = sha256((ROOT / "deploy" / name / "users.conf").read_bytes()).hexdigest()
    assert services[name]["labels"] == {"users": users[:12]}


def test_what_is_kept_lies_in_volumes(variables: dict[str, str], services: dict[str, Any]) -> None:
    named = set(composition(variables)["volumes"])
    used = {mount.partition(":")[0] for service in services.values() for mount in service.get("volumes", [])}
    files = {source for source in used if source.startswith("./")}
    assert used - files == named
    assert all((ROOT / source).is_file() for source in files)


def test_a_backup_has_every_key_and_a_restore_puts_it_back(services: dict[str, Any]) -> None:
    """What a dump holds sealed, such as the secrets of webhooks, is lost without them."""
    folders = [mount.partition(":/")[2] for mount in services["keys"]["volumes"]]
    section = (ROOT / "docs/operations.md").read_text().partition("\n## Back up\n")[2].partition("\n## ")[0]
    tar = "docker compose run --rm -T --no-deps --entrypoint tar keys -C /"
    assert f"    {tar} -c {' '.join(folders)} > keys.tar\n" in section
    restored, started = section.find(f"    {tar} -x < keys.tar\n"), section.find("    docker compose up -d --wait\n")
    assert 0 < restored < started  # `keys` would create others at the start


def networks(service: dict[str, Any]) -> set[str]:
    return set() if service.get("network_mode") == "none" else set(service.get("networks", ["default"]))


def composition_text() -> str:
    return (ROOT / "docker-compose.yml").read_text()
