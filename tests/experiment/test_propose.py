"""A proposal is valid as it stands, and its guesses are sensible."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from abtest.errors import DataError, UsageError
from abtest.experiment.guess import control_first, direction_of
from abtest.experiment.propose import Wishes, metric_id, propose
from abtest.experiment.resolve import resolve

from .spec_files import put

CATS = "userid,version,rounds,kept_1,kept_7\n" + "".join(
    f"{number},{'gate_30' if number % 2 else 'gate_40'},{number % 17},"
    f"{str(number % 3 == 0).upper()},{int(number % 5 == 0)}\n"
    for number in range(100)
)


@pytest.fixture
def proposed(tmp_path, monkeypatch):
    """Return a function that proposes an experiment over CSV text, checks it, gives its values."""
    monkeypatch.chdir(tmp_path)

    def make(csv, **wishes):
        Path("data.csv").write_text(csv, "utf-8")
        text = propose("cats", Path("data.csv"), tmp_path, Wishes(**wishes))
        put(tmp_path, text, "cats")
        resolve("cats", root=tmp_path)  # valid as it stands
        return text, tomllib.loads(text)

    return make


def test_columns_become_variant_unit_and_metrics(proposed):
    _, values = proposed(CATS)
    assert values["variants"] == {"control": "gate_30", "treatments": ["gate_40"]}
    data = {"kind": "units", "source": "data.csv", "unit": "userid", "variant": "version"}
    assert values["data"] == data
    kinds = {metric["id"]: (metric["kind"], metric["role"]) for metric in values["metrics"]}
    assert kinds == {
        "kept_7": ("proportion", "primary"),
        "rounds": ("mean", "secondary"),
        "kept_1": ("proportion", "secondary"),
    }


def test_what_is_left_to_decide_is_marked(proposed):
    text, _ = proposed(CATS)
    assert text.count("# TODO: which way is good?") == 3
    assert "# TODO: is this the metric that decides?" in text
    assert "# TODO: is this the control?" in text


def test_without_an_id_every_row_is_a_unit(proposed):
    text, values = proposed("arm,spend\ncontrol,1.5\nnew,2.5\nnew,0\n")
    assert "unit" not in values["data"]
    assert "every row is a unit" in text


def test_an_id_with_repeated_values_is_not_the_unit(proposed):
    _, values = proposed("user_id,arm,spend\n1,control,1.5\n1,new,2.5\n3,new,0\n4,new,1\n")
    assert "unit" not in values["data"]
    assert [metric["id"] for metric in values["metrics"]] == ["spend"]


def test_attributes_are_proposed_as_segments_and_times_as_time(proposed):
    text, _ = proposed(
        "arm,country,met,spend\ncontrol,de,2026-01-05T00:00:00Z,1\nnew,fr,2026-01-06T00:00:00Z,3\n"
        "new,it,2026-01-07T00:00:00Z,2\n"
    )
    assert '# segments = ["country"]' in text
    assert '# time = "met"' in text


def test_a_constant_column_is_named_and_not_used(proposed):
    text, _ = proposed("arm,same,spend\ncontrol,7,1\nnew,7,2\nnew,7,3\n")
    assert '# not used: "same" (one value only)' in text


def test_wishes_win_over_guesses(proposed):
    csv = "arm,colour,key,spend\ncontrol,red,1,1\nnew,blue,2,2\nnew,blue,3,4\n"
    _, values = proposed(csv, variant="colour", unit="key")
    assert values["data"]["variant"] == "colour"
    assert values["data"]["unit"] == "key"
    assert values["variants"]["treatments"] in (["red"], ["blue"])


HOSTILE = ['a "b"', "x; drop table y", "select", "{{ c }} $HOME", "نرخ", "🚀", "a#b = 'c'", "it's"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_column_names_and_values_come_through(proposed, name):
    doubled = name.replace('"', '""')
    csv = f'"group","{doubled}","{doubled} 2"\n"{doubled}",1,x\nnew,0,y\nnew,1,z\n'
    _, values = proposed(csv)
    assert name in (values["variants"]["control"], *values["variants"]["treatments"])
    (metric,) = values["metrics"]
    assert metric["value"] == name


def test_ids_are_made_of_letters_digits_and_underscores():
    taken: set[str] = set()
    names = ["Sum of Rounds", "sum-of-rounds", "نرخ", "🚀", "7d"]
    made = [metric_id(name, taken) for name in names]
    assert made == ["sum_of_rounds", "sum_of_rounds_2", "metric", "metric_2", "7d"]


def test_a_file_without_a_variant_says_how_to_name_it(proposed):
    with pytest.raises(UsageError) as caught:
        proposed("id,spend\n1,2\n2,3\n")
    assert "--variant COLUMN" in caught.value.todo


def test_a_variant_with_many_values_is_refused(proposed):
    with pytest.raises(UsageError, match="two to five"):
        proposed(CATS, variant="userid")


def test_a_column_that_is_not_there_is_answered_with_the_nearest(proposed):
    with pytest.raises(UsageError) as caught:
        proposed(CATS, variant="versoin")
    assert '"version"' in caught.value.todo


def test_a_table_without_outcomes_is_refused(proposed):
    with pytest.raises(UsageError, match="could be a metric"):
        proposed("client_id,Variation\n1,Test\n2,Control\n3,Test\n")


def test_a_missing_file_is_a_data_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        propose("cats", Path("none.csv"), tmp_path, Wishes())


@pytest.mark.parametrize(
    ("values", "control"),
    [
        (["B", "A"], "A"),
        (["treatment", "control"], "control"),
        (["1", "0"], "0"),
        (["Mens E-Mail", "No E-Mail"], "No E-Mail"),
        (["new", "old"], "old"),
        (["gate_30", "gate_40"], "gate_30"),
    ],
)
def test_the_control_comes_first(values, control):
    assert control_first(values)[0] == control


def test_losses_are_to_decrease():
    assert direction_of("churn_30d") == "decrease"
    assert direction_of("retention_7") == "increase"


def test_the_cookie_cats_file_gives_its_well_known_experiment(shared_data, tmp_path):
    text = propose("cats", shared_data / "cookie_cats.csv.gz", tmp_path, Wishes())
    values = tomllib.loads(text)
    assert values["variants"] == {"control": "gate_30", "treatments": ["gate_40"]}
    assert values["data"]["unit"] == "userid"
    assert values["metrics"][0]["id"] == "retention_7"


def test_the_hillstrom_file_has_three_arms_and_no_key(shared_data, tmp_path):
    text = propose("mail", shared_data / "hillstrom_email.csv.gz", tmp_path, Wishes())
    values = tomllib.loads(text)
    assert values["variants"]["control"] == "No E-Mail"
    assert values["data"]["variant"] == "segment"
    assert "unit" not in values["data"]
