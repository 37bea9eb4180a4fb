"""Checking the audit log, for the operator."""

import sys
from contextlib import AsyncExitStack
from pathlib import Path

from ops.databases import services_with_schema
from ops.running import audit_heads, database_of, database_url
from services.activity.audit.verify import verify as verify_log


async def verify(heads: Path | None) -> None:
    """Say whether the log is whole; exits with 1 if it is not."""
    heads = heads or audit_heads()
    first = not heads.exists()
    async with AsyncExitStack() as stack:
        outboxes = [await stack.enter_async_context(database_of(service)) for service in services_with_schema()]
        breaks = await verify_log(database_url("activity"), heads, outboxes)
    for each in breaks:
        where = each.client_id or "company"
        print(f"{where}: record {each.seq} {each.reason}" if each.seq else f"{where}: {each.reason}")
    if breaks:
        sys.exit(1)
    print("The audit log is as it was written.")
    print(f"{'No earlier run is known. ' if first else ''}The ends of its chains are kept in {heads}")
