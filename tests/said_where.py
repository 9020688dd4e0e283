"""Waits until a service that was begun says where it is, and answers there."""

from __future__ import annotations

import re
import time
from urllib.request import urlopen

from warm import Child

__all__ = ["said_where"]


def said_where(service: Child) -> str:
    """The address of the service."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if found := re.search(r'"url": "([^"]+)"', service.said[0]):
            url: str = found[1]
            while time.monotonic() < until:
                try:
                    urlopen(f"{url}/health", timeout=5).close()
                except OSError:
                    time.sleep(0.1)
                else:
                    return url
        time.sleep(0.05)
    raise AssertionError(service.said)
