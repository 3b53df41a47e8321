from typing import get_args

import pytest

from abtest.experiment.document import ReasonCode
from abtest.show.reason_words import reason_sentence


@pytest.mark.parametrize("code", get_args(ReasonCode))
def test_every_reason_has_a_sentence_even_without_values(code):
    reason = {"code": code, "metric": "m_x", "variant": "B", "values": {}}
    said = reason_sentence(reason, {"m_x": "Activation"})
    assert said.endswith(".")
    assert "_" not in said


def test_a_reason_about_a_row_gives_its_numbers(page):
    shown = page("ship")
    reason = next(r for r in shown.document["reasons"] if r["code"] == "improved")
    said = reason_sentence(reason, {"activation": "Activation"}, shown.document["effects"])
    assert said.startswith("Activation in checklist rose by 2.88 points")


def test_the_runner_up_is_named():
    reason = {
        "code": "recommended_not_distinguishable", "metric": None, "variant": "B",
        "values": {"next": "C"},
    }  # fmt: skip
    assert "C" in reason_sentence(reason, {})
