"""Settings every test shares."""

from __future__ import annotations

from hypothesis import settings

# No deadline: a busy machine must not fail a test. Derandomised: a red run shows the same example to everyone.
settings.register_profile("coderank", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("coderank")

collect_ignore = ["golden/corpus"]
"""Ranked, not run."""
