"""How the person at a session's terminal is asked for a yes. One key may be asked for by several."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Asking = Callable[[Callable[[], object]], AbstractContextManager[object]]
"""Lets the person say yes meanwhile: then what is given is called, on the event loop."""

asking_nobody: Asking = nullcontext
"""Where there is no terminal."""
