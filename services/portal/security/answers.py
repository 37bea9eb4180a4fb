"""What identity answers about the person's own sign-in methods and sessions."""

import msgspec


class SignInMethod(msgspec.Struct, frozen=True):
    """One of the four; `accepted` where it lets the person in, `set_up` where they have what it takes."""

    method: str
    accepted: bool
    set_up: bool


class SignInMethods(msgspec.Struct, frozen=True):
    """The person's own (`GET auth/sign-in-methods`); `managed_here`: this is where they change them."""

    items: list[SignInMethod]
    managed_here: bool = True

    def accepts(self, *methods: str) -> bool:
        """Whether one of these lets the person in."""
        return any(each.accepted for each in self.items if each.method in methods)

    def has(self, method: str) -> bool:
        """Whether the person has set this one up."""
        return any(each.set_up for each in self.items if each.method == method)


class Revoked(msgspec.Struct, frozen=True):
    """How many sessions were ended (`POST sessions/revoke-others`)."""

    revoked: int
