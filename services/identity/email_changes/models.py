"""Addresses: proving that one is theirs, and signing in with another one."""

from services.identity.single_use import single_use

VERIFICATION = single_use("email_verification")
NEW = single_use("email_change")
"""For the new address."""
OLD = single_use("email_change_notice")
"""For the one there is: who has got at a session has not got at the mailbox."""
