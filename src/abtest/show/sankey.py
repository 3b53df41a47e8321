"""Streams from event to event, step by step: how wide a stream is says how many took it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from abtest.show.numbers import percent
from abtest.show.plot_frame import EDGE, WIDTH, Words, fitted, framed, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

BODY, HEADING = 3.6, 0.3
"""Inches: the streams, the line of headings."""
NODE, GAP = 0.13, 0.05
"""Inches: width of a node, space between nodes."""
SMALLEST_LABEL = 0.14
"""Inches a node must be high to have its name."""


@dataclass(frozen=True)
class Streams:
    """What is drawn.

    Attributes
    ----------
    steps
        Headings of the columns, k.
    nodes
        Share of each name in each column: k mappings, in the order from top to bottom.
    flows
        Share that goes from a name of a column to one of the next: k - 1 mappings.
    quiet
        Names that stand back: where paths end, and what has no name of its own.
    """

    steps: tuple[str, ...]
    nodes: tuple[Mapping[str, float], ...]
    flows: tuple[Mapping[tuple[str, str], float], ...]
    quiet: tuple[str, ...]


def sankey(words: Words, streams: Streams) -> Chart:
    """Return the figure."""
    from abtest.show.drawing import house_style

    with house_style():
        body = BODY + HEADING
        chart, axes = framed(words, body, right=EDGE)
        height = chart.get_size_inches()[1]
        across = WIDTH - 2 * EDGE
        box = axes.get_position()
        axes.set_position((EDGE / WIDTH, box.y0, across / WIDTH, body / height))
        axes.set(xlim=(0.0, across), ylim=(0.0, body), yticks=[])
        axes.spines["bottom"].set_visible(False)
        many = max((len(nodes) for nodes in streams.nodes), default=1)
        scale = (BODY - GAP * max(many - 1, 0)) / max(
            (sum(nodes.values()) for nodes in streams.nodes), default=1.0
        )
        width = across / max(len(streams.steps), 1)
        tops = [_tops(nodes, scale) for nodes in streams.nodes]
        for column, flows in enumerate(streams.flows):
            _draw_flows(axes, streams, column, flows, tops, scale, width)
        for column, title in enumerate(streams.steps):
            _draw_nodes(axes, streams, column, title, tops[column], scale, width)
    return chart


def _tops(nodes: Mapping[str, float], scale: float) -> dict[str, float]:
    """Return where each node begins, from the top down."""
    found, y = {}, BODY
    for name, share in nodes.items():
        found[name] = y
        y -= share * scale + GAP
    return found


def _draw_flows(
    axes: Axes,
    streams: Streams,
    column: int,
    flows: Mapping[tuple[str, str], float],
    tops: Sequence[Mapping[str, float]],
    scale: float,
    width: float,
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    left, right = column * width + NODE, (column + 1) * width
    middle = (left + right) / 2
    leaving, coming = dict(tops[column]), dict(tops[column + 1])
    order = {name: place for place, name in enumerate(streams.nodes[column + 1])}
    for source in streams.nodes[column]:
        own = [(target, share) for (one, target), share in flows.items() if one == source]
        for target, share in sorted(own, key=lambda pair: order.get(pair[0], 0)):
            if target not in coming:
                continue
            high = share * scale
            a, b = leaving[source], coming[target]
            leaving[source], coming[target] = a - high, b - high
            points = [
                (left, a), (middle, a), (middle, b), (right, b),
                (right, b - high), (middle, b - high), (middle, a - high), (left, a - high),
                (left, a),
            ]  # fmt: skip
            codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.LINETO]
            role = "neutral" if target in streams.quiet else "info"
            patch = PathPatch(Path(points, codes), facecolor=ink(role), alpha=0.25, linewidth=0)
            axes.add_patch(patch)


def _draw_nodes(
    axes: Axes,
    streams: Streams,
    column: int,
    title: str,
    tops: Mapping[str, float],
    scale: float,
    width: float,
) -> None:
    from matplotlib.patches import Rectangle

    x = column * width
    axes.text(x, BODY + HEADING / 2, title, va="center", fontsize=8.5, color=ink("muted"))
    for name, share in streams.nodes[column].items():
        high = share * scale
        role = "neutral" if name in streams.quiet else "info"
        axes.add_patch(
            Rectangle((x, tops[name] - high), NODE, high, facecolor=ink(role), linewidth=0)
        )
        if high < SMALLEST_LABEL:
            continue
        room = width - NODE - 0.12
        text = fitted(f"{name} {percent(share, 0)}", room, 8.0, 24, weight="normal")
        axes.text(
            x + NODE + 0.05, tops[name] - high / 2, text, va="center", fontsize=8,
            color=ink("ink"),
        )  # fmt: skip
