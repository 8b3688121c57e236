"""What sending to a tracker and taking from it share: store, one project of a tracker, what is linked, patience with the network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.credentials import read_credentials
from vfx_deepfake.exchange.tracker import Published, Tracker, TrackerUnreachable, adapter_named
from vfx_deepfake.files import one_writer
from vfx_deepfake.review.decisions import DECISIONS
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.links import VERSION, link, links
from vfx_deepfake.review.people import require
from vfx_deepfake.review.place import find_settings
from vfx_deepfake.review.store import Store
from vfx_deepfake.settings.dailies import TrackerSpec

T = TypeVar("T")
WAITS_S = (1.0, 4.0, 15.0)  # between tries; assumed: longer outages are for the next run of cron
LOCK_FOLDER = ".tracker"  # in the show's folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """One show's side and one project of a tracker. ``who`` runs this; ``place`` names site and project in links."""

    store: Store
    tracker: Tracker
    spec: TrackerSpec
    place: str
    who: str
    waits_s: tuple[float, ...] = WAITS_S

    def patiently(self, call: Callable[[], T]) -> T:
        """Do something again that the network kept from happening. ``call`` must be one that may be done twice.

        Raises: TrackerUnreachable when the tracker stays away.
        """
        for wait_s in self.waits_s:
            try:
                return call()
            except TrackerUnreachable:
                time.sleep(wait_s)
        return call()

    def keep(self, name: VersionName | None, kind: str, theirs: str, **more: Any) -> None:
        """Keep a link, see :func:`.links.link`."""
        link(self.store, self.who, name, tracker=self.place, kind=kind, theirs=theirs, **more)

    def linked(self, name: VersionName | None = None, kind: str = "") -> list[dict[str, Any]]:
        """What is linked."""
        return links(self.store, self.place, name=name, kind=kind)

    def sent(self) -> dict[str, tuple[VersionName, Published]]:
        """Every version that the tracker has from us, by its id there."""
        return {row["theirs"]: (row["name"], from_facts(row["facts"])) for row in self.linked(kind=VERSION)}

    def decision_of(self, status: str) -> str:
        """The decision that a status of theirs means here; empty where it means none."""
        return next((state for state in DECISIONS if status in self.words(state)), "")

    def words(self, state: str) -> tuple[str, ...]:
        """Their words for one of our states, by [tracker.status] or the adapter's own."""
        own: tuple[str, ...] = getattr(self.spec.status, state)
        return own or self.tracker.statuses[state]


@contextmanager
def open_desk(store: Store, who: str, show: str, action: str) -> Iterator[Desk]:
    """Log in to the tracker that ``review.toml`` names, for one show, alone until the end.

    action: ``publish`` or ``pull``, which ``who`` must be allowed to do.
    Raises: ReviewError where no tracker is named, or it refuses; TrackerUnreachable; BusyError.
    """
    spec = find_settings(store.place.root).tracker
    require_tracker(spec, store.place.root)
    with store.reading() as session:
        require(session, who, action)
    file = store.place.root / spec.credentials if spec.credentials else None
    credentials = read_credentials(file)
    with one_writer(store.place.root / LOCK_FOLDER, f"vfx-deepfake review {action}"):
        tracker = adapter_named(spec.kind)(spec, credentials, show)
        yield Desk(store=store, tracker=tracker, spec=spec, place=place_of(spec, show), who=who)


def require_tracker(spec: TrackerSpec, root: Path) -> None:
    """Raises: ReviewError where no tracker is named."""
    if not spec.kind:
        raise ReviewError(
            f'{root}: names no tracker; put [tracker] with kind = "kitsu" and site = "https://..." into review.toml, see docs/review.md'
        )


def place_of(spec: TrackerSpec, show: str) -> str:
    """Site and project as links name them."""
    return f"{spec.kind} {spec.site.rstrip('/')}/{spec.project or show}"


def facts_of(published: Published) -> dict[str, Any]:
    """What is known of a version that was sent, as plain data for its link."""
    known = {each.name for each in fields(Published)}
    return {
        name: str(value) if name == "frame_rate" else value
        for name, value in asdict(published).items()
        if name in known
    }


def from_facts(facts: Mapping[str, Any]) -> Published:
    """The same back."""
    return Published(**{**facts, "frame_rate": Fraction(facts["frame_rate"])})
