"""Deadlines of a running kernel."""

from __future__ import annotations

import threading

from abtest.run.clock import clock
from abtest.run.kernel import Kernel


class Watchdog:
    """Ends a kernel at its deadline: interrupt, a grace period, then kill.

    One thread; `fired` says afterwards which deadline it was: ``cell``, ``notebook``,
    ``run`` or ``interrupted``; None while there is time.
    """

    def __init__(self, kernel: Kernel, grace: float) -> None:
        self._kernel = kernel
        self._grace = grace
        self._limits: dict[str, float] = {}
        self._changed = threading.Condition()
        self._over = False
        self.fired: str | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def limit(self, name: str, moment: float | None) -> None:
        """Set the deadline called `name` to `moment` on the clock of `clock()`; None lifts it."""
        with self._changed:
            if moment is None:
                self._limits.pop(name, None)
            else:
                self._limits[name] = moment
            self._changed.notify()

    def stop(self, grace: float) -> None:
        """End the kernel now, because the user interrupted the run."""
        self._grace = grace
        self.limit("interrupted", 0.0)

    def done(self) -> None:
        """Nothing more to watch."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._over:
                name, moment = min(
                    self._limits.items(), key=lambda item: item[1], default=(None, None)
                )
                if moment is None or moment > clock():
                    self._changed.wait(None if moment is None else moment - clock())
                    continue
                self.fired = name
                self._kernel.interrupt()
                if not self._changed.wait_for(lambda: self._over, self._grace):
                    self._kernel.kill()
                return
