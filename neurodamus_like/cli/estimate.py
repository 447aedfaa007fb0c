"""Tell what a simulation needs before it is built: cells, synapses, reports, memory per rank.

Usage:
  neurodamus-like estimate CONFIG [options]
  neurodamus-like estimate (-h | --help)

CONFIG is a simulation_config.json. A few cells of each kind and some thousand synapses of each type are made in a
helper process and measured, once; the rest is counted from the files. `run --dry-run` says the same and allocates
cells to ranks.

Options:
  --ranks=LIST          Numbers of ranks to tell the memory of, such as 2,4,8. If not given: up to what is needed.
  --cycles=N            Building cycles (run --modelbuilding-steps) [default: 1].
  --node-memory=GB      Memory of a node that is to simulate it, 10^9 bytes. If not given: of this machine.
  --ranks-per-node=N    Ranks on each of these nodes. If not given: the cores of this machine.
  --simulator=NAME      NEURON or CORENEURON instead of the configuration's target_simulator.
  --disable-reports     Do not count reports.
  --mechanisms=DIR      The MOD files are in DIR instead of the circuit's mechanisms_dir.
  --nrnmech=PATH        This compiled library (libnrnmech.so) is used.
  --json                Print JSON.
  -h --help             Show this text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.cli.run import existing_config
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import check_launch, world
from neurodamus_like.simulation.estimate_report import MachineSize, format_estimate
from neurodamus_like.simulation.node import Node
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.simulation.planning import estimate_simulation, this_machine


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``estimate``; return the exit code."""
    check_launch()
    with collectively(world()):
        arguments = parse_arguments(__doc__ or "", ["estimate", *argv])
        config = existing_config(Path(arguments["CONFIG"]))
        ranks, cycles = _ranks(arguments["--ranks"]), int(_number(arguments, "--cycles"))
        options = RunOptions(
            quiet=True,
            progress=False,
            disable_reports=arguments["--disable-reports"],
            mechanisms_dir=arguments["--mechanisms"],
            nrnmech=arguments["--nrnmech"],
            simulator=arguments["--simulator"],
        )
        machine = _machine(arguments)
    estimate = estimate_simulation(Node(config, options), machine, ranks=ranks, cycles=cycles)
    if world().rank == 0:
        print(json.dumps(estimate.as_dict(), indent=1) if arguments["--json"] else format_estimate(estimate))
    return 0


def _machine(arguments: Mapping[str, Any]) -> MachineSize:
    this, memory, per_node = this_machine(), arguments["--node-memory"], arguments["--ranks-per-node"]
    return MachineSize(
        this.node_bytes if memory is None else _number(arguments, "--node-memory") * 1e9,
        this.ranks_per_node if per_node is None else int(_number(arguments, "--ranks-per-node")),
    )


def _ranks(text: str | None) -> list[int]:
    words = [] if text is None else text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise ConfigurationError(f"--ranks={text} is not valid", expected="numbers from 1, such as 2,4,8")
    return sorted({int(word) for word in words})


def _number(arguments: Mapping[str, Any], option: str) -> float:
    try:
        value = float(arguments[option])
    except ValueError:
        value = 0.0
    whole = option == "--node-memory" or value.is_integer()
    if not (0 < value < float("inf") and whole):
        raise ConfigurationError(
            f"{option}={arguments[option]} is not valid",
            expected="a number greater than 0" if option == "--node-memory" else "a whole number from 1",
        )
    return value
