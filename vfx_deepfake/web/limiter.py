"""Guessing passwords gets slow: attempts are counted by account and by address, and each failure makes the next wait longer.

In memory: a restart forgets, and the server is one process.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FREE = 4  # failures that cost nothing: people mistype
FIRST_WAIT_S = 2.0  # doubles with each failure after that
# an account waits less than an address: whoever knows a name could otherwise keep its owner out
LONGEST_ACCOUNT_S, LONGEST_ADDRESS_S = 60.0, 900.0
FORGET_AFTER_S = 3600.0
MOST_KEPT = 10_000  # of each kind; the ones longest unseen go first
AT_ONCE = 2  # hashes computed at a time: each takes 64 MiB


class Limiter:
    """Counts of failures, and until when each account and address has to wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._hashing = threading.Semaphore(AT_ONCE)
        self._known: dict[str, OrderedDict[str, tuple[int, float]]] = {
            "account": OrderedDict(),
            "address": OrderedDict(),
        }

    def attempt(self, account: str, address: str) -> int:
        """Count an attempt as failed until :meth:`succeeded` says otherwise, so that many at once are many.

        Returns: seconds to wait, 0 for none; an attempt that has to wait is not counted.
        """
        keys = (("account", account, LONGEST_ACCOUNT_S), ("address", _network(address), LONGEST_ADDRESS_S))
        with self._lock:
            now = self._clock()
            wait = max(self._known[kind].get(key, (0, now))[1] - now for kind, key, _ in keys)
            if wait > 0:
                return math.ceil(wait)
            for kind, key, longest in keys:
                self._count(kind, key, longest, now)
        return 0

    def succeeded(self, account: str, address: str) -> None:
        """Forget the account's failures; the address keeps those of other accounts, less this one."""
        with self._lock:
            self._known["account"].pop(account, None)
            failures, _ = self._known["address"].get(_network(address), (1, 0.0))
            self._known["address"][_network(address)] = (failures - 1, self._clock())

    @contextmanager
    def hashing(self) -> Iterator[None]:
        """A place among the few that compute hashes at the same time."""
        with self._hashing:
            yield

    def _count(self, kind: str, key: str, longest: float, now: float) -> None:
        known = self._known[kind]
        failures, until = known.pop(key, (0, now))
        failures = 1 if now - until > FORGET_AFTER_S else failures + 1
        wait = min(longest, FIRST_WAIT_S * 2 ** min(failures - FREE - 1, 30)) if failures > FREE else 0.0
        known[key] = (failures, now + wait)
        if len(known) > MOST_KEPT:
            known.popitem(last=False)


def _network(address: str) -> str:
    """An IPv6 visitor has a whole /64 to come from."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
