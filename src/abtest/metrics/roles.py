"""Roles of events: what the catalogue calls them, whatever a project's log does."""

from __future__ import annotations

from abtest.data.settings import Names, Table
from abtest.metrics.activity import EventNames

MARK = "@"
"""A metric's event that begins with this is a role."""
NOT_ACTIVITY = ("push_sent", "email_sent", "sms_sent", "notification_sent")
"""What is done to a unit and not by it: never activity, unless `passive` says otherwise."""


class EventRoles(Table):
    """Names that this project's log has for the roles of events that the catalogue speaks of."""

    active: EventNames | None = None
    """Using the product, not merely being logged in: what makes a day an active one."""
    passive: Names = NOT_ACTIVITY
    """What is done to units and not by them, such as messages sent: never counted as any event."""
    key_action: EventNames | None = None
    """The action that the product is for: the aha moment."""
    goal: EventNames | None = None
    """What the experiment wants units to do: conversion."""
    view: EventNames | None = None
    """A page or screen that was seen."""
    action: EventNames | None = None
    """What units do in a session beside looking: posts, searches, edits."""
    interaction: EventNames | None = None
    """Likes, comments, shares and other reactions."""
    feature: EventNames | None = None
    """Use of the feature under test, or of several features."""
    form_start: EventNames | None = None
    """A form was begun."""
    form_complete: EventNames | None = None
    """A form was sent."""
    signup: EventNames | None = None
    """An account was made."""
    onboarding_complete: EventNames | None = None
    """The last step of onboarding."""
    value_perceived: EventNames | None = None
    """The moment of value perception (MVP): before sign-up, on the site."""
    value_realised: EventNames | None = None
    """The moment of value realisation (MVR): first use with the expected result."""
    cart: EventNames | None = None
    """Something was put into a cart."""
    purchase: EventNames | None = None
    """A purchase; its value is the amount."""
    refund: EventNames | None = None
    """A refund; its value is the amount, positive or negative as the log has it."""
    trial: EventNames | None = None
    """A trial was started."""
    paid: EventNames | None = None
    """A first payment after a trial, or a subscription."""
    renewal: EventNames | None = None
    """A payment after the first invoice."""
    cancel: EventNames | None = None
    """A subscription was cancelled."""
    downgrade: EventNames | None = None
    """A cheaper plan was taken."""
    pause: EventNames | None = None
    """A subscription was paused."""
    uninstall: EventNames | None = None
    """The app was removed."""
    unsubscribe: EventNames | None = None
    """Messages were unsubscribed from."""
    mute: EventNames | None = None
    """Notifications were switched off."""
    complaint: EventNames | None = None
    """A complaint."""
    support_ticket: EventNames | None = None
    """Support was asked."""
    crash: EventNames | None = None
    """The product failed."""
    latency: EventNames | None = None
    """A load; its value is how long it took."""
    ad: EventNames | None = None
    """An advertisement was shown."""
    nps: EventNames | None = None
    """An answer from 0 to 10 to how likely one is to recommend the product; the value."""
    csat: EventNames | None = None
    """An answer on satisfaction; the value."""
    effort: EventNames | None = None
    """An answer on how easy something was; the value."""
    disappointment: EventNames | None = None
    """An answer on how disappointed one would be without it: 1 not, 2 somewhat, 3 very; the
    value."""


def role_of(event: str) -> str | None:
    """Return the role that an event's name in a metric stands for, or None.

    Examples
    --------
    >>> role_of("@active"), role_of("open")
    ('active', None)
    """
    return event[len(MARK) :] if event.startswith(MARK) else None
