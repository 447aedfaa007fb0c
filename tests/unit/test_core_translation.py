"""What NMODL writes for CoreNEURON is mended where it would not compile or would not fit NEURON's memory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from neurodamus_like.engine.core_translation import (
    without_second_solver,
    without_voltage_column,
    write_translator,
)

SOLVER = """namespace nmodl {
namespace crout {
int Crout(int n) { return n; }
}  // namespace crout
}  // namespace nmodl
"""
COLUMNS = """    static inline int float_variables_size() {
        return 4;
    }
    void setup() {
        inst->g = ml->data+0*pnodecount;
        inst->v_unused = ml->data+1*pnodecount;
        inst->g_unused = ml->data+2*pnodecount;
        inst->tsav = ml->data+3*pnodecount;
        inst->ion_ena = nt->_data;
    }
"""


def test_a_repeated_solver_is_taken_out_once() -> None:
    newton = "namespace nmodl {\nnamespace newton {\n}  // namespace newton\n}  // namespace nmodl\n"
    code = f"first\n{SOLVER}{newton}\nbetween\n{SOLVER}last\n"
    assert without_second_solver(code) == f"first\n{SOLVER}{newton}\nbetween\nlast\n"


def test_other_texts_stay_as_they_are() -> None:
    other = SOLVER.replace("return n", "return 0")
    for code in ("", SOLVER, f"{SOLVER}\n{other}"):
        assert without_second_solver(code) == code


def test_the_column_of_the_voltage_goes_where_neuron_has_none() -> None:
    mended = without_voltage_column(COLUMNS, 3)
    assert "return 3;" in mended
    assert "v_unused" not in mended
    for line in ("g = ml->data+0*", "g_unused = ml->data+1*", "tsav = ml->data+2*", "ion_ena = nt->_data"):
        assert f"inst->{line}" in mended


def test_columns_that_agree_or_differ_otherwise_stay() -> None:
    for columns in (4, 2, 7):
        assert without_voltage_column(COLUMNS, columns) == COLUMNS
    assert without_voltage_column("int main() {}", 3) == "int main() {}"


def test_the_stand_in_for_the_translator(tmp_path: Path) -> None:
    """Both of NEURON's translators are scripts here; what they write is mended, and a failure is passed on."""
    programs = tmp_path / "neuron" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / "written.cpp").write_text(SOLVER + COLUMNS + SOLVER)
    _script(programs / "nmodl", f'[ -f "$1" ] || exit 3; cp {tmp_path}/written.cpp "$3/x.cpp"')
    _script(programs / "nocmodl", 'echo "hoc_register_prop_size(_mechtype, 3, 4);" > "$3/x.cpp"')
    (tmp_path / "x.mod").write_text("NEURON { SUFFIX x }\n")
    program = write_translator(tmp_path)
    environment = {**os.environ, "CORENRNHOME": str(tmp_path / "neuron")}
    for name, code in (("x.mod", 0), ("absent.mod", 3)):
        done = subprocess.run(
            [program, name, "-o", ".", "host", "--c"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
    assert (tmp_path / "x.cpp").read_text() == without_voltage_column(SOLVER + COLUMNS, 3)
    _script(programs / "nocmodl", 'echo "no such unit" >&2; exit 1')
    done = subprocess.run(
        [program, "x.mod", "-o", "."],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "nocmodl cannot translate x.mod (exit code 1): no such unit" in done.stderr


def _script(path: Path, command: str) -> None:
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)
