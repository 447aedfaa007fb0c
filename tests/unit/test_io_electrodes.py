"""Electrodes files and probes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.electrodes import (
    ElectrodeFactors,
    Probe,
    read_electrode_factors,
    read_probe,
    write_electrodes,
)


@pytest.mark.parametrize(
    "text",
    [
        "name,x,y,z\ntip,1,2,3\ntop,-4,5.5,6\n",
        "channel x_pos y_pos z_pos\ntip 1.0 2 3\ntop -4 5.5 6\n",
        "Z;Y;X;name\n3;2;1;tip\n\n6;5.5;-4;top\n",
    ],
)
def test_probes_in_several_spellings(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    probe = read_probe(tmp_path / "p.csv")
    assert probe.names == ("tip", "top")
    assert probe.positions_um.tolist() == [[1, 2, 3], [-4, 5.5, 6]]


@pytest.mark.parametrize("text", ["", "x,y\n1,2\n", "x,y,z\n", "x,y,z\n1,2,three\n", "x,y,z\n1,2\n"])
def test_a_table_without_contacts_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(CircuitError, match="the probe has"):
        read_probe(tmp_path / "p.csv")


def test_a_probe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CircuitError, match="cannot read the probe"):
        read_probe(tmp_path / "none.csv")


def test_the_probe_of_the_allen_tutorials(shared: Path) -> None:
    probe = read_probe(shared / "data/allen/bio_components/recXelectrodes/linear_electrode.csv")
    assert probe.positions_um[1].tolist() == [10, -10, 5]


def written(path: Path) -> np.ndarray:
    factors = np.arange(14.0).reshape(7, 2)
    table = ElectrodeFactors(np.array([2, 5, 9]), np.array([0, 3, 4, 7]), factors)
    write_electrodes(path, Probe(("a", "b"), np.array([[0.0, 1, 2], [3, 4, 5]])), {"cells": table})
    return factors


def test_round_trip(tmp_path: Path) -> None:
    factors = written(tmp_path / "e.h5")
    found = read_electrode_factors(tmp_path / "e.h5", "cells", [9, 2, 7])
    assert list(found) == [9, 2]
    np.testing.assert_array_equal(found[9], factors[4:7])
    np.testing.assert_array_equal(found[2], factors[:3])
    with h5py.File(tmp_path / "e.h5") as h5:
        assert h5["electrodes/a/position"][:].tolist() == [0, 1, 2]


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    written(tmp_path / "e.h5")
    with pytest.raises(CircuitError, match="lacks /electrodes/other/scaling_factors"):
        read_electrode_factors(tmp_path / "e.h5", "other", [0])
    with h5py.File(tmp_path / "e.h5", "a") as h5:
        h5["cells/offsets"][3] = 8
    with pytest.raises(CircuitError, match="do not fit together"):
        read_electrode_factors(tmp_path / "e.h5", "cells", [2])
