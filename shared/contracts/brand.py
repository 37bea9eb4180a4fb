"""Events of `services/identity` about how the company looks. Golden JSON: tests/contracts."""

from typing import ClassVar

from shared.events import EventData


class BrandDrafted(EventData, frozen=True):
    """The draft of the brand differs in these `fields` from what it was. The aggregate is the brand."""

    type: ClassVar[str] = "brand_drafted"
    subject: ClassVar[str] = "identity.brand.drafted.v1"
    fields: list[str]


class BrandPublished(EventData, frozen=True):
    """Everybody sees the draft from now on, which differs in these `fields` from what they saw."""

    type: ClassVar[str] = "brand_published"
    subject: ClassVar[str] = "identity.brand.published.v1"
    fields: list[str]
