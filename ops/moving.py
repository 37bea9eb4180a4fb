"""What another service owns than before: moved once, by the administrator, as no service reads another's schema.

Webhooks were activity's (docs/decisions/0118). The statements run after all revisions, in one transaction that leaves
nothing behind in activity and notes in notifications that it was done: the place of activity's consumer, from which
the webhooks' own goes on. An activity of the release before, which may still run, either committed an event with its
deliveries before the transaction has the lock, and they are taken along; or it finds no webhook, and the event lies
behind that place.
"""

import asyncpg

LOCK_PATIENCE = "30s"

_ARE_THERE = "select to_regclass('activity.webhooks') is not null and to_regclass('notifications.webhooks') is not null"
_IS_DONE = "select exists (select from notifications.inbox_positions where consumer = 'notifications-webhooks')"
# An administrator who is no superuser is bound by row-level security, and reads as who staff are.
_RIGHTS = "grant activity_staff, notifications_staff to current_user"
_LOCK = (
    f"set local lock_timeout = '{LOCK_PATIENCE}'; lock table activity.webhooks in access exclusive mode;"
    " lock table notifications.clients in share row exclusive mode"
)
# Without the time at which the last one was stored: this consumer hears less, and that one is not its own to expect.
_PLACE = """
insert into notifications.inbox_positions (consumer, position, ahead, stream_created)
select 'notifications-webhooks', position, ahead, stream_created from activity.inbox_positions
where consumer = 'activity' on conflict do nothing returning 1
"""
_TAKE = """
insert into notifications.webhooks
    select w.*, coalesce(k.name, '') from activity.webhooks w left join activity.known_actors k on k.id = w.created_by;
insert into notifications.webhook_secrets select * from activity.webhook_secrets;
insert into notifications.webhook_deliveries select * from activity.webhook_deliveries;
insert into notifications.webhook_entries
    select position, client_id, id, type, facts, title, description, actor_id, actor_name, project_id, target_type,
        target_id, at, private, team_only, tells, turns
    from activity.feed where position in (select position from activity.webhook_deliveries);
insert into notifications.webhook_things select client_id, id, private, hides, version from activity.overview;
insert into notifications.clients (id, open, name) select client_id, true, name from activity.known_clients
    on conflict (id) do update set name = excluded.name;
insert into notifications.inbox (consumer, event_id, received_at)
    select 'notifications-webhooks', event_id, received_at from activity.inbox
    where consumer = 'activity' and received_at > now() - interval '31 days'
        and event_id in (select id from activity.feed);
insert into notifications.things (client_id, id, private, hides, deleted, version)
    select distinct client_id, target_id, true, '{}'::text[], true, 0 from notifications.told
    where target_type = 'webhook' and target_id not in (select id from notifications.webhooks)
    on conflict (client_id, id) do update set deleted = true where things.version = 0;
insert into notifications.idempotency_keys (id, request, answer, created_at)
    select id, request, answer, created_at from activity.idempotency_keys
    where created_at > now() - interval '1 day' on conflict do nothing;
delete from activity.webhooks;
revoke insert on activity.webhooks from activity_staff;
"""
_NO_RIGHTS = "revoke activity_staff, notifications_staff from current_user"


async def move_webhooks(dsn: str) -> None:
    """Take activity's webhooks to notifications, unless that was done. `dsn`: the administrator's, for asyncpg."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            if await connection.fetchval(_ARE_THERE) and not await connection.fetchval(_IS_DONE):
                await connection.execute(f"{_RIGHTS}; {_LOCK}")
                if await connection.fetchval(_PLACE):
                    await connection.execute(_TAKE)
                await connection.execute(_NO_RIGHTS)
    finally:
        await connection.close()
