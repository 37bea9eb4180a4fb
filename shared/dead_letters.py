"""Events a consumer could not fold: kept in a stream of their own with the reason, and replayable after a fix."""

from datetime import datetime

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from shared.broker import DEAD_STREAM
from shared.clock import uuid7

REASON = "Portal-Reason"
SUBJECT = "Portal-Subject"


class DeadLetter(msgspec.Struct, frozen=True):
    """One set-aside event. `position` is its place among the dead letters, `subject` where it was published."""

    position: int
    consumer: str
    subject: str
    reason: str
    at: datetime | None
    body: bytes


async def set_aside(client: Client, consumer: str, message: Msg, reason: str) -> None:
    """Keep a message of `consumer`. The message id makes a repeat after a crash harmless."""
    await client.jetstream(timeout=5).publish(
        f"portal_dead.{consumer}",
        message.data,
        headers={
            "Nats-Msg-Id": f"{consumer}:{message.metadata.sequence.stream}",
            REASON: reason.replace("\n", " ")[:1000],
            SUBJECT: message.subject,
        },
    )


async def list_dead_letters(client: Client) -> list[DeadLetter]:
    """All of them, oldest first."""
    jetstream = client.jetstream(timeout=5)
    state = (await jetstream.stream_info(DEAD_STREAM)).state
    found: list[DeadLetter] = []
    for position in range(max(1, state.first_seq), state.last_seq + 1):  # an empty stream says 0 to 0
        try:
            kept = await jetstream.get_msg(DEAD_STREAM, position, direct=False)
        except NotFoundError:
            continue
        headers = kept.headers or {}
        consumer = (kept.subject or "").partition(".")[2]
        found.append(
            DeadLetter(
                position, consumer, headers.get(SUBJECT, ""), headers.get(REASON, ""), kept.time, kept.data or b""
            )
        )
    return found


async def replay(client: Client, letter: DeadLetter) -> None:
    """Publish the event again and forget the letter. Consumers that had folded it drop it by its event id."""
    jetstream = client.jetstream(timeout=5)
    await jetstream.publish(letter.subject, letter.body, headers={"Nats-Msg-Id": f"replay:{uuid7()}"})
    await jetstream.delete_msg(DEAD_STREAM, letter.position)
