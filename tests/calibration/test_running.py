import json

import numpy as np
import pytest
from calibration.cell import Cell, Observed
from calibration.page import broken, page, standard_errors
from calibration.two_arms import MEANS, TwoArms

from calibration import runner, worlds


def welch(sizes=(20, 20), note="50/50, equal, no effect"):
    drawn = TwoArms(worlds.normal(), MEANS[:1], sizes, unequal=False, powered=False)
    return Cell("means", "normal", sizes, note, drawn, runs=200)


def test_a_cell_says_the_same_whatever_was_drawn_before():
    first = welch().run(7, 200)
    welch((30, 30)).run(7, 200)
    assert welch().run(7, 200) == first
    assert any(welch().run(seed, 200) != first for seed in range(8, 14))


def test_a_run_that_was_stopped_goes_on_with_the_missing_cells(monkeypatch, tmp_path):
    cells = [welch(), welch((30, 30))]
    monkeypatch.setattr(runner, "grid", lambda _: cells)

    def run(wanted):
        return runner.run_cells([], wanted, seed=1, runs=50, jobs=1, store=tmp_path)

    alone = run(cells[:1])
    kept = sorted(tmp_path.rglob("*.json"))
    assert len(kept) == 1
    entry = json.loads(kept[0].read_text(encoding="utf-8"))
    entry["observed"][0]["count"] = 49
    kept[0].write_text(json.dumps(entry), encoding="utf-8")
    both = run(cells)
    assert both[cells[0].key][0].count == 49  # read, not drawn again
    assert both[cells[0].key][1:] == alone[cells[0].key][1:]
    assert len(both[cells[1].key]) == len(alone[cells[0].key])


@pytest.mark.parametrize(
    ("quantity", "promised", "rate", "runs", "expected"),
    [
        ("type_i", 0.05, 0.055, 10_000, False),
        ("type_i", 0.05, 0.065, 10_000, True),
        ("type_i", 0.05, 0.065, 1_000, False),  # within the noise of so few draws
        ("type_i", 0.05, 0.01, 10_000, False),  # careful, not wrong
        ("coverage", 0.95, 0.935, 10_000, True),
        ("coverage", 0.95, 0.99, 10_000, False),
        ("relative_coverage", 0.95, 0.90, 10_000, True),
        ("power", 0.8, 0.5, 10_000, False),
    ],
)
def test_a_promise_is_broken_on_its_wrong_side_alone(quantity, promised, rate, runs, expected):
    assert broken(Observed("welch", quantity, promised, rate * runs, runs)) is expected


def test_the_page_names_the_method_that_broke_its_promise():
    cell = welch()
    rows = [
        Observed("welch", "type_i", 0.05, 500, 10_000),
        Observed("student", "type_i", 0.05, 2_500, 10_000),
        Observed("student", "coverage", 0.95, 30, 100, missing=9_900),
    ]
    text = page([cell], {cell.key: rows}, seed=1)
    assert (
        "Do not use `student` for normal: 50/50, equal, up to 40 units (false alarms 25.0% for 5%)."
        in text
    )
    assert "Do not use `welch`" not in text
    assert "| normal | 50/50, equal | welch | 0.050 |" in text
    assert "| normal | 50/50, equal | student | **0.250** |" in text
    assert "| normal | 50/50, equal | student | – |" in text


def test_repetitions_are_compared_in_standard_errors():
    table = Observed("welch", "type_i", 0.05, 500, 10_000)
    near, far = (Observed("welch", "type_i", 0.05, count, 1_000) for count in (60, 95))
    assert standard_errors(table, near) == pytest.approx(
        0.01 / np.sqrt(560 / 11_000 * (1 - 560 / 11_000) * (1 / 1_000 + 1 / 10_000))
    )
    assert standard_errors(table, far) > 4
    never = Observed("welch", "coverage", 0.95, 1_000, 1_000)
    assert standard_errors(never, never) == 0.0


def test_a_check_without_a_table_says_how_to_write_one(monkeypatch, tmp_path, capsys):
    import calibration.__main__ as program

    monkeypatch.setattr(program, "RESULTS", tmp_path / "results.json")
    assert program.check(jobs=1) == 2
    assert "make calibration" in capsys.readouterr().err
