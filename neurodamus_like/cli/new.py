"""Create a folder from which a network can be simulated: configuration, component folders, run script.

Usage:
  neurodamus-like new DIR [options]
  neurodamus-like new (-h | --help)

Options:
  -n --network-dir=DIR     Folder of the network files; "network", "circuit", ... inside DIR if not given.
                           With a circuit_config.json in it, the OBI dialect is written; else the Allen dialect.
  -c --components-dir=DIR  Folder of cell and synapse models; "components" inside DIR if not given.
  -o --output-dir=DIR      Folder of the results; "output" inside DIR if not given.
  --tstop=MS               Duration [default: 1000].
  --dt=MS                  Time step [default: 0.1].
  --dL=UM                  Length of compartments [default: 20].
  --v-init=MV              Voltage at the beginning [default: -80].
  --celsius=C              Temperature [default: 34].
  --iclamp=AMP,DELAY,DUR   Current clamp into the somata: nA, ms, ms.
  --iclamp-nodes=SET       Node set that gets it [default: all].
  --report-vars=LIST       Variables to record in the somata, such as v,cai or v1:v.
  --report-nodes=SET       Node set, or ids such as 0,1,5, of the cells recorded; all if not given.
  --spikes-inputs=LIST     Spike files of virtual populations: lgn:inputs/lgn.h5,tw:inputs/tw.h5
  --network-filter=LIST    Only network files whose names contain one of these.
  --config-file=NAME       Name of the configuration [default: config.json].
  --split-configs          Circuit and simulation in files of their own, as in the SONATA format.
  --run-script=NAME        Name of the run script [default: run.py].
  --overwrite              Replace files that are there.
  -h --help                Show this text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from neurodamus_like.builder.environment import create_environment, find_obstacles
from neurodamus_like.builder.environment_options import CurrentClamp, EnvironmentOptions
from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.exceptions import ConfigurationError, raise_errors
from neurodamus_like.parallel.mpi import world

_NUMBERS = {
    "tstop_ms": "--tstop",
    "dt_ms": "--dt",
    "dl_um": "--dL",
    "v_init_mV": "--v-init",
    "celsius": "--celsius",
}
T = TypeVar("T")


def run(argv: list[str]) -> int:
    """Run the command with the arguments after its name; return the exit code."""
    options = parse_arguments(__doc__ or "", ["new", *argv])
    if world().rank > 0:
        return 0
    chosen, errors = read_options(options)
    names = ("DIR", "--network-dir", "--components-dir", "--output-dir")
    base, network, components, output = (options[name] for name in names)
    raise_errors([*errors, *find_obstacles(base, network, components, output, chosen)])
    written = create_environment(base, network, components, output, chosen)
    for path in written:
        print(path)
    print(f"run it: neurodamus-like run {written[0]}")
    return 0


def read_options(options: dict[str, Any]) -> tuple[EnvironmentOptions, list[ConfigurationError]]:
    """Return the options of a parsed command line, and an error for each that is not valid."""
    errors: list[ConfigurationError] = []

    def valid(read: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return read(*arguments)
        except ConfigurationError as error:
            errors.append(error)
            return None

    nodes = options["--report-nodes"]
    if nodes and all(part.strip().isdecimal() for part in nodes.split(",")):
        nodes = [int(part) for part in nodes.split(",")]
    numbers = {field: valid(_number, options, name) for field, name in _NUMBERS.items()}
    spikes = [valid(_spikes, word) for word in _words(options["--spikes-inputs"])]
    chosen = EnvironmentOptions(
        **{field: number for field, number in numbers.items() if number is not None},
        report_vars=_words(options["--report-vars"]),
        report_nodes=nodes,
        current_clamp=valid(_clamp, options["--iclamp"], options["--iclamp-nodes"]),
        spikes_inputs=[pair for pair in spikes if pair is not None],
        network_filter=_words(options["--network-filter"]),
        config_file=options["--config-file"],
        split_configs=options["--split-configs"],
        run_script=options["--run-script"],
        overwrite=options["--overwrite"],
    )
    return chosen, errors


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _number(options: dict[str, Any], name: str) -> float:
    try:
        return float(options[name])
    except ValueError:
        raise ConfigurationError(f"{name}={options[name]} is not valid", expected="a number") from None


def _clamp(text: str | None, node_set: str) -> CurrentClamp | None:
    if text is None:
        return None
    try:
        amp, delay, duration = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigurationError(
            f"--iclamp={text} is not valid",
            expected="three numbers: nA,ms,ms",
            hint="for example --iclamp=0.12,100,500",
        ) from None
    return CurrentClamp(amp, delay, duration, node_set)


def _spikes(word: str) -> tuple[str, str]:
    population, colon, file = word.partition(":")
    if not colon or not population or not file:
        raise ConfigurationError(
            f"--spikes-inputs: {word!r} is not valid", expected="population:file, several separated by commas"
        )
    return population, file
