"""Figures: drawn on Agg without pyplot, the same bytes every time, one picture for light and dark.

The SVG names its colours as custom properties and changes them with the reader's colour
scheme, which works inside an ``img`` element too; the PNG is the light form on a white card.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from abtest.show import escape
from abtest.show.fragment import Fragment
from abtest.show.palette import PALETTE

FONT_STACK = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"
PNG_DPI = 100

SETTINGS: dict[str, Any] = {
    "text.parse_math": False,  # a dollar sign in a label is a dollar sign
    "svg.fonttype": "none",
    "svg.hashsalt": "abtest",
    "font.family": ["DejaVu Sans"],
}


class Chart(Figure):
    """A figure that carries its alternative text and shows itself in a notebook."""

    def __init__(self, width: float, height: float, *, alt: str, caption: str) -> None:
        super().__init__(figsize=(width, height), facecolor=PALETTE["paper"].light)
        self.alt = alt
        self.caption = caption
        FigureCanvasAgg(self)

    def fragment(self) -> Fragment:
        """Return the figure with caption and alternative text."""
        svg, png = svg_bytes(self), png_bytes(self)
        source = "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
        width, height = (round(inches * 96) for inches in self.get_size_inches())
        html = (
            '<figure class="abtest abtest-figure">\n<div class="abtest-scroll" tabindex="0" '
            f'role="region" aria-label="Figure">\n<img src="{source}" width="{width}" '
            f'height="{height}" alt="{escape.html(self.alt)}">\n</div>\n'
            f"<figcaption>{escape.bdi(self.caption)}</figcaption>\n</figure>"
        )
        text = f"[figure] {escape.line(self.caption)}\n{escape.line(self.alt)}"
        markdown = f"*{escape.markdown(self.caption)}*\n\n{escape.markdown(self.alt)}"
        return Fragment(html, text, markdown, png, escape.line(self.alt))

    def _repr_mimebundle_(
        self,
        include: object = None,
        exclude: object = None,
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the figure as `Fragment` shows it."""
        return self.fragment()._repr_mimebundle_(include, exclude)


@contextmanager
def house_style() -> Generator[None]:
    """Use our own settings, whatever the reader's matplotlibrc says, for drawing and saving."""
    with mpl.rc_context(), warnings.catch_warnings():
        # A glyph that the measuring font lacks is drawn by the reader's own fonts in SVG.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        mpl.rcdefaults()
        cast("dict[str, Any]", mpl.rcParams).update(SETTINGS)
        yield


def svg_bytes(figure: Figure) -> bytes:
    """Return the figure as SVG that follows the reader's colour scheme."""
    buffer = io.StringIO()
    with house_style():
        figure.savefig(
            buffer,
            format="svg",
            facecolor=figure.get_facecolor(),
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return _with_schemes(buffer.getvalue()).encode("utf-8")


def png_bytes(figure: Figure) -> bytes:
    """Return the figure as PNG on white."""
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _with_schemes(svg: str) -> str:
    """Return the SVG with colours by role, both schemes, and the fonts of the reader."""
    drawing = svg[svg.index("<svg") :]
    used = []
    for name, colour in PALETTE.items():
        if colour.light in drawing:
            drawing = re.sub(rf"((?:fill|stroke): ?){colour.light}\b", rf"\1var(--{name})", drawing)
            used.append(name)
    light = "".join(f"--{name}:{PALETTE[name].light};" for name in used)
    dark = "".join(f"--{name}:{PALETTE[name].dark};" for name in used)
    when_dark = f"@media screen and (prefers-color-scheme:dark){{svg{{{dark}}}}}"
    style = f"<style>svg{{{light}}}{when_dark}</style>"
    drawing = re.sub(r"'DejaVu Sans'(?:, [^;\"]*)?", FONT_STACK, drawing)
    end = drawing.index(">") + 1
    return drawing[:end] + style + drawing[end:]
