"""Checking the audit log, for the operator."""

import sys
from pathlib import Path

from ops.running import database_url
from services.activity.audit.verify import verify as verify_chains


async def verify(heads: Path | None) -> None:
    """Say whether every chain is whole; exits with 1 if one is not."""
    breaks = await verify_chains(database_url("activity"), heads)
    for each in breaks:
        print(f"{each.client_id or 'company'}: record {each.seq} {each.reason}")
    if breaks:
        sys.exit(1)
    print("The audit log is as it was written.")
