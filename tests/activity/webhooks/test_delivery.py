"""From an event to a signed POST at a partner's, whatever happens in between."""

from tests.activity.webhooks.receiver import is_signed
from tests.activity.webhooks.webhooks import Webhooks, manager


async def test_what_happens_is_told_signed_as_staff_see_it(webhooks: Webhooks) -> None:
    made = await webhooks.create("/erp")
    event_id = await webhooks.happens()
    [told] = await webhooks.receiver.wait_for("/erp")
    assert is_signed(made["secret"], told)
    delivery = await webhooks.until(made, state="delivered")
    assert (delivery["id"], delivery["event_id"], delivery["tries"]) == (told.id, event_id, 1)
    [entry] = (await webhooks.ask("GET", "activity", actor=manager())).json()["items"]
    assert told.json == {"type": "project_created", "timestamp": entry["at"], "data": entry}
    assert told.headers["content-type"] == "application/json"
