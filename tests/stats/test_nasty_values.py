"""Every public comparison with values that files really hold: an answer or an error, never silence.

Each module's own tests say which error; here no value may slip through any door: what comes back
is a typed error, or a result without NaN and infinity.
"""

import datetime
import decimal
import math
from functools import partial

import numpy as np
import pandas as pd
import pytest

from abtest import stats
from abtest.errors import AbtestError

GOOD = np.array([1.0, 2.0, 3.5, 4.0, 7.0, 2.0, 3.0, 1.5, 9.0, 4.4] * 3)
PLACES = np.arange(GOOD.size)
SIDES = ["x", "y"] * 15
WHEN = [0, 1, 1, 0, 0, 0, 0, 1, 1, 1] * 3
NASTY = {
    "none at all": [],
    "one unit": [1.0],
    "two units": [1.0, 2.0],
    "constant": [3.0] * 20,
    "zeros": [0.0] * 20,
    "negative": [-1.0, -2.0, -3.0, -4.0] * 5,
    "with NaN": [1.0, math.nan, 2.0] * 10,
    "NaN alone": [math.nan] * 5,
    "infinite": [1.0, math.inf, 2.0] * 10,
    "text": ["a", "b"] * 15,
    "text of numbers": ["1", "2", "3"] * 10,
    "truth values": [True, False] * 15,
    "with None": [1.0, None, 2.0] * 10,
    "objects": np.array([1, 2, "x"] * 10, dtype=object),
    "masked": np.ma.array([1.0, 2.0, 3.0] * 10, mask=[0, 1, 0] * 10),
    "Int64 with NA": pd.array([1, 2, None, 4, 5] * 6, dtype="Int64"),
    "boolean with NA": pd.array([True, None, False] * 10, dtype="boolean"),
    "a table": np.ones((4, 4)),
    "near 1e300": [1e300, 2e300, 1.5e300] * 10,
    "near 1e-300": [1e-300, 2e-300, 1.5e-300] * 10,
    "largest": [1.7e308, 1.6e308, 1.0e308] * 10,
    "smallest": [5e-324, 1e-323, 0] * 10,
    "of both ends": [1e-200, 1e200] * 15,
    "complex": [1 + 2j, 2] * 15,
    "dates": pd.date_range("2020-01-01", periods=30),
    "days": [datetime.date(2020, 1, 1)] * 30,
    "decimals": [decimal.Decimal("1.1"), decimal.Decimal(2)] * 15,
    "no column": 3.0,
    "nothing": None,
    "a mapping": {"a": 1},
    "bytes": np.array([1, 2, 127, 100] * 7, dtype=np.int8),
    "beyond int64": np.array([2**63, 2**63 + 5, 1] * 10, dtype=np.uint64),
    "half precision": np.array([1, 2, 3.5] * 10, dtype=np.float16),
    "far from 0": 1e9 + np.array([0, 1, 2] * 10),
    "zeros and ones": [0.0, 1.0] * 15,
    "ones": [1.0] * 30,
}
APPROXIMATE = ["pooled_z", "newcombe", "agresti_caffo", "wald", "welch"]
EXACT = ["fisher", "barnard", "boschloo"]
SAMPLES = {
    "means": stats.compare_means,
    "student": partial(stats.compare_means, method="student"),
    "z": partial(stats.compare_means, method="z"),
    "trimmed": stats.compare_trimmed_means,
    "capped": stats.compare_capped_means,
    "geometric": stats.compare_geometric_means,
    "proportions": stats.compare_proportions,
    **{method: partial(stats.compare_proportions, method=method) for method in APPROXIMATE + EXACT},
    "odds": stats.compare_odds,
    **{
        f"rates {method}": partial(stats.compare_rates, method=method)
        for method in ("score", "exact", "mid_p", "quasi_poisson", "negative_binomial")
    },
    "ranks": stats.compare_ranks,
    "medians": stats.compare_quantiles,
    **{
        f"bootstrap {method}": partial(stats.bootstrap, seed=1, replicates=99, method=method)
        for method in ("percentile", "basic", "bca", "studentized", "poisson")
    },
    "permutation": partial(stats.permutation, seed=1, replicates=99),
    "events": lambda a, b: stats.compare_event_quantiles((a, PLACES), (b, PLACES)),
    "clusters": lambda a, b: stats.compare_clustered_means((a, PLACES // 3), (b, 50 + PLACES // 2)),
    **{
        f"clusters by {weights}": lambda a, b, weights=weights: stats.compare_means_of_clusters(
            (a, PLACES // 3), (b, 50 + PLACES // 2), weights=weights
        )
        for weights in ("equal", "size")
    },
    "likeness": lambda a, b: stats.intraclass_correlation((a, PLACES // 3), (b, 50 + PLACES // 2)),
    "quartiles": partial(stats.compare_many_quantiles, quantiles=[0.25, 0.5, 0.75]),
    "bootstrap of medians": partial(
        stats.bootstrap, seed=1, replicates=99, statistic=stats.SampleQuantile(0.5)
    ),
    "mann-whitney": partial(stats.compare_ranks, method="mann_whitney"),
    "nps": stats.compare_scores,
    "csat": partial(stats.compare_scores, kind="top_box", scale=(1, 5)),
    "numerators": lambda a, b: stats.compare_ratios((a, GOOD), (b, GOOD)),
    "denominators": lambda a, b: stats.compare_ratios((GOOD, a), (GOOD, b)),
    "ratio of totals": lambda a, b: stats.ratio_of_totals((a, b)),
    "non-inferiority": partial(stats.non_inferiority, margin=0.1),
    "equivalence": partial(stats.equivalence, margin_absolute=0.1),
    "many arms": lambda a, b: stats.compare_arms(a, {"t": b, "u": GOOD}),
    "beliefs": lambda a, b: stats.bayes_compare(a, b, scale="relative", rope=0.1),
    "beliefs of shares": lambda a, b: stats.bayes_compare(a, b, model="beta_binomial"),
    "beliefs of rates": lambda a, b: stats.bayes_compare(a, b, model="gamma_poisson"),
    "beliefs of arms": lambda a, b: stats.bayes_compare(
        a, {"t": b, "u": GOOD}, prior=stats.NormalPrior(0.0, 1.0, "absolute")
    ),
    "doses of means": lambda a, b: stats.compare_ordered_means([a, GOOD, b], [0, 1, 2]),
    "doses of shares": lambda a, b: stats.compare_ordered_proportions([a, b, b], [0, 1, 2]),
    "factorial": lambda a, b: stats.compare_factorial(a, b, GOOD, GOOD),
    "strata": partial(stats.compare_stratified_means, strata=(SIDES, SIDES)),
    "pairs": lambda a, b: stats.compare_paired_means((a, b)),
    "switchback": lambda a, b: stats.compare_switchback(
        stats.SwitchbackTable.from_sums([1] * 30, a, PLACES, WHEN), washout=1
    ),
    "switchback test": lambda a, b: stats.switchback_test(
        stats.SwitchbackTable.from_rows(a, PLACES, WHEN), seed=1, replicates=99
    ),
    "crossover": lambda a, b: stats.compare_crossover_means((a, b), (b, a)),
    **{
        f"differences of {units}": lambda a, b, same=same: stats.compare_difference_in_differences(
            (GOOD, a, GOOD), (b, GOOD, b), same_units=same
        )
        for units, same in (("changes", True), ("differences", False))
    },
    "times": lambda a, b: stats.compare_survival(
        (a, np.ones(np.shape(a))), (b, np.ones(np.shape(b))), horizon=3.0
    ),
    "ranks of times": lambda a, b: stats.log_rank_test(
        (a, np.ones(np.shape(a))), (b, np.ones(np.shape(b)))
    ),
    "first events": lambda a, b: stats.compare_incidence(
        (a, np.ones(np.shape(a))), (b, np.ones(np.shape(b))), horizon=3.0
    ),
    "hazards": lambda a, b: stats.compare_hazards(
        (a, np.ones(np.shape(a))), (b, np.ones(np.shape(b)))
    ),
    "ends": lambda a, b: stats.compare_cumulative_means((a, [0], [1.0]), (b, [1], [1]), horizon=1),
    "medians of times": lambda a, b: stats.compare_survival_quantiles(
        (a, np.ones(np.shape(a))), (b, np.ones(np.shape(b)))
    ),
    "entries": lambda a, b: stats.compare_survival(
        (10 + GOOD, GOOD > 3, a), (10 + GOOD, GOOD > 3, b), horizon=14.0
    ),
}
OTHERS = {
    "covariates": lambda a, b: stats.compare_means(GOOD, GOOD + 1, covariates=(a, b)),
    "regression": lambda a, b: stats.compare_adjusted_means(GOOD, GOOD, covariates=(a, b)),
    "features": lambda a, b: stats.compare_cupac_means(GOOD, GOOD, features=(a, b)),
    "diagnosis": lambda a, b: stats.diagnose_adjustment(GOOD, GOOD, covariates=(a, b)),
    "labels": lambda a, b: stats.compare_stratified_means(GOOD, GOOD, strata=(a, b)),
    "doses": lambda a, b: stats.compare_ordered_means([GOOD, GOOD], a),
    "answers": lambda a, b: stats.nps(a),
    "allocation": stats.sample_ratio,
    "segments": lambda a, b: stats.sample_ratio_by_segment({"s": a}, b),
    "table": lambda a, b: stats.homogeneity([a, b]),
    "rows": lambda a, b: stats.homogeneity(a),
    "association": lambda a, b: stats.association([a, b]),
    "effects": stats.heterogeneity,
    "p-values": lambda a, b: stats.adjust(a),
    "successes": lambda a, b: stats.proportion_interval(a, 30),
    "observed": lambda a, b: stats.compare_survival((GOOD, a), (GOOD, b), horizon=3.0),
    "causes": lambda a, b: stats.compare_incidence((GOOD, a), (GOOD, b), horizon=3.0),
    "hazards with": lambda a, b: stats.compare_hazards(
        (GOOD, GOOD > 2), (GOOD + 1, GOOD > 1), covariates=(a, b)
    ),
    "names of clusters": lambda a, b: stats.compare_clustered_means(
        (GOOD, a), (GOOD + PLACES, PLACES + 0.5)
    ),
    "covariates of clusters": lambda a, b: stats.compare_clustered_means(
        (GOOD, PLACES // 3), (GOOD[::-1], 50 + PLACES // 2), covariates=(a, b)
    ),
    "sums of clusters": lambda a, b: stats.intraclass_correlation(
        stats.ClusterTable.from_sums(PLACES, 2 + PLACES % 3, a, b)
    ),
    "counts of clusters": lambda a, b: stats.compare_clustered_means(
        stats.ClusterTable.from_sums(PLACES, a, GOOD, GOOD**2 * 30),
        stats.ClusterTable.from_sums(PLACES + 50, b, GOOD, GOOD**2 * 30, pilot=1.0),
    ),
    "units": lambda a, b: stats.cluster_bootstrap((GOOD, a), (GOOD, b), seed=1, replicates=99),
    "amounts": lambda a, b: stats.compare_cumulative_means(
        (10 * GOOD, PLACES, GOOD, a), (10 * GOOD, PLACES, GOOD, b), horizon=9.0
    ),
    "moments of events": lambda a, b: stats.compare_cumulative_means(
        (10 * GOOD, PLACES, a, GOOD), (10 * GOOD, PLACES, b, GOOD), horizon=9.0
    ),
    "event table": lambda a, b: stats.survival_curve(stats.EventTimes.from_table(a, b, b)),
    "treated periods": lambda a, b: stats.switchback_test(
        stats.SwitchbackTable.from_sums([2] * 30, GOOD, PLACES, a), seed=1, replicates=99
    ),
    "value counts": lambda a, b: stats.ValueCounts.from_table(a, b).moments(),
    "moments": lambda a, b: stats.Moments.from_columns([a, b]),
}


def numbers(found):
    """Return every float in a result."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list | tuple):
        return [number for part in found for number in numbers(part)]
    return [found] if isinstance(found, float) else []


@pytest.mark.parametrize("name", [*SAMPLES, *OTHERS])
def test_no_value_slips_through(name):
    compare = (SAMPLES | OTHERS)[name]
    answered = 0
    for what, values in NASTY.items():
        for pair in ((values, GOOD), (GOOD, values), (values, values)):
            try:
                result = compare(*pair)
            except AbtestError:
                continue
            answered += 1
            assert str(result)
            if hasattr(result, "to_dict"):
                found = numbers(result.to_dict())
                assert all(math.isfinite(number) for number in found), what
    assert answered or name in ("nps", "csat", "rows")
