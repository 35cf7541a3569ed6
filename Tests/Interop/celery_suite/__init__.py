"""Celery's own integration suite, served by a worker that is not Celery's.

The suite is taken from the source distribution on PyPI when it runs; only the names and durations of its tests are kept here.
"""
