"""Many answers about power in one: a curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from abtest.stats.answer import Answer
from abtest.stats.moments import Floats
from abtest.stats.results import Alternative, Measure
from abtest.stats.sizing.answers import PowerResult, PowerWarning, Solved
from abtest.stats.sizing.formulas import FORMULAS, Formula, TestKind
from abtest.stats.sizing.numbers import Truths, Words
from abtest.stats.sizing.refusals import refused

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.show.fragment import Fragment


@dataclass(frozen=True, eq=False)
class PowerCurve(Answer):
    """Many answers in one: ``curve[i]`` is one of them.

    Arrays have shape (r,); numbers of a row whose `status` is not ``ok`` are NaN.

    Attributes
    ----------
    solved
        ``power``, ``sample_size`` or ``effect``.
    status
        ``ok``, or why the row has no answer.
    varied
        Names and values of what differs between rows: effect, units, or numbers of the design.
    power, target_power, effect, absolute_effect, relative_effect, units, units_exact, level, df
        As in `PowerResult`; `df` is infinite for normal formulas.
    baseline
        The metric in control; NaN where it is not known.
    units_by_arm
        Shape (r, arms).
    few_events, small_arms, smallest_possible, tied_quantile
        Where there are these warnings of `PowerResult`.
    details
        As in `PowerResult`, by name arrays of shape (r,).
    unit_size
        Units per cluster; None where units are not clustered.
    relative, sides, formula, measure, test, alternative, direction, margin
        The same for all rows.
    """

    solved: Solved
    status: Words
    varied: dict[str, Floats]
    power: Floats
    target_power: Floats
    effect: Floats
    absolute_effect: Floats
    relative_effect: Floats
    units: Floats
    units_by_arm: Floats
    units_exact: Floats
    level: Floats
    df: Floats
    baseline: Floats
    few_events: Truths
    small_arms: Truths
    smallest_possible: Truths
    tied_quantile: Truths
    details: dict[str, Floats]
    unit_size: float | None
    relative: bool
    sides: int
    formula: Formula
    measure: Measure
    test: TestKind
    alternative: Alternative
    direction: str
    margin: float | tuple[float, float] | None

    def __len__(self) -> int:
        """Return the number of answers."""
        return int(self.status.shape[0])

    def __getitem__(self, row: int) -> PowerResult:
        """Return one answer.

        Raises
        ------
        UsageError
            If its status is not ``ok``; the code is the status.
        """
        status = str(self.status[row])
        if status != "ok":
            raise refused(status, self._given(row))
        whole = self.solved == "sample_size"
        arms = tuple(_plain(value, whole=whole) for value in self.units_by_arm[row])
        size = self.unit_size
        return PowerResult(
            solved=self.solved,
            power=float(self.power[row]),
            target_power=float(self.target_power[row]),
            effect=float(self.effect[row]),
            relative=self.relative,
            absolute_effect=float(self.absolute_effect[row]),
            relative_effect=_number(self.relative_effect[row]),
            units=_plain(self.units[row], whole=whole),
            units_by_arm=arms,
            clusters_by_arm=None
            if size is None
            else tuple(
                _plain(value / size, whole=whole, down=True) for value in self.units_by_arm[row]
            ),
            units_exact=float(self.units_exact[row]),
            level=float(self.level[row]),
            sides=self.sides,
            df=_number(self.df[row]),
            formula=self.formula,
            measure=self.measure,
            test=self.test,
            alternative=self.alternative,
            direction=self.direction,
            margin=self.margin,
            baseline=_number(self.baseline[row]),
            warnings=self.warnings(row),
            details={name: float(values[row]) for name, values in self.details.items()},
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row per answer; codes of warnings are joined by a comma."""
        import pandas as pd

        names = [
            "status",
            "effect",
            "absolute_effect",
            "relative_effect",
            "units",
            "power",
            "target_power",
            "level",
            "units_exact",
        ]
        columns: dict[str, Any] = dict(self.varied)
        columns |= {name: getattr(self, name) for name in names if name not in columns}
        for arm in range(self.units_by_arm.shape[1]):
            name = "units_control" if arm == 0 else f"units_treatment_{arm}"
            columns[name] = self.units_by_arm[:, arm]
        columns |= self.details
        columns["warnings"] = [", ".join(self.warnings(row)) for row in range(len(self))]
        return pd.DataFrame(columns)

    def plot(self) -> Chart:
        """Return the curve as a figure: what was asked for over what varies."""
        from abtest.stats.sizing.plot import curve_figure

        return curve_figure(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as strict JSON: arrays as lists, null for NaN and infinite numbers."""
        return {**super().to_dict(), "formula_text": FORMULAS[self.formula]}

    def __str__(self) -> str:
        """Return what it holds, as a sentence, with its warnings in words."""
        from abtest.stats.sizing.curve_display import sentence

        return sentence(self)

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        from abtest.stats.sizing.curve_display import fragment

        return fragment(self)

    def warnings(self, row: int) -> tuple[PowerWarning, ...]:
        """Return the codes of the warnings of a row."""
        return tuple(code for code in get_args(PowerWarning) if getattr(self, code)[row])

    def _given(self, row: int) -> str:
        asked = {"power": "units and effect", "sample_size": "effect", "effect": "units"}
        parts = [f"{name} {values[row]:g}" for name, values in self.varied.items()]
        for name in ("effect", "units"):
            value = float(getattr(self, name)[row])
            if name in asked[self.solved] and name not in self.varied and not math.isnan(value):
                parts.append(f"{name} {value:g}")
        if not math.isnan(self.baseline[row]) and "baseline" not in self.varied:
            parts.append(f"baseline {self.baseline[row]:g}")
        if self.margin is not None:
            parts.append(f"margin {self.margin}")
        return ", ".join(parts)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _plain(value: float, *, whole: bool, down: bool = False) -> float:
    """Return a number of units, as an int where it is whole.

    With `down` it is a number of clusters whose units were rounded up.
    """
    number = float(value)
    if whole:
        return math.floor(number + 1e-9) if down else round(number)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
