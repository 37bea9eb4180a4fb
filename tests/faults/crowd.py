"""Who uses the portal while it is hurt."""

import threading
import time
from collections import Counter
from typing import Any, Self

import httpx2

from tests.portal_stack import API, Portal


class Writer:
    """Somebody who adds milestones without pause and remembers which of them were answered with yes."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.acked: list[str] = []
        self.statuses: Counter[Any] = Counter()
        self.slowest = 0.0
        self._http = portal.sign_in("admin@northwind.example")
        client_id = portal.me("approver")["client_id"]
        made = self._http.post(f"{API}/projects", json={"client_id": client_id, "name": "Stress", "status": "on_track"})
        self.project: str = made.json()["id"]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _write(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            name = f"step {number}"
            began = time.monotonic()
            try:
                answer = self._http.post(
                    f"{API}/projects/{self.project}/milestones", json={"name": name, "target_on": "2031-01-01"}
                )
                self.statuses[answer.status_code] += 1
                if answer.status_code == 201:
                    self.acked.append(answer.json()["id"])
            except httpx2.TransportError as error:
                self.statuses[type(error).__name__] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.01)

    def progresses(self, more: int = 20) -> None:
        """Wait until that many further writes were answered with yes. Nobody restarts anything by hand meanwhile."""
        target = len(self.acked) + more
        self.portal.until(lambda: len(self.acked) >= target)


def feed_is_complete(http: httpx2.Client, project: str, milestones: set[str]) -> list[str] | None:
    """The milestones the feed says were created, once all of them are in it."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"project_id": project, "limit": "100"} | ({"cursor": cursor} if cursor else {})
        answer = http.get(f"{API}/activity", params=query)
        if answer.status_code != 200:
            return None
        page = answer.json()
        found += [each["target"]["id"] for each in page["items"] if each["type"] == "milestone_created"]
        cursor = page["next_cursor"]
        if not cursor:
            return found if set(found) >= milestones else None
