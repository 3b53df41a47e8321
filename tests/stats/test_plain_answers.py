"""Answers that machines read are strict JSON, and mistakes at the door are named."""

import json
import math

import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    MomentsTable,
    association,
    compare_capped_means,
    compare_means,
    compare_proportions,
    compare_rates,
    compare_trimmed_means,
    proportion_test,
)


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, "10", 2.5, -1, True, 10**400])
def test_counts_that_are_no_whole_numbers_are_named(bad):
    if bad != 10**400:
        with pytest.raises(UsageError, match="successes") as refused:
            Moments.from_counts(10, bad)
        assert refused.value.given
        assert refused.value.todo
    with pytest.raises(UsageError, match="n must"):
        Moments.from_counts(bad, 3)
    with pytest.raises(UsageError, match="nulls"):
        Moments.from_counts(10, 3, bad)


def test_counts_may_be_numpy_numbers():
    made = Moments.from_counts(np.int64(10), np.float64(3.0))
    assert (made.n, type(made.n), float(made.m2[0, 0])) == (10, int, 2.1)


def compared(alternative="two-sided"):
    return compare_means(
        MomentsTable.from_columns([100, 1], [0.0, 2.0], [2.0, 1.0]),
        MomentsTable.from_columns([90, 50], [1.5, 2.0], [2.0, 1.0]),
        alternative=alternative,
    )


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_tables_become_strict_json(alternative):
    plain = json.loads(json.dumps(compared(alternative).to_dict(), allow_nan=False))
    assert plain["p_value"][1] is None
    assert plain["warnings"] == [[], []]
    assert (plain["upper"][0] is None) == (alternative == "greater")


@pytest.mark.parametrize("row", [slice(0, 1), "0", 0.0, [0], None])
def test_a_row_of_a_table_is_a_number(row):
    with pytest.raises(UsageError, match="One row of a table"):
        compared()[row]
    assert compared()[np.int64(0)].n_control == 100
    assert compared()[-2].n_control == 100
    with pytest.raises(IndexError):
        compared()[2]


def test_proportions_by_phase_are_refused_by_name():
    phases = [Moments.from_counts(50, 20)]
    for arms in ((phases, phases), (phases, [0, 1, 1]), ([0, 1, 1], tuple(phases))):
        with pytest.raises(UsageError, match="by phase"):
            compare_proportions(*arms)


def test_tests_that_stand_alone_say_which_they_are():
    found = association([[30, 70], [45, 55]], method="g")
    assert str(found) == "p = 0.0281: statistic 4.825 with 1 degrees of freedom (g, two-sided)."
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["method"] == "g"
    for method in ("wilson", "clopper_pearson", "mid_p", "minimum_likelihood"):
        test = proportion_test(13, 16, 0.5, method=method, alternative="greater")
        assert test.method == test.to_dict()["method"] == method
        assert str(test).endswith(f"({method}, greater).")


@pytest.mark.parametrize(("alternative", "side"), [("greater", "above"), ("less", "below")])
def test_one_sided_tests_say_their_side(alternative, side):
    arms = [1.0, 2.0, 3.0], [2.0, 3.0, 5.0]
    said = str(compare_means(*arms, alternative=alternative))
    assert said.endswith(f"(welch, one-sided: treatment {side} control).")
    assert str(compare_means(*arms)).endswith("(welch).")


def test_means_that_are_not_plain_are_named():
    arms = [1.0, 2.0, 3.0, 4.0, 9.0], [2.0, 3.0, 5.0, 6.0, 20.0]
    assert str(compare_capped_means(*arms, threshold=8)).startswith("Capped mean of treatment ")
    assert str(compare_trimmed_means(*arms)).startswith("Trimmed mean of treatment ")


def test_totals_are_events_and_not_units():
    totals = compare_rates(15, 41, exposure=(19_017, 28_010))
    assert totals.counted == totals.to_dict()["counted"] == "events"
    shown = totals._repr_mimebundle_()[0]["text/markdown"]
    assert "| events | 15 control, 41 treatment |" in shown
    assert "| units" not in shown
    assert compare_rates([1, 0, 2], [3, 1, 0]).counted == "units"
