"""The mark of an entry: what kind of thing happened, else what it happened to."""

VERBS = {
    "accepted": ("done", "user-plus"),
    "completed": ("done", "check"),
    "disabled": ("risk", "webhook"),
    "due_soon": ("risk", "clock"),
    "joined": ("done", "user-plus"),
    "overdue": ("over", "alert-circle"),
    "reopened": ("info", "rotate-clockwise"),
    "shared": ("info", "eye"),
    "sign_ins_paused": ("risk", "shield-lock"),
    "status_changed": ("info", "activity"),
    "updated": ("idle", "pencil"),
    "withdrawn": ("idle", "lock"),
}
NOUNS = {"milestone": ("idle", "flag"), "project": ("info", "briefcase")}
UNKNOWN = ("idle", "circle-dot")


def mark(kind: str) -> tuple[str, str]:
    """Tone and icon for a type of event, `<noun>_<verb>`; `UNKNOWN` for what a newer version tells."""
    noun, _, verb = kind.partition("_")
    return VERBS.get(verb) or NOUNS.get(noun) or UNKNOWN
