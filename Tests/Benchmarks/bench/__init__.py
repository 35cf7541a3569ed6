"""Measures our worker and producer against Celery's on one private Redis."""
