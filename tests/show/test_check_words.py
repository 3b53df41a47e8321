from typing import get_args

import pytest

from abtest.experiment.document import CheckName, CheckStatus
from abtest.show.check_words import check_sentence


def check(name, status="pass", code="", p=None, **values):
    return {
        "check": name, "status": status, "code": code or f"{name}_x", "p_value": p, "values": values
    }  # fmt: skip


@pytest.mark.parametrize("status", get_args(CheckStatus))
@pytest.mark.parametrize("name", get_args(CheckName))
def test_every_check_has_a_sentence_in_every_state_even_without_values(name, status):
    said = check_sentence(check(name, status))
    assert said.endswith(".")
    assert said[0].isupper() or said[0].isdigit()
    assert "_" not in said


def test_a_sample_ratio_mismatch_gives_both_shares_and_the_p_value():
    said = check_sentence(
        check(
            "sample_ratio", "fail", "sample_ratio_mismatch", 3e-41,
            observed={"a": 470, "b": 530}, planned={"a": 0.5, "b": 0.5},
        )
    )  # fmt: skip
    assert "a 47.00%, b 53.00%; planned: a 50.00%, b 50.00%" in said
    assert said.endswith("(p < 0.0001).")


def test_one_crossover_unit_is_one_unit():
    said = check_sentence(check("crossover", "warn", units=1, share=1e-5, by_variant={"a": 1}))
    assert said.startswith("1 unit (under 0.01%) seen in two variants")


def test_an_absent_lock_makes_the_analysis_exploratory():
    assert "exploratory" in check_sentence(check("lock", "warn", "lock_absent"))


def test_units_with_events_without_a_value_are_told_from_units_without_a_value():
    lost = {"spend": {"share": 0.0004, "p_value": 0.5, "by_variant": {"a": 3, "b": 1}}}
    said = check_sentence(check("missing_values", code="missing_few", by_metric={}, valueless=lost))
    assert said == (
        "Units with an event that has no value and adds nothing: Spend: under 0.1% (a 3, b 1). "
        "Few are missing, and equally in all arms."
    )
    said = check_sentence(check("missing_values", "warn", by_metric=lost, valueless=lost))
    assert said.startswith("Units without a value: Spend: under 0.1% (a 3, b 1). Units with an")


def test_metrics_are_named_as_readers_know_them():
    said = check_sentence(
        check("immature", "warn", units=5, by_metric={"ret_7": {"a": 2, "b": 3}}),
        {"ret_7": "7-day retention"},
    )
    assert "7-day retention: a 2, b 3" in said
