"""What each service needs of NATS, read off its own consumers, and the file that grants it.

`python -m tests.deploy.nats_users` writes the file; do that after adding a consumer. test_access.py compares.
"""

from ops.databases import services_with_schema
from ops.stack.access import NATS
from shared.broker import JETSTREAM, STREAM
from shared.inbox import Consumer
from tests.isolation.routes import application

KEEPER = "identity"
"""Who makes the stream. Whoever may change a stream may forget and invent events for all; identity can be anybody as it
is, so in its hands that right adds nothing.
"""
VERBS = ("STREAM.CREATE", "STREAM.UPDATE", "STREAM.PURGE", "CONSUMER.LIST")
"""What keeping takes: the last two to remove what everybody has folded."""
HEAD = f"""\
# Who may do what on NATS, for docker-compose.yml and `make up` alike (docs/decisions/0088). Each service lives in an account
# of its own and reaches what it imports: publishing below its own subject, the durables of its own consumers. {KEEPER}
# keeps the stream. NATS takes the passwords from its environment. Written by `python -m tests.deploy.nats_users`.
"""
STREAMING = ".CONSUMER.MSG.NEXT."
"""One request, many answers."""


def needs(service: str) -> list[str]:
    """The subjects a service publishes to."""
    consumers: list[Consumer] = application(service).state.consumers
    own = f"portal.{service}.>"
    subjects = [own, f"{JETSTREAM}.STREAM.INFO.{STREAM}", f"{JETSTREAM}.DIRECT.GET.{STREAM}.{own}"]
    for consumer in consumers:
        for name in consumer.durables:
            durable = f"{STREAM}.{name}"
            subjects += [
                f"{JETSTREAM}.CONSUMER.CREATE.{durable}.{consumer.listens}",
                f"{JETSTREAM}.CONSUMER.DELETE.{durable}",
                f"{JETSTREAM}.CONSUMER.INFO.{durable}",
                f"{JETSTREAM}{STREAMING}{durable}",
                f"$JS.ACK.{durable}.>",
            ]
    if service == KEEPER:
        subjects += [f"{JETSTREAM}.{verb}.{STREAM}" for verb in VERBS]
    return list(dict.fromkeys(subjects))


def users() -> str:
    """The text of the file: the operator's account, which has the streams, and one for each service."""
    imports = {service: needs(service) for service in services_with_schema()}
    exports: dict[str, list[str]] = {}
    for service, subjects in imports.items():
        for subject in subjects:
            exports.setdefault(subject, []).append(service)
    lines = [
        "accounts: {",
        "  portal: {",
        "    jetstream: enabled",
        "    users: [{ user: portal, password: $NATS_PASSWORD }]",
    ]
    lines += [f'    mappings: {{ "{JETSTREAM}.>": "$JS.API.>" }}']
    lines += ["    exports: ["]
    for subject, services in exports.items():
        many = ", response_type: stream" if STREAMING in subject else ""
        lines.append(f'      {{ service: "{_really(subject)}", accounts: [{", ".join(services)}]{many} }}')
    lines += ["    ]", "  }"]
    for service, subjects in imports.items():
        lines += [f"  {service}: {{", f"    users: [{{ user: {service}, password: $NATS_PASSWORD_{service.upper()} }}]"]
        lines += ["    imports: [", *map(_import, subjects)]
        lines += ["    ]", "  }"]
    return HEAD + "\n".join([*lines, "}", ""])


def _really(subject: str) -> str:
    return subject.replace(JETSTREAM, "$JS.API", 1)


def _import(subject: str) -> str:
    to = f', to: "{subject}"' if subject != _really(subject) else ""
    return f'      {{ service: {{ account: portal, subject: "{_really(subject)}" }}{to} }}'


if __name__ == "__main__":
    NATS.write_text(users())
