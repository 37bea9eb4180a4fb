"""What the notifications service answers about how the reader is notified."""

from typing import Literal

import msgspec

Channel = Literal["none", "bell", "bell_and_mail"]


class NotificationChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of notification; its `channel` is one of `channels`. `reason` is why it is fixed, if it is."""

    type: str
    occasion: str
    channel: Channel
    channels: list[Channel]
    reason: str


class NotificationChoices(msgspec.Struct, frozen=True):
    """Everything that the reader can be notified of (`GET notifications/choices`)."""

    items: list[NotificationChoice]
    version: int
