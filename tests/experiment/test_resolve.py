"""From a name, a path or a mapping to a frozen spec that knows where it came from."""

from __future__ import annotations

import json
import pickle
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from abtest.errors import SpecError, UsageError
from abtest.experiment.project import experiment_names, find_root
from abtest.experiment.resolve import Resolved, resolve
from abtest.experiment.toml_text import quoted, toml_value

from .spec_files import EVENTS, TOTALS, UNITS, changed, put

HOSTILE = [
    "<script>alert(1)</script>", 'say "hi" \\ there', "{{ title }} $PATH ${x}", "a\nb\r\tc",
    "آزمایش نرخ بازگشت می‌شود", "🚀 ünï", "\x00\x1b[31m\x7f\u202e\ufeff", "'''\"\"\"", "a\u2028b",
]  # fmt: skip


def test_a_name_a_path_a_folder_and_a_mapping_give_the_same_spec(tmp_path):
    path = put(tmp_path, EVENTS, "checklist")
    sources = ["checklist", path, str(path), path.parent, tomllib.loads(EVENTS)]
    found = [resolve(source, root=tmp_path) for source in sources]
    assert {resolved.sha256 for resolved in found} == {found[0].sha256}
    assert [resolved.path for resolved in found] == [path] * 4 + [None]
    assert {resolved.root for resolved in found} == {tmp_path}


def test_the_root_is_found_upwards_of_the_file(tmp_path):
    path = put(tmp_path, EVENTS, "checklist")
    assert resolve(path).root == tmp_path
    assert find_root(path.parent) == tmp_path


def test_a_file_outside_a_project_has_its_folder_as_root_and_any_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(UNITS, "utf-8")
    assert resolve(path).root == tmp_path


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path):
    put(tmp_path, EVENTS, "checklist")
    put(tmp_path, UNITS, "cats")
    assert experiment_names(tmp_path) == ("cats", "checklist")
    with pytest.raises(UsageError) as caught:
        resolve("cheklist", root=tmp_path)
    assert caught.value.code == "no_experiment"
    assert '"checklist"' in caught.value.todo


def test_outside_a_project_a_name_means_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not an abtest project"):
        resolve("checklist")


def test_defaults_are_filled_in(tmp_path):
    put(tmp_path, UNITS, "cats")
    spec = resolve("cats", root=tmp_path).spec
    assert spec.experiment.title == "Cats"
    assert spec.variants.allocation == {"gate_30": 0.5, "gate_40": 0.5}
    assert (spec.analysis.alpha, spec.analysis.power, spec.analysis.cuped) == (0.05, 0.8, True)
    assert spec.design().phases[0].allocation == (0.5, 0.5)


def test_phases_follow_the_order_of_the_variants(tmp_path):
    phase = (
        "[[variants.phases]]\nfrom = 2026-01-10T00:00:00Z\n"
        "allocation = { checklist = 0.1, control = 0.9 }\n[data]\n"
    )
    put(tmp_path, changed(EVENTS, "[data]\n", phase), "checklist")
    design = resolve("checklist", root=tmp_path).spec.design()
    assert [phase.allocation for phase in design.phases] == [(0.5, 0.5), (0.9, 0.1)]
    assert design.phases[0].start is None
    assert design.phases[1].start is not None


def test_the_spec_does_not_change(tmp_path):
    put(tmp_path, UNITS, "cats")
    spec = resolve("cats", root=tmp_path).spec
    with pytest.raises(ValidationError):
        spec.analysis.alpha = 0.1


def test_every_value_knows_where_it_came_from(tmp_path):
    text = changed(EVENTS, 'id = "sessions"\nkind = "mean"', 'use = "sessions"')
    put(
        tmp_path, text, "checklist",
        defaults="[analysis]\nalpha = 0.1\ncuped = true\n",
        metrics='[visits]\nkind = "mean"\n\n[sessions]\nkind = "mean"\nowner = "growth"\n'
        'event = "ping"\n',
    )  # fmt: skip
    origins = resolve("checklist", root=tmp_path).origins
    assert origins["experiment.name"] == "experiment.toml:2"
    assert origins["analysis.alpha"] == "defaults.toml:2"
    assert origins["analysis.power"] == "default"
    assert origins["metrics[1].kind"] == "metrics.toml:5"
    assert origins["metrics[1].owner"] == "metrics.toml:6"
    assert origins["metrics[1].id"] == "experiment.toml:34"
    assert origins["metrics[1].event"] == "experiment.toml:35"
    assert origins["metrics[1].window_days"] == "experiment.toml:37"


def test_values_handed_over_in_python_say_so(tmp_path):
    origins = resolve(tomllib.loads(UNITS), root=tmp_path).origins
    assert origins["data.source"] == "argument"


def test_one_definition_serves_two_metrics(tmp_path):
    text = changed(EVENTS, 'id = "sessions"\nkind = "mean"', 'use = "s"')
    text += '[[metrics]]\nuse = "s"\nid = "s_14"\nwindow_days = [7, 14]\nrole = "secondary"\n'
    library = (
        '[s]\nkind = "mean"\nevent = "e"\naggregate = "count"\nwindow_days = [0, 7]\n'
        'direction = "increase"\n'
    )
    put(tmp_path, text, "checklist", metrics=library)
    metrics = resolve("checklist", root=tmp_path).spec.metrics
    assert [metric.id for metric in metrics] == ["activation", "s", "s_14"]
    assert [metric.window_days for metric in metrics] == [(0, 7), (0, 7), (7, 14)]


def test_the_hash_is_of_values_not_of_notation(tmp_path):
    put(tmp_path, EVENTS, "checklist")
    before = resolve("checklist", root=tmp_path).sha256
    same = changed(EVENTS, "window_days = [0, 7]", "window_days = [0.0, 7e0]  # a week")
    same = changed(same, '["checklist"]', '["checklist"]\nallocation = {checklist=0.5,control=0.5}')
    put(tmp_path, same, "checklist")
    assert resolve("checklist", root=tmp_path).sha256 == before
    put(tmp_path, changed(EVENTS, "margin = 0.08", "margin = 0.09"), "checklist")
    assert resolve("checklist", root=tmp_path).sha256 != before


@pytest.mark.parametrize("text", [EVENTS, UNITS, TOTALS])
def test_a_resolved_experiment_survives_json_and_pickle(text, tmp_path):
    text = changed(text, "mde = 0.05\n", "")  # so that there is a warning to carry
    name = tomllib.loads(text)["experiment"]["name"]
    put(tmp_path, text, name)
    resolved = resolve(name, root=tmp_path)
    values = json.loads(json.dumps(resolved.to_dict()))
    again = Resolved.from_dict(values)
    assert again == resolved
    assert again.to_dict() == resolved.to_dict() == values
    assert again.spec.design() == resolved.spec.design()
    assert all(metric.misfits(again.spec.data.kind) == () for metric in again.spec.metrics)
    assert pickle.loads(pickle.dumps(resolved)) == resolved


def test_a_run_file_that_was_changed_is_refused(tmp_path):
    put(tmp_path, UNITS, "cats")
    values = resolve("cats", root=tmp_path).to_dict()
    values["spec"]["analysis"]["alpha"] = 0.5
    with pytest.raises(UsageError, match="was changed"):
        Resolved.from_dict(values)


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_come_through_as_they_are(title, tmp_path):
    put(
        tmp_path, changed(UNITS, 'name = "cats"', f'name = "cats"\ntitle = {quoted(title)}'), "cats"
    )
    resolved = resolve("cats", root=tmp_path)
    assert resolved.spec.experiment.title == title
    again = Resolved.from_dict(json.loads(json.dumps(resolved.to_dict())))
    assert again.spec.experiment.title == title


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT, TEXT | st.booleans() | st.integers(-9, 9) | st.lists(TEXT)))
def test_values_written_as_toml_read_back_the_same(value):
    assert tomllib.loads(f"a = {toml_value(value)}") == {"a": value}


@given(TEXT)
def test_quoted_text_shows_no_control_and_stays_on_one_line(text):
    written = quoted(text)
    assert len(written.splitlines()) == 1
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in written)


def test_a_source_is_not_needed_when_the_data_are_handed_over(tmp_path):
    values = tomllib.loads(UNITS)
    del values["data"]["source"]
    assert resolve(values, root=tmp_path, data_given=True).spec.data.kind == "units"
    with pytest.raises(SpecError, match="no file is named"):
        resolve(values, root=tmp_path)


def test_wrong_values_in_python_have_no_line(tmp_path):
    values = tomllib.loads(UNITS)
    values["analysis"] = {"alpha": 2}
    with pytest.raises(SpecError) as caught:
        resolve(values, root=tmp_path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.key) == ("the given values", None, "analysis.alpha")


def test_words_of_a_definition_that_are_no_longer_true_are_left_out(tmp_path):
    library = (
        '[opens]\nkind = "mean"\nevent = "open"\naggregate = "count"\nwindow_days = [0, 7]\n'
        'direction = "increase"\ntitle = "Opens"\ndescription = "Opens in the first week."\n'
    )
    uses = {
        "same": 'use = "opens"\nid = "same"\nrole = "secondary"\nwindow_days = [0, 7]\n',
        "longer": 'use = "opens"\nid = "longer"\nrole = "secondary"\nwindow_days = [0, 28]\n',
        "told": 'use = "opens"\nid = "told"\nrole = "secondary"\nwindow_days = [0, 28]\n'
        'title = "Told"\ndescription = "Opens in four weeks."\n',
    }
    text = EVENTS + "".join(f"\n[[metrics]]\n{one}" for one in uses.values())
    text += '\n[[metrics]]\nuse = "opens"\nrole = "diagnostic"\n'
    put(tmp_path, text, "checklist", metrics=library)
    metrics = {m.id: m for m in resolve("checklist", root=tmp_path).spec.metrics}
    said = {name: (one.label, one.description) for name, one in metrics.items()}
    assert said["opens"] == ("Opens", "Opens in the first week.")
    assert said["same"] == ("Same", "Opens in the first week.")
    assert said["longer"] == ("Longer", None)
    assert said["told"] == ("Told", "Opens in four weeks.")
