"""Segments of the builder have the section ids and distances that NEURON's import gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import run_python

from neurodamus_like.builder.segments import load_segments

pytestmark = pytest.mark.neuron

IMPORT = """
import json, sys
from neuron import h
h.load_file("import3d.hoc")
lists = "all, somatic, axonal, basal, apical"
h("begintemplate C\\npublic " + lists + ", soma, dend, apic, axon\\nobjref " + lists + "\\n"
  "create soma[1], dend[1], apic[1], axon[1]\\nproc init() {\\n"
  + "\\n".join(name + " = new SectionList()" for name in lists.split(", ")) + "\\n}\\nendtemplate C")
cell = h.C()
reader = h.Import3d_SWC_read()
reader.quiet = 1
reader.input(sys.argv[1])
h.Import3d_GUI(reader, 0).instantiate(cell)
sections = list(cell.all)
h.distance(0, cell.soma[0](0))
rows = [[s.name().split(".")[1].split("[")[0], s.L, h.distance(s(0.5))] for s in sections]
# an array of the template that the file does not fill keeps one unconnected section
print(json.dumps([row for row in rows if row[2] < 1e15]))
"""


@pytest.mark.parametrize("name", ["Scnn1a_473845048_m.swc", "Pvalb_470522102_m.swc", "Nr5a1_471087815_m.swc"])
def test_sections_are_those_of_the_simulator(name: str, shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "allen" / "bio_components" / "morphologies" / name
    result = run_python(["-c", IMPORT, str(path)], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    theirs = json.loads(result.stdout.splitlines()[-1])
    ours = load_segments(path, False, None)
    kinds = {"soma": 1, "axon": 2, "dend": 3, "apic": 4}
    assert ours.section_id.tolist() == list(range(len(theirs)))
    assert ours.section_type.tolist() == [kinds[row[0]] for row in theirs]
    np.testing.assert_allclose(ours.length, [row[1] for row in theirs], rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(ours.distance, [row[2] for row in theirs], rtol=1e-3, atol=0.5)
