"""Every template and preset makes a file that is valid as it stands and says what is to do."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from abtest.cli.app import main
from abtest.errors import UsageError
from abtest.experiment.resolve import resolve
from abtest.experiment.templates import presets, templated_file, templates
from abtest.metrics.roles import EventRoles

from .spec_files import put

TODAY = date(2026, 3, 4)
WAYS = [
    *((template, None) for template in templates()),
    *((None, preset) for preset in presets()),
    ("onboarding_steps", "saas"),
    ("push_dose", "mobile_app"),
    ("cart_reminder", "ecommerce"),
]


def test_the_templates_and_presets_are_those_that_products_ask_for():
    assert len(templates()) == 16
    assert set(presets()) == {
        "content", "ecommerce", "single_product", "saas", "social", "mobile_app",
    }  # fmt: skip


@pytest.mark.parametrize(("template", "preset"), WAYS)
def test_a_file_is_valid_as_it_is_written(tmp_path, template, preset):
    text = templated_file("trial", TODAY, template, preset)
    put(tmp_path, text, "trial")
    found = resolve("trial", root=tmp_path)
    assert {one.what for one in found.warnings} == {"is still to be written"}  # the owner
    spec = found.spec
    primary, *_ = [metric for metric in spec.metrics if metric.role == "primary"]
    assert primary.mde or primary.margin
    assert any(metric.role == "guardrail" for metric in spec.metrics)
    assert spec.experiment.start.isoformat() == "2026-03-09T00:00:00+00:00"
    assert max(map(len, text.splitlines())) <= 140
    told = tomllib.loads(text)["events"]
    for role, name in told.items():
        assert role in EventRoles.model_fields
        assert name == role  # to be replaced by what the log calls it
    lines = [line for line in text.splitlines() if line.startswith(tuple(f"{r} =" for r in told))]
    assert all("# TODO: " in line for line in lines)
    assert "# TODO: the relative effect it is sized for" in text or primary.margin


@pytest.mark.parametrize("template", templates())
def test_shares_that_are_left_out_are_valid_when_they_are_taken(tmp_path, template):
    text = templated_file("trial", TODAY, template, None)
    put(tmp_path, text.replace("# allocation", "allocation"), "trial")
    shares = resolve("trial", root=tmp_path).spec.variants.allocation
    assert max(shares.values()) - min(shares.values()) < 0.001


def test_what_a_template_counts_in_another_way_is_said_in_its_own_words(tmp_path):
    """A comment or description of the catalogue would tell another window or event."""
    for template, preset in WAYS:
        for metric in tomllib.loads(templated_file("x", TODAY, template, preset))["metrics"]:
            if metric.keys() & {"window_days", "event"}:
                assert "description" in metric, (template, preset, metric)
    text = templated_file("trial", TODAY, "cart_reminder", None)
    assert "within 14 days" not in text


def test_what_rewards_cost_guards_a_loyalty_programme(tmp_path):
    put(tmp_path, templated_file("trial", TODAY, "loyalty_programme", None), "trial")
    spec = resolve("trial", root=tmp_path).spec
    assert spec.design().unit_costs == (0.0, 1.0)
    assert {m.id: m.role for m in spec.metrics}["margin_per_unit"] == "guardrail"


def test_a_template_decides_and_a_preset_is_reported_beside(tmp_path):
    put(tmp_path, templated_file("trial", TODAY, "onboarding_steps", "saas"), "trial")
    metrics = {m.id: m for m in resolve("trial", root=tmp_path).spec.metrics}
    assert metrics["milestone_mvr"].role == "primary"
    assert metrics["support_ticket"].role == "guardrail"
    assert metrics["trial_to_paid"].role == "secondary"
    assert metrics["steps_to_value_share"].role == "diagnostic"
    alone = tomllib.loads(templated_file("trial", TODAY, None, "saas"))["metrics"]
    assert [m["role"] for m in alone[:2]] == ["primary", "guardrail"]


def test_the_value_column_is_asked_for_where_metrics_need_it():
    for template, valued in (("loyalty_programme", True), ("message_framing", False)):
        written = tomllib.loads(templated_file("x", TODAY, template, None))
        assert ("value" in written["data"]["events"]) == valued


@pytest.mark.parametrize(
    ("template", "preset", "hint"),
    [
        ("onboarding_step", None, "onboarding_steps"),
        (None, "sass", "saas"),
        (None, "zzz", "There are"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(template, preset, hint):
    with pytest.raises(UsageError) as caught:
        templated_file("x", TODAY, template, preset)
    assert hint in caught.value.todo


def test_the_command_writes_it_and_check_finds_nothing_wrong(tmp_path, monkeypatch, capsys):
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["new", "steps", "--template", "onboarding_steps", "--preset", "saas"]) == 0
    out = capsys.readouterr().out
    assert "wrote   experiments/steps/experiment.toml" in out
    assert "marked TODO" in out
    assert main(["check", "steps"]) == 0
    assert main(["new", "other", "--template", "nothing"]) == 2
    assert not (tmp_path / "experiments" / "other").exists()
    assert main(["new", "third", "--from", "x.csv", "--preset", "saas"]) == 2
    assert "Leave out --from" in capsys.readouterr().err
