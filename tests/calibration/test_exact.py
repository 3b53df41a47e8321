import numpy as np
from calibration.exact import Enumerated


def test_exact_tests_keep_their_level_on_every_share_and_the_wald_test_does_not():
    found = Enumerated((8, 12))(np.random.default_rng(0), 1)
    sizes = {one.method.split(",")[0]: one.rate for one in found if one.quantity == "type_i"}
    assert max(sizes[name] for name in ("fisher", "barnard", "boschloo")) < 0.05
    assert sizes["fisher"] <= sizes["boschloo"]
    assert sizes["wald"] > 0.06


def test_mean_coverage_is_a_probability_near_its_promise_for_score_intervals():
    found = Enumerated((8, 12))(np.random.default_rng(0), 1)
    rates = {one.method: one.rate for one in found if one.quantity == "coverage"}
    assert 0.94 < rates["score, mean, enumerated"] < 0.97
    assert rates["wald, mean, enumerated"] < 0.92
