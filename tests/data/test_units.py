"""Tables with one row per unit, compared with pandas and with NumPy."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abtest.data import measure
from abtest.data.request import Phase
from abtest.errors import DataError
from abtest.stats.moments import Moments


def run(kit, tmp_path, frame, requests, design=None, keys=None, **more):
    return measure(
        kit.units_data(**(keys or {})),
        requests,
        kit.plain() if design is None else design,
        root=tmp_path,
        frames=frame,
        **more,
    )


def people(rows=400, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"{number:06d}" for number in range(rows)],
            "variant": rng.choice(["control", "treatment"], rows),
            "spend": np.where(rng.random(rows) < 0.1, np.nan, rng.gamma(0.3, 50, rows)),
            "orders": rng.poisson(1, rows),
            "before": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(100, 5, rows)),
            "won": rng.random(rows) < 0.3,
            "country": rng.choice(["NL", "IR"], rows),
        }
    )


def expected(columns):
    return Moments.from_columns(columns)


def same(found, wanted, rtol=1e-11):
    assert (found.n, found.nulls) == (wanted.n, wanted.nulls)
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=rtol, atol=1e-13)
    np.testing.assert_allclose(found.m2, wanted.m2, rtol=rtol, atol=1e-9)


def requests(kit):
    return [
        kit.column("spend", "spend"),
        kit.column("won", "won", binary=True),
        kit.column("won_adjusted", "won", covariates=("before",), binary=True),
        kit.column("per_order", "spend", "orders"),
        kit.column("adjusted", "orders", covariates=("before",)),
    ]


@pytest.mark.parametrize("form", ["frame", "arrow", "csv", "csv.gz", "parquet", "duckdb", "glob"])
def test_moments_are_those_of_the_columns(kit, tmp_path, form):
    frame = people()
    keys, given_frame = {"unit": "id"}, None
    if form == "frame":
        given_frame = frame
    elif form == "arrow":
        given_frame = {"units": pa.Table.from_pandas(frame)}
    elif form == "glob":
        frame.iloc[:100].to_csv(tmp_path / "part-1.csv", index=False)
        frame.iloc[100:, ::-1].to_csv(tmp_path / "part-2.csv", index=False)
        keys["source"] = "part-*.csv"
    elif form == "duckdb":
        import duckdb

        with duckdb.connect(str(tmp_path / "x.duckdb")) as con:
            con.register("frame_", frame)
            con.execute("create table people as select * from frame_")
        keys |= {"source": "x.duckdb", "table": "people"}
    else:
        keys["source"] = f"people.{form}"
        path = tmp_path / keys["source"]
        frame.to_parquet(path) if form == "parquet" else frame.to_csv(path, index=False)
    design = kit.plain(segments=("country",))
    measured = run(kit, tmp_path, given_frame, requests(kit), design, keys)
    assert not measured.failures
    assert measured.as_of is None
    filled = frame["before"].fillna(float(f"{frame['before'].mean():.12g}"))
    for variant in design.variants:
        for country in (None, "NL"):
            arm = frame[frame["variant"] == variant]
            if country:
                arm = arm[arm["country"] == country]
            x, absent = filled[arm.index], arm["before"].isna().astype(float)
            wanted = {
                "spend": [arm["spend"]],
                "won": [arm["won"].astype(float)],
                "won_adjusted": [arm["won"].astype(float), x, absent],
                "per_order": [arm["spend"], arm["orders"].where(arm["spend"].notna())],
                "adjusted": [arm["orders"], x, absent],
            }
            for metric, columns in wanted.items():
                segment = ("country", country) if country else None
                (found,) = measured.samples(metric, variant, segment=segment)
                same(found, expected(columns))
    missing = frame["before"].isna().groupby(frame["variant"]).sum().to_dict()
    assert measured.covariate_nulls("adjusted") == missing


def test_without_a_unit_column_equal_rows_are_different_units(kit, tmp_path):
    frame = pd.concat([people(50)] * 3).drop(columns="id")
    measured = run(kit, tmp_path, frame, [kit.column("orders", "orders")])
    assert sum(measured.tally.exposed.values()) == 150
    assert measured.tally.duplicate_unit_rows == 0


@pytest.mark.parametrize("ids", ["text", "dense", "sparse"])
def test_identical_rows_of_a_unit_count_once(kit, tmp_path, ids):
    frame = people(200)
    if ids != "text":
        frame["id"] = np.arange(200) * (1 if ids == "dense" else 10**12)
    twice = pd.concat([frame, frame.iloc[:30], frame.iloc[:10]])
    design = kit.plain(segments=("country",))
    once = run(kit, tmp_path, frame, requests(kit), design, {"unit": "id"})
    again = run(kit, tmp_path, twice, requests(kit), design, {"unit": "id"})
    assert again.tally.duplicate_unit_rows == 40
    assert (again.tally.rows, again.tally.exposed) == (240, once.tally.exposed)
    same(again.samples("spend", "control")[0], once.samples("spend", "control")[0])


def test_different_rows_of_a_unit_are_refused_without_naming_it(kit, tmp_path):
    frame = people(200)
    frame["note"] = "first"
    second = frame.iloc[:7].assign(note="second")
    with pytest.raises(DataError) as caught:
        run(kit, tmp_path, pd.concat([frame, second]), requests(kit), None, {"unit": "id"})
    assert caught.value.code == "conflicting_rows"
    assert caught.value.what.startswith("7 units")
    assert "note" in caught.value.given
    assert "00000" not in str(caught.value)


def test_rows_that_take_no_part_are_counted_and_left_out(kit, tmp_path):
    frame = people(200)
    frame["variant"] = frame["variant"].astype(object)
    frame.loc[:9, "variant"] = "staff"
    frame.loc[10:14, "variant"] = "ghost"
    frame.loc[15:17, "variant"] = None
    frame.loc[18:19, "id"] = None
    keys = {"unit": "id", "ignore_variants": ("staff",)}
    measured = run(kit, tmp_path, frame, requests(kit), None, keys)
    tally = measured.tally
    assert (tally.ignored_variant_rows, tally.null_unit_rows, tally.null_variant_rows) == (10, 2, 3)
    assert (tally.unknown_variant_rows, tally.unknown_variant) == (5, {"ghost": 5})
    assert sum(tally.exposed.values()) == 180
    measured = run(kit, tmp_path, frame, requests(kit), None, {"ignore_variants": ("",)})
    assert measured.tally.ignored_variant_rows == 3


def test_an_exposure_time_gives_days_phases_and_enrolment(kit, tmp_path):
    frame = people(300)
    frame["at"] = pd.date_range("2026-03-18", periods=300, freq="2h")
    design = kit.make_design("Asia/Tehran")
    keys = {"unit": "id", "time": "at"}
    now = kit.now
    measured = run(kit, tmp_path, frame, requests(kit), design, keys, now=now)
    at = frame["at"].dt.tz_localize("Asia/Tehran")
    inside = frame[(at >= design.start) & (at < design.end)]
    assert sum(measured.tally.exposed.values()) == len(inside)
    assert measured.tally.before_start == (at < design.start).sum()
    tally = measured.tally
    after = tally.after_end + tally.late_rows + tally.future_rows
    assert after == (at >= design.end).sum()
    assert tally.future_rows == (at > now).sum()
    assert measured.days == tuple(sorted(set(inside["at"].dt.date)))
    second = inside[at[inside.index] >= design.phases[1].start]
    arm = second[second["variant"] == "control"]
    same(measured.samples("spend", "control")[1], expected([arm["spend"]]))
    until = measured.days[4]
    early = inside[(inside["at"].dt.date <= until) & (inside["variant"] == "control")]
    found = measured.samples("spend", "control", exposed_through=until)
    same(found[0] + found[1], expected([early["spend"]]))


def test_phases_without_times_are_refused(kit, tmp_path):
    phases = (Phase(None, (0.5, 0.5)), Phase(kit.as_of, (0.1, 0.9)))
    with pytest.raises(DataError) as caught:
        run(kit, tmp_path, people(), requests(kit), kit.make_design(phases=phases))
    assert caught.value.code == "phases_need_times"


@pytest.mark.parametrize("kind", ["float", "decimal", "text"])
def test_a_large_mean_costs_no_precision(kit, tmp_path, kind):
    rng = np.random.default_rng(3)
    values = np.round(1.7e9 + rng.normal(0, 50, 20_000), 2)
    other = np.round(values + rng.normal(0, 50, 20_000), 2)
    frame = pd.DataFrame({"variant": np.tile(["control", "treatment"], 10_000)})
    frame["v"], frame["x"] = values, other
    frame.loc[:1500, ["v", "x"]] = np.nan  # the rows where pilots come from say nothing
    if kind == "text":
        frame = frame.assign(**{name: frame[name].map("{:.2f}".format) for name in ("v", "x")})
    table = pa.Table.from_pandas(frame)
    if kind == "decimal":
        columns = {name: table[name].cast(pa.decimal128(18, 2)) for name in ("v", "x")}
        table = pa.table({"variant": table["variant"], **columns})
    frame["keep"] = np.arange(len(frame)) > 1500
    measured = run(kit, tmp_path, table, [kit.column("m", "v", covariates=("x",))])
    clean = pa.Table.from_pandas(frame[frame["keep"]])
    clean_measured = run(kit, tmp_path, clean, [kit.column("m", "v", covariates=("x",))])
    rows = slice(1501, None)
    arm = (frame["variant"] == "control").to_numpy()[rows]
    wanted = expected([values[rows][arm] - 1.7e9, other[rows][arm] - 1.7e9])
    for found in (measured, clean_measured):
        (moments,) = found.samples("m", "control")
        np.testing.assert_allclose(moments.m2, wanted.m2, rtol=1e-9)
        np.testing.assert_allclose(moments.mean, wanted.mean + 1.7e9, rtol=1e-14)


def test_a_constant_column_has_no_variance_at_all(kit, tmp_path):
    frame = people().assign(flat=0.1, late=[5.0] * 1 + [0.1] * 399)
    measured = run(
        kit, tmp_path, frame.iloc[1:], [kit.column("flat", "flat"), kit.column("late", "late")]
    )
    for metric in ("flat", "late"):
        (moments,) = measured.samples(metric, "control")
        assert (moments.mean[0], moments.m2[0, 0]) == (0.1, 0.0)


@pytest.mark.parametrize(
    ("values", "binary", "code"),
    [
        ([1.0, np.inf, 0.0, 1.0], False, "infinite_values"),
        ([1.0, -np.inf, 0.0, 1.0], True, "not_binary"),
        ([1e200, 1.0, 2.0, 3.0], False, "values_too_large"),
        ([1.0, 2.0, 0.0, 1.0], True, "not_binary"),
        ([1.0, 0.5, 0.0, None], True, "not_binary"),
        ([None, np.nan, None, None], False, "all_null"),
        (["1", "2", "x", None], False, "not_numeric"),
        (pd.to_datetime(["2026-01-01"] * 4), False, "not_numeric"),
    ],
)
def test_a_bad_column_fails_its_metric_and_no_other(kit, tmp_path, values, binary, code):
    frame = pd.DataFrame({"variant": ["control", "treatment"] * 2, "bad": values, "good": 1.0})
    wanted = [
        kit.column("bad", "bad", binary=binary),
        kit.column("good", "good"),
        kit.column("gone", "nowhere"),
    ]
    measured = run(kit, tmp_path, frame, wanted)
    assert measured.failures["bad"][0] == code
    assert measured.failures["gone"][0] == "missing_column"
    assert set(measured.cells.metrics) == {"good"}
    assert measured.excluded("bad")["control"] == dict.fromkeys(
        ("immature", "outside", "missing", "crossover"), 0
    )
    assert measured.samples("good", "control")[0].n == 2


def test_a_bad_row_that_takes_no_part_harms_nothing(kit, tmp_path):
    frame = pd.DataFrame({"variant": ["control", "treatment", "staff"], "v": ["1", "0", "x"]})
    keys = {"ignore_variants": ("staff",)}
    measured = run(kit, tmp_path, frame, [kit.column("v", "v", binary=True)], None, keys)
    assert not measured.failures


@pytest.mark.parametrize("word", ["TRUE", "true", " True "])
def test_true_and_false_of_a_csv_are_one_and_nought(kit, tmp_path, word):
    kit.write(
        tmp_path,
        "x.csv",
        f"variant,won\ncontrol,{word}\ncontrol,FALSE\ntreatment,NA\ntreatment,1\n",
    )
    measured = run(
        kit, tmp_path, None, [kit.column("won", "won", binary=True)], None, {"source": "x.csv"}
    )
    assert measured.samples("won", "control")[0].mean[0] == 0.5
    assert measured.samples("won", "treatment")[0].nulls == 1


def test_ids_of_a_csv_keep_their_leading_zeros(kit, tmp_path):
    rows = "".join(f"{unit},control,1\n" for unit in ("12", "012", "0012")) + "7,treatment,1\n"
    kit.write(tmp_path, "x.csv", f"id,variant,v\n{rows}")
    keys = {"source": "x.csv", "unit": "id"}
    measured = run(kit, tmp_path, None, [kit.column("v", "v")], None, keys)
    assert measured.tally.exposed["control"] == 3


def test_variants_written_as_numbers_are_found_by_their_text(kit, tmp_path):
    design = kit.plain(variants=("0", "1"))
    frame = pd.DataFrame({"variant": [0.0, 1.0, np.nan], "v": [1, 2, 3]})
    measured = run(kit, tmp_path, frame, [kit.column("v", "v")], design)
    assert measured.tally.exposed == {"0": 1, "1": 1}
    assert measured.tally.null_variant_rows == 1


def test_the_answer_has_the_same_bits_in_any_order_of_rows(kit, tmp_path):
    frame = people(5000)
    first = run(kit, tmp_path, frame, [kit.column("m", "orders")])
    for seed in range(3):
        mixed = frame.sample(frac=1, random_state=seed)
        again = run(kit, tmp_path, mixed, [kit.column("m", "orders")])
        for variant in ("control", "treatment"):
            (a,), (b,) = (found.samples("m", variant) for found in (first, again))
            assert (a.mean.tobytes(), a.m2.tobytes()) == (b.mean.tobytes(), b.m2.tobytes())


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["control", "treatment"]),
            st.one_of(st.none(), st.floats(-1e9, 1e9, width=32)),
        ),
        min_size=4,
        max_size=40,
    )
)
def test_any_table_has_the_moments_of_its_columns(kit, tmp_path, rows):
    rows = [("control", 1.0), ("treatment", 2.0), *rows]
    frame = pd.DataFrame(rows, columns=["variant", "v"])
    measured = run(kit, tmp_path, frame, [kit.column("v", "v")])
    for variant in ("control", "treatment"):
        wanted = expected([frame["v"][frame["variant"] == variant].astype(float)])
        (found,) = measured.samples("v", variant)
        assert (found.n, found.nulls) == (wanted.n, wanted.nulls)
        np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-9, atol=1e-6)
        # both arms share a pilot: what is small beside the distance of the arms is rounding
        shift = float(frame["v"].max() - frame["v"].min())
        noise = 1e-14 * len(frame) * shift**2
        np.testing.assert_allclose(found.m2, wanted.m2, rtol=1e-9, atol=1e-3 + noise)


def test_an_ignored_row_of_a_unit_contradicts_nothing(kit, tmp_path):
    frame = people(20)
    staff = frame.iloc[:4].assign(variant="staff")
    keys = {"unit": "id", "ignore_variants": ("staff",)}
    both = pd.concat([frame, staff])
    measured = run(kit, tmp_path, both, [kit.column("orders", "orders")], None, keys)
    tally = measured.tally
    assert (tally.ignored_variant_rows, tally.duplicate_unit_rows) == (4, 0)
    assert sum(tally.exposed.values()) == 20


def test_enrolment_and_belief_end_just_before_their_moment(kit, tmp_path):
    day = pd.Timestamp("2026-03-21", tz="UTC")
    at = [kit.make_design().start, day, day, kit.make_design().end, kit.as_of]
    frame = pd.DataFrame({"variant": ["control", "treatment", "control", "control", "control"]})
    frame["at"], frame["v"] = pd.to_datetime(at), 1.0
    keys = {"time": "at"}
    more = {"as_of": kit.as_of, "now": kit.now}
    measured = run(kit, tmp_path, frame, [kit.column("v", "v")], kit.make_design(), keys, **more)
    tally = measured.tally
    assert (tally.before_start, tally.after_end, tally.late_rows) == (0, 1, 1)
    assert tally.exposed == {"control": 2, "treatment": 1}


def test_an_unknown_variant_of_a_later_row_is_not_known_yet(kit, tmp_path):
    """The share of unknown variants, which can make a verdict invalid, is that of as_of."""
    times = pd.to_datetime(["2026-03-21", "2026-03-21", "2026-03-22", "2026-03-25"], utc=True)
    frame = pd.DataFrame({"variant": ["control", "treatment", "ghost", "ghost"], "at": times})
    frame["v"] = 1.0
    for as_of, rows, unknown in (("2026-03-22", 2, 0), ("2026-03-24", 3, 1), ("2026-03-27", 4, 2)):
        moment = pd.Timestamp(as_of, tz="UTC").to_pydatetime()
        keys = {"keys": {"time": "at"}, "as_of": moment}
        tally = run(kit, tmp_path, frame, [kit.column("v", "v")], **keys).tally
        assert (tally.rows, tally.unknown_variant_rows) == (rows, unknown)


def test_every_covariate_with_missing_values_has_an_indicator_of_its_own(kit, tmp_path):
    frame = people()
    rng = np.random.default_rng(8)
    frame["whole"] = rng.normal(3, 1, len(frame))
    frame["other"] = np.where(rng.random(len(frame)) < 0.3, np.nan, rng.poisson(4, len(frame)))
    names = ("before", "whole", "other")
    asked = kit.column("adjusted", "spend", covariates=names)
    measured = run(kit, tmp_path, frame, [asked], keys={"unit": "id"})
    used = frame[frame["spend"].notna()]
    columns = [used[name].fillna(float(f"{used[name].mean():.12g}")) for name in names]
    absent = [used[name].isna().astype(float) for name in ("before", "other")]
    for variant in ("control", "treatment"):
        arm = used["variant"] == variant
        (found,) = measured.samples("adjusted", variant)
        wanted = expected([column[arm] for column in (used["spend"], *columns, *absent)])
        np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found.m2, wanted.m2, rtol=1e-10, atol=1e-8)


def test_strata_are_the_combinations_of_their_columns(kit, tmp_path):
    frame = people()
    frame["plan"] = np.where(np.arange(len(frame)) % 3 == 0, "paid", "free")
    frame.loc[frame["variant"].eq("control") & frame["country"].eq("NL"), "plan"] = "free"
    design = kit.plain(segments=("country", "plan"))
    measured = run(kit, tmp_path, frame, [kit.column("orders", "orders")], design, {"unit": "id"})
    cells = [(c, p) for c in ("IR", "NL") for p in ("free", "paid")]
    for variant in design.variants:
        found = measured.samples("orders", variant, strata=("country", "plan"))
        assert len(found) == len(cells)  # a stratum that is empty in one arm is there
        for one, (country, plan) in zip(found, cells, strict=True):
            here = (frame["variant"] == variant) & (frame["country"] == country)
            part = frame[here & (frame["plan"] == plan)]
            assert one.n == len(part)
            if one.n:
                same(one, expected([part["orders"]]))
