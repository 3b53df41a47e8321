"""The colours of reports and figures, each in a light and a dark form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """One role of colour, as hexadecimal codes for light and dark surroundings."""

    light: str
    dark: str


PALETTE: dict[str, Colour] = {
    "page": Colour("#f5f6f8", "#0f1215"),
    "paper": Colour("#ffffff", "#181b20"),
    "ink": Colour("#16191e", "#e9ebee"),
    "muted": Colour("#535a65", "#a8b0bb"),
    "line": Colour("#d8dce2", "#343a43"),
    "link": Colour("#0a4f9c", "#8dbbf7"),
    "good": Colour("#14643a", "#84d8a5"),
    "good-soft": Colour("#e6f3eb", "#142c1f"),
    "bad": Colour("#a8211a", "#ff9f96"),
    "bad-soft": Colour("#fcebe9", "#381b19"),
    "warn": Colour("#7d4900", "#f0c269"),
    "warn-soft": Colour("#fdf2dd", "#312610"),
    "info": Colour("#0a4f9d", "#8ebbf7"),
    "info-soft": Colour("#e7f0fa", "#14253b"),
    "neutral": Colour("#49505c", "#b8c0ca"),
    "neutral-soft": Colour("#edeff2", "#23282f"),
}
"""Codes are all different, so that a colour in a drawing names its role."""

SURFACES = ("page", "paper", "good-soft", "bad-soft", "warn-soft", "info-soft", "neutral-soft")
"""Colours that text stands on."""

TEXT_ON: dict[str, tuple[str, ...]] = {
    "page": ("ink", "muted", "link", "good", "bad", "warn", "info", "neutral"),
    "paper": ("ink", "muted", "link", "good", "bad", "warn", "info", "neutral"),
    "good-soft": ("ink", "muted", "good"),
    "bad-soft": ("ink", "muted", "bad"),
    "warn-soft": ("ink", "muted", "warn"),
    "info-soft": ("ink", "muted", "info"),
    "neutral-soft": ("ink", "muted", "neutral"),
    "good": ("paper",),
    "bad": ("paper",),
    "warn": ("paper",),
    "info": ("paper",),
    "neutral": ("paper",),
}
"""Which text colours may stand on which surface; every pair has a contrast of 4.5 or more."""


def css_tokens() -> str:
    """Return the palette as CSS custom properties: light, dark on request, light on paper."""
    light = "".join(f"--{name}:{colour.light};" for name, colour in PALETTE.items())
    dark = "".join(f"--{name}:{colour.dark};" for name, colour in PALETTE.items())
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio").

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(code: str) -> float:
    channels = (int(code[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
