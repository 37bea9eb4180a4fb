"""How a page appears: in light and dark, wide and narrow, and what is wrong with it there.

A page is loaded once and looked at in several looks: nothing but its stylesheets knows of theme and width.
"""

from dataclasses import dataclass
from typing import Any, Literal

from playwright.sync_api import Page, ViewportSize

from tests.portal_stack import ROOT

AXE = (ROOT / "tests/portal/vendor/axe.min.js").read_text()
ARRIVED = """() => {
  const moving = () => document.getAnimations().filter((each) =>
    each.playState === 'running' && Number.isFinite(each.effect.getComputedTiming().endTime));
  for (let found = moving(); found.length; found = moving()) found.forEach((each) => each.finish());
}"""
"""Ends what fades in or moves, and what begins to move because of that: a colour goes from each element to those in it."""
SERIOUS = """async () => {
  const serious = (rule) => ['serious', 'critical'].includes(rule.impact);
  const others = axe._audit.rules.filter((rule) => !serious(rule)).map((rule) => [rule.id, { enabled: false }]);
  const options = { resultTypes: ['violations'], preload: false, rules: Object.fromEntries(others) };
  return (await axe.run(options)).violations.filter(serious);
}"""
"""What a rule finds is as bad as the rule says, so those that find less are not asked: they take a third of the time."""
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 390, "height": 844}
NARROWEST: ViewportSize = {"width": 320, "height": 568}
"""WCAG 2.2, 1.4.10: a window of 1280 pixels at four times the size."""


@dataclass(frozen=True)
class Look:
    """A theme and a width."""

    dark: bool
    narrow: bool

    @property
    def theme(self) -> Literal["light", "dark"]:
        return "dark" if self.dark else "light"

    @property
    def window(self) -> ViewportSize:
        return NARROW if self.narrow else WIDE

    def differs(self, other: "Look") -> int:
        """In how much."""
        return (self.dark != other.dark) + (self.narrow != other.narrow)

    def __str__(self) -> str:
        return f"{self.theme}-{self.window['width']}"


LOOKS = [Look(dark, narrow) for narrow in (False, True) for dark in (False, True)]
TWO_LOOKS = LOOKS[0], LOOKS[3]
"""Nothing in common, and everything between them: enough for a journey of many pages."""


def inaccessible(page: Page) -> list[dict[str, Any]]:
    """What axe finds serious or worse, with where, once what fades in is there: half faded, a word has no contrast."""
    page.evaluate(ARRIVED)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(SERIOUS)
    return [{"rule": each["id"], "where": [node["html"][:120] for node in each["nodes"]]} for each in found]


def wider_than_its_window(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def wider_at(page: Page, *windows: ViewportSize) -> list[int]:
    """The widths at which the page scrolls sideways; the one it has is looked at first, as a change takes its time."""
    found: list[int] = []
    for window in sorted(windows, key=lambda each: each != page.viewport_size):
        if window != page.viewport_size:
            page.set_viewport_size(window)
        found += [window["width"]] if wider_than_its_window(page) else []
    return found
