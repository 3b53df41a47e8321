import math

import pytest

from abtest.show import numbers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.00156, "0.00156"),
        (0.0496, "0.0496"),
        (0.376, "0.376"),
        (1.2e-7, "< 0.0001"),
        (0.0, "< 0.0001"),
        (1.0, "> 0.999"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_p_values_are_never_shown_as_zero_or_one(value, shown):
    assert numbers.p_value(value) == shown


def test_a_p_value_below_five_per_cent_is_not_rounded_up_to_it():
    assert numbers.p_value(0.0499) != "0.05"
    assert float(numbers.p_value(0.0499)) < 0.05


def test_a_negative_number_has_a_real_minus_and_zero_has_no_sign():
    assert numbers.number(-1.25, 2) == "\N{MINUS SIGN}1.25"
    assert numbers.number(-0.0004, 2, sign=True) == "0.00"
    assert numbers.number(0.0, 1, sign=True) == "0.0"


def test_counts_have_their_thousands_separated():
    assert numbers.count(1234567) == "1,234,567"


@pytest.mark.parametrize(("spread", "decimals"), [(0.51, 2), (5.1, 1), (51, 0), (1e-9, 6)])
def test_an_interval_is_shown_with_two_digits_of_its_half_width(spread, decimals):
    assert numbers.decimals_for(spread) == decimals


def test_a_time_is_shown_with_its_zone():
    assert numbers.moment("2026-03-29T00:00:00+03:30") == "29 Mar 2026, 00:00 UTC+03:30"


def test_text_that_is_no_time_is_left_alone():
    assert numbers.moment("<soon>") == "<soon>"
