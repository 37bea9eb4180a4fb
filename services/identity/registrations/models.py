"""Asking for access with an address of a client's own domain."""

from services.identity.single_use import single_use

REGISTRATION = single_use("registration")
