"""Why promises are not kept, and what to do instead: one paragraph for a section of the page."""

from __future__ import annotations

from collections.abc import Mapping

_SKEWED = (
    "A t statistic needs an arm's mean and its variance to be unrelated. In skewed data they are "
    "related: with equal arms the errors of the two cancel, with 90/10 they do not, and what "
    "counts is the smaller arm, of 3, 10 or 100 units here."
)
REASONS: Mapping[str, str] = {
    "means": f"{_SKEWED} `compare_means` warns of it (`skewed_unequal_arms`). Take equal arms or "
    "more units, cap the values (`compare_capped_means`), or compare how many buy. With 90% zeros "
    "and few units an arm may have no buyer at all, and an interval cannot hold what none of its "
    "units has shown. Student's test takes both arms to vary alike: where the smaller arm varies "
    "more, or the effect changes the variance as well, it is wrong at any size, which is why "
    "Welch's is the default. `z` takes variances for known, which they are not below some hundred "
    "units.",
    "proportions": "Wald's and Welch's variances are those of the shares that were seen; where an "
    "arm has no success they are 0. That is why `compare_proportions` takes the score method, and "
    "why experiments change to it below 10 successes or failures in an arm. With 0.4% and 50 units "
    "per arm nearly all samples are the same few tables, so that no method can be within a point "
    "of 95% everywhere; Newcombe's interval is then on the safe side.",
    "ratios": f"{_SKEWED} The delta method adds the curvature of the ratio, which a few units with "
    "many views decide. Take equal arms, or more than a hundred units in the smaller "
    "one.",
    "rates": "Poisson tests take every user to have the same rate. Users differ, so that the "
    "number of events varies more than its mean says, and more users do not help: compare events "
    "per user with `compare_means`, as experiments do, or take `quasi_poisson`. The score test and "
    "the exact one are for totals of events that come one by one.",
    "trimmed means": "Yuen's variance comes from the values left and those that replace the cut "
    "ones; of 3 or 10 units too few are left. Take some dozen units in the smaller arm.",
    "capped means": f"{_SKEWED} Capping at the 99th percentile touches one unit in a "
    "hundred, which is hardly any here; fix a lower threshold before the data.",
    "geometric means": "Logarithms of 3 units have a variance with 2 degrees of freedom, and "
    "Welch's approximation of the whole is rough there.",
    "covariates": f"{_SKEWED} Slopes cost degrees of freedom as well: with 3 units an arm has none "
    "to spend. The slope of a ratio with its past is taken as known, which costs 1 to 2 points "
    "below a hundred units. From 1,000 units on, all keep their promise.",
    "post-stratification": "What counts are units by stratum and arm: 10 units in three strata "
    "leave 2 to 5 each, and variances of so few do not know themselves. Strata with fewer than two "
    "units in an arm are joined with the next one, which depends on the sample as well. Take "
    "strata in which every arm will have some dozen units.",
    "robust regression": "HC2 is unbiased, but of 3 to 10 units with a skewed covariate it varies "
    "more than n - 2k - 2 degrees of freedom say, which are those of the larger arm. "
    '`errors="auto"` takes HC3 below 250 units; CUPED of `compare_means`, with degrees of '
    "freedom by arm, is closer to its promise there.",
    "balance before exposure": f"{_SKEWED} An alarm with a dozen units in the smaller arm is a "
    "reason to look at them, and no proof of a fault.",
    "survey scores": f"{_SKEWED} Three or ten answers in an arm say little, whatever the method.",
    "margins": "The score statistic of 10 units in the smaller arm takes few values, and the table "
    "nearest to 2.5% lies above it.",
    "small tables": "Wald's variance is 0 where an arm has no success or no failure. Every other "
    "method keeps within a point of its promise even at 10 per arm; Fisher's test is far below 5%, "
    "which costs power, and Barnard's and Boschloo's are as near to it as an exact test comes.",
    "ordered arms": f"{_SKEWED} For the trend of shares it is events that count: with 0.4% most "
    "arms here expect fewer than five, and `few_events` warns.",
    "compositions": "Amounts by category are as skewed as revenue, and a share of a total is a "
    "ratio of two of them; a rare category has a handful of spenders per arm. Compare counts of "
    "units by category, which keep their promise, or wait for some thousand units.",
    "sample ratio": "Chi-square is for some expected units in every arm: 10 of 100, and 1 of 100, "
    "are too few. `sample_ratio` takes the exact test below 1,000 units unless told otherwise.",
    "ranks": "Brunner and Munzel estimate two variances of placements; three units do not know "
    "theirs. From some ten units in the smaller arm on the promise is kept, whatever the spread. "
    "Mann and Whitney's test, and with it the shift, take both arms to have one shape: where the "
    "smaller arm varies more, more units do not help, which is why Brunner-Munzel is the default.",
    "quantiles": "The melded intervals are exact limits of each arm, put together: they err on "
    "the safe side, most with few units and where many share one value (most counts, a median "
    "among 85% zeros), because no interval between two whole numbers has a level in between. A "
    "90th percentile needs some dozen units per arm to have limits at all, a 99th some hundred; "
    "until then the interval is without ends and nothing is found.",
    "event quantiles": "Units are what is independent, so that the columns count units, of five "
    "events on average. Slow units have more events here, which the ratio of totals allows for.",
    "quantile bands": "The band holds all five differences at once. It joins intervals that are "
    "on the safe side, and is so itself, less with more units.",
    "bootstrap": "Replicates have the spread of the sample with divisor n, and only values that "
    "were seen: of 3 or 10 units percentiles are too short, whatever the kind, and with 90% zeros "
    "the smaller arm may have no buyer at all. `basic` turns the skewness of replicates the wrong "
    "way, which ratios and high quantiles cannot stand at any size here; take `percentile` for "
    "those, or `compare_quantiles`. BCa and `studentized` correct for the skewness that the sample "
    "shows. With equal arms the skewness of both cancels, and what a few buyers show of it is "
    "chance, pulling the interval away from 0: take `percentile` or Welch's interval there. With "
    "90/10 `studentized` is the best of them, and from some hundred units in the smaller arm on "
    "they agree. A permutation test holds its level where the treatment does nothing to any unit, "
    "and its interval where it adds the same to all. An effect that multiplies, or another "
    "spread, is neither: with 90/10 the interval of the difference then has the spread of the "
    "larger arm, and more units do not help. Its relative interval is right for effects that "
    "multiply.",
    "cluster bootstrap": "Columns count clusters. Of 10 in an arm, percentiles do not know the "
    "variance (what Student's distribution adds is missing). Durations are skewed, and slow "
    "units have more of them: a few units decide the mean, the basic interval turns their "
    "skewness the wrong way, and that of a ratio remains wrong at 200. Take `percentile`, with "
    "some fifty clusters in an arm, `compare_clustered_means` with fewer, or a quantile.",
    "times to an event": "Restricted means and Kaplan-Meier's shares are judged by the normal "
    "distribution with a variance of divisor n: what a t test adds for 5 to 20 units is missing, "
    "and `few_units` warns. Where no unit of an arm is left without the event its variance is "
    "taken as 0, so that the relative interval has no width; take the log-rank test, Cox's ratio "
    "or a longer time scale there. Log-rank and Cox keep their promise from 10 units in an arm on, "
    "and with 5 in the smaller arm. Quantiles of times keep theirs by erring on the safe side, "
    "more so in whole days, except with 5 units. Power is shown at the ratio of hazards that the "
    "log-rank test finds with 0.8: other measures up to a horizon use less of the data.",
    "incidence": "As for restricted means, the normal distribution takes the variance as known: "
    "with 5 to 20 units in an arm it is not, and `few_units` warns. Gray's test keeps its promise. "
    "Power is at the ratio of hazards of paying that is found with 0.8; incidence differs less, "
    "since those who pay sooner can no longer cancel, and up to the horizon less still.",
    "cumulative means": f"{_SKEWED} Lawless and Nadeau's variance has the divisor n, and the test "
    "is normal; a unit's orders vary more than Poisson's, its money more still. Take equal arms, "
    "or hundreds of units in the smaller one, for money a thousand.",
    "clusters": "Columns count clusters; rows have variance 1 and the correlation said. Of few "
    "clusters with lognormal sizes two or three carry the mean: CR2's degrees of freedom, those of "
    "independent rows, are then too many where rows are alike, and with 2 clusters in an arm far "
    "too few, which costs power (`few_clusters` warns of both). Totals of clusters, judged by the "
    "delta method, take clusters for equally large: with lognormal sizes 40 in an arm are not "
    "enough. `compare_clustered_means` answers the same question better; the mean of clusters "
    "keeps its promise whatever their sizes with some ten in an arm, and answers another.",
    "units seen more than once": f"{_SKEWED} The test for carry-over is one of sums between units, "
    "and the larger error of 4 units with exponential values is such a case. The check of trends "
    "before is a Bonferroni test of dependent differences, and errs on the safe side.",
    "switchback": "Columns count blocks of periods. Without wash-out all three keep their promise, "
    "however alike neighbours are and whatever the time of day, because blocks are drawn one by "
    "one. With wash-out, spells from switch to switch are compared: where neighbours are alike "
    "they err on the safe side, and the randomisation test, which draws the whole design anew, "
    "does not. With ten blocks it has 252 assignments, and a p-value below 5% needs one of the "
    "twelve most extreme: that costs power.",
    "planned sizes": "Plans take variances for known; with 3 treated units the test does not know "
    "them, and has to spend on finding out (`small_arms` warns). A share of 20% judged as a mean "
    "needs more than 10 units in an arm, and the score method, which is the default, does not. "
    "From 1,000 units on no plan of a mean, share or rate falls short by more than a point. Those "
    "of times, quantiles and scores do by up to three with 90/10 and 1,000 units, since what "
    "counts are events and answers: of 100 treated units 40 answer, and the plan takes their "
    "variance for known as well. Plan equal arms, or more units where one arm is to have few.",
    "Bayesian": "Where the truth is drawn from the very prior of the analysis, intervals promise "
    "95% at any number of units. So do *signs by P(better)*: *better* or *worse* is left out by a "
    "chance that P(better) says, and the true one is left out in 5% only if P(better) is not too "
    "sure. Shares and rates keep both. The normal model takes the errors of the arms for known: 2 "
    "or 5 units do not know theirs (`few_units` warns), nor do 20 in the smaller arm of skewed "
    "data. A relative prior is multiplied by the control that was seen, whose error is in the "
    "difference as well (`control_uncertain` warns). At one fixed truth priors promise nothing, "
    "except to give way to the data: a flat one is as good as `z` of means. Normal(0, 0.3) takes "
    "effects above 60% for rare; of exponential values, 200 units and fewer find none below 50%, "
    "with 90/10 none below 170%, and it does not believe them. Beta(1, 1) is one success of two "
    "units: without a success of 25 it takes 1% for 4%, and relative effects for smaller than "
    "they are. The default gamma prior is one event at the rate of both arms together: a smaller "
    "arm of five times control's rate, with 12 events, it draws down. Give a prior that says what "
    "effects are like here, or take more units.",
}
"""By the family of the cells; a section that keeps its promises needs none."""
