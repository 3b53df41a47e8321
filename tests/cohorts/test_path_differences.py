"""Tests of transitions keep their promise, where a test that counts transitions does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts.differences import holm, moments_of
from abtest.cohorts.path_differences import step_differences, transition_differences
from abtest.stats import compare_ratios, permutation

NODES = 4
KEYS = [(i, j) for i in range(NODES) for j in range(NODES)]


def counts_of(random, runs, units, effect=0.0):
    """Return each unit's transitions, shape (runs, units, from, to).

    Every unit has ways of its own, and makes few transitions or many.
    """
    taste = random.dirichlet(np.full(NODES, 0.5), (runs, units, NODES))
    taste[:, :, 0, 1] += effect
    taste /= taste.sum(axis=3, keepdims=True)
    visits = random.poisson(random.gamma(1.0, 3.0, (runs, units, 1)), (runs, units, NODES))
    return random.multinomial(visits, taste)


def cells_of(arms):
    """Return the sums over units that the engine gives; every run has cells of its own."""
    parts = []
    for arm, counts in arms.items():
        total = counts.sum(axis=3, keepdims=True)
        columns = {
            "n": counts, "units": counts > 0, "only": (counts > 0) & (counts == total),
            "nn": counts**2, "nt": counts * total, "t": total, "visitors": total > 0,
            "tt": total**2,
        }  # fmt: skip
        shape = (len(counts), *counts.shape[2:])
        sums = {n: np.broadcast_to(v.sum(axis=1), shape).ravel() for n, v in columns.items()}
        run, source, target = (x.ravel() for x in np.indices(shape))
        parts.append(
            pd.DataFrame({"arm": arm, "source": source, "target": target, "run": run} | sums)
        )
    return pd.concat(parts, ignore_index=True)


def judged(arms):
    return transition_differences(
        cells_of(arms), {arm: counts.shape[1] for arm, counts in arms.items()}, 0.95
    )


def naive_z(arms):
    """Return z of every cell as if transitions were a sample, as a chi-squared test has them."""
    shares, errors = [], []
    for counts in arms.values():
        total = counts.sum(axis=(1, 3))[:, :, None]
        share = counts.sum(axis=1) / total
        shares.append(share)
        errors.append(share * (1 - share) / total)
    return (shares[1] - shares[0]) / np.sqrt(errors[0] + errors[1])


@pytest.mark.parametrize(("first", "second"), [(150, 150), (60, 240), (60, 60)])
def test_five_per_cent_holds_by_unit_and_not_by_transition(first, second):
    random, runs = np.random.default_rng(20261), 1_000
    arms = {"control": counts_of(random, runs, first), "b": counts_of(random, runs, second)}
    found = judged(arms)
    assert (found["status"] == "ok").all()
    p = found["p_value"].to_numpy().reshape(runs, -1)
    by_run = (p <= 0.05).mean(axis=1)
    assert by_run.mean() <= 0.05 + 4 * by_run.std(ddof=1) / runs**0.5
    assert by_run.mean() > 0.03  # small unequal arms err to the safe side, and not far
    assert (np.abs(naive_z(arms)) > 1.96).mean() > 0.15
    # with no difference anywhere, any discovery is a false one
    assert any_discovery(p) <= 0.05 + 4 * (0.05 * 0.95 / runs) ** 0.5


@pytest.mark.parametrize(("first", "second"), [(200, 200), (80, 320)])
def test_rare_transitions_hold_their_level_too(first, second):
    # about 12 of 400 units make the transition, most once: close to the least that is tested
    random, runs = np.random.default_rng(20262), 4_000
    units = first + second
    counts = np.zeros((runs, units, NODES, NODES), dtype=np.int32)
    counts[..., 0, 0] = random.poisson(random.gamma(2.0, 2.0, (runs, units))) + 1
    made = random.random((runs, units)) < 0.03
    counts[..., 0, 1] = made * (1 + random.poisson(0.3, (runs, units)))
    found = judged({"control": counts[:, :first], "b": counts[:, first:]})
    rows = found[(found["source"] == 0) & (found["target"] == 1) & (found["status"] == "ok")]
    assert 1_000 < len(rows) < runs  # in some runs fewer than 10 units make it
    for level in (0.05, 0.005):
        error = (level * (1 - level) / len(rows)) ** 0.5
        assert (rows["p_value"] <= level).mean() <= level + 4 * error


@pytest.mark.parametrize(("first", "second"), [(500, 500), (900, 100)])
def test_many_rare_transitions_are_no_discoveries(first, second):
    # of 100 cells most are made by few units, often in the larger arm alone
    random, runs = np.random.default_rng(20267), 100
    base = np.array([0.4, 0.25, 0.15, 0.1, 0.05, 0.02, 0.015, 0.01, 0.004, 0.001])
    shape = (runs, first + second, len(base))
    visits = random.poisson(random.gamma(1.0, 3.0, (*shape[:2], 1)) * base * 4)
    counts = random.multinomial(visits, random.dirichlet(base * 3, shape))
    arms = {"control": counts[:, :first], "b": counts[:, first:]}
    found = judged(arms)
    assert (found["status"] == "few_units").mean() > 0.2
    by_unit = any_discovery(found["p_value"].to_numpy().reshape(runs, -1))
    assert by_unit <= 0.05 + 4 * (0.05 * 0.95 / runs) ** 0.5
    if first != second:  # the delta method alone, over every cell, finds what is not there
        assert any_discovery(by_delta(arms)) > 0.5


def any_discovery(p):
    return np.mean([(holm(row, "benjamini_hochberg") <= 0.05).any() for row in p])


def by_delta(arms):
    """Return the p-values of the delta method for every cell of every run; NaN for none."""
    cells = cells_of(arms)
    moments = []
    for arm, counts in arms.items():
        own = cells[cells["arm"] == arm]
        moments.append(
            moments_of(
                np.full(len(own), counts.shape[1]),
                [own["n"], own["t"]],
                {(0, 0): own["nn"], (0, 1): own["nt"], (1, 1): own["tt"]},
            )
        )
    return compare_ratios(*moments).p_value.reshape(len(counts), -1)


def test_p_values_agree_with_permutations_of_units():
    random = np.random.default_rng(20263)
    arms = {
        "control": counts_of(random, 1, 120),
        "b": counts_of(random, 1, 100, effect=0.4),
    }
    found = judged(arms).set_index(["source", "target"])
    whole = np.concatenate([counts[0] for counts in arms.values()])
    smallest = 1.0
    for i, j in KEYS:
        beyond = whole[:, i, j] - whole[:, i, j].sum() / whole[:, i].sum() * whole[:, i].sum(axis=1)
        dealt = permutation(beyond[:120], beyond[120:], seed=1, replicates=20_000).p_value
        row = found.loc[(i, j)]
        n = [(counts[0, :, i, j], counts[0, :, i].sum(axis=1)) for counts in arms.values()]
        delta = compare_ratios(*((a.astype(float), b.astype(float)) for a, b in n))
        assert row["difference"] == pytest.approx(delta.absolute.estimate, rel=1e-9)
        assert row["p_value"] >= delta.p_value * (1 - 1e-9)
        if row["p_value"] > delta.p_value * (1 + 1e-9):
            error = 4 * (dealt * (1 - dealt) / 20_000) ** 0.5
            assert abs(row["p_value"] - dealt) <= error + 0.01, (i, j)
        smallest = min(smallest, row["p_value"])
    assert smallest < 0.2


def test_an_effect_is_found_and_the_rest_is_not():
    random = np.random.default_rng(20264)
    arms = {"control": counts_of(random, 1, 800), "b": counts_of(random, 1, 800, effect=0.6)}
    found = judged(arms).set_index("source")
    first = found.loc[0].set_index("target").loc[1]
    assert first["p_adjusted"] < 1e-6
    assert first["lower"] > 0.0
    assert (found.loc[[1, 2, 3], "p_adjusted"] > 0.05).all()


def test_five_per_cent_holds_where_only_the_number_of_visits_differs():
    # the treatment doubles visits in the small arm, and nobody goes elsewhere for it
    random, runs = np.random.default_rng(20266), 1_000
    arms = {"control": counts_of(random, runs, 900), "b": 2 * counts_of(random, runs, 200)}
    p = judged(arms)["p_value"].to_numpy().reshape(runs, -1)
    by_run = (p <= 0.05).mean(axis=1)
    assert by_run.mean() <= 0.06 + 4 * by_run.std(ddof=1) / runs**0.5


def test_sessions_of_one_unit_are_no_sample_of_steps():
    # a unit's sessions begin with the same event, whatever the arm; every step is a run of its own
    random, runs, units = np.random.default_rng(20265), 1_500, 100
    s = 1 + random.poisson(random.gamma(1.0, 4.0, (2, units)))
    m = np.where(random.random((runs, 2, units)) < 0.4, s, 0)
    parts, sizes, shares = [], {}, []
    for place, arm in enumerate(("control", "b")):
        own, of = m[:, place], s[place]
        at = {"m": own.sum(axis=1), "units": (own > 0).sum(axis=1), "only": (own == of).sum(axis=1),
              "mm": (own * own).sum(axis=1), "ms": (own * of).sum(axis=1)}  # fmt: skip
        parts.append(pd.DataFrame({"arm": arm, "step": range(runs), "node": "x"} | at))
        sizes[arm] = {"units": units, "walked": units, "paths": of.sum(), "ss": (of * of).sum()}
        shares.append((at["m"] / of.sum(), of.sum()))
    found = step_differences(pd.concat(parts), pd.DataFrame(sizes).T, 0.95, by_session=True)
    assert (found["status"] == "ok").all()
    assert (found["p_value"] <= 0.05).mean() <= 0.05 + 4 * (0.05 * 0.95 / runs) ** 0.5
    (a, n), (b, k) = shares
    naive = np.abs(a - b) > 1.96 * (a * (1 - a) / n + b * (1 - b) / k) ** 0.5
    assert naive.mean() > 0.25


def test_a_cell_with_few_units_is_not_tested_and_is_no_part_of_the_family():
    counts = np.zeros((1, 40, NODES, NODES), dtype=np.int64)
    counts[0, :, 0, 0] = 2
    counts[0, :9, 0, 1] = 3
    counts[0, :20, 0, 2] = 1 + np.arange(20) % 3
    found = judged({"control": counts[:, ::2], "b": counts[:, 1::2]})
    found = found.set_index(["source", "target"])
    assert found.loc[(0, 1), "status"] == "few_units"
    assert np.isnan(found.loc[(0, 1), ["lower", "p_value", "p_adjusted"]].astype(float)).all()
    assert found.loc[(0, 2), "status"] == "ok"
    assert np.isfinite(found.loc[(0, 1), "difference"])
    assert (found.loc[1, "status"] != "ok").all()  # nobody was there
    tested = found[found["status"] == "ok"]["p_value"]
    again = holm(tested.to_numpy(), "benjamini_hochberg")
    assert np.allclose(found[found["status"] == "ok"]["p_adjusted"], again)
