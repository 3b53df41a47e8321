"""Effects of one arm against control from values per unit: textbook formulas, root finding."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats


class NoEstimateError(Exception):
    """The reason code of an effect that cannot be computed."""


@dataclass
class Normal:
    """Two estimates with variances, and the t distribution that judges them."""

    control: float
    treatment: float
    var_c: float
    var_t: float
    cov: float
    df: float

    def contrast(self, ratio=1.0, shift=0.0):
        """Estimate and standard error of treatment - control - (ratio - 1) |control| - shift."""
        if self.control < 0:
            ratio = 2.0 - ratio
        variance = self.var_t + ratio**2 * self.var_c - 2 * ratio * self.cov
        return self.treatment - ratio * self.control - shift, math.sqrt(variance)

    def two_sided(self):
        d, se = self.contrast()
        return 2 * stats.t.sf(abs(d) / se, self.df)

    def greater(self, ratio=1.0, shift=0.0):
        """P-value against treatment <= ratio x control + shift."""
        d, se = self.contrast(ratio, shift)
        return stats.t.sf(d / se, self.df)

    def less(self, ratio=1.0, shift=0.0):
        d, se = self.contrast(ratio, shift)
        return stats.t.cdf(d / se, self.df)

    def absolute(self, alpha):
        d, se = self.contrast()
        q = stats.t.isf(alpha / 2, self.df)
        return d - q * se, d + q * se

    def relative(self, alpha):
        """Status and limits of {b: |t - c - b |c|| <= q se}, from the quadratic in t / c."""
        if self.control < 0:
            turned = Normal(
                -self.control, -self.treatment, self.var_c, self.var_t, self.cov, self.df
            )
            status, low, high = turned.relative(alpha)
            return status, high and -high, low and -low
        if self.control == 0 and self.var_c == 0:
            return "undefined", None, None
        q2 = stats.t.isf(alpha / 2, self.df) ** 2
        a = self.control**2 - q2 * self.var_c
        b = -2 * (self.control * self.treatment - q2 * self.cov)
        c = self.treatment**2 - q2 * self.var_t
        disc = b * b - 4 * a * c
        if a > 0:
            low, high = sorted((-b + s * math.sqrt(max(disc, 0))) / (2 * a) for s in (-1, 1))
            return "bounded", low - 1, high - 1
        if disc <= 0:
            return "unbounded", None, None
        high, low = sorted((-b + s * math.sqrt(disc)) / (2 * a) for s in (-1, 1))
        return "two_rays", high - 1, low - 1


def satterthwaite(parts):
    """Degrees of freedom of a sum of variances (variance, n - 1)."""
    total = sum(variance for variance, _ in parts)
    return total**2 / sum(variance**2 / df for variance, df in parts if variance > 0)


def strata(control, treatment):
    """Matching phases of both arms with their weights: units of the phase over all units."""
    pairs = [
        (np.asarray(c, float), np.asarray(t, float))
        for c, t in zip(control, treatment, strict=True)
    ]
    pairs = [(c, t) for c, t in pairs if len(c) >= 2 and len(t) >= 2]
    if not pairs:
        raise NoEstimateError("too_few_units")
    total = sum(len(c) + len(t) for c, t in pairs)
    return [((len(c) + len(t)) / total, c, t) for c, t in pairs]


def means(control, treatment):
    """Welch within phases; the phases' shares are random too (superpopulation)."""
    groups = strata(control, treatment)
    columns = [(w, c[:, 0], t[:, 0]) for w, c, t in groups]
    return combined(
        sum(w * c.mean() for w, c, _ in columns), sum(w * t.mean() for w, _, t in columns), columns
    )


def combined(control, treatment, columns):
    """Two estimates whose influence values per unit are given by phase as (weight, c, t)."""
    parts = [
        (w**2 * values.var(ddof=1) / len(values), len(values) - 1)
        for w, c, t in columns
        for values in (c, t)
    ]
    if sum(variance for variance, _ in parts) <= 0:
        raise NoEstimateError("constant")
    a, b = (sum(v for v, _ in parts[i::2]) for i in (0, 1))
    n = sum(len(c) + len(t) for _, c, t in columns)
    middle = [sum(g[0] * g[i].mean() for g in columns) for i in (1, 2)]
    gaps = [(w, c.mean() - middle[0], t.mean() - middle[1]) for w, c, t in columns]
    mix = [sum(g[0] * g[i] * g[j] for g in gaps) / n for i, j in ((1, 1), (2, 2), (1, 2))]
    return Normal(control, treatment, a + mix[0], b + mix[1], mix[2], satterthwaite(parts))


def ratios(control, treatment):
    """Delta method on the ratio of weighed components: (y - R x) / xbar per unit."""
    groups = strata(control, treatment)
    found, influence = [], []
    for arm in (1, 2):
        y, x = (sum(g[0] * g[arm][:, column].mean() for g in groups) for column in (0, 1))
        if x == 0:
            raise NoEstimateError("zero_denominator")
        found.append(y / x)
        influence.append([(g[arm][:, 0] - y / x * g[arm][:, 1]) / x for g in groups])
    return combined(*found, [(g[0], c, t) for g, c, t in zip(groups, *influence, strict=True)])


@dataclass
class Score:
    """Miettinen and Nurminen: the score test at every difference and every ratio."""

    x_c: float
    n_c: float
    x_t: float
    n_t: float

    @property
    def control(self):
        return self.x_c / self.n_c

    @property
    def treatment(self):
        return self.x_t / self.n_t

    def z(self, ratio=1.0, shift=0.0):
        """(p_t - ratio p_c - shift) / its standard error at the likeliest p under that value."""
        p = self.constrained(ratio, shift)
        q = ratio * p + shift
        variance = q * (1 - q) / self.n_t + ratio**2 * p * (1 - p) / self.n_c
        total = self.n_c + self.n_t
        d = self.treatment - ratio * self.control - shift
        se = math.sqrt(max(variance, 0) * total / (total - 1))
        if se == 0:
            return 0.0 if d == 0 else math.copysign(math.inf, d)
        return d / se

    def constrained(self, ratio, shift):
        """The p_c that maximises the likelihood with p_t = ratio p_c + shift."""
        low = max(0.0, -shift / ratio)
        high = min(1.0, (1 - shift) / ratio)
        if high <= low:
            return low

        def slope(p):
            q = ratio * p + shift
            total = 0.0
            for x, value, factor in (
                (self.x_c, p, 1.0),
                (self.n_c - self.x_c, 1 - p, -1.0),
                (self.x_t, q, ratio),
                (self.n_t - self.x_t, 1 - q, -ratio),
            ):
                if x > 0:
                    total += factor * x / max(value, 1e-300)
            return total

        width = high - low
        left, right = low + 1e-14 * width, high - 1e-14 * width
        if slope(left) <= 0:
            return low
        if slope(right) >= 0:
            return high
        return optimize.brentq(slope, left, right, xtol=1e-16, rtol=1e-15)

    def two_sided(self):
        return 2 * stats.norm.sf(abs(self.z()))

    def greater(self, ratio=1.0, shift=0.0):
        return stats.norm.sf(self.z(ratio, shift))

    def less(self, ratio=1.0, shift=0.0):
        return stats.norm.cdf(self.z(ratio, shift))

    def absolute(self, alpha):
        q, d = stats.norm.isf(alpha / 2), self.treatment - self.control
        edge = 1 - 1e-12
        low, high = -edge, edge
        if self.z(shift=low) > q:
            low = optimize.brentq(lambda s: self.z(shift=s) - q, low, d, xtol=1e-14)
        if self.z(shift=high) < -q:
            high = optimize.brentq(lambda s: self.z(shift=s) + q, d, high, xtol=1e-14)
        return low, high

    def relative(self, alpha):
        q = stats.norm.isf(alpha / 2)
        if self.x_c == 0 and self.x_t == 0:
            return "unbounded", None, None

        def at(log_ratio):
            return self.z(ratio=math.exp(log_ratio))

        def root(level):
            grid = np.linspace(-30, 30, 241)
            signs = [at(g) - level for g in grid]
            for left, right, s, u in zip(grid[:-1], grid[1:], signs[:-1], signs[1:], strict=True):
                if s >= 0 > u:
                    return math.exp(
                        optimize.brentq(lambda g: at(g) - level, left, right, xtol=1e-13)
                    )
            return None

        low = root(q) if self.x_t > 0 else 0.0
        high = root(-q) if self.x_c > 0 else None
        return ("bounded" if high is not None else "half_line"), low - 1, high and high - 1


def proportions(control, treatment, otherwise=means):
    """Score when an arm has fewer than ten successes or failures, Welch otherwise."""
    groups = strata(control, treatment)
    if sum(len(c) + len(t) > 0 for c, t in zip(control, treatment, strict=True)) == 1:
        _, c, t = groups[0]
        counts = [c[:, 0].sum(), (1 - c[:, 0]).sum(), t[:, 0].sum(), (1 - t[:, 0]).sum()]
        if min(counts) < 10:
            return Score(counts[0], len(c), counts[2], len(t))
    return otherwise(control, treatment)


def varies(arms, column):
    """Whether a column varies within the phases of both arms."""
    return all(any(np.ptp(rows[:, column]) > 0 for rows in arm) for arm in arms)


def one_decides(arms, column):
    """Whether a column of 0 and 1 has a single 1, or a single 0, in an arm."""
    for arm in arms:
        values = np.concatenate([rows[:, column] for rows in arm])
        if set(values) == {0.0, 1.0} and values.sum() in (1, len(values) - 1):
            return True
    return False


def adjusted_means(control, treatment):
    """Each arm's own regression on the covariates, predicted at the means of both arms.

    Those means are random: with slopes b the estimates share b_c' Cov(xbar) b_t.
    """
    import statsmodels.api as sm

    groups = strata(control, treatment)
    if len(groups) > 1:
        return adjusted_phases(groups)
    _, *arms = groups[0]
    past = arms[0].shape[1] - 1
    if not varies([[arm] for arm in arms], 1) or min(map(len, arms)) < 2 + past:
        return means(control, treatment)
    if past == 1 and one_decides([[arm] for arm in arms], 1):
        return means(control, treatment)
    n = sum(map(len, arms))
    middle = sum(arm[:, 1:].sum(axis=0) for arm in arms) / n
    fits = [sm.OLS(arm[:, 0], sm.add_constant(arm[:, 1:] - middle)).fit() for arm in arms]
    if all(fit.ssr <= 1e-12 * fit.centered_tss for fit in fits):
        return means(control, treatment)
    slopes = [fit.params[1:] for fit in fits]
    own = [fit.cov_params()[0, 0] for fit in fits]
    parts_of_middle = [
        len(arm) * np.atleast_2d(np.cov(arm[:, 1:], rowvar=False)) / n**2 for arm in arms
    ]
    of_middle = sum(parts_of_middle)
    v = [[a @ of_middle @ b for b in slopes] for a in slopes]
    gap = slopes[1] - slopes[0]
    parts = [
        (variance + gap @ part @ gap, len(arm) - 1 - past)
        for variance, arm, part in zip(own, arms, parts_of_middle, strict=True)
    ]
    return Normal(
        fits[0].params[0],
        fits[1].params[0],
        own[0] + v[0][0],
        own[1] + v[1][1],
        v[0][1],
        satterthwaite(parts),
    )


def adjusted_phases(groups):
    """The same over phases: of all slopes of an arm, the one with the least variance."""
    n = sum(len(c) + len(t) for _, c, t in groups)
    arms = [[g[1] for g in groups], [g[2] for g in groups]]
    plain = means(*arms)
    if not varies(arms, 1) or one_decides(arms, 1):
        return plain
    middle = sum(rows[:, 1].sum() for arm in arms for rows in arm) / n
    columns, values = [[], []], []
    for i, arm in enumerate(arms):

        def variance(slope, arm=arm):
            return sum(
                g[0] ** 2 * (rows[:, 0] - slope * rows[:, 1]).var(ddof=1) / len(rows)
                for g, rows in zip(groups, arm, strict=True)
            )

        low, zero, high = (variance(slope) for slope in (-1, 0, 1))
        slope = (low - high) / (2 * (low + high - 2 * zero))  # the vertex of a parabola
        columns[i] = [rows[:, 0] - slope * (rows[:, 1] - middle) for rows in arm]
        values.append(sum(g[0] * x.mean() for g, x in zip(groups, columns[i], strict=True)))
    return combined(*values, [(g[0], c, t) for g, c, t in zip(groups, *columns, strict=True)])


def adjusted_ratios(control, treatment):
    """One theta for both arms on linearised values, the past with its own denominator.

    Every unit moves both estimates: its own arm's, and both through the past of all units.
    """
    plain = ratios(control, treatment)
    groups = strata(control, treatment)
    everyone = np.vstack([rows for _, *pair in groups for rows in pair])
    n = len(everyone)

    def linear(rows, means, columns):
        y, x = (means[column] for column in columns)
        return (rows[:, columns[0]] - y / x * rows[:, columns[1]]) / x

    means_of_arm = [sum(w * rows[arm].mean(axis=0) for w, *rows in groups) for arm in (0, 1)]
    if any(found[3] == 0 for found in means_of_arm) or everyone[:, 3].sum() == 0:
        return plain
    cells = [(k, w, arm, rows[arm]) for k, (w, *rows) in enumerate(groups) for arm in (0, 1)]
    top = bottom = post = 0.0
    for _, w, arm, rows in cells:
        after = linear(rows, means_of_arm[arm], (0, 1))
        before = linear(rows, means_of_arm[arm], (2, 3))
        top += w * np.cov(after, before)[0, 1]
        bottom += w * before.var(ddof=1)
        post += w * after.var(ddof=1)
    if bottom < 1e-18:
        return plain
    theta = top / bottom
    if post > 0 and theta**2 * bottom >= (1 - 1e-12) * post:
        return plain
    past = everyone.mean(axis=0)
    values = [m[0] / m[1] - theta * (m[2] / m[3] - past[2] / past[3]) for m in means_of_arm]
    v, parts, linear_values = np.zeros((2, 2)), [], np.zeros((len(groups), 2))
    for k, w, arm, rows in cells:
        shared = theta * linear(rows, past, (2, 3))
        own = linear(rows, means_of_arm[arm], (0, 1))
        own = own - theta * linear(rows, means_of_arm[arm], (2, 3))
        moved = np.vstack([shared / n, shared / n])
        moved[arm] += w * own / len(rows)
        v += np.cov(moved) * len(rows)
        parts.append(((moved[1] - moved[0]).var(ddof=1) * len(rows), len(rows) - 1))
        linear_values[k] += shared.sum() / (w * n)
        linear_values[k, arm] += own.mean()
    shares = np.array([g[0] for g in groups])
    gaps = linear_values - shares @ linear_values
    v += (gaps.T * shares) @ gaps / n
    return Normal(*values, v[0, 0], v[1, 1], v[0, 1], satterthwaite(parts))


def hc2(control, treatment):
    """Difference and standard error of Lin's regression with an interaction, HC2."""
    import statsmodels.api as sm

    y, x = (np.r_[control[:, i], treatment[:, i]] for i in (0, 1))
    arm = np.r_[np.zeros(len(control)), np.ones(len(treatment))]
    x = x - x.mean()
    fit = sm.OLS(y, np.c_[np.ones_like(y), arm, x, arm * x]).fit(cov_type="HC2")
    return fit.params[1], fit.bse[1]
