"""A/B tests of engagement metrics, from a pre-registered file to a verdict."""

__version__ = "0.1.0"
