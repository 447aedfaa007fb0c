"""The names that run scripts of BMTK use exist, with the constructors of its reference."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.allen_model import write_model
from tests.helpers import run_python

pytestmark = pytest.mark.neuron

MODULES = {
    "comsol.ComsolMod": "comsol_files, waveforms=None, amplitudes=1, cells=None, set_nrn_mechanisms=True, "
    "node_set=None",
    "ecephys_module.BioECEphysUnitsModule": "name, **kwargs",
    "ecp.EcpMod": "tmp_dir, file_name, electrode_positions, contributions_dir=None, cells=None, variable_name='v', "
    "electrode_channels=None, cell_bounds=None, minimum_distance=None",
    "ecp.RecXElectrode": "positions, minimum_distance",
    "iclamp.AmpsReaderNRN": "**args",
    "iclamp.CSVAmpReaderNRN": "**args",
    "iclamp.IClampMod": "input_type, **mod_args",
    "iclamp.NWBReaderNRN": "**args",
    "record_cellvars.MembraneReport": "tmp_dir, file_name, variable_name, cells=None, gids=None, sections='all', "
    "buffer_data=True, transform={}, **kwargs",
    "record_cellvars.SomaReport": "tmp_dir, file_name, variable_name, cells, sections='soma', buffer_data=True, "
    "transform={}, **kwargs",
    "record_cellvars.first_element": "lst",
    "record_clamp.ClampReport": "tmp_dir, file_name, variable_name, buffer_data=True, **kwargs",
    "record_netcons.NetconReport": "tmp_dir, file_name, variable_name, cells, sections='all', syn_type='Exp2Syn', "
    "buffer_data=True, transform={}, **kwargs",
    "record_spikes.SpikesMod": "tmp_dir, spikes_file_csv=None, spikes_file=None, spikes_file_nwb=None, "
    "cache_to_disk=True, spikes_sort_order=None, mode='a', compression='gzip'",
    "save_synapses.SaveSynapses": "network_dir, single_file=False, **params",
    "seclamp.SEClamp": "input_type, **mod_args",
    "sim_module.SimulatorMod": "",
    "xstim.StimXElectrode": "positions_file, waveform, mesh_files_dir, dt",
    "xstim.XStimMod": "positions_file, waveform, mesh_files_dir=None, cells=None, set_nrn_mechanisms=True, "
    "resistance=300.0, node_set=None",
    "xstim_waveforms.BaseWaveform": "",
    "xstim_waveforms.BaseWaveformType": "waveform_config",
    "xstim_waveforms.ComplexWaveform": "el_collection",
    "xstim_waveforms.WaveformCustom": "waveform_file",
    "xstim_waveforms.WaveformTypeDC": "waveform_config",
    "xstim_waveforms.WaveformTypeSin": "waveform_config",
    "xstim_waveforms.iclamp_waveform_factory": "conf",
    "xstim_waveforms.stimx_waveform_factory": "waveform",
}
"""Name in ``bionet.modules`` -> arguments, as the reference lists them."""

MEMBERS = {
    "bionet": "Config BioNetwork BioSimulator nrn modules cell_model synapse_model synaptic_weight "
    "add_weight_function model_processing spikes_generator reset ArgumentParser",
    "bionet.Config": "from_json from_dict load build_env validate output_dir spikes_file tstop dt dL",
    "bionet.BioNetwork": "from_config build build_nodes build_recurrent_edges get_local_cells get_cell_gid "
    "get_node_set local_gids gid_pool cell_type_maps node_populations",
    "bionet.BioSimulator": "from_config add_mod run dt tstop n_steps nsteps_block h celsius v_init local_gids "
    "biophysical_gids simulation_time",
    "bionet.gids.GidPool": "get_gid get_pool_id",
    "bionet.pyfunction_cache": "add_weight_function synaptic_weight synapse_model cell_model model_processing "
    "spikes_generator",
    "bionet.default_setters.cell_models": "loadHOC IntFire1 Biophys1 NMLLoad set_extracellular set_params_peri "
    "set_params_allactive fix_axon_peri fix_axon_allactive fix_axon_perisomatic_directed fix_axon_allactive_directed "
    "aibs_perisomatic aibs_allactive aibs_perisomatic_directed aibs_allactive_directed",
    "bionet.io_tools.io": "log_info log_debug log_warning log_error log_exception barrier mpi_rank mpi_size",
    "bionet.nrn": "synaptic_weight quit_execution load_neuron_modules reset h pc",
    "bionet.modules": "BioECEphysUnitsModule ClampReport ComsolMod EcpMod IClampMod MembraneReport NetconReport "
    "SEClamp SaveSynapses SomaReport SpikesMod XStimMod",
    "bionet.modules.iclamp.IClampMod": "input2reader_map initialize",
    "bionet.modules.sim_module.SimulatorMod": "initialize step block finalize",
    "bionet.modules.ecp.RecXElectrode": "calc_transfer_resistance get_transfer_resistance drift",
    "bionet.modules.xstim.StimXElectrode": "calculate_waveforms get_vext set_transfer_resistance",
}
"""What the reference and BMTK's own examples take from the package."""

SCRIPT = """
import importlib, inspect, json, sys
from neurodamus_like import bionet

def find(path):
    found = bionet
    for name in path.split(".")[1:]:
        found = getattr(found, name)
    return found

modules, members = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for name in {path.split(".")[0] for path in modules}:
    importlib.import_module("neurodamus_like.bionet.modules." + name)
for name in ("gids", "pyfunction_cache", "default_setters.cell_models", "io_tools"):
    importlib.import_module("neurodamus_like.bionet." + name)
seen = {}
for path in modules:
    object = find("bionet.modules." + path)
    seen[path] = [
        [p.name, int(p.kind), None if p.default is p.empty else repr(p.default)]
        for p in inspect.signature(object).parameters.values()
    ]
lost = [f"{path}.{name}" for path, names in members.items() for name in names.split() if not hasattr(find(path), name)]
print(json.dumps([seen, lost]))
"""


@pytest.fixture(scope="module")
def seen() -> Any:
    done = run_python(["-c", SCRIPT, json.dumps(MODULES), json.dumps(MEMBERS)])
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def reference(arguments: str) -> list[list[Any]]:
    """Return name, kind and default of each argument of the reference."""
    scope: dict[str, Any] = {}
    exec(f"import inspect\nfound = inspect.signature(lambda {arguments}: 0)", scope)
    return [
        [p.name, int(p.kind), None if p.default is p.empty else repr(p.default)]
        for p in scope["found"].parameters.values()
    ]


@pytest.mark.parametrize("name", MODULES)
def test_constructors_take_the_arguments_of_the_reference(name: str, seen: Any) -> None:
    by_place, by_name = 1, 3
    expected = reference(MODULES[name])
    found = seen[0][name]
    ours = [argument for argument in found if argument[1] <= by_place]
    theirs = [argument for argument in expected if argument[1] <= by_place]
    assert [argument[0] for argument in ours[: len(theirs)]] == [argument[0] for argument in theirs]
    for (argument, _, default), (_, _, wanted) in zip(ours, theirs, strict=False):
        # nothing stands for the empty dictionary; a default where the reference has none changes no call
        assert wanted is None or default == wanted.replace("{}", "None"), argument
    further = [argument for argument in found if argument[1] == by_name or argument in ours[len(theirs) :]]
    assert all(default is not None for _, _, default in further)
    assert {kind for _, kind, _ in expected if kind > by_name} <= {kind for _, kind, _ in found}


def test_what_scripts_use_is_there(seen: Any) -> None:
    assert seen[1] == []


def test_electrodes_and_waveforms_as_objects(tmp_path: Any) -> None:
    (tmp_path / "sites.csv").write_text("channel x_pos y_pos z_pos\n0 0 50 0\n1 30 0 40\n")
    (tmp_path / "stim.csv").write_text("pos_x pos_y pos_z\n0 100 0\n0 0 200\n")
    (tmp_path / "wave.csv").write_text("time amplitude\n0 0\n10 2\n")
    code = f"""
import os; os.chdir({str(tmp_path)!r})
from types import SimpleNamespace
import numpy as np, json
from neurodamus_like.bionet.modules import ecp, xstim, xstim_waveforms as w
coords = SimpleNamespace(
    p0=np.array([[-5.0], [0], [0]]), p1=np.array([[5.0], [0], [0]]), p05=np.zeros((3, 1)), d=np.array([2.0])
)
sites = ecp.RecXElectrode("sites.csv", None)
sites.calc_transfer_resistance(7, coords)
stim = xstim.StimXElectrode("stim.csv", "wave.csv", None, 0.5)
stim.set_transfer_resistance(7, coords)
stim.calculate_waveforms(10)
both = w.ComplexWaveform([w.WaveformCustom("wave.csv"), w.WaveformTypeDC({{"amp": 3, "del": 1, "dur": 4}})])
sine = w.iclamp_waveform_factory({{"iclamp": {{"shape": "sin", "amp": 2, "del": 0, "dur": 9, "freq": 50, "phase": 0}}}})
print(json.dumps([sites.get_transfer_resistance(7).tolist(), stim.get_vext(7).tolist(),
    [both.calculate(t) for t in (1.0, 2.0, 6.0)], sine.calculate(5.0), sine.is_active(9.0)]))
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    factors, potential, sums, sine, active = json.loads(done.stdout.splitlines()[-1])
    line = np.arcsinh(5 / 50) - np.arcsinh(-5 / 50)
    assert factors[0][0] == pytest.approx(line / (4 * np.pi * 0.3 * 10), rel=1e-9)
    line = np.arcsinh(35 / 40) - np.arcsinh(25 / 40)
    assert factors[1][0] == pytest.approx(line / (4 * np.pi * 0.3 * 10), rel=1e-9)
    assert potential == pytest.approx([300 / (4 * np.pi) * 0.01 * 1e6 * (1 / 100 + 1 / 200)])
    assert sums == pytest.approx([0.2, 3.4, 1.2])
    assert (sine, active) == (pytest.approx(2.0), False)


VIEWS = """
import json, sys
from neurodamus_like import SimulatorMod, bionet

def seen(sim):
    missing = []
    for find in (lambda: sim.net.get_cell_gid(77), lambda: sim.net.get_cell_node_id("sells", 0)):
        try:
            find()
        except Exception as error:
            missing.append([type(error).__name__, str(error)])
    kinds = ("biophysical", "point_process", "point_neuron", "virtual")
    return [
        {kind: sorted(sim.net.cell_type_maps(kind)) for kind in kinds},
        sim.biophysical_gids, sim.local_gids, sim.net.local_gids, list(sim.net.get_local_cells()),
        [sim.net.get_cell_gid(gid).node_id for gid in sim.local_gids],
        [sim.net.get_cell_node_id("cells", 3).gid, sim.net.get_cell_node_id("cells", 9)],
        sim.net.gid_pool.get_pool_id(1).node_id, list(sim.net.get_node_set("cells").gids()),
        [sim.dt, sim.tstart, sim.tstop, sim.n_steps, sim.nsteps_block, sim.celsius, sim.v_init, sim.tstep],
        [sim.simulation_time(), sim.simulation_time("s"), sim.simulation_time("seconds")], missing,
    ]

class Look(SimulatorMod):
    def initialize(self, sim):
        self.seen = seen(sim)

conf = bionet.Config.from_json(sys.argv[1])
conf["run"]["nsteps_block"] = 100000
net = bionet.BioNetwork.from_config(conf)
sim = bionet.BioSimulator.from_config(conf, network=net)
assert sim.net is net
look = Look()
sim.add_mod(look)
of_script = seen(sim)
sim.initialize()
print(json.dumps([of_script, look.seen], default=int))
"""


def test_scripts_and_modules_see_the_same(tmp_path: Any) -> None:
    done = run_python(["-c", VIEWS, str(write_model(tmp_path))])
    assert done.returncode == 0, done.stderr
    of_script, of_module = json.loads(done.stdout.splitlines()[-1])
    assert of_script == of_module
    maps, biophysical, *gids, ids, found, pool_id, node_set, numbers, times, missing = of_script
    points = {"point_process": [2, 3], "point_neuron": [2, 3]}
    assert maps == {"biophysical": [0, 1], "virtual": [], **points}
    assert biophysical == [0, 1]
    assert gids == [[0, 1, 2, 3]] * 3
    assert (ids, found, pool_id, node_set) == ([0, 1, 2, 3], [3, None], 1, [0, 1, 2, 3])
    assert numbers == [0.1, 0.0, 30.0, 300, 300, 6.3, -65.0, 0]
    assert times == [30.0, 0.03, 0.03]
    assert [kind for kind, _ in missing] == ["CircuitError", "CircuitError"]
    assert "there is no cell 77 on this rank" in missing[0][1]
    assert "'sells'" in missing[1][1]
