"""The run loop: lengths of blocks."""

from __future__ import annotations

import json

from tests.helpers import run_python

BLOCKS = """
import json, logging, sys
from neurodamus_like.engine import nrn
from neurodamus_like.simulation import run_loop
from neurodamus_like.simulation.run_loop import BlockLengths, advance_in_blocks

logging.basicConfig()
seconds_per_ms = json.loads(sys.argv[1])
clock, ends = [0.0], []
run_loop.time.perf_counter = lambda: clock[0]

def advance(until_ms):
    clock[0] += seconds_per_ms * (until_ms - (ends[-1] if ends else 0.0))
    ends.append(until_ms)

advance_in_blocks(
    100.0, blocks=BlockLengths(8.0, 2.0, 32.0, 10.0), advance=advance, **json.loads(sys.argv[2])
)
print(json.dumps(ends))
"""


def _ends(seconds_per_ms: float, **options: object) -> tuple[list[float], str]:
    done = run_python(["-c", BLOCKS, json.dumps(seconds_per_ms), json.dumps(options)], 120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_blocks_grow_while_they_are_short_and_shrink_when_a_signal_would_wait_too_long() -> None:
    assert _ends(0.01)[0] == [8.0, 24.0, 56.0, 88.0, 100.0]
    assert _ends(0.9)[0][:4] == [8.0, 16.0, 24.0, 32.0]
    assert _ends(2.0)[0][:5] == [8.0, 12.0, 16.0, 20.0, 24.0]


def test_blocks_that_cannot_be_shorter_warn_once() -> None:
    ends, log = _ends(20.0)
    assert ends[:5] == [8.0, 12.0, 14.0, 16.0, 18.0]
    assert log.count("a signal is acted on that late") == 1


def test_blocks_end_where_they_must() -> None:
    assert _ends(0.01, stops=[5.0, 30.0])[0] == [5.0, 8.0, 24.0, 30.0, 56.0, 88.0, 100.0]
    assert _ends(0.01, buffer_ms=25.0)[0] == [8.0, 24.0, 49.0, 74.0, 99.0, 100.0]
