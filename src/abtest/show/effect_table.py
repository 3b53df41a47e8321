"""The table of effects: what each metric did in each arm, with honest intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from abtest.show import effect_words as say
from abtest.show import escape, words
from abtest.show.effect_words import Row
from abtest.show.fragment import Fragment, section
from abtest.show.numbers import MISSING, count, p_value
from abtest.show.tables import Cell, Column, Group, Table
from abtest.show.words import Word


def effects(document: Row, notes: Iterable[object]) -> Fragment:
    """Return all effects that are not segments, grouped by role."""
    labels = say.labels_of(notes)
    rows = whole_effects(document)
    several = len({effect["variant"] for effect in rows}) > 1
    base = base_level(rows)
    groups = [
        Group(
            [
                effect_cells(effect, labels, document, several=several, base=base)
                for effect in of_role
            ],
            heading,
        )
        for role, heading in words.ROLES.items()
        if (of_role := [effect for effect in rows if effect["role"] == role])
    ]
    caption = f"Treatment minus control; {levels_sentence(rows)}"
    table = Table(caption, effect_columns(several=several), groups).fragment()
    return section("Effects", standing(document), table, _differing_controls(rows), name="effects")


def _differing_controls(rows: Sequence[Row]) -> Fragment:
    """Return why one control has several values; empty where it has not."""
    values: dict[str, set[float]] = {}
    for row in rows:
        if row["control_value"] is not None:
            values.setdefault(row["metric"], set()).add(row["control_value"])
    if all(len(of_metric) == 1 for of_metric in values.values()):
        return Fragment("", "", "")
    return note(
        "·",
        "The control value of a metric differs a little from row to row.",
        "Each row is adjusted for what its two arms were like before exposure.",
        "neutral",
    )


def whole_effects(document: Row) -> list[Row]:
    """Return the rows that are not segments, by role, the arms of a metric together."""
    rows = [effect for effect in document["effects"] if effect["segment"] is None]
    metrics = list(dict.fromkeys(effect["metric"] for effect in rows))
    roles = list(words.ROLES)
    return sorted(rows, key=lambda row: (roles.index(row["role"]), metrics.index(row["metric"])))


def standing(document: Row) -> Fragment:
    """Return the warning that stands over effects that must not be acted on; empty otherwise."""
    if document["verdict"] == "invalid":
        return note(
            "!",
            "Do not trust these effects.",
            "A check of the experiment failed; they are shown for finding the cause only.",
            "warn",
        )
    if is_provisional(document):
        return note(
            "▶",
            "These effects are provisional.",
            "The experiment judges once, when it is complete. A look before that decides nothing.",
            "info",
        )
    return Fragment("", "", "")


def is_provisional(document: Row) -> bool:
    """Return whether effects are shown before they may be judged."""
    return document["verdict"] == "keep_running" and not any(
        effect["outcome"] for effect in document["effects"]
    )


def note(icon: str, strong: str, rest: str, tone: str) -> Fragment:
    """Return a remark that stands out, of fixed text."""
    return Fragment(
        f'<p class="abtest-note abtest-{tone}"><span class="abtest-icon" aria-hidden="true">'
        f"{icon}</span> <strong>{escape.html(strong)}</strong> {escape.html(rest)}</p>",
        f"{icon} {strong} {rest}",
        f"> {icon} **{strong}** {rest}",
    )


def effect_columns(*, several: bool) -> list[Column]:
    """Return the columns of a table of effects; the arm has one if there are several."""
    return [
        Column("Metric"),
        *([Column("Arm")] if several else []),
        Column("Control", numeric=True),
        Column("Treatment", numeric=True),
        Column("Difference", numeric=True),
        Column("Relative", numeric=True),
        Column("p", numeric=True),
        Column("Outcome"),
    ]


def effect_cells(
    effect: Row,
    labels: Mapping[str, str],
    document: Row,
    *,
    several: bool,
    base: float | None,
) -> list[Cell]:
    """Return the fields of one effect."""
    facts = [words.DIRECTIONS[effect["direction"]], say.margin(effect)]
    if effect["confidence_level"] not in (base, None):
        facts.append(f"{say.level(effect)} intervals")
    first = Cell(say.label_of(effect["metric"], labels), "; ".join(fact for fact in facts if fact))
    arm = [Cell(effect["variant"])] if several else []
    return [first, *arm, *number_cells(effect), Cell.of(outcome(effect, document))]


def number_cells(effect: Row) -> list[Cell]:
    """Return values of both arms, absolute and relative effect, and the p-value."""
    if effect["status"] != "ok":
        return [
            Cell(MISSING, _n(effect["n_control"])),
            Cell(MISSING, _n(effect["n_treatment"])),
            Cell(MISSING),
            Cell(
                MISSING, say.not_computed_reason(effect.get("reason"), effect.get("reason_values"))
            ),
            Cell(MISSING),
        ]
    against = "one-sided" if effect["test"] == "non_inferiority" else ""
    return [
        Cell(say.value(effect, "control"), _n(effect["n_control"])),
        Cell(say.value(effect, "treatment"), _n(effect["n_treatment"])),
        Cell(say.absolute(effect), say.absolute_interval(effect)),
        Cell(say.relative(effect), say.relative_interval(effect)),
        Cell(p_value(effect["p_value"]), against),
    ]


def outcome(effect: Row, document: Row) -> Word:
    """Return the outcome of a row in words, or why it has none."""
    if effect["status"] != "ok":
        return words.NOT_COMPUTED
    if document["verdict"] == "invalid":
        return words.UNTRUSTWORTHY
    if effect["outcome"] is not None:
        return words.OUTCOMES.get(effect["outcome"], words.UNKNOWN)
    early = effect["role"] in ("primary", "guardrail") and is_provisional(document)
    return words.PROVISIONAL if early else words.NOT_JUDGED


def levels_sentence(rows: Sequence[Row]) -> str:
    """Return which confidence the intervals have; shares of alpha make some of them wider.

    Examples
    --------
    >>> levels_sentence([{"confidence_level": 0.95}, {"confidence_level": 0.975}])
    '95% intervals, 97.5% where alpha is shared'
    """
    levels = sorted({row["confidence_level"] for row in rows} - {None})
    if not levels:
        return "no intervals"
    base, *wider = (say.level({"confidence_level": level}) for level in levels)
    return f"{base} intervals" + (f", {' or '.join(wider)} where alpha is shared" if wider else "")


def base_level(rows: Sequence[Row]) -> float | None:
    """Return the lowest confidence level, at which intervals need not say their own."""
    return min((row["confidence_level"] for row in rows if row["confidence_level"]), default=None)


def _n(units: int) -> str:
    return f"n = {count(units)}"
