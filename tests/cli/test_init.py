"""`abtest init` starts a project anywhere and never takes anything away."""

from __future__ import annotations

from abtest.cli.app import main


def test_a_fresh_project_passes_its_own_check(tmp_path, monkeypatch, capsys):
    assert main(["init", str(tmp_path / "new project")]) == 0
    assert "wrote   experiments/example/experiment.toml" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "new project")
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "ok      example  2 metrics\n"


def test_files_that_are_there_are_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "defaults.toml").write_text("# mine\n", "utf-8")
    assert main(["init"]) == 0
    output = capsys.readouterr().out
    assert "kept    experiments/defaults.toml" in output
    assert (tmp_path / "experiments" / "defaults.toml").read_text("utf-8") == "# mine\n"


def test_a_second_time_changes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["init"])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(["init"]) == 0
    assert "wrote" not in capsys.readouterr().out
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_lines_are_added_to_a_gitignore(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_bytes(b"/mine \xff\n/reports/*")
    assert main(["init"]) == 0
    lines = (tmp_path / ".gitignore").read_bytes().splitlines()
    assert lines[:2] == [b"/mine \xff", b"/reports/*"]
    assert lines.count(b"/reports/*") == 1
    assert b"!/reports/README.md" in lines


def test_a_file_in_place_of_the_folder_is_told_in_three_parts(tmp_path, capsys):
    (tmp_path / "taken").write_text("", "utf-8")
    assert main(["init", str(tmp_path / "taken")]) == 2
    assert "cannot be written" in capsys.readouterr().err
