"""Aha moments against a slow walk through every unit, and what chance alone looks like."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pandas as pd
import pytest

import abtest
from abtest.cli.app import main
from abtest.cohorts import aha
from abtest.cohorts.aha_measures import MEASURES, measures_of
from abtest.errors import DataError, UsageError
from abtest.experiment.examples import EVENTS_EXAMPLE
from abtest.stats import Moments, compare_proportions, proportion_interval

DAY = pd.Timedelta(days=1)
ALMOST_ALL = 1.0 - 1e-9
"""Share held out that leaves no unit to explore."""


def log_of(times):
    """A log of {unit: [(event, day)]}; days count from 2026-01-01."""
    rows = [
        (unit, event, pd.Timestamp("2026-01-01", tz="UTC") + day * DAY)
        for unit, own in times.items()
        for event, day in own
    ]
    return pd.DataFrame(rows, columns=["user_id", "event", "time"])


def in_hold_out(unit, share):
    """The first 32 bits of the digest of a unit's name, as a number, against the share."""
    digest = hashlib.md5(f"aha:{unit}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big") < int(share * 2**32)


def test_phi_is_that_of_published_tables():
    # 8 cats and 4 dogs, of which 6 and 1 are called cats: the example of
    # https://en.wikipedia.org/wiki/Phi_coefficient, MCC 0.478
    found = measures_of([12], [8], [7], [6])
    assert found["phi"][0] == pytest.approx(16 / np.sqrt(7 * 5 * 8 * 4))
    assert round(found["phi"][0], 3) == 0.478
    # scikit-learn's matthews_corrcoef([1, 1, 1, -1], [1, -1, 1, 1]) is -0.33
    assert round(measures_of([4], [3], [3], [2])["phi"][0], 2) == -0.33


def test_measures_are_those_of_the_two_columns():
    random = np.random.default_rng(4)
    for share in (0.05, 0.5, 0.9):
        did = random.random(400) < share
        met = random.random(400) < 0.2 + 0.5 * did
        found = measures_of([400], [met.sum()], [did.sum()], [(did & met).sum()])
        one = {name: values[0] for name, values in found.items()}
        assert one["phi"] == pytest.approx(np.corrcoef(did, met)[0, 1], rel=1e-12)
        assert one["precision"] == pytest.approx(met[did].mean())
        assert one["recall"] == pytest.approx(did[met].mean())
        assert one["npv"] == pytest.approx((~met)[~did].mean())
        assert one["false_omission"] == pytest.approx(met[~did].mean())
        assert one["fall_out"] == pytest.approx(did[~met].mean())
        assert one["reach"] == pytest.approx(did.mean())
        assert one["difference"] == pytest.approx(met[did].mean() - met[~did].mean())
        assert one["lift"] == pytest.approx(met[did].mean() / met.mean())


def test_what_is_divided_by_nothing_is_null():
    nobody = measures_of([10], [5], [0], [0])
    assert nobody["reach"][0] == 0.0
    assert nobody["recall"][0] == 0.0
    for name in ("precision", "phi", "difference", "lift"):
        assert np.isnan(nobody[name][0]), name


def test_a_worked_example():
    # the table of the cats: six of eight that came back did it twice, one of four that did not
    back, gone = ("open", 15.0), ("open", 13.0)
    twice = [("like", 0.5), ("like", 6.9)]
    times = {f"u{i}": [("open", 0.0), *twice, back] for i in range(6)}
    times |= {f"v{i}": [("open", 0.0), ("like", 0.5), ("like", 7.0), back] for i in range(2)}
    times |= {"w": [("open", 0.0), *twice, gone]}
    times |= {f"x{i}": [("open", 0.0), gone, ("open", 28.0)] for i in range(3)}
    found = aha(log_of(times), start="open", counts=(1, 2), days=(7,), holdout=ALMOST_ALL)
    row = found.candidates.set_index(["event", "count"]).loc[("like", 2)]
    assert row[["units", "retained", "did", "both"]].tolist() == [12, 8, 7, 6]
    assert round(row["phi"], 3) == 0.478
    assert row["strength"] == "strong"
    once = found.candidates.set_index(["event", "count"]).loc[("like", 1)]
    assert once[["did", "both"]].tolist() == [9, 8]
    shares = found.by_count("like").set_index("count")
    assert shares["units"].tolist() == [3, 2, 7]
    assert shares["retained"].tolist() == [0, 2, 6]
    wilson = proportion_interval(6, 7)
    assert shares.loc[2, ["share", "lower", "upper"]].tolist() == pytest.approx(
        [6 / 7, wilson.lower, wilson.upper]
    )


def test_days_and_windows_end_where_they_say():
    start, hair = ("open", 0.0), 1e-5
    times = {
        "at the end of day 7": [start, ("like", 7.0), ("open", 14.0)],
        "just before": [start, ("like", 7.0 - hair), ("open", 14.0 - hair)],
        "at the end of the window": [start, ("open", 28.0)],
        "just before that": [start, ("open", 28.0 - hair)],
        "at the start": [start, ("like", 0.0)],
        "later, not watched": [("open", 2.0), ("like", 2.5), ("open", 17.0)],
        "nothing more": [start, ("open", 29.5)],
    }
    found = aha(
        log_of(times), start="open", counts=(1,), days=(7,), holdout=ALMOST_ALL, as_of="2026-01-30"
    )
    row = found.candidates.iloc[0]
    # the one that started on day 2 has days 2 to 29: a day less than the log, which ends on day 29
    assert row[["units", "retained", "did", "both"]].tolist() == [6, 2, 2, 0]


def known_events(dirty):
    events = dirty.events.dropna(subset=["user_id"]).drop_duplicates()
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def walk(dirty, starts, asked):
    """Return {(event, count, days, held): (units, retained, did, both)} by walking."""
    begin, end = asked["outcome_window"]
    landmark, alive = max(asked["days"]), asked.get("alive_within")
    by_unit = dict(iter(known_events(dirty).groupby("user_id")))
    names = asked["behaviours"]
    found = {
        key: [0, 0, 0, 0] for key in product(names, asked["counts"], asked["days"], (False, True))
    }
    for unit, start in starts.items():
        if start + end * DAY > pd.Timestamp(dirty.as_of):
            continue
        rows = by_unit.get(unit)
        own = [] if rows is None else [
            ((row.occurred_at - start) / DAY, row.event) for row in rows.itertuples()
        ]  # fmt: skip
        if alive is not None and not any(landmark - alive <= t < landmark for t, _ in own):
            continue
        outcome = asked.get("outcome")
        back = any(begin <= t < end and (outcome is None or e in outcome) for t, e in own)
        held = in_hold_out(unit, asked["holdout"])
        for event, count, days in product(names, asked["counts"], asked["days"]):
            did = sum(0 <= t < days and e == event for t, e in own) >= count
            cell = found[event, count, days, held]
            for place, one in enumerate((True, back, did, did and back)):
                cell[place] += one
    return found


ASKED = {
    "behaviours": ["view", "cart", "buy"],
    "counts": (1, 2, 4),
    "days": (1, 3, 7),
    "outcome_window": (10, 24),
    "holdout": 0.4,
}


@pytest.mark.parametrize(
    "more", [{}, {"outcome": ["open", "buy"]}, {"alive_within": 2}], ids=["any", "named", "alive"]
)
@pytest.mark.parametrize("arms", [False, True])
def test_every_behaviour_equals_a_slow_walk(dirty, more, arms):
    asked = ASKED | more
    if arms:
        units = dirty.exposures.groupby("user_id").agg(
            start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
        )
        units = units[(units["arm"] == "control") & (units["other"] == "control")]
        starts = units["start"].dt.floor("us")
        given = {"exposures": dirty.exposures}
    else:
        starts = known_events(dirty).groupby("user_id")["occurred_at"].min()
        given = {}
    found = aha(dirty.events, as_of=dirty.as_of, max_phi=1.0, **asked, **given)
    slow = walk(dirty, starts, asked)
    assert len(found.candidates) == 27
    for row in found.candidates.to_dict("records"):
        key = row["event"], row["count"], row["days"]
        assert [row[name] for name in ("units", "retained", "did", "both")] == slow[(*key, True)]
        for half, prefix, names in (
            (True, "", MEASURES), (False, "explored_", ("reach", "phi", "difference"))
        ):  # fmt: skip
            alone = measures_of(*([number] for number in slow[(*key, half)]))
            for name in names:
                assert row[f"{prefix}{name}"] == pytest.approx(alone[name][0], nan_ok=True), name
    assert found.candidates["both"].sum() > 30
    for row in found.table.to_dict("records"):
        did, rest = (row["did"], row["both"]), (
            row["units"] - row["did"], row["retained"] - row["both"]
        )  # fmt: skip
        if min(did[0], rest[0]) < 2:
            assert np.isnan(row["lower"])
            continue
        alone = compare_proportions(Moments.from_counts(*rest), Moments.from_counts(*did)).absolute
        assert [row["difference"], row["lower"], row["upper"]] == pytest.approx(
            [alone.estimate, alone.lower, alone.upper], abs=1e-9
        )


def noise(seed):
    """A log in which nothing goes with anything: 300 units, 25 events, by chance."""
    random = np.random.default_rng(seed)
    units, events = 300, 25
    did = random.random((units, events)) < random.uniform(0.1, 0.6, events)
    at = random.uniform(0.1, 6.9, (units, events))
    times = {}
    for unit in range(units):
        own = [("start", 0.0)]
        own += [(f"e{event}", at[unit, event]) for event in range(events) if did[unit, event]]
        if random.random() < 0.4:
            own.append(("start", 20.0))
        times[f"u{seed}-{unit}"] = own
    return log_of(times)


def test_the_held_out_half_knows_no_winner_of_chance():
    explored, held, covered = [], [], 0
    seeds = range(40)
    for seed in seeds:
        found = aha(
            noise(seed), start="start", counts=(1,), days=(7,), outcome="start", rank_by="phi",
            top=1, as_of="2026-02-01",
        )  # fmt: skip
        best = found.table.iloc[0]
        explored.append(best["explored_phi"])
        held.append(best["phi"])
        covered += best["lower"] <= 0.0 <= best["upper"]
    # of 25 correlations with a standard deviation of 1 / sqrt(150) the largest is near 1.97 of it
    assert np.mean(explored) == pytest.approx(1.97 / np.sqrt(150), abs=0.03)
    error = 1.0 / np.sqrt(150 * len(seeds))
    assert abs(np.mean(held)) < 3.0 * error
    assert np.mean(explored) > 8.0 * error
    assert covered >= 34  # of 40 at 95%: 33 or fewer has a chance of 0.3%


def test_a_behaviour_that_matters_wins_and_keeps_its_phi():
    random = np.random.default_rng(9)
    times = {}
    for unit in range(600):
        likes = int(random.poisson(2.0))
        stays = random.random() < (0.75 if likes >= 3 else 0.2)
        own = [("start", 0.0), *(("like", t) for t in random.uniform(0.0, 3.0, likes))]
        own += [("view", t) for t in random.uniform(0.0, 7.0, int(random.poisson(3.0)))]
        times[f"u{unit}"] = [*own, ("start", 20.0)] if stays else own
    found = aha(log_of(times), start="start", rank_by="phi", as_of="2026-02-01")
    best = found.table.iloc[0]
    assert (best["event"], best["count"], best["days"]) == ("like", 3, 3.0)
    assert best["lower"] < 0.55 < best["upper"]
    assert best["strength"] == "strong"


def test_the_halves_do_not_hang_on_the_order_of_rows_or_on_repeats(dirty):
    first = aha(dirty.events, as_of=dirty.as_of)
    again = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    found = aha(again, as_of=dirty.as_of)
    pd.testing.assert_frame_equal(found.candidates, first.candidates)
    pd.testing.assert_frame_equal(found.table, first.table)
    pd.testing.assert_frame_equal(found.cells, first.cells)


def test_new_names_of_units_change_the_halves_and_nothing_else(dirty):
    first = aha(dirty.events, as_of=dirty.as_of).cells
    renamed = dirty.events.assign(user_id="x" + dirty.events["user_id"])
    other = aha(renamed, as_of=dirty.as_of).cells
    assert not first.equals(other)
    keys = ["event", "days", "count"]
    pd.testing.assert_frame_equal(
        first.groupby(keys)[["units", "retained"]].sum(),
        other.groupby(keys)[["units", "retained"]].sum(),
    )


def test_a_later_as_of_only_adds_units(dirty):
    early, late = (
        aha(dirty.events, as_of=moment).cells.set_index(["event", "days", "half", "count"])
        for moment in ("2026-02-25", dirty.as_of)
    )
    assert (late.loc[early.index] >= early).all(axis=None)
    assert late["units"].sum() > early["units"].sum()


def test_what_is_part_of_the_outcome_is_not_ranked(dirty):
    found = aha(dirty.events, outcome=["open", "view"], as_of=dirty.as_of)
    flagged = found.candidates[found.candidates["flag"] == "part of the outcome"]
    assert set(flagged["event"]) == {"open", "view"}
    assert flagged["rank"].isna().all()
    assert set(found.table["event"]) <= {"cart", "buy"}
    assert any("part of the outcome: open, view" in note for note in found.notes)


def test_what_is_too_good_to_be_true_is_not_ranked():
    times = {}
    for unit in range(60):
        own = [("start", 0.0), ("like", 1.0)] if unit % 3 else [("start", 0.0)]
        times[f"u{unit}"] = [*own, ("renewed", 2.0), ("start", 20.0)] if unit % 2 else own
    found = aha(log_of(times), start="start", counts=(1,), days=(7,), as_of="2026-02-01")
    row = found.candidates.set_index("event").loc["renewed"]
    assert row["explored_phi"] == 1.0
    assert row["flag"] == "too good to be true"
    assert "renewed" not in set(found.table["event"])
    assert any("renewed at least once" in note for note in found.notes)


@pytest.mark.parametrize("rank_by", ["phi_reach", "phi", "difference"])
def test_ranks_follow_what_is_asked_for(dirty, rank_by):
    found = aha(dirty.events, rank_by=rank_by, top=2, as_of=dirty.as_of)
    ranked = found.candidates[found.candidates["rank"].notna()]
    assert (ranked["score"].diff().dropna() <= 0).all()
    by = {
        "phi": ranked["explored_phi"],
        "phi_reach": ranked["explored_phi"] * ranked["explored_reach"],
    }
    if rank_by in by:
        assert ranked["score"].tolist() == pytest.approx(by[rank_by].tolist())
    else:
        assert (ranked["score"] < ranked["explored_difference"]).all()
    assert len(found.table) == 2
    assert found.table["event"].is_unique
    assert found.table["event"].iloc[0] == ranked["event"].iloc[0]


def test_units_of_treatment_never_choose(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    first = aha(dirty.events, **asked)
    treated = set(dirty.exposures.loc[dirty.exposures["variant"] != "control", "user_id"])
    fewer = dirty.events[~dirty.events["user_id"].isin(treated)]
    found = aha(fewer, **asked)
    pd.testing.assert_frame_equal(found.candidates, first.candidates)
    assert found.differences is None
    assert any("Only units of control" in note for note in found.notes)


@pytest.mark.parametrize(
    "asked",
    [
        {"outcome_window": (6, 28)},  # overlaps the seventh day
        {"days": (1, 15)},
        {"outcome_window": (14, 14)},
        {"counts": ()},
        {"counts": (0, 1)},
        {"counts": (1.5,)},
        {"days": ()},
        {"days": (0,)},
        {"behaviours": ()},
        {"holdout": 0.0},
        {"holdout": 1.0},
        {"rank_by": "lift"},
        {"top": 0},
        {"max_phi": 1.1},
        {"alive_within": 0},
        {"alive_within": 8},
        {"confidence_level": 1.0},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        aha(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"
    assert caught.value.todo


def test_windows_that_touch_are_not_refused(dirty):
    assert len(aha(dirty.events, as_of=dirty.as_of, outcome_window=(7, 14)).table)


def test_a_start_beside_exposures_is_refused(dirty):
    with pytest.raises(UsageError, match="cannot be"):
        aha(dirty.events, start="open", exposures=dirty.exposures, as_of=dirty.as_of)


def test_what_the_log_lacks_is_told(dirty):
    with pytest.raises(DataError) as caught:
        aha(dirty.events, behaviours="veiw", as_of=dirty.as_of)
    assert caught.value.code == "unknown_event"
    with pytest.raises(DataError) as caught:
        aha(dirty.events, outcome_window=(60, 90), as_of=dirty.as_of)
    assert caught.value.code == "no_eligible_unit"
    assert "280 units started, 0 of them" in caught.value.given


@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_an_experiment_file_takes_the_metric(tmp_path, monkeypatch, capsys, role):
    name = 'like "it" 👍'
    times = {
        f"u{i}": [("start", 0.0)] + [(name, 0.9), ("start", 20.0)] * (i % 2) for i in range(60)
    }
    log = log_of(times)
    found = aha(log, start="start", counts=(1,), max_phi=1.0, as_of="2026-02-01")
    text = found.experiment_text(role=role, mde=0.05 if role == "primary" else None)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "experiments" / "onboarding_checklist"
    folder.mkdir(parents=True)
    head = EVENTS_EXAMPLE[: EVENTS_EXAMPLE.index("[analysis]")]
    other = '[[metrics]]\nuse = "active_days"\nrole = "primary"\nmde = 0.05\n'
    more = "" if role == "primary" else '[events]\nactive = ["open"]\n\n' + other
    (folder / "experiment.toml").write_text(f"{head}{more}{text}", "utf-8")
    assert main(["check"]) == 0, capsys.readouterr().err
    metric = abtest.load("onboarding_checklist").resolved.spec.metrics[-1]
    assert (metric.event, metric.at_least, metric.window_days) == (name, 1, (0, 1))


def test_only_ranks_of_the_table_have_a_metric(dirty):
    found = aha(dirty.events, as_of=dirty.as_of)
    for asked in ({"rank": 0}, {"rank": 99}, {"role": "primary"}, {"role": "guardrail"}):
        with pytest.raises(UsageError) as caught:
            found.experiment_text(**asked)
        assert caught.value.code == "bad_choice"


def test_every_output_says_that_it_is_an_association(dirty):
    found = aha(dirty.events, as_of=dirty.as_of)
    html = found.fragment().html
    assert html.count("<img") == 2
    for text in (
        found.title, str(found), repr(found), html, found.plot().alt, found.plot("counts").alt,
        found.plot().caption, found.experiment_text(),
    ):  # fmt: skip
        assert "association" in text.lower()


def test_the_pictures_say_what_they_show(dirty):
    found = aha(dirty.events, as_of=dirty.as_of)
    best = found.table.iloc[0]
    alt = found.plot().alt
    assert best["behaviour"] in alt
    assert f"phi {best['phi']:.2f}" in alt
    assert f"{100 * best['difference']:+.1f} percentage points (95% interval" in alt
    counts = found.plot("counts", event="cart", days=3).alt
    row = found.by_count("cart", 3).iloc[0]
    assert f"0 {100 * row['share']:.0f}% of {row['units']:.0f} units" in counts
    for asked in ({"event": "crat"}, {"kind": "counts", "days": 2}):
        with pytest.raises(UsageError) as caught:
            found.plot(**asked)
        assert caught.value.code == "unknown_behaviour"
    with pytest.raises(UsageError) as caught:
        found.plot("line")
    assert caught.value.code == "bad_choice"


def test_one_unit_has_figures_that_say_so():
    found = aha(log_of({"a": [("open", 0.0)]}), as_of="2026-03-01")
    assert found.table.empty
    assert "No behaviour goes with coming back" in found.plot().alt
    assert found.plot("counts").alt
    assert "No behaviour goes with coming back." in found.notes
    alone = aha(log_of({"a": [("open", 0.0)]}), start="open", as_of="2026-03-01")
    assert alone.candidates.empty
    assert "could be tried" in alone.fragment().text


def test_the_metric_counts_the_units_that_were_counted_here(dirty, tmp_path):
    found = aha(
        dirty.events, days=(3, 7), outcome_window=(7, 8), exposures=dirty.exposures,
        as_of=dirty.as_of, rank_by="phi",
    )  # fmt: skip
    row = found.table.iloc[0]
    cells = found.cells
    cells = cells[(cells["event"] == row["event"]) & (cells["days"] == row["days"])]
    did = cells.loc[cells["count"] >= row["count"], "units"].sum()
    metric = tomllib.loads(found.experiment_text(role="primary", mde=0.05))["metrics"][0]
    experiment = {
        "experiment": {
            "name": "aha",
            "start": datetime(2026, 1, 5, tzinfo=UTC),
            "end": datetime(2026, 3, 10, tzinfo=UTC),
        },
        "variants": {
            "control": "control",
            "treatments": ["b", "c"],
            "allocation": dict.fromkeys(["control", "b", "c"], 1 / 3),
        },
        "data": {
            "kind": "events",
            "exposures": {"unit": "user_id", "variant": "variant", "time": "exposed_at"},
            "events": {"unit": "user_id", "time": "occurred_at", "name": "event"},
        },
        "analysis": {"cuped": False},
        "metrics": [metric],
    }
    frames = {"exposures": dirty.exposures, "events": dirty.events}
    effects = abtest.load(experiment, frames, root=tmp_path).analyze(dirty.as_of).effects
    assert effects["n_control"].iloc[0] == cells["units"].sum()
    assert effects["control_value"].iloc[0] == pytest.approx(did / cells["units"].sum(), rel=1e-8)
    assert did > 3
