import json
import subprocess
import sys
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import abtest.stats
from abtest import stats
from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, compare_means, compare_proportions
from abtest.stats.floats import as_floats


def test_a_comparison_reads_as_a_sentence():
    control, treatment = Moments.from_counts(44_700, 8_502), Moments.from_counts(45_489, 8_279)
    assert str(compare_proportions(control, treatment)) == (
        "Treatment 0.182 against control 0.1902: difference -0.008201 "
        "(95% interval -0.01328 to -0.003121), relative -4.31% (-6.89% to -1.66%); "
        "p = 0.00155 (miettinen_nurminen)."
    )


@pytest.mark.parametrize(
    ("control", "treatment", "alternative", "words"),
    [
        ([0.0, 0.0], [1.0, 2.0], "two-sided", "no relative effect: control is 0"),
        ([-1.0, 1.5], [0.0, 0.5], "two-sided", "any relative effect is possible"),
        ([-1.0, 1.5, 0.2], [90.0, 91.0, 92.0], "two-sided", "anything but"),
        ([1.0, 1.5, 1.2], [2.0, 2.5, 3.0], "greater", "or more"),
        ([1.0, 1.5, 1.2], [2.0, 2.5, 3.0], "less", "or less"),
    ],
)
def test_every_state_of_the_relative_effect_has_words(control, treatment, alternative, words):
    assert words in str(compare_means(control, treatment, alternative=alternative))


def test_an_underflowing_p_value_is_written_as_a_power_of_ten():
    huge = Moments.from_counts(10**8, 5 * 10**7), Moments.from_counts(10**8, 6 * 10**7)
    assert "p = 1e-" in str(compare_means(*huge))


def test_to_dict_is_plain_and_complete():
    got = compare_means([1.0, 2.0, 3.0], [2.0, 4.0, 6.5])
    plain = json.loads(json.dumps(got.to_dict()))
    assert plain["absolute"]["estimate"] == got.absolute.estimate
    assert plain["relative"]["status"] == "bounded"
    assert set(plain) == set(type(got).__dataclass_fields__)


def test_results_are_frozen():
    with pytest.raises(AttributeError):
        compare_means([1.0, 2.0], [2.0, 4.0]).p_value = 0.0


def test_one_sided_intervals_have_one_limit():
    got = compare_means([1.0, 1.5, 1.2], [2.0, 2.5, 3.0], alternative="greater")
    assert got.absolute.upper is None
    assert got.relative.status == "half_line"
    two_sided = compare_means([1.0, 1.5, 1.2], [2.0, 2.5, 3.0], confidence_level=0.9)
    assert got.absolute.lower == pytest.approx(two_sided.absolute.lower)


@pytest.mark.parametrize(
    "values",
    [pa.array([True, None, False]), pa.chunked_array([[True], [None, False]])],
    ids=["array", "chunks"],
)
def test_truth_values_of_arrow_are_ones_and_zeros(values):
    assert as_floats(values, "control") == pytest.approx([1.0, np.nan, 0.0], nan_ok=True)
    assert as_floats(pa.array([True, False]), "control").tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "values",
    [pa.array(["1", "2"]), pa.array([[1], [2]]), [1, 10**400], pa.array([b"a", None])],
    ids=["Arrow text", "Arrow lists", "beyond floats", "Arrow bytes"],
)
def test_what_is_no_number_is_refused_in_words(values):
    with pytest.raises(UsageError, match="not numbers") as refused:
        as_floats(values, "control")
    assert refused.value.todo


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, None],
        pd.Series([1, 2, pd.NA], dtype="Int64"),
        pd.Series([1.0, 2.0, np.nan]),
        np.ma.masked_array([1, 2, 3], mask=[False, False, True]),
        [Decimal(1), Decimal(2), Decimal("nan")],
        [1, 2, np.ma.masked],
        pa.array([1, 2, None]),
        pa.array([1.0, 2.0, None]),
        pa.chunked_array([[1], [2, None]]),
        pd.Series([1, 2, None], dtype="int64[pyarrow]"),
    ],
    ids=[
        "list",
        "extension array",
        "series",
        "masked array",
        "decimals",
        "masked element",
        "Arrow integers",
        "Arrow floats",
        "Arrow chunks",
        "Arrow in pandas",
    ],
)
def test_nulls_of_every_library_become_nan(values):
    assert as_floats(values, "control") == pytest.approx([1.0, 2.0, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2"],
        [1.0, "2"],
        pd.Series(["1", "2"]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        [1j],
        [[1.0], [2.0]],
        [object()],
    ],
)
def test_what_is_not_a_column_of_numbers_is_refused(values):
    with pytest.raises(UsageError):
        as_floats(values, "control")


def test_covariates_come_in_pairs():
    with pytest.raises(UsageError, match="pair"):
        compare_means([1.0, 2.0], [2.0, 4.0], covariates=([1.0, 2.0],))


def test_importing_statistics_stays_light():
    heavy = "{'scipy.stats', 'pandas', 'statsmodels', 'matplotlib', 'ibis', 'papermill'}"
    names = ", ".join(abtest.stats.__all__)
    code = (
        f"import sys; from abtest.stats import {names}; print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_public_names_resolve_to_things_and_never_to_modules():
    for name in abtest.stats.__all__:
        assert isinstance(getattr(abtest.stats, name), type) or callable(
            getattr(abtest.stats, name)
        )
    assert set(dir(abtest.stats)) >= set(abtest.stats.__all__)
    with pytest.raises(AttributeError, match="no attribute"):
        abtest.stats.nonsense  # noqa: B018  the access is what is tested


def test_reasons_survive_a_trip_between_processes():
    import pickle

    error = pickle.loads(pickle.dumps(NotEstimable("constant", "Neither arm varies.", given="x")))
    assert (error.code, error.given, str(error).splitlines()[0]) == (
        "constant",
        "x",
        "Neither arm varies.",
    )


@pytest.mark.parametrize(
    "compare",
    [
        stats.compare_means,
        stats.compare_proportions,
        stats.compare_rates,
        partial(stats.compare_rates, method="exact"),
        lambda c, t, **options: stats.ratio_of_totals((c, t), **options),
        lambda c, t, **options: stats.nps(c, **options),
        lambda c, t, **options: stats.compare_ordered_means([c, t], [0, 1], **options),
        lambda c, t, **options: stats.compare_factorial(c, t, c, t, **options),
    ],
)
def test_a_one_sided_level_below_a_half_would_leave_out_its_own_estimate(compare):
    arms = [1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]
    with pytest.raises(UsageError, match="one-sided"):
        compare(*arms, alternative="greater", confidence_level=0.3)
