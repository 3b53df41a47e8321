"""CDNOW split in two by a hash, 2,000 times: what is no effect is found in 5% of the splits.

All customers are exposed on 1 April 1997, when each has bought once. They are hashed into 4,000
small groups, which the pipeline measures once, and every split deals these out again.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from abtest.data import measure
from abtest.experiment.requests import metric_requests
from abtest.experiment.resolve import resolve
from abtest.metrics.catalogue import catalogue
from abtest.stats import MomentsTable, compare_means, compare_proportions, compare_ratios

GROUPS, SPLITS = 4_000, 2_000
START, END = datetime(1997, 4, 1, tzinfo=UTC), datetime(1997, 4, 2, tzinfo=UTC)
AS_OF = datetime(1998, 7, 1, tzinfo=UTC)
ROLES = ("active", "action", "goal", "key_action", "purchase", "view")
"""What a purchase can stand for; the log has nothing else."""
APPLY = [name for name, entry in catalogue().items() if set(entry.roles) <= set(ROLES)]
TOLERANCE = 4.0 * np.sqrt(0.05 * 0.95 / SPLITS)
KINDS = {"mean": compare_means, "proportion": compare_proportions, "ratio": compare_ratios}
CONSTANT = ("time_in_app", "session_duration", "engaged_session_rate")
"""Purchases have dates and no times: sessions last 0 seconds, and each has its key event."""
NOBODY = ("power_user",)
"""Nobody bought on 21 days of 28."""


def group_of(customer):
    return int(hashlib.md5(customer.encode(), usedforsecurity=False).hexdigest()[:12], 16) % GROUPS


@pytest.fixture(scope="module")
def frames(shared_data):
    table = pd.read_csv(
        shared_data / "cdnow_transactions.csv.gz", dtype={"customer_id": str}, parse_dates=["date"]
    )
    customers = pd.Series(sorted(table["customer_id"].unique()))
    groups = customers.map(group_of)
    return {
        "exposures": pd.DataFrame(
            {"id": customers, "arm": np.where(groups % 2, "b", "a"), "at": START}
        ),
        "events": table.rename(columns={"customer_id": "id", "date": "at"}).assign(what="buy"),
        "units": pd.DataFrame({"id": customers, "hash": groups.astype(str)}),
    }


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """An experiment with every metric of the catalogue that purchases can be."""
    metrics = [
        {
            "use": name,
            "role": "secondary",
            **({} if "direction" in catalogue()[name].keys else {"direction": "increase"}),
        }
        for name in APPLY
    ]
    metrics[0]["role"] = "primary"
    every = {"use": "orders_per_unit", "id": "half_a_year", "window_days": [0, 183]}
    metrics.append({**every, "role": "secondary"})
    columns = {"unit": "id", "time": "at"}
    return resolve(
        {
            "experiment": {"name": "splits", "start": START, "end": END},
            "variants": {
                "control": "a",
                "treatments": ["b"],
                "cost_per_unit": {"a": 1.5, "b": 1.5},
            },
            "data": {
                "kind": "events",
                "exposures": {**columns, "variant": "arm"},
                "events": {**columns, "name": "what", "value": "amount"},
                "units": {"unit": "id"},
            },
            "events": dict.fromkeys(ROLES, "buy"),
            "analysis": {"segments": ["hash"]},
            "metrics": metrics,
        },
        tmp_path_factory.mktemp("splits"),
        data_given=True,
    ).spec


@pytest.fixture(scope="module")
def project_of(spec, tmp_path_factory):
    """What the pipeline measures of frames, in cells of the groups."""

    def measured_of(frames):
        requests = list(metric_requests(spec).values())
        root = tmp_path_factory.mktemp("measured")
        found = measure(spec.data, requests, spec.design(), root=root, frames=frames, as_of=AS_OF)
        assert not found.failures
        return found

    return measured_of


@pytest.fixture(scope="module")
def measured(spec, frames, project_of):
    return {metric.id: metric for metric in spec.metrics}, project_of(frames)


@pytest.fixture(scope="module")
def splits(measured):
    """Which cells are in the first half, shape (splits, cells)."""
    groups = measured[1].cells.segments["hash"].astype(np.int64)
    halves = np.random.default_rng(19970401).permuted(
        np.tile(np.arange(GROUPS) % 2 == 0, (SPLITS, 1)), axis=1
    )
    return halves[:, groups]


def table_of(sums, chosen, size):
    """Return the moments of the first `size` variables in the chosen cells of every split."""
    n = chosen @ sums.n
    total = chosen @ sums.sums[:, :size]
    products = np.einsum("sc,cij->sij", chosen, sums.products[:, :size, :size], optimize=True)
    centred = products - total[:, :, None] * total[:, None, :] / n[:, None, None]
    return MomentsTable(n, sums.pilot[:size] + total / n[:, None], centred)


def halves_of(measured, splits, name):
    metric, sums = measured[0][name], measured[1].cells.metrics[name]
    size = 2 if metric.kind == "ratio" else 1
    first = splits.astype(np.float64)
    return table_of(sums, first, size), table_of(sums, 1.0 - first, size)


BY_MOMENTS = [name for name in APPLY if catalogue()[name].keys["kind"] in KINDS]


@pytest.mark.parametrize("name", [n for n in BY_MOMENTS if n not in (*CONSTANT, *NOBODY)])
def test_what_is_no_effect_is_found_in_one_split_of_twenty(measured, splits, name):
    control, treatment = halves_of(measured, splits, name)
    found = KINDS[measured[0][name].kind](control, treatment)
    assert (found.status == "ok").all()
    rejected = float((found.p_value < 0.05).mean())
    assert abs(rejected - 0.05) < TOLERANCE


@pytest.mark.parametrize("name", [*CONSTANT, *NOBODY])
def test_what_cannot_tell_does_not(measured, splits, name):
    control, treatment = halves_of(measured, splits, name)
    found = KINDS[measured[0][name].kind](control, treatment)
    assert not (found.p_value < 0.05).any()
    assert (found.status == "constant").all() or (control.mean == 0.0).all()


def test_a_poisson_variance_would_find_one_in_three(measured, splits):
    """Repeat purchases vary several times as much as Poisson counts."""
    control, treatment = halves_of(measured, splits, "half_a_year")
    overdispersed = np.mean(control.m2[:, 0, 0] / control.n / control.mean[:, 0])
    assert overdispersed > 4.0
    means = control.mean[:, 0], treatment.mean[:, 0]
    poisson = means[0] / control.n + means[1] / treatment.n
    rejected = float((np.abs(means[1] - means[0]) > 1.96 * np.sqrt(poisson)).mean())
    expected = 2.0 * norm.sf(1.96 / np.sqrt(overdispersed))
    assert expected > 0.3
    assert abs(rejected - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / SPLITS)


@pytest.mark.parametrize(
    "name", ["revenue_per_unit", "active_days", "orders_per_unit", "aov", "retained_week_4"]
)
def test_nor_is_more_found_after_adjusting_for_what_was_bought_before(measured, splits, name):
    """As the pipeline estimates it, CUPED included."""
    metric, sums = measured[0][name], measured[1].cells.metrics[name]
    p_values = []
    for chosen in splits[:1000]:
        pair = metric.estimate((sums.sample(chosen),), (sums.sample(~chosen),), adjusted=True)
        p_values.append(pair.test().p_value)
    rejected = float((np.array(p_values) < 0.05).mean())
    assert abs(rejected - 0.05) < TOLERANCE * np.sqrt(2.0)


TIMES = [name for name in APPLY if catalogue()[name].keys["kind"] not in KINDS]


@pytest.mark.parametrize("name", TIMES)
def test_nor_in_times_quantiles_and_cumulative_means(measured, splits, name):
    metric, cells = measured[0][name], measured[1].cells.metrics[name]
    p_values = []
    for chosen in splits[:500]:
        pair = metric.estimate((cells.sample(chosen),), (cells.sample(~chosen),), adjusted=False)
        p_values.append(pair.test().p_value)
    rejected = float((np.array(p_values) < 0.05).mean())
    assert abs(rejected - 0.05) < TOLERANCE * 2.0


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_log_changes_nothing(frames, measured, project_of, seed):
    mixed = {role: frame.sample(frac=1.0, random_state=seed) for role, frame in frames.items()}
    again = project_of(mixed)
    for name, sums in measured[1].cells.metrics.items():
        other = again.cells.metrics[name]
        np.testing.assert_array_equal(other.n, sums.n)
        if hasattr(sums, "sums"):
            np.testing.assert_allclose(other.sums, sums.sums, rtol=1e-12, atol=1e-9)
            np.testing.assert_allclose(other.products, sums.products, rtol=1e-12, atol=1e-7)
