import math

import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    compare_adjusted_means,
    compare_cupac_means,
    compare_means,
    cupac_predictions,
)
from abtest.stats.adjustment.ridge import Ridge

ARMS = ("control", "treatment")


class LeastSquares:
    def fit(self, features, outcome):
        design = np.column_stack([np.ones(len(features)), features])
        self.coefficients = np.linalg.lstsq(design, outcome, rcond=None)[0]

    def predict(self, features):
        return np.column_stack([np.ones(len(features)), features]) @ self.coefficients


def draw(seed, sizes=(60, 50), p=3, noise=1.0):
    rng = np.random.default_rng(seed)
    x = tuple(rng.normal(size=(n, p)) for n in sizes)
    return [part.sum(axis=1) + noise * rng.normal(size=len(part)) for part in x], x


@pytest.mark.parametrize("kind", ["least_squares", "ridge"])
def test_predictions_and_their_adjustment_agree_with_r(reference, kind):
    for case in reference("cupac")["cases"]:
        arguments = {
            "features": tuple(np.array(case[f"{arm}_features"]).T for arm in ARMS),
            "model": LeastSquares() if kind == "least_squares" else Ridge(case["penalty"]),
            "folds": tuple(case[f"{arm}_folds"] for arm in ARMS),
        }
        samples = [case[arm] for arm in ARMS]
        want = case[kind]
        predictions = np.concatenate(cupac_predictions(*samples, **arguments))
        assert predictions == pytest.approx(np.array(want["predictions"]), abs=1e-8)
        got = compare_cupac_means(*samples, **arguments)
        assert got.method == "cupac"
        assert got.absolute.estimate == pytest.approx(want["estimate"], rel=1e-7)
        assert got.absolute.estimate / got.statistic == pytest.approx(want["se"], rel=1e-7)
        assert got.details["folds"] == case["folds_count"]


def test_the_penalty_from_the_data_is_large_for_noise_and_small_for_signal():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 5))
    noise = Ridge().fit(x, rng.normal(size=200))
    signal = Ridge().fit(x, x.sum(axis=1) + 0.1 * rng.normal(size=200))
    assert noise.chosen > 100 * signal.chosen
    assert signal.slopes / signal.units == pytest.approx(np.ones(5), abs=0.05)
    assert np.abs(noise.slopes / noise.units).max() < 0.1


def test_more_features_than_units_are_no_obstacle():
    y, x = draw(2, (30, 30), p=100, noise=3.0)
    got = compare_cupac_means(*y, features=x)
    assert math.isfinite(got.p_value)
    assert got.details["features"] == 100


def test_a_constant_feature_changes_nothing():
    y, x = draw(3)
    more = tuple(np.column_stack([part, np.full(len(part), 0.1)]) for part in x)
    got = compare_cupac_means(*y, features=more)
    assert got.p_value == pytest.approx(compare_cupac_means(*y, features=x).p_value, rel=1e-9)


def test_what_a_model_learns_by_heart_does_not_enter_its_own_prediction():
    """A model that returns the outcome of the nearest known unit would otherwise leave nothing."""

    class Nearest:
        def fit(self, features, outcome):
            self.features, self.outcome = features, outcome

        def predict(self, features):
            nearest = np.abs(features[:, None, 0] - self.features[None, :, 0]).argmin(axis=1)
            return self.outcome[nearest]

    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(200):
        x = tuple(rng.normal(size=(40, 1)) for _ in ARMS)
        y = [rng.normal(size=40) for _ in ARMS]
        hits += compare_cupac_means(*y, features=x, model=Nearest()).p_value < 0.05
    assert hits / 200 == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 200) ** 0.5)


def test_it_saves_what_the_features_explain():
    y, x = draw(5, (2000, 2000))
    got = compare_cupac_means(*y, features=x)
    assert got.variance_reduction == pytest.approx(0.75, abs=0.03)
    assert got.details["prediction_r2"] == pytest.approx(0.75, abs=0.03)
    direct = compare_means(*y, covariates=x)
    assert got.statistic == pytest.approx(direct.statistic, rel=0.05, abs=0.1)


def test_predictions_serve_other_comparisons_too():
    y, x = draw(6)
    predictions = cupac_predictions(*y, features=x, seed=7)
    got = compare_cupac_means(*y, features=x, seed=7)
    assert compare_means(*y, covariates=predictions).p_value == pytest.approx(got.p_value, rel=1e-9)
    robust = compare_adjusted_means(*y, covariates=predictions)
    assert robust.absolute.estimate == pytest.approx(got.absolute.estimate)


def test_the_seed_decides_the_folds_and_given_folds_need_none():
    y, x = draw(8)
    first, again, other = (compare_cupac_means(*y, features=x, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.p_value != other.p_value
    folds = tuple(np.arange(len(arm)) % 4 for arm in y)
    want = compare_cupac_means(*y, features=x, folds=folds)
    order = [np.random.default_rng(9).permutation(len(arm)) for arm in y]
    got = compare_cupac_means(
        *(arm[o] for arm, o in zip(y, order, strict=True)),
        features=tuple(part[o] for part, o in zip(x, order, strict=True)),
        folds=tuple([f"fold {f}" for f in part[o]] for part, o in zip(folds, order, strict=True)),
    )
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)


def test_missing_values_cost_no_unit_and_are_said():
    y, x = draw(10)
    y[0][3] = np.nan
    for part in x:
        part[:5, 0] = np.nan
    got = compare_cupac_means(*y, features=x)
    assert (got.nulls_control, got.n_control) == (1, 59)
    assert got.warnings == ("covariate_missing",)
    assert got.details["features"] == 4


@pytest.mark.parametrize("folds", [5, 40, "one per unit"])
@pytest.mark.parametrize("model", [None, LeastSquares()])
def test_features_that_do_not_vary_leave_the_plain_result(folds, model):
    y, _ = draw(11)
    if folds == "one per unit":
        folds = tuple([f"{side}{unit}" for unit in range(len(y[side]))] for side in (0, 1))
    got = compare_cupac_means(
        *y, features=tuple(np.ones(len(arm)) for arm in y), folds=folds, model=model
    )
    want = compare_means(*y)
    assert (got.method, got.warnings) == ("welch", ("covariate_constant",))
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.absolute.upper == pytest.approx(want.absolute.upper, rel=1e-9)
    assert "covariate_constant" in str(got)


def test_a_feature_that_tells_the_arms_apart_says_nothing():
    y, _ = draw(11)
    got = compare_cupac_means(*y, features=(np.ones(len(y[0])), np.zeros(len(y[1]))))
    assert (got.method, got.warnings) == ("welch", ("covariate_constant",))


@pytest.mark.parametrize(
    ("folds", "most"), [(2, 0.005), (5, 0.005), (10, 0.01), (50, 0.1), ("one per unit", 0.1)]
)
def test_useless_features_save_nothing(folds, most):
    """A fold's own mean is high where that of the others is low: it must not be the covariate."""
    rng = np.random.default_rng(20)
    if folds == "one per unit":
        folds = tuple([f"{side}{unit}" for unit in range(50)] for side in (0, 1))
    saved, hits, runs = [], 0, 60
    for seed in range(runs):
        y, x = ([rng.normal(size=50) for _ in ARMS] for _ in range(2))
        got = compare_cupac_means(*y, features=x, model=LeastSquares(), folds=folds, seed=seed)
        saved.append(got.variance_reduction)
        hits += got.p_value < 0.05
        assert got.warnings == (() if most < 0.05 else ("many_folds",))
    assert np.mean(saved) < most
    assert hits <= 9  # 3 on average, 10 or more once in a thousand such tests


def test_the_level_of_a_model_does_not_matter():
    """One that lacks an intercept would bring in the level of nothing; one too many, that of it."""

    class Shifted(LeastSquares):
        def fit(self, features, outcome):
            super().fit(features, outcome)
            self.coefficients[0] = 1e3 * outcome[0]

    y, x = draw(13)
    want = compare_cupac_means(*y, features=x, model=LeastSquares())
    got = compare_cupac_means(*y, features=x, model=Shifted())
    assert got.statistic == pytest.approx(want.statistic, rel=1e-9)
    assert got.absolute.upper == pytest.approx(want.absolute.upper, rel=1e-9)


def test_an_effect_does_not_leak_into_the_covariate():
    y, x = draw(14)
    want = compare_cupac_means(*y, features=x)
    for effect in (0.5, -40.0):
        got = compare_cupac_means(y[0], y[1] + effect, features=x)
        assert got.absolute.estimate == pytest.approx(want.absolute.estimate + effect, rel=1e-9)
        width = got.absolute.upper - got.absolute.lower
        assert width == pytest.approx(want.absolute.upper - want.absolute.lower, rel=1e-9)


def test_folds_are_dealt_evenly_within_arms():
    """So that no fold has a larger share of an arm than another."""
    seen = []

    class Counting(LeastSquares):
        def fit(self, features, outcome):
            super().fit(features, outcome)
            seen.append((int((features[:, 0] == 0).sum()), int((features[:, 0] == 1).sum())))

        def __deepcopy__(self, memo):
            return type(self)()

    y, x = draw(15, (50, 10))
    marked = [np.column_stack([np.full(len(part), side), part]) for side, part in enumerate(x)]
    compare_cupac_means(*y, features=tuple(marked), model=Counting(), folds=5)
    assert seen == [(40, 8)] * 5


def test_folds_that_are_shrunk_differently_do_not_make_one_unit_the_covariate():
    rng = np.random.default_rng(3)
    folds = tuple([f"{side}{unit}" for unit in range(10)] for side in (0, 1))
    for _ in range(40):
        y, x = ([rng.normal(size=10) for _ in ARMS] for _ in range(2))
        got = compare_cupac_means(*y, features=x, folds=folds)
        assert got.variance_reduction > -5.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"folds": 1}, "folds"),
        ({"folds": 2.5}, "folds"),
        ({"folds": ([0, 1], [0, 1])}, "Folds"),
        ({"seed": -1}, "seed"),
        ({"features": None}, "features"),
        ({"features": ([1.0], [2.0])}, "features"),
        ({"features": (["a"] * 20, ["b"] * 20)}, "numbers"),
        (
            {"model": type("M", (), {"fit": lambda *_: None, "predict": lambda *_: [1.0]})()},
            "model",
        ),
        (
            {
                "model": type(
                    "M", (), {"fit": lambda *_: 0, "predict": lambda s, x: x[:, 0] / 0.0}
                )()
            },
            "model",
        ),
        ({"confidence_level": 1.5}, "level"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, words):
    y, x = draw(12, (20, 20))
    with np.errstate(all="ignore"), pytest.raises(UsageError, match=words):
        compare_cupac_means(*y, **{"features": x, **arguments})
    with pytest.raises(UsageError):
        compare_cupac_means(Moments.from_columns([y[0]]), y[1], features=x)
    with pytest.raises(UsageError, match="penalty"):
        Ridge(0.0)


@pytest.mark.parametrize(
    ("control", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([math.nan] * 6, "too_few_units"),
        ([1e300, 2e300, 3e300], "not_finite"),
        ([1.0, math.inf, 2.0], "not_finite"),
        ([2.0] * 5, "constant"),
    ],
)
def test_data_that_cannot_answer_say_why(control, code):
    features = (np.arange(len(control), dtype=float), np.arange(4.0))
    with pytest.raises(NotEstimable) as caught:
        compare_cupac_means(control, [2.0] * 4, features=features)
    assert caught.value.code == code
