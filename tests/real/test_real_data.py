"""Real experiments, end to end: the published numbers, and the verdict they lead to.

Expected numbers are those of the data sets' own documentation and, where a test is named,
of SciPy 1.17 on the same counts (`ttest_ind(equal_var=False)`, `chisquare`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import abtest

EXPERIMENTS = Path(__file__).parent / "experiments"


@pytest.fixture(scope="module")
def project(shared_data, tmp_path_factory):
    """A project with the experiments of this folder, whose `data` are the real ones."""
    root = tmp_path_factory.mktemp("real")
    shutil.copytree(EXPERIMENTS, root / "experiments")
    (root / "data").symlink_to(shared_data, target_is_directory=True)
    return root


def analyse(project, name, as_of=None):
    return abtest.load(name, root=project).analyze(as_of).to_dict()


def effect(document, metric, variant=None):
    return next(
        row
        for row in document["effects"]
        if row["metric"] == metric and variant in (None, row["variant"]) and not row["segment"]
    )


def check(document, name):
    return next(row for row in document["checks"] if row["check"] == name)


@pytest.fixture(scope="module")
def cookie_cats(project):
    return analyse(project, "cookie_cats")


def test_cookie_cats_keeps_its_gate(cookie_cats):
    row = effect(cookie_cats, "retention_7")
    assert (row["n_control"], row["n_treatment"]) == (44_700, 45_489)
    assert row["control_value"] == pytest.approx(8_502 / 44_700, rel=1e-8)
    assert row["treatment_value"] == pytest.approx(8_279 / 45_489, rel=1e-8)
    assert row["p_value"] == pytest.approx(0.00156, abs=5e-6)
    assert row["outcome"] == "harmed"
    assert cookie_cats["verdict"] == "do_not_ship"
    assert cookie_cats["headline"] == (
        "Do not ship gate_40: 7-day retention fell by 0.82 points (95% interval -1.33 to -0.31)."
    )


def test_cookie_cats_other_metrics(cookie_cats):
    assert effect(cookie_cats, "retention_1")["p_value"] == pytest.approx(0.0744, abs=5e-5)
    assert effect(cookie_cats, "sum_gamerounds")["p_value"] == pytest.approx(0.376, abs=5e-4)
    assert effect(cookie_cats, "retention_1")["outcome"] is None


def test_cookie_cats_warns_of_its_sample_ratio(cookie_cats):
    ratio = check(cookie_cats, "sample_ratio")
    assert ratio["status"] == "warn"
    assert ratio["p_value"] == pytest.approx(0.0086, abs=5e-5)


def test_hillstrom_ships_the_better_of_two_mails(project):
    document = analyse(project, "hillstrom")
    mens = effect(document, "visit", "Mens E-Mail")
    womens = effect(document, "visit", "Womens E-Mail")
    assert mens["absolute"]["estimate"] == pytest.approx(0.07659, abs=5e-6)
    assert womens["absolute"]["estimate"] == pytest.approx(0.04523, abs=5e-6)
    spend = [effect(document, "spend", arm) for arm in ("Mens E-Mail", "Womens E-Mail")]
    assert spend[0]["absolute"]["estimate"] == pytest.approx(0.7698, abs=5e-5)
    assert spend[1]["absolute"]["estimate"] == pytest.approx(0.4244, abs=5e-5)
    assert spend[0]["p_value"] == pytest.approx(1.2e-7, rel=0.05)
    assert spend[1]["p_value"] == pytest.approx(0.00113, abs=5e-6)
    assert (document["verdict"], document["recommended_variant"]) == ("ship", "Mens E-Mail")
    codes = [reason["code"] for reason in document["reasons"]]
    assert "recommended_distinguishable" in codes  # visits: p = 4e-18 between the two mails


def test_hillstrom_has_no_key_and_loses_no_row(project):
    document = analyse(project, "hillstrom")
    units = {arm["name"]: arm["units"] for arm in document["variants"]}
    assert units == {"No E-Mail": 21_306, "Mens E-Mail": 21_307, "Womens E-Mail": 21_387}
    assert check(document, "duplicates")["status"] == "pass"
    assert check(document, "sample_ratio")["p_value"] == pytest.approx(0.904, abs=5e-4)


def test_hillstrom_history_hardly_predicts_spend(project):
    """CUPED on a covariate that correlates 0.022 must not be oversold: variance x 0.9995."""
    import tomllib

    values = tomllib.loads((EXPERIMENTS / "hillstrom/experiment.toml").read_text("utf-8"))
    values["data"]["covariates"] = ["history"]
    document = abtest.load(values, root=project).analyze().to_dict()
    row = effect(document, "spend", "Mens E-Mail")
    assert row["method"] == "welch_cuped"
    assert row["variance_reduction"] == pytest.approx(0.0005, abs=0.0005)
    assert row["absolute"]["estimate"] == pytest.approx(0.7698, abs=0.01)


def test_udacity_names_the_days_without_outcomes_and_stays_open(project):
    document = analyse(project, "udacity_screener")
    gross, net = (effect(document, name) for name in ("gross_conversion", "net_conversion"))
    assert gross["absolute"]["estimate"] == pytest.approx(-0.0206, abs=5e-5)
    assert gross["absolute"]["lower"] == pytest.approx(-0.0291, abs=5e-5)
    assert gross["absolute"]["upper"] == pytest.approx(-0.0120, abs=5e-5)
    assert net["absolute"]["estimate"] == pytest.approx(-0.0049, abs=5e-5)
    assert net["absolute"]["lower"] == pytest.approx(-0.0116, abs=5e-5)
    assert net["absolute"]["upper"] == pytest.approx(0.0019, abs=5e-5)
    assert (gross["n_control"], gross["n_treatment"]) == (17_293, 17_260)
    assert (gross["outcome"], net["outcome"]) == ("improved", "unclear")
    assert document["verdict"] == "inconclusive"
    skipped = gross["excluded"]["skipped_days"]
    assert len(skipped) == 14
    assert (skipped[0], skipped[-1]) == ("2014-11-03", "2014-11-16")
    clicks = effect(document, "click_through")
    assert "skipped_days" not in clicks["excluded"]
    assert clicks["n_control"] == 345_543


def test_vanguard_is_invalid_and_shows_its_effects_all_the_same(project):
    document = analyse(project, "vanguard", as_of="2017-07-01")
    row = effect(document, "confirm")
    assert (row["n_treatment"], row["n_control"]) == (22_013, 18_015)
    assert row["control_value"] == pytest.approx(11_366 / 18_015, rel=1e-8)
    assert row["treatment_value"] == pytest.approx(15_030 / 22_013, rel=1e-8)
    assert check(document, "sample_ratio")["status"] == "fail"
    assert document["verdict"] == "invalid"
    assert row["outcome"] is None
    assert "untrustworthy" in row["warnings"]
