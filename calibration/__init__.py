"""Simulations of what the statistics promise: ``make calibration`` writes ``docs/calibration.md``.

A *cell* is one situation (a population, sizes of the arms, a true effect) with the methods that
are tried in it. It is drawn many times with a seed of its own, and every method is asked how often
it rejects and how often its interval holds the truth. Exact tests are not drawn: all tables of
small designs are enumerated.

The full grid's answers are kept in ``results.json`` beside this file. A reduced grid, run with
other seeds by ``make calibration-check``, must agree with them within 4 standard errors.
"""
