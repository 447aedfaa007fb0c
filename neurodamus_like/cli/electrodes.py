"""Write an electrodes file: what the currents of each compartment add to the potential at each contact.

Usage:
  neurodamus-like electrodes CONFIG --probe=CSV [options]
  neurodamus-like electrodes (-h | --help)

CONFIG is a simulation_config.json; its cells are built, but not simulated. The file is what reports of type lfp
want as electrodes_file. Several ranks may be used: `mpiexec -n N neurodamus-like electrodes ...`.

Options:
  --probe=CSV           Table of contact positions in µm, with a header: x, y, z and, if wanted, name.
  -o FILE --output=FILE  The electrodes file [default: electrodes.h5].
  --method=METHOD       line: currents leave evenly along compartments; point: at their middle [default: line].
  --conductivity=S/M    Of the extracellular medium [default: 0.3].
  --mechanisms=DIR      Compile the MOD files of DIR instead of the circuit's mechanisms_dir.
  --nrnmech=PATH        Use this compiled mechanism library (libnrnmech.so) and compile nothing.
  -h --help             Show this text.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.io.electrodes import read_probe, write_electrodes
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import check_launch, world
from neurodamus_like.reports.electrode_factors import FACTOR_METHODS
from neurodamus_like.simulation.options import RunOptions


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``electrodes``; return the exit code."""
    check_launch()
    comm = world()
    with collectively(comm):
        arguments = parse_arguments(__doc__ or "", ["electrodes", *argv])
        probe = read_probe(Path(arguments["--probe"]))
        method, conductivity = _method(arguments["--method"]), _conductivity(arguments["--conductivity"])
        options = RunOptions(
            quiet=True,
            progress=False,
            disable_reports=True,
            mechanisms_dir=arguments["--mechanisms"],
            nrnmech=arguments["--nrnmech"],
        )
    # NEURON is loaded from here on, so that a wrong command line is answered at once
    node = import_module("neurodamus_like.simulation.node").Node(arguments["CONFIG"], options)
    writer = import_module("neurodamus_like.simulation.electrodes")
    populations = writer.compute_electrode_factors(node, probe, method, conductivity)
    node.cleanup()
    with collectively(comm):
        if comm.rank == 0:
            output = Path(arguments["--output"])
            write_electrodes(output, probe, populations)
            print(f"{output}: {_describe(populations)}, {len(probe)} contacts")
    return 0


def _method(name: str) -> Any:
    if name not in FACTOR_METHODS:
        raise ConfigurationError(
            f"--method={name} is not valid",
            expected="one of " + ", ".join(FACTOR_METHODS),
            hint=did_you_mean(name, FACTOR_METHODS) or None,
        )
    return FACTOR_METHODS[name]


def _conductivity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise ConfigurationError(f"--conductivity={text} is not valid", expected="S/m, greater than 0")
    return value


def _describe(populations: Any) -> str:
    return ", ".join(f"{len(t.node_ids)} cells of {name}" for name, t in populations.items())
