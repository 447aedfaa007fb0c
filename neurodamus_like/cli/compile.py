"""Build the mechanism library of a model: its MOD files and the package's own.

Usage:
  neurodamus-like compile [options] [WHERE...]
  neurodamus-like compile (-h | --help)

Arguments:
  WHERE  Folders with MOD files, or configurations (*.json) of circuits or simulations, which stand for
         their mechanisms_dir. They win over the package's mechanisms of the same name.

Options:
  --no-core        Leave out the package's own mechanisms.
  --coreneuron     Compile for CoreNEURON too, as for a simulation that says "target_simulator": "CORENEURON".
                   Its part is made with the vector instructions of this computer's processor.
  --flags=FLAGS    Further compiler flags, such as "-O3 -march=native".
  --cache-dir=DIR  Folder of caches ($NEURODAMUS_LIKE_CACHE or ~/.cache/neurodamus_like if not given).
  --output=FORMAT  How to print the result: text, json, or shell (variables for `eval`) [default: text].
  --force          Compile even if the library is in the cache.
  -h --help        Show this text.

The library is kept in a cache, under a name that depends on the sources, NEURON, the compiler and the flags;
`run` finds it there. Use it elsewhere with `--nrnmech PATH`.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurodamus_like.cli.commands import UsageError, parse_arguments
from neurodamus_like.config.allen_circuit import read_circuit
from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.dialect import is_allen, load_simulation
from neurodamus_like.config.obi_circuit import is_circuit_config, load_circuit
from neurodamus_like.engine.mech_build import MechanismLibrary, build_mechanisms
from neurodamus_like.exceptions import did_you_mean
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import world

FORMATS = ("text", "json", "shell")


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``compile``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["compile", *argv])
    comm = world()
    with collectively(comm):
        if comm.rank == 0:
            output = str(arguments["--output"])
            if output not in FORMATS:
                raise UsageError(
                    f"unknown output format {output!r}",
                    expected=", ".join(FORMATS),
                    hint=did_you_mean(output, FORMATS) or None,
                )
            print(format_library(_build(arguments), output))
    return 0


def format_library(library: MechanismLibrary, output: str) -> str:
    """Return the text to print for a library in one of :data:`FORMATS`."""
    if output == "json":
        return json.dumps(
            {
                "directory": str(library.directory),
                "nrnmech": str(library.nrnmech),
                "corenrnmech": None if library.corenrnmech is None else str(library.corenrnmech),
                "mechanisms": sorted(library.names),
                "built": library.built,
            },
            indent=2,
        )
    if output == "shell":
        lines = [f"export NRNMECH_LIB_PATH={shlex.quote(str(library.nrnmech))}"]
        if library.corenrnmech is not None:
            lines.append(f"export CORENEURONLIB={shlex.quote(str(library.corenrnmech))}")
        return "\n".join(lines)
    state = "compiled" if library.built else "from the cache"
    lines = [f"{len(library.names)} mechanisms, {state}", str(library.nrnmech)]
    return "\n".join([*lines, *([] if library.corenrnmech is None else [str(library.corenrnmech)])])


def _folders(words: Sequence[str]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in map(Path, words):
        if path.suffix != ".json" or path.is_dir():
            found[path] = None
            continue
        if is_allen(path):
            circuit = read_circuit(AllenDocument(path))
        else:
            circuit = load_circuit(path) if is_circuit_config(path) else load_simulation(path).circuit
        found.update(dict.fromkeys(circuit.mechanisms_dirs))
    return list(found)


def _is_for_coreneuron(word: str) -> bool:
    path = Path(word)
    if path.suffix != ".json" or path.is_dir() or is_allen(path) or is_circuit_config(path):
        return False
    return load_simulation(path).simulator == "CORENEURON"


def _build(arguments: dict[str, Any]) -> MechanismLibrary:
    cache = arguments["--cache-dir"]
    return build_mechanisms(
        _folders(arguments["WHERE"]),
        with_core=not arguments["--no-core"],
        coreneuron=arguments["--coreneuron"] or any(map(_is_for_coreneuron, arguments["WHERE"])),
        flags=arguments["--flags"] or "",
        cache_dir=None if cache is None else Path(cache),
        force=bool(arguments["--force"]),
        progress=lambda line: print(line, file=sys.stderr),
    )
