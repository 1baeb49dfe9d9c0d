"""Hypothesis without a deadline: a busy machine makes nothing wrong."""

from hypothesis import settings

settings.register_profile("muster", deadline=None)
settings.load_profile("muster")
