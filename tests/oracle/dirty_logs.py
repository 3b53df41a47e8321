"""Small logs with everything that can be wrong with them, and experiments to read them by."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
STARTS = {
    "UTC": "2025-03-03T00:00:00+00:00",
    "Asia/Tehran": "2021-03-16T00:00:00+03:30",  # clocks change on 22 March
    "America/New_York": "2026-03-03T00:00:00-05:00",  # clocks change on 8 March
}
WINDOWS = ([0, 7], [0, 1], [1, 3.5], [0, 2.25], [3, 4])


def experiment(rng):
    """An experiment dict with random arms, phases, zone, windows, tests and directions."""
    zone = str(rng.choice(list(STARTS)))
    start = pd.Timestamp(STARTS[zone])
    arms = ["control", "b", "c"][: int(rng.integers(2, 4))]
    spec = {
        "experiment": {
            "name": "dirty",
            "start": start.to_pydatetime(),
            "end": (start + 14 * DAY).to_pydatetime(),
            "timezone": zone,
        },
        "variants": {"control": "control", "treatments": arms[1:], "allocation": split(rng, arms)},
        "data": {
            "kind": "events",
            "exposures": {
                "unit": "who",
                "variant": "arm",
                "time": "at",
                "ignore_variants": ["holdout"] + ([""] if rng.random() < 0.5 else []),
            },
            "events": {"unit": "user", "time": "when", "name": "what", "value": "amount"},
            "units": {"unit": "id"},
        },
        "analysis": {"cuped": bool(rng.random() < 0.4), "segments": ["platform"]},
        "metrics": metrics(rng),
    }
    if rng.random() < 0.4:
        change = start + pd.Timedelta(days=6, hours=int(rng.integers(0, 24)))
        spec["variants"]["phases"] = [
            {"from": change.to_pydatetime(), "allocation": split(rng, arms)}
        ]
    return spec


def split(rng, arms):
    """Shares of allocation, equal or not."""
    if rng.random() < 0.5:
        return {arm: 1 / len(arms) for arm in arms}
    weights = rng.choice([1, 2, 3], len(arms))
    return {arm: float(w / weights.sum()) for arm, w in zip(arms, weights, strict=True)}


def metrics(rng):
    """Metrics of all kinds and aggregates; roles, directions, tests and windows at random."""
    kinds = [
        {"kind": "mean", "event": "open", "aggregate": "count"},
        {"kind": "mean", "event": "buy", "aggregate": "sum"},
        {"kind": "mean", "event": "buy", "aggregate": "max"},
        {"kind": "mean", "event": "*", "aggregate": "distinct_days"},
        {"kind": "proportion", "event": "open"},
        {"kind": "proportion", "event": "rare"},
        {
            "kind": "ratio",
            "numerator": {"event": "buy", "aggregate": "sum"},
            "denominator": {"event": "open", "aggregate": "count"},
        },
        {
            "kind": "ratio",
            "numerator": {"event": "open", "aggregate": "count"},
            "denominator": {"event": "*", "aggregate": "distinct_days"},
        },
    ]
    result = []
    for number, index in enumerate(rng.permutation(len(kinds))):
        metric = {
            "id": f"m{index}",
            **kinds[index],
            "window_days": list(WINDOWS[rng.integers(len(WINDOWS))]),
            "direction": str(rng.choice(["increase", "decrease"])),
            "role": str(rng.choice(["primary", "guardrail", "secondary"], p=[0.3, 0.3, 0.4])),
        }
        if number == 0:
            metric["role"] = "primary"
        margins = [{"margin": 0.4}, {"margin_absolute": 0.15}, {"mde": 0.25}, {"mde": 1.5}]
        if metric["role"] == "guardrail":
            metric |= margins[rng.integers(2)]
        elif metric["role"] == "primary":
            metric |= margins[rng.integers(4)]
        result.append(metric)
    return result


def dirty_log(spec, rng, units=150):
    """Exposures, events and unit attributes of ``spec``, in random order."""
    start = pd.Timestamp(spec["experiment"]["start"]).tz_convert("UTC")
    end = pd.Timestamp(spec["experiment"]["end"]).tz_convert("UTC")
    plans = [(start, spec["variants"]["allocation"])] + [
        (pd.Timestamp(phase["from"]).tz_convert("UTC"), phase["allocation"])
        for phase in spec["variants"].get("phases", [])
    ]
    crossing = rng.choice([0, 0, 0, 0.01, 0.06])
    strange = rng.choice([0, 0, 0, 0.01, 0.06])
    gain = {arm: float(rng.choice([0.5, 1, 1, 2.5])) for arm in plans[0][1]}
    exposures, events = [], []
    for number in range(units):
        who = f"u{number}"
        t0 = start + pd.Timedelta(minutes=int(rng.integers(0, 14 * 1440)))
        if rng.random() < 0.03:
            t0 = [start, end, end - pd.Timedelta("1us")][rng.integers(3)]
        phase = sum(t0 >= begin for begin, _ in plans[1:])
        plan = plans[phase][1]
        arm = str(rng.choice(list(plan), p=list(plan.values())))
        exposures.append((who, arm, t0))
        exposures += [(who, arm, t0 + after) for after in repeats(rng)]
        if rng.random() < crossing:
            other = str(rng.choice(list(plan)))
            exposures.append((who, other, t0 + pd.Timedelta(hours=int(rng.integers(1, 90)))))
        if rng.random() < strange:
            exposures.append((who, str(rng.choice(["ghost", "holdout"])), t0 + DAY))
        if rng.random() < 0.8:
            level = rng.gamma(2.0) * (1.0 if phase == 0 else 2.5)
            events += history(rng, who, t0, level, gain[arm])
    exposures += [("stray1", "holdout", start + DAY), ("stray2", None, start + DAY)]
    exposures += [("early", "control", start - DAY), ("after", "b", end + DAY)]
    exposures += exposures[:3]
    events += [("nobody", start + DAY, "open", None), (None, start + DAY, "open", 1.0)]
    events += [("u1", None, "open", 2.0), ("u2", start + 9 * DAY, None, 2.0)]
    events += [("nobody", end + 8 * DAY, "open", None)]
    events += events[:5]
    order = rng.permutation(len(exposures))
    data = {
        "exposures": table([exposures[i] for i in order], ("who", "arm", "at"), "at"),
        "events": table(
            [events[i] for i in rng.permutation(len(events))],
            ("user", "when", "what", "amount"),
            "when",
        ),
    }
    platform = rng.choice(["ios", "web", None], units)
    rows = [(f"u{n}", platform[n]) for n in range(units) if n % 11]
    data["units"] = pd.DataFrame([*rows, *rows[:4], ("other", "ios")], columns=["id", "platform"])
    return data


def table(rows, columns, time):
    frame = pd.DataFrame(rows, columns=list(columns))
    frame[time] = pd.to_datetime(frame[time], utc=True)
    return frame


def repeats(rng):
    """Later exposures to the same variant."""
    return [pd.Timedelta(minutes=int(m)) for m in rng.integers(0, 9000, rng.integers(0, 3))]


def history(rng, who, t0, level, gain):
    """Events of one unit around its exposure, some exactly at the edges of windows."""
    rows = []
    for at in np.r_[
        rng.uniform(-9, 0, rng.poisson(3 * level)), rng.uniform(0, 9, rng.poisson(3 * level * gain))
    ]:
        name = str(rng.choice(["open", "buy", "rare", "other"], p=[0.6, 0.25, 0.02, 0.13]))
        value = None if rng.random() < 0.2 else round(float(rng.normal(4, 6)), 2)
        rows.append((who, t0 + pd.Timedelta(minutes=int(at * 1440)), name, value))
    edges = [-7, -1, 0, 1, 2.25, 3, 3.5, 4, 7]
    for edge in rng.choice(edges, 2):
        shift = pd.Timedelta(microseconds=int(rng.choice([-1, 0])))
        rows.append((who, t0 + float(edge) * DAY + shift, str(rng.choice(["open", "buy"])), 3.0))
    return rows
