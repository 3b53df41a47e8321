"""What an analysis may know: nothing from its moment on, and nothing about how rows are stored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.oracle.dirty_logs import DAY, dirty_log, experiment
from tests.oracle.judged import same

import abtest


def case(seed, **analysis):
    rng = np.random.default_rng(seed)
    spec = experiment(rng)
    spec["analysis"] |= {"segments": []} | analysis
    return spec, dirty_log(spec, rng)


def told(document, *, but=()):
    """A document without its provenance and without the checks named."""
    kept = {key: value for key, value in document.items() if key != "provenance"}
    kept["checks"] = {c["check"]: c for c in document["checks"] if c["check"] not in but}
    kept["effects"] = {(e["metric"], e["variant"], str(e["segment"])): e for e in kept["effects"]}
    return kept


def unlike(found, expected, path=""):
    """Paths at which two documents differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = {*found, *expected}
        parts = (
            unlike(found.get(k), expected.get(k), f"{path}/{k}") for k in sorted(keys, key=str)
        )
        return [line for part in parts for line in part]
    return [] if same(found, expected, rtol=1e-8) else [f"{path}: {found} is not {expected}"]


@pytest.mark.parametrize("seed", [1, 4, 8, 12])
def test_an_earlier_moment_knows_nothing_of_what_came_later(seed):
    """Rows from `as_of` on are counted as late data; everything else is as if there were none.

    That holds for rows of whatever kind: a flood of a variant that nobody planned, which comes
    later, does not make the past invalid.
    """
    spec, data = case(seed)
    start = pd.Timestamp(spec["experiment"]["start"])
    flood = data["exposures"].iloc[:40].assign(arm="ghost", at=(start + 20 * DAY).tz_convert("UTC"))
    flood["who"] = [f"ghost{i}" for i in range(len(flood))]
    with_flood = data | {"exposures": pd.concat([data["exposures"], flood], ignore_index=True)}
    today = abtest.load(spec, data=with_flood).analyze()
    for days in (8, 11.37, 19):
        # A timestamp of pandas 2 counts nanoseconds, a datetime microseconds.
        moment = (start + days * DAY).floor("us")
        then = {
            "exposures": data["exposures"][~(data["exposures"]["at"] >= moment)],
            "events": data["events"][~(data["events"]["when"] >= moment)],
            "units": data["units"],
        }
        at = today.at(moment.to_pydatetime()).to_dict()
        known = abtest.load(spec, data=then).analyze(moment.to_pydatetime()).to_dict()
        late = next(check for check in at["checks"] if check["check"] == "late_data")
        events, shown = data["events"], with_flood["exposures"]
        rows = ((events["when"] >= moment) & events["user"].notna() & events["what"].notna()).sum()
        arms = [spec["variants"]["control"], *spec["variants"]["treatments"]]
        rows += ((shown["at"] >= moment) & shown["who"].notna() & shown["arm"].isin(arms)).sum()
        assert late["values"]["rows"] == rows
        assert not unlike(told(at, but=["late_data"]), told(known, but=["late_data"]))


@pytest.mark.parametrize("seed", [2, 5])
def test_neither_order_nor_names_nor_files_of_rows_matter(seed, tmp_path):
    spec, data = case(seed, segments=["platform"])
    before = told(abtest.load(spec, data=data).analyze().to_dict())

    shuffled = {name: frame.sample(frac=1.0, random_state=3) for name, frame in data.items()}
    assert told(abtest.load(spec, data=shuffled).analyze().to_dict()) == before

    columns = {"exposures": "who", "events": "user", "units": "id"}
    renamed = {
        name: frame.assign(**{columns[name]: ("x" + frame[columns[name]].str[::-1] + "é")})
        for name, frame in data.items()
    }
    assert told(abtest.load(spec, data=renamed).analyze().to_dict()) == before

    for number, part in enumerate(np.array_split(np.arange(len(data["events"])), 3)):
        data["events"].iloc[part].to_parquet(tmp_path / f"events_{number}.parquet")
    data["exposures"].to_parquet(tmp_path / "exposures.parquet")
    data["units"].to_parquet(tmp_path / "units.parquet")
    for name in columns:
        spec["data"][name]["source"] = f"{name}{'_*' if name == 'events' else ''}.parquet"
    found = abtest.load(spec, root=tmp_path).analyze().to_dict()
    assert told(found) == before


def test_swapped_arms_turn_every_sign():
    """Bit for bit where the method is symmetric: differences, p-values, limits."""
    spec, data = case(7)
    first, other = spec["variants"]["control"], spec["variants"]["treatments"][0]
    spec["variants"] |= {"treatments": [other], "allocation": {first: 0.5, other: 0.5}}
    spec["data"]["exposures"]["ignore_variants"].append("c")
    for metric in spec["metrics"]:
        metric.pop("mde", None), metric.pop("margin", None), metric.pop("margin_absolute", None)
        metric["role"] = "primary"
    there = abtest.load(spec, data=data).analyze().to_dict()["effects"]
    spec["variants"] |= {"control": other, "treatments": [first]}
    back = abtest.load(spec, data=data).analyze().to_dict()["effects"]
    turned = {"improved": "harmed", "harmed": "improved"}
    for row, mirrored in zip(there, back, strict=True):
        a, b = row["absolute"], mirrored["absolute"]
        assert same(
            b, {"estimate": -a["estimate"], "lower": -a["upper"], "upper": -a["lower"]}, rtol=1e-8
        )
        assert mirrored["p_value"] == pytest.approx(row["p_value"], rel=1e-8)
        assert mirrored["outcome"] == turned.get(row["outcome"], row["outcome"])
        assert (mirrored["control_value"], mirrored["treatment_value"]) == (
            row["treatment_value"],
            row["control_value"],
        )
