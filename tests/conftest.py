"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# how long an example takes is the machine's business: no test fails by the clock
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
