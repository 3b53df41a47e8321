"""Columns may be called anything: the verdict is that of plain names, from every kind of file."""

import duckdb
import pandas as pd
import pytest

from .conftest import HEADER, good_rows, units_spec
from .test_times import events_spec, write_log

NAMES = [
    ("select", 'a"b; drop table x', "order by", "where 1=1", "x y", "from", "group by"),
    ("\t", " ", "'", '"', ";", "--", "/* */"),
    ("unit", "status", "phase", "day", "units", "n", "key"),
    ("v0", "bad_v0", "m0_n", "segment0", "unit__", "c0", "k0"),
    ("value", "variant", "time", "id", "rows", "name", "session"),
    ("نام", "😀", "a.b", "a\\b", "{}", "%s", "*"),
    ("two\nlines", "$1", "?", ":x", "{{ 7*7 }}", "<script>", "a,b"),
]
TABLE = 'select "x"; drop'


def write(frame, path):
    """Write a frame in the form that the ending says."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        with duckdb.connect(str(path)) as con:
            con.register("frame", frame)
            con.execute(f'create table "{TABLE.replace(chr(34), chr(34) * 2)}" as from frame')


def over(names, source):
    """The experiment over columns of these names, in every place that names a column."""
    unit, variant, value, kept, at, pre, country = names
    spec = units_spec(source)
    spec["data"] |= {"unit": unit, "variant": variant, "time": at, "covariates": [pre]}
    spec["analysis"] = {"segments": [country]}
    spec["metrics"][0]["value"] = value
    share = {"id": "share", "kind": "proportion", "value": kept, "role": "secondary"}
    ratio = {"id": "each", "kind": "ratio", "numerator": value, "denominator": kept}
    spec["metrics"].append({**share, "direction": "increase"})
    spec["metrics"].append({**ratio, "role": "secondary", "direction": "increase", "cuped": False})
    if source.endswith("duckdb"):
        spec["data"]["table"] = TABLE
    return spec


def said(document, country):
    """What a document says, with the segment's column under its plain name."""
    for row in document["effects"]:
        if row["segment"] is not None:
            assert row["segment"]["column"] == country
            row["segment"]["column"] = "country"
    return document["effects"], document["headline"], document["checks"]


@pytest.mark.parametrize("ending", ["csv", "parquet", "duckdb"])
@pytest.mark.parametrize("names", NAMES)
def test_units_with_any_column_names_give_the_verdict_of_plain_names(project, names, ending):
    spec = over(HEADER, "units.csv")
    expected = said(project.analyse(spec), "country")
    path = project.root / f"odd.{ending}"
    write(pd.DataFrame(good_rows(), columns=names), path)
    assert said(project.analyse(over(names, path.name)), names[6]) == expected
    assert all(row["status"] == "ok" for row in expected[0])


@pytest.mark.parametrize("ending", ["csv", "parquet", "duckdb"])
def test_an_event_log_with_any_column_names_gives_the_verdict_of_plain_names(project, ending):
    write_log(project)
    shown, log = (pd.read_csv(project.root / name) for name in ("shown.csv", "log.csv"))
    log["amount"] = [float(n % 7) for n in range(len(log))]
    people = pd.DataFrame(
        {"id": shown["id"], "land": ["nl", "nl", "i r", "i r"] * (len(shown) // 4)}
    )
    for frame, name in ((log, "log"), (people, "people")):
        frame.to_csv(project.root / f"{name}.csv", index=False)
    plain = [("id", "arm", "at"), ("id", "what", "at", "amount"), ("id", "land")]
    odd = [
        ("select", 'a"b; drop table x', "order by"),
        ("x y", "from", ";", "group by"),
        ("where", 'say "hi"'),
    ]
    for frame, names, name in zip((shown, log, people), odd, ("a", "b", "c"), strict=True):
        write(frame.set_axis(list(names), axis=1), project.root / f"{name}.{ending}")
    expected = project.analyse(log_spec(plain, ("shown.csv", "log.csv", "people.csv")))
    sources = tuple(f"{name}.{ending}" for name in "abc")
    found = project.analyse(log_spec(odd, sources, TABLE if ending == "duckdb" else None))
    assert said(found, odd[2][1]) == said(expected, "land")
    assert all(row["status"] == "ok" for row in found["effects"])


def log_spec(names, sources, table=None):
    """The experiment over an event log with these columns and files."""
    spec = events_spec(segments=[names[2][1]], cuped=True)
    (unit, arm, at), (who, what, when, amount), (person, _) = names
    parts = (
        {"unit": unit, "variant": arm, "time": at},
        {"unit": who, "time": when, "name": what, "value": amount},
        {"unit": person},
    )
    tables = {} if table is None else {"table": table}
    spec["data"] = {"kind": "events"} | {
        role: {**part, **tables, "source": source}
        for role, part, source in zip(("exposures", "events", "units"), parts, sources, strict=True)
    }
    spec["metrics"][0] |= {"aggregate": "sum", "cuped": False}
    return spec


@pytest.mark.parametrize(
    "value", ["'; drop table x; --", '"', "a b", "<script>", "نام", "😀", "$1", "{}", "old\nnew"]
)
def test_variants_and_segments_may_have_any_value(project, value):
    frame = pd.DataFrame(good_rows(), columns=HEADER)
    frame = frame.replace({"variant": {"new": value}, "country": {"ir": value}})
    frame.to_csv(project.root / "odd.csv", index=False)
    spec = units_spec("odd.csv")
    spec["variants"]["treatments"] = [value]
    spec["analysis"] = {"segments": ["country"]}
    rows = project.analyse(spec)["effects"]
    plain = units_spec()
    plain["analysis"] = {"segments": ["country"]}
    expected = project.analyse(plain)["effects"]
    assert {row["variant"] for row in rows} == {value}
    assert value in {row["segment"]["value"] for row in rows if row["segment"]}
    assert [row["absolute"] for row in rows if not row["segment"]] == [
        row["absolute"] for row in expected if not row["segment"]
    ]
