import itertools

import pytest

from abtest.show.palette import PALETTE, TEXT_ON, contrast, css_tokens

PAIRS = [(text, surface) for surface, texts in TEXT_ON.items() for text in texts]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "surface"), PAIRS)
def test_text_can_be_read_on_every_surface_it_stands_on(text, surface, scheme):
    ratio = contrast(getattr(PALETTE[text], scheme), getattr(PALETTE[surface], scheme))
    assert ratio >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_margins_and_intervals_can_be_seen_on_the_card(scheme):
    for name in ("good", "bad", "warn", "neutral", "muted"):
        assert contrast(getattr(PALETTE[name], scheme), getattr(PALETTE["paper"], scheme)) >= 3


def test_every_light_colour_names_one_role():
    codes = [colour.light for colour in PALETTE.values()]
    assert all(a != b for a, b in itertools.combinations(codes, 2))


def test_dark_colours_apply_on_screens_only():
    assert "@media screen and (prefers-color-scheme:dark)" in css_tokens()
