"""Models of the Allen dialect run from the command line and from scripts, and what is wrong with them is told."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurodamus_like.io.nwb_units import find_units
from tests.allen_data import read_spike_list
from tests.allen_model import change, write_model
from tests.helpers import run_mpi, run_python

RUN = ["-m", "neurodamus_like.cli.main", "run", "--no-progress"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def test_same_spikes_on_any_number_of_ranks(config: Path) -> None:
    found = []
    # folders of BMTK bring a copy of what is built in
    copy = "begintemplate Biophys1\npublic all\nobjref all\nendtemplate Biophys1\n"
    (config.parent / "components/templates/Biophys1.hoc").write_text(copy)
    change(config, "output", "spikes_file_nwb", to="spikes.nwb")
    for ranks in (1, 2):
        args = [*RUN, str(config), f"--output-path={config.parent / f'out{ranks}'}"]
        done = run_python(args, 300) if ranks == 1 else run_mpi(ranks, args, 300)
        assert done.returncode == 0, done.stderr
        found.append(read_spike_list(config.parent / f"out{ranks}" / "spikes.h5", "cells"))
        units = find_units(config.parent / f"out{ranks}" / "spikes.nwb", {"population": "cells"})
        assert {
            int(node): len(times)
            for node, times in zip(units.ids, units.read_spike_times(np.arange(4)), strict=True)
        } == Counter(node for node, _ in found[-1])
    assert found[0] == found[1]
    assert {node for node, _ in found[0]} == {0, 1, 2, 3}


def test_another_template_of_the_same_name_in_one_process(config: Path) -> None:
    second = write_model(config.parent / "second")
    same = write_model(config.parent / "third")
    template = second.parent / "components/templates/Ball.hoc"
    template.write_text(template.read_text().replace("diam = 18", "diam = 30"))
    code = f"""
from neurodamus_like import bionet
from neurodamus_like.exceptions import TemplateError
for config in {[str(config), str(same), str(second)]!r}:
    try:
        bionet.BioNetwork.from_config(config).build()
        print(round(bionet.nrn.h.Ball[0].soma[0].diam))
    except TemplateError as error:
        print(error)
"""
    done = run_python(code, 100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == [
        *("18", "18"),
        "the template Ball is already defined by another file in this process",
    ]


SCRIPT = """
from neurodamus_like import bionet
from neurodamus_like.bionet.nrn import h

CALLS = []

@bionet.synapse_model
def mine(parameters, x, section):
    CALLS.append((x, section.name()))
    synapse = h.ExpSyn(x, sec=section)
    synapse.tau = 7.0
    return synapse

@bionet.weight_function(name="tuned")
def by_tuning(edge, source, target):
    return edge["syn_weight"] * (1.0 + source["tuning_angle"] + target["tuning_angle"])

@bionet.cell_model(directive="hoc:Ball", model_type="biophysical")
def ball(node, template, parameters):
    assert hasattr(h, "Biophys1")
    cell = getattr(h, template)()
    cell.soma[0].L = 10.0 + node.node_id
    return cell

@bionet.model_processing
def leaky(cell, node, parameters):
    for section in cell.all:
        section.insert("pas")
        section.g_pas = 1e-3
    return cell
"""

CHECK = """
import json, sys
exec(open(sys.argv[1]).read())
conf = bionet.Config.from_json(sys.argv[2])
net = bionet.BioNetwork.from_config(conf)
sim = bionet.BioSimulator.from_config(conf, network=net)
sim.run()
cells = net.get_local_cells()
(edges,) = net.node.circuits.all_synapse_managers()
print(json.dumps({
    "lengths": [cells[gid].hobj.soma[0].L for gid in (0, 1)],
    "leaks": [cells[gid].hobj.soma[0].g_pas for gid in (0, 1)],
    "calls": len(CALLS),
    "tau": [s.tau for s in edges.synapses if s.hname().startswith("ExpSyn")],
    "weights": edges.table["conductance"][:18].tolist(),
    "sources": edges.table.source_gid[:18].tolist(),
    "targets": edges.table.target_gid[:18].tolist(),
}))
"""


def _use_functions(config: Path) -> None:
    network = config.parent / "network"
    edges, nodes = network / "source_cells_edge_types.csv", network / "cells_node_types.csv"
    lines = [line.split(" ") for line in edges.read_text().splitlines()]
    lines[0].append("weight_function")
    for line in lines[1:]:
        line.append("tuned")
    edges.write_text("\n".join(" ".join(line) for line in lines).replace("Exp2Syn", "mine") + "\n")
    rows = [row + (" model_processing" if i == 0 else " leaky" if "hoc:" in row else " NULL")
            for i, row in enumerate(nodes.read_text().splitlines())]  # fmt: skip
    nodes.write_text("\n".join(rows) + "\n")


def test_functions_of_users(config: Path) -> None:
    _use_functions(config)
    script = config.with_name("functions.py")
    script.write_text(SCRIPT)
    check = config.with_name("check.py")
    check.write_text(CHECK)
    done = run_python([str(check), str(script), str(config)], 300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["lengths"] == [10.0, 11.0]
    assert found["leaks"] == [1e-3, 1e-3]
    assert found["calls"] == 18
    assert set(found["tau"]) == {7.0}
    angles = {0: 10.0, 1: 70.0, 4: 0.0, 5: 30.0, 6: 60.0}
    expected = [
        0.01 * (1.0 + angles[s] + angles[t]) for s, t in zip(found["sources"], found["targets"], strict=True)
    ]
    np.testing.assert_allclose(found["weights"], expected)
    run = run_python([*RUN, str(config), f"--script={script}"], 300)
    assert run.returncode == 0, run.stderr


def test_a_script_that_fails(config: Path) -> None:
    script = config.with_name("functions.py")
    script.write_text("import math\n\nmath.nothing()\n")
    done = run_python([*RUN, str(config), f"--script={script}"], 300)
    assert done.returncode == 1
    assert "the script failed: AttributeError" in done.stderr
    assert "line 3" in done.stderr
    assert "Traceback" not in done.stderr


FAILING = {
    "cell": ("def ball(node, template, parameters):", "def ball(node):", "ball failed: TypeError: ball() takes 1"),
    "processing": ("section.g_pas = 1e-3", "section.g_pas = 1 / 0", "leaky failed: ZeroDivisionError"),
    "synapse": ("    return synapse\n", "", "the synapse_model 'mine' returned no synapse"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
def test_functions_of_users_that_fail(case: str, config: Path) -> None:
    old, new, message = FAILING[case]
    assert old in SCRIPT
    _use_functions(config)
    script = config.with_name("functions.py")
    script.write_text(SCRIPT.replace(old, new, 1))
    done = run_python([*RUN, str(config), f"--script={script}"], 300)
    assert done.returncode == 1, done.stdout
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def _edit_edges(config: Path, name: str, values: list[float] | None) -> None:
    with h5py.File(config.parent / "network/source_cells_edges.h5", "r+") as h5:
        group = h5["edges/source_to_cells/0"]
        if name in group:
            del group[name]
        if values is not None:
            group[name] = np.resize(np.array(values), h5["edges/source_to_cells/target_node_id"].shape)


def _types(config: Path, old: str, new: str, file: str = "source_cells_edge_types.csv") -> None:
    path = config.parent / "network" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


BAD = {
    "section": (lambda c: [_edit_edges(c, "afferent_section_id", [7.0]),
                           _edit_edges(c, "afferent_section_pos", [0.5])], "a section that their target does not have"),
    "section without position": (
        lambda c: _edit_edges(c, "afferent_section_id", [1.0]), "12 edges have no usable 'afferent_section_pos'"),
    "position": (lambda c: [_edit_edges(c, "afferent_section_id", [1.0]),
                            _edit_edges(c, "afferent_section_pos", [1.5])], "positions along sections from 0 to 1"),
    "number of synapses": (lambda c: _edit_edges(c, "nsyns", [2.0, -1.0]), "6 edges have no usable 'nsyns'"),
    "parameter of a point cell": (
        lambda c: (c.parent / "components/points/fire.json").write_text('{"tau": "x", "refrac": 0.003}'),
        "dynamics_params of IntFire1: 'tau' is 'x'"),
    "no place": (lambda c: _edit_edges(c, "nsyns", None), "do not say where their synapses are"),
    "weight function": (
        lambda c: _types(c, "syn_weight", "weight_function"), "unknown weight_function '0.01'"),
    "synapse": (lambda c: _types(c, "Exp2Syn", "Exp3Syn"), "mechanisms that the model needs are missing: Exp3Syn"),
    "cell": (lambda c: _types(c, "hoc:Ball", "hoc:Bell", "cells_node_types.csv"), "the template Bell is not defined"),
    "sign": (
        lambda c: (c.parent / "components/synapses/exc.json").write_text('{"erev": 0, "tau1": 1, "tau2": 2}'),
        "lack 'sign'"),
    "parameter": (
        lambda c: (c.parent / "components/synapses/exc.json").write_text('{"erev": 0, "tau1": 1, "sign": 1}'),
        "need the number 'tau2'"),
    "kept": (lambda c: _keep(c), "the folder holds results already"),
}  # fmt: skip


def _keep(config: Path) -> None:
    change(config, "output", "overwrite_output_dir", to=False)
    (config.parent / "output").mkdir()
    (config.parent / "output/spikes.h5").write_bytes(b"precious")


@pytest.mark.parametrize("case", BAD)
def test_bad_models_are_refused(case: str, config: Path) -> None:
    spoil, message = BAD[case]
    spoil(config)
    done = run_python([*RUN, str(config)], 300)
    assert done.returncode == 1, done.stdout
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    if case == "kept":
        assert (config.parent / "output/spikes.h5").read_bytes() == b"precious"


def test_spikes_of_another_population_in_the_same_file_drive_nothing(config: Path) -> None:
    with h5py.File(config.parent / "spikes.h5", "r+") as h5:
        h5["spikes/another/timestamps"], h5["spikes/another/node_ids"] = [29.0], [0]
    done = run_python([*RUN, str(config)], 300)
    assert done.returncode == 0, done.stderr
    with h5py.File(config.parent / "output/spikes.h5") as h5:
        assert h5["spikes/cells/timestamps"].size


def test_a_region_that_a_cell_does_not_have(config: Path) -> None:
    _types(config, "[0.0, 150.0]", "[900.0, 950.0]")
    done = run_python([*RUN, str(config)], 300)
    assert done.returncode == 0, done.stderr
    assert "SKIPPED 18 synapses" in done.stderr + done.stdout


PLACEMENT = textwrap.dedent("""
    import numpy as np
    from neurodamus_like.connectivity.random_placement import find_candidates, place
    from neurodamus_like.engine.segments import SegmentTable
    from neurodamus_like.io.regions import Region

    rng = np.random.default_rng(4)
    n = 57
    length = rng.uniform(5, 40, n)
    table = SegmentTable(np.arange(n), np.array(["soma", *["dend"] * 30, *["apic"] * 26]), np.full(n, 0.5),
                         length, np.cumsum(length))
    regions = [Region(("dend",), (30.0, 400.0)), Region(("dend", "apic"), (0.0, 1e20)), Region(("axon",))]
    candidates = [find_candidates(table, region) for region in regions]
    counts = rng.integers(1, 9, 200)
    edge_region = rng.integers(0, 3, 200)
    which = np.repeat(edge_region, counts)
    found = place(candidates, which, np.random.RandomState(12))
    stream, expected = np.random.RandomState(12), []
    for region, count in zip(edge_region, counts):
        if region == 2:
            expected += [-1] * count
            continue
        kinds, (low, high) = regions[region].kinds, regions[region].distance_um
        begin, end = table.distance_um - length / 2, table.distance_um + length / 2
        part = np.maximum(0, np.minimum(end, high) - np.maximum(begin, low)) / length
        ix = np.flatnonzero((part > 0) & np.isin(table.kind, kinds))
        weight = length[ix] * part[ix]
        expected += stream.choice(ix, count, p=weight / np.sum(weight)).tolist()
    assert found.tolist() == expected
""")


def test_placement_is_that_of_numpy_choice() -> None:
    done = run_python(PLACEMENT)
    assert done.returncode == 0, done.stderr


def test_the_folder_that_new_makes_runs(config: Path) -> None:
    folder = config.parent
    args = [
        "-m",
        "neurodamus_like.cli.main",
        "new",
        str(folder / "sim"),
        f"--network-dir={folder / 'network'}",
    ]
    args += ["--tstop=20", "--v-init=-65", "--celsius=6.3", f"--spikes-inputs=source:{folder / 'spikes.h5'}"]
    done = run_python([*args, "--report-vars=v", "--report-nodes=0,1"], 120)
    assert done.returncode == 0, done.stderr
    for kind, name in (
        ("templates", "templates"),
        ("synapses", "synaptic_models"),
        ("points", "point_neuron_models"),
    ):
        for path in (folder / "components" / kind).iterdir():
            path.rename(folder / "sim/components" / name / path.name)
    validated = run_python(
        ["-m", "neurodamus_like.cli.main", "validate", str(folder / "sim/config.json")], 120
    )
    assert "0 errors" in validated.stdout, validated.stdout
    done = run_python([str(folder / "sim/run.py")], 300, cwd=folder / "sim")
    assert done.returncode == 0, done.stderr
    assert (folder / "sim/output/spikes.h5").is_file()
    assert list((folder / "sim/output").glob("v_report.h5"))


def test_a_run_goes_on_from_a_checkpoint(config: Path) -> None:
    half = config.with_name("half.json")
    half.write_text(config.read_text())
    change(half, "run", "tstop", to=14.0)
    out, checkpoint = config.parent / "out", config.parent / "checkpoint"
    for path, folder, option in (
        (config, "whole", ()),
        (half, "first", (f"--save={checkpoint}",)),
        (config, "second", (f"--restore={checkpoint}",)),
    ):
        done = run_python([*RUN, str(path), f"--output-path={out / folder}", *option], 300)
        assert done.returncode == 0, done.stderr
    whole = read_spike_list(out / "whole/spikes.h5", "cells")
    assert read_spike_list(out / "second/spikes.h5", "cells") == whole
    assert 0 < len(read_spike_list(out / "first/spikes.h5", "cells")) < len(whole)
