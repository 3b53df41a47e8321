"""A score of answers: net promoter score, share of the top answers, mean answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from abtest.data.request import ColumnValue, MetricRequest, UnitRequest
from abtest.data.settings import Name
from abtest.metrics.counting import CountingMetric
from abtest.metrics.definition import DataKind
from abtest.metrics.misfit import Misfit
from abtest.metrics.plain import PlainMetric
from abtest.metrics.wording import event_name

if TYPE_CHECKING:
    from abtest.show.drawing import Chart
    from abtest.stats.results import PairEstimate
    from abtest.stats.value_counts import ValueCounts

Scale = Annotated[tuple[int, int], Field(strict=False)]
NPS_SCALE = (0, 10)
OTHER_SCALE = (1, 5)
NPS_GROUPS = {"detractors": (0.0, 6.0), "passives": (7.0, 8.0), "promoters": (9.0, 10.0)}


class ScoreMetric(CountingMetric, PlainMetric):
    """Score of the units that answered, by the last answer of each; the others are counted."""

    missing_expected: ClassVar[bool] = True

    kind: Literal["score"]
    """Kind of metric."""
    score: Literal["nps", "top_box", "mean"] = "nps"
    """nps: per cent of answers 9 and 10 less per cent of 0 to 6. top_box: share of the highest
    answers (CSAT). mean: mean answer, each step of the scale worth the same (CES)."""
    scale: Scale | None = None
    """Lowest and highest answer, of top_box and mean; left out: [1, 5]."""
    top: Annotated[int, Field(ge=1)] | None = None
    """How many of the highest answers count, of top_box; left out: 2."""
    value: Name | None = None
    """Column of the unit's answer, null without one (units data)."""

    @property
    def conditional(self) -> bool:
        """Whether it is about what the treatment may choose: who answers (events data)."""
        return super().conditional or self.event is not None

    @property
    def answers(self) -> tuple[int, int]:
        """Lowest and highest answer."""
        return NPS_SCALE if self.score == "nps" else self.scale or OTHER_SCALE

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs."""
        return {"events": (("event",),), "units": (("value",),)}

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit: the scale must be one, and belong to the score."""
        found = list(super().misfits(data))
        low, high = self.answers
        if self.score == "nps" and self.scale not in (None, NPS_SCALE):
            what = "the answers of a net promoter score are 0 to 10"
            found.append(Misfit("scale", what, "leave the scale out, or choose another score"))
        elif low >= high:
            found.append(Misfit("scale", "a scale rises", "write scale = [1, 5]"))
        if self.top is not None and self.score != "top_box":
            todo = 'leave it out, or write score = "top_box"'
            found.append(Misfit("top", f"top belongs to top_box, not to {self.score}", todo))
        elif self.score == "top_box" and (self.top or 2) > high - low:
            what = "the top answers cannot be all answers of the scale"
            found.append(Misfit("top", what, "count fewer answers as the top"))
        return tuple(found)

    def sample_request(self, data: DataKind) -> MetricRequest:
        """Return the distinct answers with their units."""
        if data == "units":
            assert self.value is not None
            return UnitRequest(self.id, (ColumnValue(self.value),), statistic="value_counts")
        assert self.event is not None
        assert self.window_days is not None
        return UnitRequest(
            self.id,
            (self.counted("last_value"),),
            matures_after=self.window_days[1],
            statistic="value_counts",
        )

    def compared(
        self, control: Sequence[ValueCounts], treatment: Sequence[ValueCounts]
    ) -> PairEstimate:
        """Return both scores."""
        from abtest.stats import estimate_scores

        kind = "ordinal" if self.score == "mean" else self.score
        return estimate_scores(control, treatment, kind=kind, scale=self.answers, top=self.top or 2)

    def pictures(
        self, arms: Mapping[str, ValueCounts], control: str, confidence_level: float
    ) -> tuple[Chart, ...]:
        """Return the answers of each arm."""
        from abtest.metrics.picture_scores import AnswerScore
        from abtest.metrics.pictures import score_pictures

        low, high = self.answers
        top = f"{high - (self.top or 2) + 1} to {high}" if (self.top or 2) > 1 else f"{high}"
        is_share = self.score == "top_box"
        what = f"Answers {top}" if is_share else f"Mean answer from {low} to {high}"
        score = AnswerScore(what, lambda a, b: self.compared((a,), (b,)), is_share)
        return score_pictures(
            arms,
            control,
            label=self.label,
            groups=NPS_GROUPS if self.score == "nps" else None,
            confidence_level=confidence_level,
            score=None if self.score == "nps" else score,
        )

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        low, high = self.answers
        what = {
            "nps": "Net promoter score (per cent of answers 9 and 10 less per cent of 0 to 6)",
            "top_box": f"Share of {_answers(high - (self.top or 2) + 1, high)} "
            f"on a scale from {low} to {high}",
            "mean": f"Mean answer on a scale from {low} to {high}",
        }[self.score]
        source = (
            self.value
            if self.event is None
            else f"each unit's last {event_name(self.event, self.ignore)}"
        )
        return f"{what} in {source}; units without an answer are left out."


def _answers(low: int, high: int) -> str:
    return f"answer {high}" if low == high else f"answers {low} to {high}"
