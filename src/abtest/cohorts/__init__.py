"""Cohort helpers: the questions behind engagement metrics, each with its table and picture.

Every helper takes an event log (an Ibis table, a DataFrame, a path), does its heavy work in the
engine, and returns a result with ``table``, ``plot()`` and, where arms are given, ``differences``.
"""

from __future__ import annotations

from abtest.cohorts.actions import Actions, actions
from abtest.cohorts.active_units import ActiveUnits, active_units
from abtest.cohorts.aha import Aha, aha
from abtest.cohorts.buying_model import BuyingModel, buying_model
from abtest.cohorts.churn import Churn, churn
from abtest.cohorts.daily_lifecycle import DailyLifecycle, daily_lifecycle
from abtest.cohorts.funnel import Funnel, funnel
from abtest.cohorts.inactivity_alarm import InactivityAlarm, inactivity_alarm
from abtest.cohorts.lifecycle import Lifecycle, lifecycle
from abtest.cohorts.lifetime_value import LifetimeValue, lifetime_value
from abtest.cohorts.log import EventLog, LogFacts, LogOptions, open_log
from abtest.cohorts.log_health import LogHealth, log_health
from abtest.cohorts.maturity import Maturity, maturity
from abtest.cohorts.paths import Paths, paths
from abtest.cohorts.reasons import Reasons, reasons
from abtest.cohorts.repeat_progression import RepeatProgression, repeat_progression
from abtest.cohorts.result import CohortResult
from abtest.cohorts.retention import Retention, retention
from abtest.cohorts.rfm import SEGMENTS, Rfm, rfm
from abtest.cohorts.sessions import Sessions, sessions
from abtest.cohorts.stickiness import Stickiness, stickiness
from abtest.cohorts.tiers import Tiers, tiers

__all__ = [
    "SEGMENTS",
    "Actions",
    "ActiveUnits",
    "Aha",
    "BuyingModel",
    "Churn",
    "CohortResult",
    "DailyLifecycle",
    "EventLog",
    "Funnel",
    "InactivityAlarm",
    "Lifecycle",
    "LifetimeValue",
    "LogFacts",
    "LogHealth",
    "LogOptions",
    "Maturity",
    "Paths",
    "Reasons",
    "RepeatProgression",
    "Retention",
    "Rfm",
    "Sessions",
    "Stickiness",
    "Tiers",
    "actions",
    "active_units",
    "aha",
    "buying_model",
    "churn",
    "daily_lifecycle",
    "funnel",
    "inactivity_alarm",
    "lifecycle",
    "lifetime_value",
    "log_health",
    "maturity",
    "open_log",
    "paths",
    "reasons",
    "repeat_progression",
    "retention",
    "rfm",
    "sessions",
    "stickiness",
    "tiers",
]
