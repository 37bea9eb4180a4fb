"""What identity answers to somebody who has not signed in yet."""

import msgspec


class SingleSignOnDomain(msgspec.Struct, frozen=True):
    """Whether an address is of a domain with an organisation's own sign-in (`POST auth/sso/domain`)."""

    known: bool
