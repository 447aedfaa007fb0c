"""What CoreNEURON's translator NMODL writes, made fit for the compiler and for NEURON's layout of memory.

Two things go wrong in a mechanism whose initial state comes from a LINEAR block, as in the sodium channel NaV of the
Allen Institute:

- NMODL writes its solver, namespace ``nmodl::crout``, into the same file twice where linear and nonlinear systems of
  more than three equations are solved. The second copy is taken out if it equals the first.
- NEURON's own translator keeps no column for the voltage in mechanisms that it calls not thread safe, NMODL always
  does; CoreNEURON then ends the process. The column, only used to debug, is taken out where NEURON has none.

This file is run by the stand-in for the translator (:func:`write_translator`) in an interpreter that does not see the
package, so that it imports nothing of it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

_SOLVER = re.compile(
    r"^namespace nmodl \{\nnamespace crout \{\n.*?^\}  // namespace crout\n\}  // namespace nmodl\n",
    re.DOTALL | re.MULTILINE,
)
_SIZE = re.compile(r"(int float_variables_size\(\) \{\s*return )(\d+);")
_COLUMN = re.compile(r"^(\s*inst->(\w+) = ml->data\+)(\d+)(\*pnodecount;)$", re.MULTILINE)
_SIZE_IN_NEURON = re.compile(r"hoc_register_prop_size\(_mechtype, (\d+),")


def without_second_solver(code: str) -> str:
    """Return the text of a C++ file with one copy of the solver of linear systems instead of several equal ones."""
    found = list(_SOLVER.finditer(code))
    for again in reversed(found[1:]):
        if again[0] == found[0][0]:
            code = code[: again.start()] + code[again.end() :]
    return code


def without_voltage_column(code: str, columns: int) -> str:
    """Return the text of a C++ file without the column ``v_unused`` if that makes `columns` columns; else as it is.

    Parameters
    ----------
    code
        What NMODL wrote.
    columns
        Number of columns in NEURON.
    """
    size = _SIZE.search(code)
    place = next((int(m[3]) for m in _COLUMN.finditer(code) if m[2] == "v_unused"), None)
    if size is None or place is None or int(size[2]) != columns + 1:
        return code

    def moved(match: re.Match[str]) -> str:
        if match[2] == "v_unused":
            return ""
        return f"{match[1]}{int(match[3]) - (int(match[3]) > place)}{match[4]}"

    return _SIZE.sub(rf"\g<1>{columns};", _COLUMN.sub(moved, code), count=1)


def write_translator(folder: Path) -> Path:
    """Write a program that translates as NMODL does and mends the result; it needs $CORENRNHOME, where NEURON lies.

    Parameters
    ----------
    folder
        Where to write it.
    """
    program = folder / "nmodl"
    mend = " ".join(shlex.quote(word) for word in (sys.executable, "-I", "-S", str(Path(__file__).resolve())))
    # without the variable NEURON is no wheel, and its programs are found in PATH
    nmodl = '"${CORENRNHOME:+$CORENRNHOME/bin/}nmodl"'
    program.write_text(f'#!/bin/sh\n{nmodl} "$@" && exec {mend} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def _mend(arguments: list[str]) -> None:
    """Mend what ``nmodl FILE.mod -o FOLDER ...`` wrote."""
    source = Path(arguments[0])
    written = Path(arguments[arguments.index("-o") + 1]) / f"{source.stem}.cpp"
    before = written.read_text(encoding="utf-8", errors="surrogateescape")
    after = without_second_solver(before)
    columns = _columns_in_neuron(source)
    if columns is not None:
        after = without_voltage_column(after, columns)
    if after != before:
        written.write_text(after, encoding="utf-8", errors="surrogateescape")


def _columns_in_neuron(source: Path) -> int | None:
    """Return the number of columns, None where NEURON keeps none; ends the program where its translator fails."""
    home = os.environ.get("CORENRNHOME")
    command = f"{home}/bin/nocmodl" if home else "nocmodl"
    environment = dict(os.environ)
    if home:
        environment["MODLUNIT"] = f"{home}/share/nrn/lib/nrnunits.lib"
    with tempfile.TemporaryDirectory() as folder:
        words = [command, source.name, "-o", folder]
        done = subprocess.run(words, cwd=source.parent, env=environment, capture_output=True, check=False)
        made = Path(folder) / f"{source.stem}.cpp"
        if done.returncode or not made.is_file():
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            sys.exit(f"{command} cannot translate {source.name} (exit code {done.returncode}): {said}")
        found = _SIZE_IN_NEURON.search(made.read_text(errors="replace"))
    return int(found[1]) if found else None


if __name__ == "__main__":
    _mend(sys.argv[1:])
