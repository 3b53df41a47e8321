"""Roles of events in metrics, and the conditions, groups and clocks that metrics may have."""

from __future__ import annotations

import pytest

from abtest.errors import SpecError
from abtest.experiment.resolve import resolve

from .spec_files import EVENTS, changed, put

ROLES = """\
[events]
active = ["open", "search"]
purchase = "order_paid"
passive = ["mail_sent"]

[[metrics]]
"""


def resolved(tmp_path, metric, roles=ROLES, before=""):
    """The experiment with one more metric and some roles."""
    text = changed(EVENTS, '[[metrics]]\nid = "activation"', roles + 'id = "activation"')
    put(tmp_path, text + f"\n[[metrics]]\n{metric}\n", "checklist")
    if before:
        (tmp_path / "experiments" / "defaults.toml").write_text(before, encoding="utf-8")
    return resolve("checklist", root=tmp_path)


def metric_of(tmp_path, metric, **more):
    return resolved(tmp_path, metric, **more).spec.metrics[-1]


def refused(tmp_path, metric, **more):
    """The only problem of a file with this metric."""
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, metric, **more)
    (problem,) = caught.value.problems
    return problem


OWN = """\
id = "own"
role = "secondary"
direction = "increase"
window_days = [0, 28]
"""


def test_a_metric_of_the_catalogue_gets_the_names_of_its_roles(tmp_path):
    metric = metric_of(tmp_path, 'use = "active_days"\nrole = "secondary"')
    assert metric.event == ("open", "search")
    assert metric.aggregate == "distinct_days"
    assert metric.ignore == ()


def test_one_name_stays_one_name(tmp_path):
    assert metric_of(tmp_path, 'use = "orders_per_unit"\nrole = "secondary"').event == "order_paid"


def test_what_a_catalogued_metric_lacks_is_said_where_it_is_used(tmp_path):
    problem = refused(tmp_path, 'use = "revenue_per_unit"\nrole = "secondary"')
    assert "sum needs the events' value column" in problem.what
    assert problem.file == "experiments/checklist/experiment.toml"
    assert problem.key == "metrics[2].use"


def test_what_stands_beside_use_replaces_the_catalogues(tmp_path):
    metric = metric_of(
        tmp_path,
        'use = "power_user"\nid = "daily"\nat_least = 5\nwindow_days = [0, 7]\nrole = "secondary"'
        '\nevent = "export"',
    )
    assert (metric.id, metric.at_least, metric.window_days) == ("daily", 5.0, (0.0, 7.0))
    assert metric.event == "export"


def test_own_metrics_use_roles_too_also_within_lists_and_conditions(tmp_path):
    metric = metric_of(
        tmp_path,
        OWN + 'kind = "proportion"\nall = [{ event = ["@active", "open", "x"] }, '
        '{ event = "@purchase", at_least = 2, window_days = [0, 7] }]',
    )
    assert [part.event for part in metric.all] == [("open", "search", "x"), "order_paid"]
    ratio = metric_of(
        tmp_path,
        OWN + 'kind = "ratio"\nnumerator = { event = "@purchase" }\n'
        'denominator = { aggregate = "sessions" }',
    )
    assert ratio.numerator.event == "order_paid"
    group = metric_of(
        tmp_path,
        OWN + 'kind = "mean"\nevent = "x"\naggregate = "count"\n'
        'among = { event = "@active", window_days = [-7, 0] }',
    )
    assert group.among.event == ("open", "search")


def test_a_role_of_any_event_leaves_out_what_is_done_to_units(tmp_path):
    roles = ROLES.replace('["open", "search"]', '"*"')
    use = 'use = "active_any"\nrole = "secondary"'
    assert metric_of(tmp_path, use, roles=roles).ignore == ("mail_sent",)
    roles = roles.replace('passive = ["mail_sent"]\n', "")
    assert "push_sent" in metric_of(tmp_path, use, roles=roles).ignore
    told = metric_of(tmp_path, use + '\nignore = ["x"]', roles=roles)
    assert told.ignore == ("x",)
    plain = metric_of(tmp_path, OWN + 'kind = "proportion"\nevent = "*"', roles=roles)
    assert plain.ignore == ()  # says any event itself


def test_roles_may_stand_in_the_defaults_of_the_project(tmp_path):
    metric = metric_of(
        tmp_path,
        'use = "orders_per_unit"\nrole = "secondary"',
        roles="[[metrics]]\n",
        before='[events]\npurchase = "paid"\n',
    )
    assert metric.event == "paid"


def test_a_role_without_a_name_is_refused_where_it_is_used(tmp_path):
    problem = refused(tmp_path, 'use = "crash"\nrole = "secondary"')
    assert "names no event for the role" in problem.what
    assert problem.given == '"@crash"'
    assert "[events]" in problem.todo
    problem = refused(tmp_path, OWN + 'kind = "proportion"\nevent = "@purchases"')
    assert problem.file == "experiments/checklist/experiment.toml"
    assert problem.key == "metrics[2].event"
    assert 'Did you mean "purchase"?' in problem.todo


@pytest.mark.parametrize(
    ("keys", "key", "what"),
    [
        ('kind = "proportion"\nevent = "x"\naggregate = "count"', "aggregate", "needs a limit"),
        ('kind = "proportion"\nevent = "x"\nat_least = 3\nat_most = 2', "at_least", "above"),
        ('kind = "proportion"\nevent = "x"\nevery_days = 5', "every_days", "whole periods"),
        (
            'kind = "proportion"\nevent = "x"\nevery_days = 7\nat_least = 2',
            "every_days",
            "any event of each period",
        ),
        ('kind = "proportion"\nall = [{ event = "x", window_days = [0, 30] }]', "all", "part of"),
        ('kind = "proportion"\nall = [{ at_least = 2 }]', "all", "one of the three"),
        ('kind = "proportion"\nevent = "x"\nall = [{ event = "y" }]', "all", "means nothing"),
        (
            'kind = "mean"\nevent = "x"\naggregate = "count"\namong = { event = "y" }',
            "among",
            "nothing says when",
        ),
        (
            'kind = "mean"\nevent = "x"\naggregate = "count"\n'
            'among = { event = "y", window_days = [0, -7] }',
            "among",
            "start < end",
        ),
        ('kind = "mean"\naggregate = "engaged_sessions"', "aggregate", "needs an event"),
        ('kind = "mean"\naggregate = "days_between_sessions"', "aggregate", "needs a limit"),
        ('kind = "mean"\naggregate = "sessions"\nlimit_days = 3', "aggregate", "means nothing"),
        (
            'kind = "ratio"\nnumerator = { event = "x", aggregate = "sessions" }\n'
            'denominator = { aggregate = "sessions" }',
            "numerator",
            "sessions of any event",
        ),
        (
            'kind = "time_to_event"\nevent = "x"\nwindow = "calendar"',
            "window",
            "moment of exposure",
        ),
    ],
)
def test_what_does_not_fit_is_said_at_its_key(tmp_path, keys, key, what):
    problem = refused(tmp_path, OWN + keys)
    assert problem.key == f"metrics[2].{key}"
    assert what in problem.what
    assert problem.todo


def test_calendar_days_are_whole(tmp_path):
    keys = 'kind = "mean"\nevent = "x"\naggregate = "count"\nwindow = "calendar"'
    problem = refused(tmp_path, OWN.replace("[0, 28]", "[0, 1.5]") + keys)
    assert problem.key == "metrics[2].window_days"
    assert "whole days" in problem.what


CONDITIONAL = """\
id = "spend_of_buyers"
kind = "mean"
event = "order_paid"
aggregate = "count"
window_days = [0, 28]
direction = "increase"
among = { event = "order_paid", window_days = [0, 28] }
"""


def test_a_metric_of_units_that_the_treatment_may_choose_brings_their_share(tmp_path):
    *_, metric, share = resolved(tmp_path, CONDITIONAL + 'role = "secondary"').spec.metrics
    assert metric.conditional
    assert metric.meaning.endswith("the treatment may change which, or how many, these are.")
    assert (share.id, share.role, share.kind) == (
        "spend_of_buyers_share",
        "diagnostic",
        "proportion",
    )
    assert share.definition() == 'Share of units with at least one "order_paid" event.'
    assert share.window_days == (0.0, 28.0)
    assert not share.conditional


def test_an_own_metric_of_that_id_stays(tmp_path):
    own = OWN.replace('"own"', '"spend_of_buyers_share"') + 'kind = "proportion"\nevent = "x"'
    metrics = resolved(
        tmp_path, CONDITIONAL + f'role = "secondary"\n[[metrics]]\n{own}'
    ).spec.metrics
    assert [metric.id for metric in metrics[2:]] == ["spend_of_buyers", "spend_of_buyers_share"]
    assert metrics[-1].event == "x"


def test_it_does_not_decide_alone(tmp_path):
    text = changed(EVENTS, 'role = "primary"', 'role = "secondary"').replace("mde = 0.05\n", "")
    text = changed(text, 'role = "guardrail"\nmargin = 0.08', 'role = "secondary"')
    put(tmp_path, text + "\n[[metrics]]\n" + CONDITIONAL + 'role = "primary"\n', "checklist")
    with pytest.raises(SpecError) as caught:
        resolve("checklist", root=tmp_path)
    (problem,) = caught.value.problems
    assert problem.key == "metrics[2].role"
    assert "cannot decide alone" in problem.what
    beside = resolved(tmp_path, CONDITIONAL + 'role = "primary"\nmde = 0.1').spec
    assert beside.metrics[2].decides


def test_a_group_known_before_exposure_may_decide(tmp_path):
    metric = metric_of(
        tmp_path,
        CONDITIONAL.replace("[0, 28] }", "[-28, 0] }") + 'role = "primary"\nmde = 0.1',
    )
    assert metric.id == "spend_of_buyers"
    assert not metric.conditional
    assert metric.meaning.endswith(
        'Among units with at least one "order_paid" event (days 28 to 1 before exposure).'
    )
