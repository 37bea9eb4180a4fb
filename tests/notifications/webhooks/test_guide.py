"""docs/partners.md on webhooks: its code runs as it stands there, and what it shows is what is sent."""

import base64
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.notifications.webhooks.models import PING
from services.notifications.webhooks.signing import as_text, new_secret, signed_headers
from shared.clock import uuid7
from shared.contracts import TOLD
from tests.activity.build import milestone_completed
from tests.notifications.webhooks.receiver import Told, is_signed
from tests.notifications.webhooks.webhooks import Webhooks

GUIDE = (Path(__file__).parents[3] / "docs" / "partners.md").read_text()
[CODE] = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
[SAMPLE] = re.findall(r"^```json\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def is_from_portal() -> Any:
    names: dict[str, Any] = {}
    exec(CODE, names)
    return names["is_from_portal"]


async def test_the_code_of_the_guide_knows_what_was_sent(webhooks: Webhooks, is_from_portal: Any) -> None:
    made = await webhooks.create("/guide")
    await webhooks.publish(milestone_completed(uuid7()))
    [told] = await webhooks.receiver.wait_for("/guide")
    assert is_from_portal(made["secret"], told.headers, told.body)
    renewed = (await webhooks.ask("POST", f"webhooks/{made['id']}/rotate")).json()
    await webhooks.publish(milestone_completed(uuid7()))
    both = (await webhooks.receiver.wait_for("/guide", 2))[1]
    assert is_from_portal(made["secret"], both.headers, both.body)
    assert is_from_portal(renewed["secret"], both.headers, both.body)
    assert not is_from_portal(renewed["secret"], told.headers, told.body)
    assert shape(told.json) == shape(msgspec.json.decode(SAMPLE))


def shape(value: Any) -> Any:
    """Names without values."""
    return {name: shape(each) for name, each in value.items()} if isinstance(value, dict) else None


@pytest.mark.parametrize(
    ("seconds", "body", "right"), [(0, b"{}", True), (301, b"{}", False), (-301, b"{}", False), (0, b"{ }", False)]
)
def test_both_checks_refuse_what_is_old_or_changed(is_from_portal: Any, seconds: int, body: bytes, right: bool) -> None:
    key = new_secret()
    headers = signed_headers([key], uuid7(), int(time.time()) - seconds, b"{}")
    assert is_from_portal(as_text(key), headers, body) == is_signed(as_text(key), Told(headers, body)) == right


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the reference implementations' own tests (standard-webhooks, `libraries/*/test`)."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret, body = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    assert is_signed(f"whsec_{secret}", Told(headers, body), now=1614265330)
    made: Any = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert signed_headers([base64.b64decode(secret)], made, 1614265330, body) == headers


def test_the_guide_names_every_type() -> None:
    listed = re.search(r"Types: (.*?) Later\s+versions\s+add", GUIDE, re.DOTALL)
    assert listed
    assert re.findall(r"`([a-z_]+)`", listed[1]) == [*(kind.type for kind in TOLD), PING]
