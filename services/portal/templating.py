"""The template engine: strict about undefined names, escaping everything, with the portal's own filters."""

import operator
import re
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any, cast

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, Template, nodes
from jinja2.bccache import Bucket
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.runtime import Context
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from markupsafe import Markup, escape

from services.portal import formats
from services.portal.activity.marks import mark
from services.portal.activity.runs import runs
from services.portal.assets import Assets
from services.portal.branding import Brand, Branding
from services.portal.look import Look
from services.portal.paths import local_path, own_path
from services.portal.settings import PortalSettings
from shared.addresses import shown_address
from shared.clock import FIRST_DAY, LAST_DAY
from shared.contracts import TOLD
from shared.contracts.notifications import BellChanged
from shared.events import publisher_of
from shared.language import current, gettext, marked, ngettext
from shared.texts import isolated

HERE = Path(__file__).parent
ICONS = {path.stem: Markup(path.read_text().strip()) for path in (HERE / "icons").glob("*.svg")}  # noqa: S704 - ours
SVG = Markup(
    '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
    'stroke-linecap="round" stroke-linejoin="round" {}>{}</svg>'
)
DECORATIONS = {name: SVG.format(Markup('aria-hidden="true"'), shapes) for name, shapes in ICONS.items()}
"""Drawn once: a dashboard has a hundred of them."""
_page: ContextVar[Look] = ContextVar("page")
_SENT = re.compile(r"<form\b[^>]*\bmethod=\"post\"[^>]*>")


class OpenedBy(Extension):
    """Each form that is sent names for whom it was opened, whoever writes its template (0117)."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja names them
        """The template with the input behind the start of every such form."""
        return _SENT.sub(lambda found: found[0] + "{{ page.opened_by }}", source)


class Shown:
    """What a name stands for now, in templates that others import. They are made once and for all, as one that
    is imported "with context" is made again for every import of every page.
    """

    def __init__(self, current: Callable[[], object]) -> None:
        self._current = current

    def __getattr__(self, name: str) -> Any:
        return getattr(self._current(), name)


class Rendered(Template):
    """A template that says for whom it is rendered."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        """The text. `page` is among the arguments, as each template of the portal has one."""
        _page.set(kwargs["page"])
        return super().render(*args, **kwargs)


class Bare(Context):
    """What a template knows. It calls what a template calls and looks for nothing first: no function of ours asks for
    the context, as the page is known, and a page has hundreds of calls.
    """

    call = staticmethod(operator.call)  # pyright: ignore[reportAssignmentType] - of whatever is called


class Calls(CodeGenerator):
    """The code of templates: no call hands over the variables of the loop around it, which a context would want."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802 - Jinja's
        """Write the call as in a place with neither a loop nor a block around it."""
        alone = frame.copy()
        alone.loop_frame = alone.block_frame = False
        super().visit_Call(node, alone, forward_caller=forward_caller)


class Compiled(BytecodeCache):
    """What templates were compiled to, by their source: done once in a process and those that are copies of it."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what is known."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Know it from now on."""
        if bucket.code:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = Compiled()


class Templates(Environment):
    """All templates have the same globals, in one mapping: Jinja would put a chain of two before each of them, which
    costs every import and include of every page.
    """

    template_class = Rendered
    context_class = Bare
    code_generator_class = Calls

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Those of the environment. Raises `ValueError` where a template is to have more."""
        if d:
            raise ValueError("globals of one template")
        return self.globals


def templates() -> Templates:
    """Those of a page area lie in its folder (`dashboard/page.html`), shared ones in `templates/`."""
    environment = Templates(
        loader=FileSystemLoader([HERE / "templates", HERE]),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
        finalize=_isolated,
        extensions=["jinja2.ext.i18n", OpenedBy],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # pyright: ignore[reportAttributeAccessIssue] - the extension put it there
    cast("dict[str, Any]", environment.filters).update(
        address=lambda email: shown_address(email or ""),
        day=formats.day,
        short_day=formats.short_day,
        initials=formats.initials,
        ago=_ago,
        moment=_moment,
        to_the_second=_to_the_second,
        until=_until,
        day_heading=_day_heading,
        figure=formats.figure,
        number=formats.number,
        decimal=formats.decimal,
        listed=formats.listed,
        change=formats.change,
        local_path=local_path,
        own_path=own_path,
        mark=mark,
        runs=runs,
    )
    return environment


def template_config(assets: Assets, settings: PortalSettings) -> tuple[TemplateConfig[JinjaTemplateEngine], Branding]:
    """The templates with all that they show of this portal; and the brand, which is in each of them (`brand`, and its
    name as `company`).
    """
    environment = templates()
    globals_ = cast("dict[str, Any]", environment.globals)
    globals_.update(
        page=Shown(_page.get),
        _=_said,
        gettext=_block,
        ngettext=_block_by_number,
        marked=marked,
        asset=assets.url,
        icon=icon,
        told_by=told_by,
        BELL=BellChanged.type,
        has_mailbox=bool(settings.mailbox_dir),
        DASH=formats.DASH,
        LANGUAGES=formats.LANGUAGES,
        languages=formats.languages,
        DATES={"min": FIRST_DAY.isoformat(), "max": LAST_DAY.isoformat()},
    )

    def show(brand: Brand) -> None:
        globals_["company"] = brand.name

    branding = Branding(settings.company_name, show)
    globals_["brand"] = Shown(lambda: branding.brand)
    return TemplateConfig(engine=JinjaTemplateEngine.from_environment(environment)), branding


def _isolated(value: object) -> object:
    """What every expression of a template shows: a text that is read from the right turns nothing around it.

    Markup is left as it is, and so is what an input holds (`value="{{ name | e }}"`), which is sent back.
    """
    return isolated(value) if type(value) is str else value


def _said(text: str, /, **values: object) -> Markup:
    """`_("Remove {name}", name=...)`: the text in the language of the page, as every other expression is shown."""
    found = _escaped(text, current())
    return Markup(str.format_map(found, _shown(values))) if values else found  # noqa: S704 - all of it is escaped


@lru_cache(4096)
def _escaped(text: str, language: str) -> Markup:  # noqa: ARG001 - which is the current one, and part of the key
    """A page of a hundred texts says each of them on every visit."""
    return escape(gettext(text))


def _block(text: str, /, **values: object) -> Markup:
    """What stands between `trans` and `endtrans` (Jinja's own name for it): its markup is ours, its values are not."""
    return Markup(gettext(text) % _shown(values))  # noqa: S704 - a template or a catalogue has it


def _block_by_number(one: str, many: str, count: int, /, **values: object) -> Markup:
    """The same where `pluralize` gives another text for another number."""
    return Markup(ngettext(one, many, count) % _shown(values))  # noqa: S704 - a template or a catalogue has it


def _shown(values: dict[str, object]) -> dict[str, Markup]:
    return {name: escape(_isolated(value)) for name, value in values.items()}


def icon(name: str, label: str = "") -> Markup:
    """An inline icon: decoration, unless `label` says what it means. Raises KeyError for one that is not vendored."""
    if not label:
        return DECORATIONS[name]
    return SVG.format(Markup('role="img" aria-label="{}"').format(label), ICONS[name])


def told_by(publisher: str = "") -> str:
    """The types of all events in the feed, or of those that one service publishes, separated by spaces."""
    return " ".join(kind.type for kind in TOLD if publisher in ("", publisher_of(kind.subject)))


def _ago(value: datetime) -> str:
    return formats.ago(value, _page.get().zone)


def _moment(value: datetime) -> str:
    return formats.moment(value, _page.get().zone)


def _to_the_second(value: datetime) -> str:
    return formats.to_the_second(value, _page.get().zone)


def _until(value: date) -> str:
    return formats.until(value, _page.get().today)


def _day_heading(value: date) -> str:
    return formats.day_heading(value, _page.get().readers_today)
