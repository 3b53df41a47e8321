"""Counts of real experiments, as their descriptions give them."""

from datetime import date, datetime

import pytest

from abtest.data import measure
from abtest.data.request import EventValue, TotalsRequest, UnitRequest
from abtest.data.settings import DateColumn, Events, EventsData, Exposures, Totals, TotalsData


def ones(measured, metric, variant):
    (moments,) = measured.samples(metric, variant)
    return round(moments.n * moments.mean[0]), moments.n


def test_cookie_cats(kit, tmp_path, shared_data):
    settings = kit.units_data(
        source=str(shared_data / "cookie_cats.csv.gz"), unit="userid", variant="version"
    )
    requests = [
        kit.column("retention_7", "retention_7", binary=True),
        kit.column("rounds", "sum_gamerounds"),
    ]
    design = kit.plain(variants=("gate_30", "gate_40"))
    measured = measure(settings, requests, design, root=tmp_path)
    assert ones(measured, "retention_7", "gate_30") == (8502, 44700)
    assert ones(measured, "retention_7", "gate_40") == (8279, 45489)
    assert measured.samples("rounds", "gate_30")[0].mean[0] == pytest.approx(52.456, abs=5e-4)


def test_hillstrom_loses_no_row(kit, tmp_path, shared_data):
    settings = kit.units_data(source=str(shared_data / "hillstrom_email.csv.gz"), variant="segment")
    requests = [kit.column("visit", "visit", binary=True), kit.column("spend", "spend")]
    design = kit.plain(variants=("No E-Mail", "Mens E-Mail", "Womens E-Mail"))
    measured = measure(settings, requests, design, root=tmp_path)
    assert tuple(measured.tally.exposed.values()) == (21306, 21307, 21387)
    (spend,) = measured.samples("spend", "Mens E-Mail")
    assert spend.mean[0] == pytest.approx(1.4226, abs=5e-5)


def test_udacity_names_the_days_it_leaves_out(kit, tmp_path, shared_data):
    files = {
        arm: str(shared_data / f"udacity_screener_{arm}.csv") for arm in ("control", "experiment")
    }
    totals = Totals(
        files=files,
        date=DateColumn(column="Date", format="%a-%b-%d", year=2014),
        missing="skip_day",
        units="Pageviews",
    )
    requests = [
        TotalsRequest("gross", trials="Clicks", successes="Enrollments"),
        TotalsRequest("click", trials="Pageviews", successes="Clicks"),
    ]
    design = kit.plain(variants=("control", "experiment"))
    measured = measure(TotalsData(kind="totals", totals=totals), requests, design, root=tmp_path)
    assert ones(measured, "gross", "control") == (3785, 17293)
    assert ones(measured, "gross", "experiment") == (3423, 17260)
    assert ones(measured, "click", "control") == (28378, 345543)
    assert measured.tally.exposed == {"control": 345543, "experiment": 344660}
    assert list(measured.tally.skipped_days) == ["gross"]
    skipped = measured.tally.skipped_days["gross"]
    assert (len(skipped), skipped[0], skipped[-1]) == (14, date(2014, 11, 3), date(2014, 11, 16))


def test_vanguard_starts_clocks_at_the_first_event(kit, tmp_path, shared_data):
    settings = EventsData(
        kind="events",
        exposures=Exposures(
            source=str(shared_data / "vanguard_experiment_clients.csv"),
            unit="client_id",
            variant="Variation",
            first_event="*",
            ignore_variants=("", "NA"),
        ),
        events=Events(
            source=str(shared_data / "vanguard_web_events_part1.csv.gz"),
            unit="client_id",
            time="date_time",
            name="process_step",
            session="visit_id",
        ),
    )
    request = UnitRequest(
        "confirm", (EventValue(("confirm",), "any", (0, 60)),), matures_after=60, binary=True
    )
    design = kit.plain(variants=("Control", "Test"))
    measured = measure(settings, [request], design, root=tmp_path, as_of=datetime(2017, 7, 1))
    assert ones(measured, "confirm", "Control") == (11366, 18015)
    assert ones(measured, "confirm", "Test") == (15030, 22013)
    assert measured.tally.ignored_variant_rows == 20109
    assert measured.tally.never_exposed == 23532 + 26968 - 18015 - 22013
    default = measure(settings, [request], design, root=tmp_path)
    assert default.as_of.isoformat() == "2017-05-01T00:00:00+00:00"
    assert default.samples("confirm", "Test")[0].n == 0
    assert default.excluded("confirm")["Test"]["immature"] == 22013
