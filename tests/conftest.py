"""Hypothesis profiles: `ci` replays the same examples everywhere, `hunt` looks for new ones and keeps them.

pytest --hypothesis-profile=hunt
"""

from hypothesis import HealthCheck, settings

# No deadlines: the first call of a kernel compiles it.
settings.register_profile(
    "ci", derandomize=True, max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "hunt", max_examples=500, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")
