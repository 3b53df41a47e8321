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
    spec = resolve("trial", root=tmp_path).spec
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
