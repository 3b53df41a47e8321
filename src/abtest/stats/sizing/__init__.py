"""Power, sample size and minimum detectable effect: one description, three answers.

How it is called
----------------
A design says once what will be tested and how; three functions answer from it, each the inverse
of the others (to 1e-6; units are continuous inside)::

    design = ProportionsDesign(baseline=0.20, relative=True, alpha=0.05, power=0.8)
    sample_size(design, effect=0.05)               # units for a lift of 5%
    minimum_detectable_effect(design, units=50_000)
    power(design, units=50_000, effect=0.05)

*What is measured* is the kind of design: `MeansDesign` (mean, sd), `ProportionsDesign` (baseline),
`RatioDesign` (numerator and denominator), `RateDesign` (events per unit of time), and from a pilot
`QuantileDesign` (values), `ScoreDesign` (answers, and the share that answers), `SurvivalDesign`
and `HazardDesign` (times to an event, or `ExponentialTimes`), `CumulativeDesign` (events that
repeat). *How it is judged* are settings that all kinds share: alpha, power,
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

Where other tools give other numbers
------------------------------------
- R's ``power.t.test`` and ``power.prop.test`` without ``strict = TRUE``, and rpact's two-sided
  designs by default, count one tail: 0.0269 where the test rejects with 0.0501.
- R (pwr), rpact and statsmodels plan unequal arms for Student's pooled variance; here the default
  is Welch's test, which is the one that judges. ``method="student"`` gives their numbers.
- Textbook sizes of equivalence (Chow, Shao & Wang 2008) use z of beta / 2 and the margin less
  |effect|: too many units where the effect is not 0. Here both tests reject together, exactly.
- spotify-confidence takes a relative margin times the baseline as known; here the baseline's noise
  counts (Fieller), which for a margin m changes the size by about a share m.
- Calculators that use the baseline's variance for both proportions need too few units for a rise
  towards 50% (1030 instead of 1094 for 20% against 25%).
- Formulas for the log-rank test by number of events (Schoenfeld in rpact, Freedman in
  powerSurvEpi) hold for equal arms and moderate ratios. For one unit of control to four of
  treatment, rare events and a ratio of 2 Schoenfeld's promise of 80% is one of 65%, with four
  to one and a ratio of 0.5 one of 71%, and Freedman's asks for 13% and 25% too many units. Here
  the mean and the variance of the score are summed up over the times, as the test sums them.
- Sizes of a quantile by a density at one point (and a bandwidth) have no answer for atoms. Here
  power is that of the exact limits with which quantiles are compared.
- Formulas for covariates take the slopes as known (Borm, Fransen & Lemmens 2007, J. Clin.
  Epidemiol. 60, 1234): 80% promised for 90 and 10 units are 75.6% in truth. Here the slopes' error
  counts, see `slope_error`.

The folder is not called ``power`` because a module of that name would hide the function.
"""
