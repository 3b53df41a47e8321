"""Models of buying: how often units buy, whether they still do, and what they spend."""
