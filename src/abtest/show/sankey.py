"""Flows between the blocks of successive steps, each as high as what it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from abtest.show.plot_frame import EDGE, WIDTH, Words, fitted, framed, ink, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

BODY, HEADING = 4.3, 0.3
"""Inches: the whole, the line of headings."""
BAR, SPACE, LETTER = 0.13, 0.06, 0.15
"""Inches: a block across, between blocks, the height of a line beside them."""
MOST_STEPS = 8
_SIZE = 8.0


@dataclass(frozen=True)
class FlowBlock:
    """A block of a step: its name, its share of all, what is written before it, its colour."""

    name: str
    share: float
    text: str
    role: str = "info"


@dataclass(frozen=True)
class FlowStep:
    """A step: its heading, and its blocks from top to bottom."""

    title: str
    blocks: tuple[FlowBlock, ...]


@dataclass(frozen=True)
class Flow:
    """What goes from a block of a step (both counted from 0) to one of the next, of all."""

    step: int
    source: int
    target: int
    share: float


def sankey(words: Words, steps: Sequence[FlowStep], flows: Sequence[Flow]) -> Chart:
    """Return the figure; a block without room for its name has none.

    Parameters
    ----------
    words
        What is written; its axis is not drawn.
    steps
        From left to right; shares of a step sum to at most 1.
    flows
        Between successive steps.
    """
    from abtest.show.drawing import house_style

    shown = list(steps[:MOST_STEPS])
    with house_style():
        chart, axes = framed(words, BODY, right=EDGE)
        height = chart.get_size_inches()[1]
        box = axes.get_position()
        across = WIDTH - 2 * EDGE
        axes.set_position((EDGE / WIDTH, box.y0, across / WIDTH, BODY / height))
        axes.set(xlim=(0.0, across), ylim=(0.0, BODY), yticks=[])
        axes.spines["bottom"].set_visible(False)
        pitch = across / max(len(shown), 1)
        most = max((len(step.blocks) for step in shown), default=1)
        scale = BODY - HEADING - SPACE * most
        tops = [_tops(step, scale) for step in shown]
        _draw_flows(axes, shown, flows, tops, pitch, scale)
        for index, step in enumerate(shown):
            _draw_step(axes, step, tops[index], index * pitch, pitch, scale)
    return chart


def _tops(step: FlowStep, scale: float) -> list[float]:
    """Return where each block begins, from the top."""
    tops, y = [], BODY - HEADING
    for block in step.blocks:
        tops.append(y)
        y -= block.share * scale + SPACE
    return tops


def _draw_flows(
    axes: Axes,
    steps: Sequence[FlowStep],
    flows: Sequence[Flow],
    tops: Sequence[Sequence[float]],
    pitch: float,
    scale: float,
) -> None:
    """Draw every flow from the right of its block to the left of the next, in the blocks' order."""
    left = {(i, j): top for i, own in enumerate(tops) for j, top in enumerate(own)}
    right = dict(left)
    known = [flow for flow in flows if flow.step + 1 < len(steps) and flow.share > 0.0]
    for flow in sorted(known, key=lambda flow: (flow.step, flow.source, flow.target)):
        begin, end = (flow.step, flow.source), (flow.step + 1, flow.target)
        thick = flow.share * scale
        x = flow.step * pitch + BAR, (flow.step + 1) * pitch
        role = steps[flow.step + 1].blocks[flow.target].role
        _draw_band(axes, x, (right[begin], left[end]), thick, role)
        right[begin] -= thick
        left[end] -= thick


def _draw_band(
    axes: Axes, x: tuple[float, float], tops: tuple[float, float], thick: float, role: str
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (a, b), (first, last) = x, tops
    middle = (a + b) / 2
    points = [
        (a, first), (middle, first), (middle, last), (b, last), (b, last - thick),
        (middle, last - thick), (middle, first - thick), (a, first - thick), (a, first),
    ]  # fmt: skip
    curve = Path.CURVE4
    codes = [Path.MOVETO, curve, curve, curve, Path.LINETO, curve, curve, curve, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(points, codes), facecolor=ink(role), alpha=0.16, linewidth=0))


def _draw_step(
    axes: Axes, step: FlowStep, tops: Sequence[float], x: float, pitch: float, scale: float
) -> None:
    from matplotlib.patches import Rectangle

    title = fitted(step.title, pitch - 0.08, 8.5, 30, weight="normal")
    axes.text(x, BODY - HEADING / 2, title, va="center", fontsize=8.5, color=ink("muted"))
    middles = []
    for block, top in zip(step.blocks, tops, strict=True):
        high = block.share * scale
        place = (x, top - high), BAR, high
        axes.add_patch(Rectangle(*place, facecolor=ink(block.role), alpha=0.85, linewidth=0))
        middles.append(top - high / 2)
    taken: list[float] = []
    numbers = max((text_width(block.text, _SIZE) + 0.06 for block in step.blocks), default=0.0)
    largest = sorted(range(len(middles)), key=lambda i: (-step.blocks[i].share, i))
    for index in largest:
        y, block = middles[index], step.blocks[index]
        if any(abs(y - other) < LETTER for other in taken):
            continue
        taken.append(y)
        left = x + BAR + 0.05
        keys: dict[str, Any] = {"va": "center", "fontsize": _SIZE, "zorder": 4}
        # apart from the name, whose letters may run from right to left
        axes.text(left, y, block.text, color=ink("muted"), **keys)
        left += numbers
        name = fitted(block.name, x + pitch - 0.06 - left, _SIZE, 30, weight="normal")
        axes.text(left, y, name, color=ink("ink"), **keys)
