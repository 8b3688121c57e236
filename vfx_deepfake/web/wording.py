"""How pages say what the store knows: states, lights of QC, ages, names of shows."""

from __future__ import annotations

import datetime
from typing import Any

from vfx_deepfake.review.models import APPROVED, CHANGES, PENDING, SUPERSEDED
from vfx_deepfake.web.visit import NO_SHOW

STATE_WORDS = {PENDING: "pending", APPROVED: "approved", CHANGES: "changes requested", SUPERSEDED: "superseded"}
LIGHT_WORDS = {"pass": "pass", "look": "look", "fail": "fail", "none": "not measured"}
ALL_SHOWS = "*"
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))  # seconds


def state_word(state: str) -> str:
    """A state as people say it."""
    return STATE_WORDS.get(state, state)


def light(verdict: str) -> str:
    """The light of a verdict of QC: what was not measured, or by another release, has none."""
    return verdict if verdict in LIGHT_WORDS else "none"


def age(at: str, now: datetime.datetime | None = None) -> str:
    """How long ago a time of the store was: ``5 min``, ``3 h``, ``2 d``; the date after two months; as it stands when it is no time."""
    try:
        then = datetime.datetime.fromisoformat(at)
        seconds = ((now or datetime.datetime.now(datetime.UTC)) - then).total_seconds()
    except (ValueError, TypeError):
        return at
    if seconds > 60 * 86400 or seconds < -60:
        return at[:10]
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return "just now"


def moment(at: str) -> str:
    """A time of the store to the minute, UTC."""
    return at[:16].replace("T", " ")


def show_of_query(text: str | None) -> str | None:
    """The show that a query names: None for all of them, "-" for the one without a name."""
    return None if not text else "" if text == NO_SHOW else text


def show_word(show: str) -> str:
    """A show's name; the one without a name gets words."""
    return show or "without a show"


def dailies_name(show: str | None, playlist: str = "") -> str:
    """What dailies are called in a player's address (``?dailies=``): ``*`` for all shows, a show, or ``show/playlist``."""
    return ALL_SHOWS if show is None else "/".join(filter(None, [show or NO_SHOW, playlist]))


def dailies_of(name: str) -> tuple[str | None, str]:
    """The show (None for all of them) and the playlist (or empty) of such a name."""
    show, _, playlist = name.partition("/")
    return (None if show == ALL_SHOWS else show_of_query(show)), playlist


WORDS: dict[str, Any] = {
    "state_word": state_word, "state_words": STATE_WORDS, "light": light, "light_words": LIGHT_WORDS,
    "age": age, "moment": moment, "show_word": show_word, "no_show": NO_SHOW,
}  # fmt: skip
