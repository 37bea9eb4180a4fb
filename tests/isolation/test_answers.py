"""Answers hold the fields that were decided on for the one who asks, and no others."""

from collections.abc import Iterator

import pytest

from tests.conftest import NewPortal
from tests.isolation.answers import answered, noted
from tests.portal_stack import Portal

SECRET = ("password", "hash", "secret", "token")
"""Words no answer to a GET has a field for, whoever asks."""


@pytest.fixture(scope="module")
def untouched(new_portal: NewPortal) -> Iterator[Portal]:
    """A portal in which nothing happened yet, as the one the fields were noted from."""
    with new_portal("untouched") as portal:
        yield portal


def test_every_answer_holds_noted_fields_only(untouched: Portal) -> None:
    known = noted()
    beyond = [
        f"{route} {role}: {field}"
        for route, role, fields in answered(untouched)
        for field in fields
        if field not in known.get(route, {}).get(role, ())
    ]
    assert beyond == [], "look at it, then run `python -m tests.isolation.answers`"


def test_nobody_reads_a_secret() -> None:
    found = {
        field.rpartition(".")[2]
        for fields in noted().values()
        for held in fields.values()
        for field in held
        if any(word in field.rpartition(".")[2] for word in SECRET)
    }
    assert found <= {
        "old_secret_until",
        "token_endpoint",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
    }
