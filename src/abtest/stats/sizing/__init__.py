"""Power, sample size and minimum detectable effect: one description, three answers.

How it is called
----------------
A design says once what will be tested and how; three functions answer from it, each the inverse
of the others (to 1e-6; units are continuous inside)::

    design = ProportionsDesign(baseline=0.20, relative=True, alpha=0.05, power=0.8)
    sample_size(design, effect=0.05)               # units for a lift of 5%
    minimum_detectable_effect(design, units=50_000)
    power(design, units=50_000, effect=0.05)

*What is measured* is the kind of design: `MeansDesign` (mean, sd; scores and NPS are means too),
`ProportionsDesign` (baseline), `RatioDesign` (numerator and denominator), `RateDesign` (events
per unit of time). *How it is judged* are settings that all kinds share: alpha, power,
alternative, test (superiority, non-inferiority, equivalence), margin, absolute or relative
effects, allocation to two or more arms, variance reduction, `Clusters`, `DecisionRule`.

*Arrays.* ``effect`` and ``units`` may be arrays of one dimension, and ``design.over(baseline=
[...])`` varies numbers of the design; the answer then is a `PowerCurve` with a table and a plot,
in which an impossible row has a status. A single impossible request is a `UsageError`.

What is promised
----------------
- Power is the probability that the test rejects, wherever it lies: a two-sided test has both
  tails (R's ``power.t.test(strict = FALSE)`` and ``power.prop.test`` leave one out).
- ``units`` are units over all arms; a treatment has the smallest arm's power.
- The formula that was used is part of the answer, see `abtest.stats.sizing.formulas`.
- Levels are those that experiments judge with: superiority shares alpha over metrics and
  treatments, non-inferiority uses one-sided alpha / 2 in full, equivalence twice one-sided alpha.

The folder is not called ``power`` because a module of that name would hide the function.
"""
