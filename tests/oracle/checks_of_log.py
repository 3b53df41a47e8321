"""Status and p-value of the checks of an event log, from its people and raw rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import stats
from tests.oracle.units_of_log import DAY, moment, text


def checks(spec, data, log, mature):
    """Expected (status, p-value) by check; ``mature`` are units by arm of the best primary."""
    arms = [spec["variants"]["control"], *spec["variants"]["treatments"]]
    plans = [spec["variants"]["allocation"]]
    plans += [phase["allocation"] for phase in spec["variants"].get("phases", [])]
    units = Counter(p.variant for p in log.people)
    crossed = Counter(p.variant for p in log.people if p.crossed)
    looked_at = max(metric["window_days"][1] for metric in spec["metrics"]) * DAY
    silent = Counter(
        p.variant
        for p in log.people
        if not any(p.t0 <= e["time"] < p.t0 + looked_at for e in p.events)
    )
    shown, zone = spec["data"]["exposures"], spec["experiment"].get("timezone", "UTC")
    declared = {*arms, *shown["ignore_variants"], None}
    rows = [
        row
        for row in data["exposures"].to_dict("records")
        if (time := moment(row[shown["time"]], zone)) is None or time < log.as_of
    ]
    unknown = sum(
        text(row[shown["variant"]]) not in declared and text(row[shown["unit"]]) is not None
        for row in rows
    )
    p_ratio, p_drift = sample_ratio(log, arms, plans), drift(spec, log, arms, len(plans))
    p_crossed = equal(crossed, units, arms)
    p_silent = equal(silent, units, arms)
    share = sum(crossed.values()) / len(log.people)
    fewest = min(mature[arm] for arm in arms)
    return {
        "sample_ratio": (graded(p_ratio, 0.001, 0.01), p_ratio),
        "allocation_drift": (graded(p_drift, 0.001, 0), p_drift),
        "crossover": (
            "pass" if share == 0 else "fail" if share > 0.01 or small(p_crossed) else "warn",
            p_crossed if share else None,
        ),
        "units": ("fail" if fewest < 2 else "warn" if fewest < 100 else "pass", None),
        "unknown_variant": (
            "pass" if not unknown else "fail" if unknown > 0.01 * len(rows) else "warn",
            None,
        ),
        "missing_values": missing_values(spec, log, units, arms),
        "exposure_without_events": ("warn" if small(p_silent) else "pass", p_silent),
        "late_data": ("warn" if late_rows(spec, data, log, arms) else "pass", None),
        "future_times": ("pass", None),
        "lock": ("warn", None),
    }


def missing_values(spec, log, units, arms):
    """Of each deciding amount the units with an event that has no value."""
    status, ps = "pass", []
    for metric in spec["metrics"]:
        if metric["role"] not in ("primary", "guardrail"):
            continue
        parts = [metric.get(key) for key in ("numerator", "denominator")]
        lacking = [
            Counter(p.variant for p in log.people if has_no_value(p, part, metric["window_days"]))
            for part in (parts if parts[0] else [metric])
            if part.get("aggregate") in ("sum", "max") and part["event"] != "*"
        ]
        worst = max(lacking, key=lambda counts: counts.total(), default=Counter())
        if not worst:
            continue
        ps.append(equal(worst, units, arms))
        if worst.total() > 0.05 * len(log.people) or small(ps[-1]):
            status = "warn"
    return status, min((p for p in ps if p is not None), default=None)


def has_no_value(person, part, window):
    begin, close = (person.t0 + days * DAY for days in window)
    return any(
        event["value"] is None
        for event in person.events
        if event["name"] == part["event"] and begin <= event["time"] < close
    )


def small(p):
    return p is not None and p < 0.001


def graded(p, fail, warn):
    if p is None:
        return "not_computed"
    return "fail" if p < fail else "warn" if p < warn else "pass"


def sample_ratio(log, arms, plans):
    """Exact below 1000 units or an expected count of five, else chi-square added up over phases."""
    statistic = freedom = 0
    seen_by_phase, wanted_by_phase = [], []
    for phase, plan in enumerate(plans):
        seen = [sum(p.variant == arm and p.phase == phase for p in log.people) for arm in arms]
        if sum(seen):
            wanted = np.array([plan[arm] for arm in arms])
            wanted = wanted / wanted.sum()
            statistic += stats.chisquare(seen, sum(seen) * wanted).statistic
            freedom += len(arms) - 1
            seen_by_phase.append(seen)
            wanted_by_phase.append(wanted)
    units = sum(map(sum, seen_by_phase))
    least = min(sum(s) * w.min() for s, w in zip(seen_by_phase, wanted_by_phase, strict=True))
    if units < 1000 or least < 5:
        return as_rare(seen_by_phase, wanted_by_phase)
    return stats.chi2.sf(statistic, freedom)


def as_rare(seen_by_phase, wanted_by_phase):
    """Probability of all tables that are no more probable than the one seen."""
    chances, seen_chance = np.ones(1), 1.0
    for seen, wanted in zip(seen_by_phase, wanted_by_phase, strict=True):
        units, arms = sum(seen), len(seen)
        grid = np.indices((units + 1,) * (arms - 1)).reshape(arms - 1, -1)
        grid = grid[:, grid.sum(axis=0) <= units]
        tables = np.vstack([grid, units - grid.sum(axis=0)]).T
        chances = np.outer(chances, stats.multinomial.pmf(tables, units, wanted)).ravel()
        seen_chance *= stats.multinomial.pmf(seen, units, wanted)
    return min(1.0, chances[chances <= seen_chance * (1 + 1e-7)].sum())


def equal(counts, of, arms):
    """Chi-square of equal shares; None where an expected count would be below five."""
    table = np.array([[counts[arm] for arm in arms], [of[arm] - counts[arm] for arm in arms]])
    return contingency(table)


def contingency(table):
    """Pearson's p-value after pooling rows with the next until none expects less than five."""
    table = table[:, table.sum(axis=0) > 0]
    table = table[table.sum(axis=1) > 0]
    if not table.size:
        return None
    least = (table.sum(axis=0) / table.sum()).min()
    groups, rest = [], np.zeros(table.shape[1])
    for row in table:
        rest = rest + row
        if rest.sum() * least >= 5:
            groups.append(rest)
            rest = np.zeros(table.shape[1])
    if groups:
        groups[-1] = groups[-1] + rest
    if len(groups) < 2 or table.shape[1] < 2:
        return None
    return stats.chi2_contingency(np.array(groups), correction=False).pvalue


def drift(spec, log, arms, phases):
    """Smallest p-value of day x arm tables within phases, times their number."""
    zone = spec["experiment"].get("timezone", "UTC")
    found = []
    for phase in range(phases):
        cells = Counter(
            (p.t0.tz_convert(zone).date(), p.variant) for p in log.people if p.phase == phase
        )
        days = sorted({day for day, _ in cells})
        table = [[cells[day, arm] for arm in arms] for day in days]
        if len(table) > 1 and (p := contingency(np.array(table))) is not None:
            found.append(p)
    return min(1.0, min(found) * len(found)) if found else None


def late_rows(spec, data, log, arms):
    zone = spec["experiment"].get("timezone", "UTC")
    shown, events = spec["data"]["exposures"], spec["data"]["events"]
    late = 0
    for row in data["exposures"].to_dict("records"):
        time = moment(row[shown["time"]], zone)
        late += row[shown["variant"]] in arms and time is not None and time >= log.as_of
    for row in data["events"].to_dict("records"):
        time = moment(row[events["time"]], zone)
        named = text(row[events["unit"]]) is not None and text(row[events["name"]]) is not None
        late += named and time is not None and time >= log.as_of
    return late
