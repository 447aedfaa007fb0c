"""Headers of NMODL files."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodamus_like.engine.mech_sources import core_dir
from neurodamus_like.exceptions import MechanismError
from neurodamus_like.io.nmodl import parse_nmodl_header, read_nmodl_header

TEXT = """TITLE A channel : of sorts
COMMENT
NEURON { SUFFIX wrong }
ENDCOMMENT
NEURON {
    THREADSAFE SUFFIX kdemo : RANGE hidden
    USEION k READ ek WRITE ik
    USEION ca READ cai, cao VALENCE 2
    RANGE gbar,
          g, ik
    RANGE tau
    GLOBAL q10
    NONSPECIFIC_CURRENT i
}
PARAMETER { gbar = 1e-5 (S/cm2) <0, 1e9>
    q10 = 2.3
}
ASSIGNED { v (mV) g (S/cm2) tau (ms) ik (mA/cm2) }
STATE { m h[2] cai (mM) }
VERBATIM
// NEURON { POINT_PROCESS wrong }
ENDVERBATIM
"""


def test_everything_is_read() -> None:
    header = parse_nmodl_header(TEXT, Path("kdemo.mod"))
    assert (header.name, header.kind, header.title) == ("kdemo", "density", "A channel : of sorts")
    assert header.range_variables == ("gbar", "g", "ik", "tau")
    assert header.global_variables == ("q10",)
    assert header.currents == ("i",)
    assert dict(header.ions_read) == {"k": ("ek",), "ca": ("cai", "cao")}
    assert dict(header.ions_written) == {"k": ("ik",)}
    assert header.units["gbar"] == "S/cm2"
    assert header.units["tau"] == "ms"
    assert "q10" not in header.units
    assert {"m", "cai", "gbar", "i"} <= header.variables()


@pytest.mark.parametrize(
    ("keyword", "kind"),
    [("SUFFIX", "density"), ("POINT_PROCESS", "point_process"), ("ARTIFICIAL_CELL", "artificial_cell")],
)
def test_kinds(keyword: str, kind: str) -> None:
    header = parse_nmodl_header(f"NEURON {{ {keyword} thing }}", Path("x.mod"))
    assert (header.name, header.kind) == ("thing", kind)


def test_a_file_without_mechanism_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.mod"
    path.write_text("PARAMETER { x = 1 }")
    with pytest.raises(MechanismError, match="names no mechanism") as caught:
        read_nmodl_header(path)
    assert caught.value.file == path


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MechanismError, match="cannot read"):
        read_nmodl_header(tmp_path / "absent.mod")


def test_core_files_are_named_after_their_mechanism() -> None:
    files = sorted((core_dir() / "mod").rglob("*.mod"))
    assert len(files) >= 40
    for path in files:
        header = read_nmodl_header(path)
        assert header.name == path.stem


def test_core_interfaces() -> None:
    synapse = read_nmodl_header(core_dir() / "mod/synapses/ProbAMPANMDA_EMS.mod")
    assert synapse.kind == "point_process"
    assert {"tau_d_AMPA", "Use", "Dep", "Fac", "u0", "mg", "NMDA_ratio", "Nrrp"} <= set(
        synapse.range_variables
    )
    assert {"nc_type_param", "slope_mg", "scale_mg", "minis_single_vesicle"} <= set(synapse.global_variables)
    sodium = read_nmodl_header(core_dir() / "mod/channels/NaTg_axon.mod")
    assert {"gNaTgbar", "gNaTg", "vshifth", "slopem"} <= set(sodium.range_variables)
    assert sodium.ions_read["ttx"] == ("ttxo", "ttxi")
    assert sodium.units["ina"] == "mA/cm2"
