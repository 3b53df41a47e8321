"""What metrics have in common that are compared as they are: no covariates, no strata."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from abtest.data.request import MetricRequest
from abtest.metrics.definition import DataKind, MetricDefinition

if TYPE_CHECKING:
    from abtest.stats.results import PairEstimate


class PlainMetric(MetricDefinition):
    """A kind whose estimate is not adjusted by what is known before exposure."""

    adjusts: ClassVar[bool] = False

    @abstractmethod
    def sample_request(self, data: DataKind) -> MetricRequest:
        """Return the per-unit values and the statistic this metric needs."""

    @abstractmethod
    def compared(self, control: Sequence[Any], treatment: Sequence[Any]) -> PairEstimate:
        """Return both arms estimated from their samples, one per phase of allocation."""

    def request(self, data: DataKind, *, cuped: bool, covariates: Sequence[str]) -> MetricRequest:
        """Return what the metric needs; covariates that hold for all metrics are not used."""
        del cuped, covariates
        return self.sample_request(data)

    def estimate(
        self, control: Sequence[Any], treatment: Sequence[Any], *, adjusted: bool
    ) -> PairEstimate:
        """Return both arms estimated from their samples, one per phase of allocation."""
        del adjusted  # the request has no covariates
        return self.compared(control, treatment)
