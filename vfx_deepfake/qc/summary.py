"""From the records of frames to one summary: per measure the verdict, the worst value and its frame, and why something was not measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from vfx_deepfake.qc.grain import BAND_EDGES, Levels, level_ratios, pooled
from vfx_deepfake.qc.places import LEAST_PIXELS
from vfx_deepfake.qc.verdict import (
    FAIL,
    LOOK,
    MEASURES,
    PASS,
    QC_WORDING,
    UNKNOWN,
    Measure,
    Wording,
    verdict,
    worse,
    worst_of,
)

Record = Mapping[str, Any]
LimitsOf = Callable[[str], tuple[float, float]]
LEAST_POOLED = 12 * LEAST_PIXELS  # of all frames, for a band to be judged to a few per cent


def summarise_frames(
    records: Sequence[Record], limits_of: LimitsOf, measures: Mapping[str, Measure]
) -> dict[str, dict[str, Any]]:
    """Every measure over the frames; ``measures`` names them."""
    return {name: _of_frames(name, records, limits_of(name)) for name in measures}


def summarise(records: Sequence[Record], limits_of: LimitsOf) -> dict[str, Any]:
    """The summary of a version as plain data.

    ``records``: one a frame, with ``frame``, ``values``, ``notes``, ``why`` (why a measure has no value) and ``levels``.
    """
    measures = summarise_frames(
        records, limits_of, {name: MEASURES[name] for name in MEASURES if name != "grain_bands"}
    )
    bands = pooled_bands(records)
    measures["grain_bands"] = _of_bands(bands, limits_of("grain_bands"))
    ordered = {name: measures[name] for name in MEASURES}
    return {
        "verdict": worst_of([each["verdict"] for each in ordered.values()]),
        "frames": [record["frame"] for record in records],
        "measures": ordered,
        "grain": bands,
    }


def _of_frames(name: str, records: Sequence[Record], limits: tuple[float, float]) -> dict[str, Any]:
    """One measure over the frames."""
    values = {record["frame"]: record["values"].get(name) for record in records}
    known = {frame: value for frame, value in values.items() if value is not None}
    result: dict[str, Any] = {"limits": list(limits), "verdict": UNKNOWN}
    if len(known) < len(values):
        reasons = Counter(
            record["why"].get(name, "no reason given") for record in records if record["frame"] not in known
        )
        result["not_measured"] = {reason: count for reason, count in reasons.most_common()}
    if not known:
        return result
    worst = None
    for frame, value in known.items():
        if worst is None or worse(value, known[worst], limits):
            worst = frame
    verdicts = {frame: verdict(value, limits) for frame, value in known.items()}
    notes = {record["frame"]: record["notes"].get(name, "") for record in records}
    return {
        **result,
        "verdict": worst_of(list(verdicts.values())),
        "worst": known[worst],
        "worst_frame": worst,
        "median": float(np.median(list(known.values()))),
        "note": notes[worst],
        LOOK: [frame for frame, each in verdicts.items() if each == LOOK],
        FAIL: [frame for frame, each in verdicts.items() if each == FAIL],
    }


def pooled_bands(records: Sequence[Record]) -> dict[str, Any]:
    """Grain levels of all frames together: light, and per channel the delivered face's, the plate's there, the skin's beside it."""
    with_levels = [record["levels"] for record in records if record.get("levels")]
    if not with_levels:
        return {}
    total = {
        kind: pooled([Levels.from_data(each[kind]) for each in with_levels]) for kind in ("result", "plate", "beside")
    }
    ratios = level_ratios(total["result"], total["plate"], LEAST_POOLED)
    return {
        "light_log": ((BAND_EDGES[1:] + BAND_EDGES[:-1]) / 2).round(4).tolist(),
        "ratio": [[None if np.isnan(value) else round(float(value), 4) for value in row] for row in ratios],
        **{kind: levels.to_data() for kind, levels in total.items()},
    }


def _of_bands(bands: Mapping[str, Any], limits: tuple[float, float]) -> dict[str, Any]:
    """The band and channel whose pooled level is farthest from the plate's."""
    gaps = [
        (abs(ratio - 1), f"{'RGB'[channel]} at log {light:.2f}: {ratio:.2f} of the plate's")
        for light, row in zip(bands.get("light_log", ()), bands.get("ratio", ()), strict=True)
        for channel, ratio in enumerate(row)
        if ratio is not None
    ]
    if not gaps:
        why = "no luminance band holds enough pixels of grain"
        return {"limits": list(limits), "verdict": UNKNOWN, "not_measured": {why: 1}}
    value, note = max(gaps)
    found = verdict(value, limits)
    return {"limits": list(limits), "verdict": found, "worst": value, "worst_frame": None, "median": float(np.median([g for g, _ in gaps])),
            "note": note, LOOK: [], FAIL: []}  # fmt: skip


def frame_verdict(record: Record, limits_of: LimitsOf) -> str:
    """The worst verdict of one frame."""
    return worst_of([verdict(value, limits_of(name)) for name, value in record["values"].items()])


def worst_frames(records: Sequence[Record], limits_of: LimitsOf, count: int) -> list[Record]:
    """The frames to look at first: those with the most failures, then the most looks, then the nearest to a limit; frames that
    pass everything fill up only to show at least one.
    """

    def badness(record: Record) -> tuple[int, int, float]:
        found = [verdict(value, limits_of(name)) for name, value in record["values"].items()]
        return (
            found.count(FAIL),
            found.count(LOOK),
            max((nearness(v, limits_of(n)) for n, v in record["values"].items()), default=0.0),
        )

    ranked = sorted(records, key=badness, reverse=True)
    bad = [record for record in ranked if frame_verdict(record, limits_of) in (LOOK, FAIL)]
    return (bad or ranked[:1])[:count]


def nearness(value: float | None, limits: tuple[float, float]) -> float:
    """How far a value is on its way to failing, 1 at the limit; at most 10."""
    if value is None:
        return 0.0
    look, fail = limits
    if fail < look:
        return float(np.clip((1 - value) / max(1 - fail, 1e-9), 0, 10))
    return float(np.clip(value / fail if fail else 0.0, 0, 10))


def short(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The summary as a version's record keeps it: the verdict, and per measure verdict, worst value and its frame."""
    kept = {
        name: {key: row[key] for key in ("verdict", "worst", "worst_frame") if key in row}
        for name, row in summary["measures"].items()
    }
    return {"verdict": summary["verdict"], "measures": kept}


def lines(summary: Mapping[str, Any], wording: Wording = QC_WORDING) -> list[str]:
    """The summary as lines for a terminal: what stands out, worst first, then what does not, then what was not measured."""
    rows, measures, word = summary["measures"], wording.measures, wording.verdicts
    bad = sorted(
        (each for each in rows.items() if each[1]["verdict"] in (FAIL, LOOK)),
        key=lambda each: each[1]["verdict"] != FAIL,
    )
    found = [f"{word[row['verdict']]:5} {measures[name].title}: {described(measures[name], row)}" for name, row in bad]
    for verdict_ in (PASS, UNKNOWN):
        titles = [measures[name].title for name, row in rows.items() if row["verdict"] == verdict_]
        if titles:
            found.append(f"{word[verdict_]:5} {', '.join(titles)}")
    return found


def described(measure: Measure, row: Mapping[str, Any]) -> str:
    """A bad value in words: how much, where, what it means."""
    where = f" in frame {row['worst_frame']}" if row.get("worst_frame") is not None else ""
    note = f" ({row['note']})" if row.get("note") else ""
    return f"{row['worst']:.{measure.digits}f} {measure.unit}{where}{note}; {measure.wrong}"
