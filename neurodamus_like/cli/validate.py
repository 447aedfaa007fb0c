"""Find everything that is wrong with a simulation or circuit configuration, without running it.

Usage:
  neurodamus-like validate CONFIG [--json] [--circuit] [--templates=DIR]...
  neurodamus-like validate (-h | --help)

Options:
  --circuit        CONFIG is a circuit configuration (found out by itself when it contains "networks").
  --json           Print the problems as JSON.
  --templates=DIR  Look for cell templates in this folder too.
  -h --help        Show this text.

The exit code is 1 when there are errors, 0 otherwise (warnings included).
"""

from __future__ import annotations

import json
from pathlib import Path

from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.config.dialect import load_simulation
from neurodamus_like.config.obi_circuit import is_circuit_config
from neurodamus_like.connectivity.spike_files import check_spike_inputs
from neurodamus_like.connectivity.synapse_registry import check_modoverrides
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.stimuli.checks import check_inputs, find_unknown_keys
from neurodamus_like.validation.circuit_checks import validate_circuit
from neurodamus_like.validation.config_checks import validate_simulation
from neurodamus_like.validation.core_mechanism_checks import check_core_mechanisms
from neurodamus_like.validation.problems import Problem, errors_of, format_problems, with_news


def run(argv: list[str]) -> int:
    """Run the command with the arguments after its name; return the exit code."""
    options = parse_arguments(__doc__ or "", ["validate", *argv])
    path = Path(options["CONFIG"])
    folders = [Path(folder) for folder in options["--templates"]]
    if options["--circuit"] or is_circuit_config(path):
        problems = validate_circuit(path, template_dirs=folders)
    else:
        problems = validate_simulation(path, template_dirs=folders, extra_modules=stimulus_types)
        if not errors_of(problems):
            simulation = load_simulation(path)
            errors = [
                *check_inputs(simulation.inputs, simulation),
                *check_spike_inputs(simulation.inputs, functions=False, populations=simulation.circuit.nodes),
                *check_modoverrides(simulation),
            ]
            problems += [Problem.from_error(error) for error in errors]
            problems = with_news(problems, find_unknown_keys(simulation.inputs, simulation))
            problems += check_core_mechanisms(simulation)
    print(_as_json(problems) if options["--json"] else format_problems(problems))
    return 1 if errors_of(problems) else 0


def _as_json(problems: list[Problem]) -> str:
    return json.dumps([p.as_dict() for p in problems], indent=2)
