"""Statements that revisions share.

`{app}` in a statement stands for both runtime roles of the service, as in `grant select on things to {app}`.
"""

from collections.abc import Sequence

from alembic import context, op


def execute(statements: Sequence[str]) -> None:
    """Run statements of a revision for the service being migrated, its roles filled in."""
    for statement in statements:
        op.execute(fill_in(statement, context.config.attributes["service"]))


def fill_in(statement: str, service: str) -> str:
    """Replace `{app}`, `{tenant}`, `{staff}`, `{relay}` and `{owner}` by the service's roles."""
    statement = statement.replace("{app}", "{tenant}, {staff}").replace("{tenant}", f"{service}_app")
    for kind in ("staff", "relay", "owner"):
        statement = statement.replace(f"{{{kind}}}", f"{service}_{kind}")
    return statement


def tenant_policy(table: str, *, column: str = "client_id", verbs: str = "select, insert, update, delete") -> list[str]:
    """Statements that close a tenant table: forced row-level security, its policies, and the runtime roles' grants.

    The tenant's policy is one plain equality, read once per statement (sub-select): with an `or` for staff in it the
    planner loses the index order and every list of a large table becomes a sort (docs/decisions/0003). `nullif` because a
    setting that was local to an earlier transaction of the connection reads back as '' and not as NULL.
    """
    own = _own(column)
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy tenant on {table} to {{tenant}} using ({own}) with check ({own})",
        f"create policy staff on {table} to {{staff}} using (true) with check (true)",
        f"grant {verbs} on {table} to {{app}}",
    ]


def narrow_tenant(table: str, condition: str) -> str:
    """The statement that has a tenant see, of its own rows in `table`, those that meet `condition`."""
    shown = f"{_own('client_id')} and {condition}"
    return f"alter policy tenant on {table} using ({shown}) with check ({shown})"


def _own(column: str) -> str:
    return f"{column} = (select nullif(current_setting('app.client_id', true), '')::uuid)"


def stream_table() -> list[str]:
    """Which stream of the broker the outbox was published to, by its time of creation: at most one row."""
    return [
        "create table outbox_stream (one boolean primary key default true check (one), created timestamptz not null)",
        "grant select, insert, update on outbox_stream to {app}",
    ]


def sequence_columns() -> list[str]:
    """Where in the stream an event was told last, and when the stream stored the one a consumer folded last."""
    return [
        "alter table outbox add column sequence bigint",
        "grant update (sequence) on outbox to {relay}",
        "alter table inbox_positions add column stored_at timestamptz",
    ]


def delivery_tables() -> list[str]:
    """Outbox and inbox, for a service's first revision. `closed_delivery` closes them."""
    return [
        """create table outbox (
            seq bigint generated always as identity primary key,
            id uuid not null unique,
            client_id uuid,
            subject text not null,
            event json not null,
            created_at timestamptz not null default now(),
            published_at timestamptz
        )""",
        "create index outbox_unpublished on outbox (seq) where published_at is null",
        "create index outbox_published on outbox (published_at) where published_at is not null",
        "grant select, insert, delete, update (published_at) on outbox to {app}",
        """create table inbox (
            consumer text not null,
            event_id uuid not null,
            received_at timestamptz not null default now(),
            primary key (consumer, event_id)
        )""",
        "grant select, insert on inbox to {app}",
        """create table inbox_positions (
            consumer text primary key,
            position bigint not null,
            ahead bigint not null,
            stream_created timestamptz not null
        )""",
        "grant select, insert, update on inbox_positions to {app}",
    ]


def idempotency_table() -> list[str]:
    """Answers by the hash of caller, path and `Idempotency-Key`, for a day (`shared.idempotency`).

    Exempt from row-level security: a row is found by who has its key, and by nobody else.
    """
    return [
        """create table idempotency_keys (
            id bytea primary key,
            request bytea not null,
            answer bytea,
            created_at timestamptz not null default now()
        )""",
        "create index idempotency_keys_created on idempotency_keys (created_at)",
        "grant select, insert, delete, update (answer) on idempotency_keys to {app}",
    ]


def due_table() -> list[str]:
    """Due moments (`shared.schedule`): `due_at` as planned, `try_at` when it is tried next, after so many `tries`."""
    return [
        """create table due_moments (
            schedule text not null,
            key uuid not null,
            client_id uuid,
            due_at timestamptz not null,
            try_at timestamptz not null,
            tries integer not null default 0,
            primary key (schedule, key)
        )""",
        "create index due_moments_next on due_moments (try_at, key)",
        "create index due_moments_failing on due_moments (due_at) where tries > 0",
        *tenant_policy("due_moments"),
    ]


def dead_letter_table() -> list[str]:
    """Where relay and consumers put what they cannot deliver."""
    return [
        """create table dead_letters (
            number bigint generated always as identity primary key,
            consumer text not null,
            subject text not null,
            event bytea not null,
            reason text not null,
            set_aside_at timestamptz not null default now()
        )""",
        "grant insert on dead_letters to {app}",
    ]


def closed_delivery() -> list[str]:
    """Statements that leave the tables of delivery to the relay role, and to the runtime only that it adds to the outbox.

    A tenant adds what is about itself; the event says so as well, since that is what consumers read. The owner is the
    administrator who compares, lists and replays. No runtime role reads or removes a dead letter (docs/decisions/0090).
    """
    told = _own("client_id") + " and " + _own("(event ->> 'clientid')::uuid")
    verbs = {
        "outbox": "select, delete, update (published_at)",
        "outbox_stream": "select, insert, update",
        "inbox": "select, insert",
        "inbox_positions": "select, insert, update",
        "dead_letters": "insert",
    }
    closed = [
        statement
        for table, granted in verbs.items()
        for statement in (
            f"revoke all on {table} from {{app}}",
            f"alter table {table} enable row level security",
            f"alter table {table} force row level security",
            f"create policy delivery on {table} to {{relay}}, {{owner}} using (true) with check (true)",
            f"grant {granted} on {table} to {{relay}}",
        )
    ]
    return [
        *closed,
        f"create policy tenant on outbox for insert to {{tenant}} with check ({told})",
        "create policy staff on outbox for insert to {staff} with check (true)",
        "grant insert (id, client_id, subject, event) on outbox to {app}",
    ]


def fold_functions() -> list[str]:
    """Statements that make how names are sorted and found (docs/decisions/0107): by their letters alone, whatever marks
    they carry, however they are composed. PostgreSQL needs neither ICU nor an extension for it.

    `folded("Größl")` is "grossl", and `found_by("Größl")` "grossl groessl": what people type who have no ö. `wanted(q)`
    are the patterns for `like all`, one a word.
    """
    return [
        r"""create function folded(typed text) returns text immutable strict parallel safe return
            regexp_replace(
                translate(
                    replace(replace(replace(replace(
                        lower(normalize(typed, NFKD) collate "pg_c_utf8"),
                    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
                'øłđðı', 'olddi'),
            '[\u0300-\u036f\u00ad\u200b-\u200f\u2060-\u206f\ufeff]', '', 'g')""",
        """create function found_by(typed text) returns text immutable strict parallel safe return
            folded(typed) || case when normalize(typed, NFC) ~ '[äöüøåÄÖÜØÅ]' then ' ' || folded(
                replace(replace(replace(replace(replace(
                    lower(normalize(typed, NFC) collate "pg_c_utf8"),
                'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ø', 'oe'), 'å', 'aa')) else '' end""",
        r"""create function wanted(typed text) returns text[] immutable strict parallel safe return
            array(select '%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%'
                  from regexp_split_to_table(folded(typed), '\s+') as word where word <> '')""",
    ]


SORT_KEY_LENGTH = 48
"""So many characters decide the order of a list, and travel in its cursor; behind them the id decides."""


def sort_key(name: str) -> str:
    """The column by which a list is in the order of an SQL expression `name`, to be followed by the id."""
    key = f"left(folded({name}), {SORT_KEY_LENGTH})"
    return f'sort_key text collate "C" not null generated always as ({key}) stored'
