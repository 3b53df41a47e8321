"""Survey answers: groups of answers as stacked bars about the middle, one row per arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from abtest.show import escape
from abtest.show.estimate_words import Estimate, signed
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import (
    EDGE,
    HEAD,
    LEFT,
    RIGHT,
    WIDTH,
    Words,
    fitted,
    framed,
    in_sentence,
    ink,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

ROW, BAR = 0.56, 0.6
"""Inches of a row, and the share of it that the bar fills."""
NARROWEST = 0.068
"""Share of the axis below which a bar has no room for its number."""
LOW_TO_HIGH: dict[int, tuple[str, ...]] = {
    1: ("good",),
    2: ("neutral-soft", "good"),
    3: ("bad", "neutral-soft", "good"),
    4: ("bad", "bad-soft", "good-soft", "good"),
    5: ("bad", "bad-soft", "neutral-soft", "good-soft", "good"),
}


@dataclass(frozen=True)
class ScoreArm:
    """One arm's answers by group, lowest first.

    `nulls` are units without an answer; `score` is in the unit of `ScoreGroups.measure`;
    `difference` is that to control, None for control and where it has no number.
    """

    name: str
    counts: tuple[int, ...]
    nulls: int
    score: float
    difference: Estimate | None = None

    @property
    def answers(self) -> int:
        """Units with an answer."""
        return sum(self.counts)


@dataclass(frozen=True)
class ScoreGroups:
    """Answers of all arms, control first.

    `measure` is ``net`` (share of the highest group less that of the lowest, in points from -100
    to 100) or ``top`` (share of the highest group).
    """

    label: str
    groups: tuple[str, ...]
    arms: tuple[ScoreArm, ...]
    measure: Literal["net", "top"]
    confidence_level: float


def score_plot(scores: ScoreGroups) -> Chart:
    """Return one row of stacked bars per arm, the middle group about the same line.

    What lies to the right of the line less what lies to its left is twice how far the whole bar is
    moved: the net score of three groups.
    """
    from abtest.show.drawing import house_style

    with house_style():
        words = _words(scores)
        body = ROW * len(scores.arms) + 0.1
        chart, axes = framed(words, body)
        axes.spines["bottom"].set_visible(False)
        axes.set_ylim(len(scores.arms), 0)
        starts = [_start(arm) for arm in scores.arms]
        ends = [start + 1.0 for start in starts]
        low, high = min(starts), max(ends)
        for row, (arm, start) in enumerate(zip(scores.arms, starts, strict=True)):
            _draw_row(axes, scores, arm, row + 0.5, (start - low, high - low))
        middle = -low / (high - low)
        axes.plot(
            [middle] * 2, [-0.06, len(scores.arms)], color=ink("muted"), linewidth=1.2, zorder=0
        )
        _draw_key(chart, scores)
    return chart


def _draw_row(
    axes: Axes, scores: ScoreGroups, arm: ScoreArm, y: float, room: tuple[float, float]
) -> None:
    shift, width = room
    edge = 0.0
    for role, units in zip(_roles(len(scores.groups)), arm.counts, strict=True):
        share = units / arm.answers
        left, wide = (edge + shift) / width, share / width
        edge += share
        if not units:
            continue
        axes.barh(
            y,
            wide,
            left=left,
            height=BAR,
            facecolor=ink(role),
            edgecolor=ink("muted" if role.endswith("soft") else "paper"),
            linewidth=0.6,
        )
        if wide >= NARROWEST:
            places = 1 if wide > 1.4 * NARROWEST else 0
            text = ink("ink" if role.endswith("soft") else "paper")
            axes.text(
                left + wide / 2, y, percent(share, places), color=text, fontsize=8.5,
                ha="center", va="center", zorder=6,
            )  # fmt: skip
    inch = 1.0 / (WIDTH - LEFT - RIGHT)
    name = fitted(arm.name, LEFT - 0.3, 9.0)
    answers = f"{count(arm.answers)} answers"
    for x, lift, text, size, role, weight in (
        ((0.12 - LEFT) * inch, -0.14, name, 9.0, "ink", "bold"),
        ((0.12 - LEFT) * inch, 0.17, answers, 8.0, "muted", "normal"),
        (
            1.0 + 0.12 * inch,
            -0.14,
            fitted(_result(scores, arm), RIGHT - 0.2, 9.0),
            9.0,
            "ink",
            "bold",
        ),
        (1.0 + 0.12 * inch, 0.17, _answered(arm), 8.0, "muted", "normal"),
    ):
        axes.text(x, y + lift, text, color=ink(role), fontsize=size, weight=weight, va="center")


def _draw_key(chart: Chart, scores: ScoreGroups) -> None:
    """Write the names of groups above the bars, each with its colour."""
    from matplotlib.patches import Rectangle

    width, height = chart.get_size_inches()
    room = (WIDTH - LEFT - 0.2) / len(scores.groups)
    body = ROW * len(scores.arms) + 0.1
    y = (EDGE + body + HEAD - 0.15) / height
    x = LEFT
    for role, group in zip(_roles(len(scores.groups)), scores.groups, strict=True):
        box = Rectangle(
            (x / width, y - 0.06 / height),
            0.12 / width,
            0.12 / height,
            facecolor=ink(role),
            edgecolor=ink("muted"),
            linewidth=0.5,
            transform=chart.transFigure,
        )
        chart.add_artist(box)
        text = fitted(group, room - 0.3, 8.5, 40)
        chart.text(
            (x + 0.18) / width, y, escape.line(text), fontsize=8.5, color=ink("muted"), va="center"
        )
        x += min(room, 0.45 + text_width(text, 8.5))


def _roles(groups: int) -> tuple[str, ...]:
    inner = max(groups - 2, 0)
    return LOW_TO_HIGH.get(groups, ("bad", *(["neutral-soft"] * inner), "good"))


def _start(arm: ScoreArm) -> float:
    """Return where a bar starts, so that the middle of the scale is at 0."""
    half = len(arm.counts) // 2
    left = float(sum(arm.counts[:half]))
    if len(arm.counts) % 2 and len(arm.counts) > 1:
        left += arm.counts[half] / 2
    return -left / arm.answers


def _score_text(scores: ScoreGroups, arm: ScoreArm) -> str:
    return number(arm.score, 1) if scores.measure == "net" else percent(arm.score, 1)


def _result(scores: ScoreGroups, arm: ScoreArm) -> str:
    text = _score_text(scores, arm)
    return f"score {text}" if scores.measure == "net" else f"{text} {scores.groups[-1]}"


def _answered(arm: ScoreArm) -> str:
    units = arm.answers + arm.nulls
    return f"{percent(arm.answers / units, 1)} answered" if arm.nulls else "all answered"


def _words(scores: ScoreGroups) -> Words:
    control, *others = scores.arms
    net = scores.measure == "net"
    what = (
        f"Score, {scores.groups[-1]} − {scores.groups[0]}"
        if net
        else f"Share of {scores.groups[-1]}"
    )
    said = (
        f"{what}: {in_sentence(control.name)} {_score_text(scores, control)}.",
        *(f"{_compared(scores, arm)}." for arm in others),
    )
    listed = "; ".join(
        f"{in_sentence(arm.name)}, {count(arm.answers)} answers: "
        + ", ".join(
            f"{in_sentence(group)} {percent(units / arm.answers, 1)}"
            for group, units in zip(scores.groups, arm.counts, strict=True)
        )
        for arm in scores.arms
    )
    return Words(
        heading=scores.label,
        said=said,
        axis="",
        below="",
        caption=f"{scores.label}: answers by group about the middle group. {' '.join(said)}",
        alt=f"Answers of {scores.label} by group. {' '.join(said)} {listed}.",
    )


def _compared(scores: ScoreGroups, arm: ScoreArm) -> str:
    value = f"{in_sentence(arm.name)} {_score_text(scores, arm)}"
    if arm.difference is None:
        return f"{value}, a difference that cannot be computed"
    factor = 1.0 if scores.measure == "net" else 100.0
    points = Estimate(
        arm.difference.value * factor,
        *(None if x is None else x * factor for x in (arm.difference.lower, arm.difference.upper)),
    )
    return f"{value}, difference {signed(points, scores.confidence_level, 'points')}"
