"""Designs beyond two arms: ordered arms, factorial arms, compositions of shares."""
