"""What the parts of a report say, over verdicts of every kind."""

from typing import get_args

import html5lib
import pytest

from abtest.experiment.effects import WITH_COVARIATES
from abtest.show import Page
from abtest.show.metric_notes import definitions
from abtest.show.words import METHODS, SAVERS
from abtest.stats.results import PairMethod

PARTS = (
    "headline", "trust", "effects", "segments", "definitions", "not_computed", "provenance",
)  # fmt: skip


def text_of(markup: str) -> str:
    return "".join(html5lib.parseFragment(markup, namespaceHTMLElements=False).itertext())


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_every_verdict_is_well_formed_and_has_text(any_page, part):
    fragment = getattr(any_page, part)()
    html5lib.HTMLParser(strict=True).parseFragment(fragment.html)
    assert "\x1b" not in fragment.text
    if fragment.html:
        assert fragment.text
        assert fragment.markdown


@pytest.mark.parametrize(
    ("case", "word"),
    [
        ("ship", "✓ Ship"),
        ("do_not_ship", "✕ Do not ship"),
        ("keep_running", "▶ Keep running"),
        ("inconclusive", "? Inconclusive"),
        ("invalid", "! Invalid"),
    ],
)
def test_the_verdict_is_said_with_word_and_icon(page, case, word):
    headline = page(case).headline()
    assert headline.text.startswith(word)
    assert f"<h2>{word[2:]}</h2>" in headline.html
    assert page(case).document["headline"] in text_of(headline.html)


def test_effects_of_an_invalid_experiment_are_marked_in_every_row(page):
    shown = page("invalid").effects()
    assert "Do not trust these effects" in shown.text
    rows = len(page("invalid").document["effects"])
    assert shown.html.count("Untrustworthy") == rows
    assert "Improved" not in shown.html


def test_effects_before_the_end_are_provisional_and_have_no_outcome(page):
    shown = page("keep_running").effects()
    assert "provisional" in shown.text
    assert shown.html.count("Too early") == 3


def test_a_wider_interval_says_its_level(page):
    shown = page("do_not_ship").effects().text
    assert "95% intervals, 97.5% where alpha is shared" in shown
    assert shown.count("97.5% intervals)") == 2


def test_arms_of_one_metric_stand_together(page):
    rows = page("do_not_ship").effects().text.splitlines()
    metrics = [row.split(" (")[0] for row in rows if "three_a" in row or "seven_a" in row]
    assert metrics == ["Sessions per unit"] * 2 + ["Mute rate"] * 2


def test_warnings_come_before_passed_checks_which_are_folded(page):
    trust = page("do_not_ship").trust()
    opening, _, folded = trust.html.partition("<details>")
    assert "Duplicates" in opening
    assert "Sample ratio" not in opening
    assert "Sample ratio" in folded
    assert "Sample ratio" in trust.text


def test_units_left_out_are_counted_by_arm_and_shared_causes_stand_once(page):
    assert page("keep_running").trust().text.count("Window not closed") == 1


def test_days_that_totals_leave_out_are_named(page):
    shown = page("ship")
    document = dict(shown.document)
    first = {**document["effects"][0], "excluded": {"skipped_days": ["2014-11-03", "2014-11-04"]}}
    document["effects"] = [first, *document["effects"][1:]]
    assert "3 Nov 2014, 4 Nov 2014" in Page(document, shown.notes).trust().text


def test_what_could_not_be_computed_says_why(page):
    assert "too few units have a value" in page("inconclusive").not_computed().text
    assert page("ship").not_computed().html == ""


def test_the_hypothesis_stands_at_the_top_and_not_at_the_foot(page):
    shown = page("ship")
    with_text = Page(shown.document, shown.notes, {"Hypothesis": "More <b>", "Owner": "growth"})
    assert "More &lt;b&gt;" in with_text.headline().html
    assert "More" not in with_text.provenance().html
    assert "growth" in with_text.provenance().html


def test_notes_may_be_dataclasses(page):
    from dataclasses import make_dataclass

    note = make_dataclass("Note", ["metric", "label", "sentence", "window", "direction"])
    shown = page("ship")
    notes = [note("activation", "First project", "A share.", "day 7", "increase")]
    assert "First project" in Page(shown.document, notes).effects().text


def test_hostile_text_appears_as_text_in_every_form(page):
    from abtest.show import escape

    shown = page("hostile")
    title = shown.document["recommended_variant"]
    for part in (shown.headline(), shown.trust(), shown.effects(), shown.segments()):
        assert escape.plain(title) in text_of(part.html)
        assert escape.line(title) in part.text
        assert escape.markdown(title) in part.markdown
        assert "<script" not in part.html
        assert "\x00" not in part.text


def test_a_fragment_gives_every_form_to_a_notebook(page):
    data, metadata = page("ship").forest()._repr_mimebundle_()
    assert set(data) == {"text/html", "text/markdown", "text/plain", "image/png"}
    assert metadata["image/png"]["alt"].startswith("Forest plot of relative effects")


def test_an_empty_part_tells_reports_to_leave_it_out(page):
    data, metadata = page("keep_running").segments()._repr_mimebundle_()
    assert "text/html" not in data
    assert metadata == {"abtest": {"empty": True}}


def test_a_metric_says_what_its_owner_wrote_about_it():
    note = {
        "metric": "m",
        "label": "M",
        "sentence": "Share of units.",
        "window": "",
        "direction": "increase",
        "description": "Counted by <b>billing</b>.",
    }
    shown = definitions([note])
    assert "Counted by &lt;b&gt;billing&lt;/b&gt;." in shown.html
    assert "Counted by <b>billing</b>." in shown.text


def test_a_control_with_several_adjusted_values_is_explained(page):
    shown = page("ship")
    said = "differs a little from row to row"
    assert said not in shown.effects().text
    effects = [*shown.document["effects"]]
    first = effects[0]
    effects.append(first | {"variant": "other", "control_value": first["control_value"] + 0.01})
    assert said in Page(shown.document | {"effects": effects}, shown.notes).effects().text


def judged(variant, method, saved, warnings=()):
    """A row as far as the definitions look at it."""
    return {
        "metric": "m", "segment": None, "status": "ok", "variant": variant, "method": method,
        "variance_reduction": saved, "warnings": list(warnings),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([judged("b", "welch", None)], "Welch"),
        (
            [judged("b", "welch_cuped", 0.124)],
            "Welch with CUPED (adjusted for x and z; CUPED took 12% off the variance)",
        ),
        (
            [judged("b", "post_stratified", 0.31)],
            "Welch within strata (compared within each plan; strata took 31% off the variance)",
        ),
        (
            [judged("b", "post_stratified_cuped", 0.5), judged("c", "post_stratified_cuped", 0.4)],
            "Welch within strata, with CUPED (adjusted for x and z; compared within each plan; "
            "strata and CUPED together took 40% to 50% off the variance)",
        ),
        (
            [judged("b", "delta_post_stratified", -0.002)],
            "Delta method within strata (compared within each plan; strata took nothing off the "
            "variance)",
        ),
        (
            [judged("b", "welch_cuped", 0.3), judged("c", "welch", None, ["covariate_constant"])],
            "Welch with CUPED; Welch (adjusted for x and z; CUPED took 30% off the variance; not "
            "adjusted: nothing varied before exposure (c))",
        ),
    ],
)
def test_a_metric_says_how_it_was_judged_and_what_that_saved(rows, said):
    note = {"metric": "m", "direction": "increase", "covariates": "x and z", "strata": "plan"}
    assert definitions([note], {"effects": rows}).text.rstrip().endswith("  " + said)


def test_every_method_of_experiments_has_a_name_and_every_saving_its_cause():
    methods = set(get_args(PairMethod))
    assert set(METHODS) == methods
    assert set(SAVERS) == {one for one in methods if "cuped" in one or "stratified" in one}
    assert {method for method, saver in SAVERS.items() if "CUPED" in saver} == WITH_COVARIATES
