"""Run configurations and keep the voltage of all somata: python bionet_inputs.py CONFIG OUT [CONFIG OUT ...]."""

import sys

import numpy as np
from bmtk.simulator import bionet


@bionet.spikes_generator
def regular(node, sim):
    """Return spikes at the rate of the node."""
    return np.arange(1.0 + node.node_id, 20.0, 1000 / node["rate"])


def simulate(config, out):
    conf = bionet.Config.from_json(config)
    conf.build_env()
    net = bionet.BioNetwork.from_config(conf)
    sim = bionet.BioSimulator.from_config(conf, network=net)
    voltage = {
        str(gid): bionet.nrn.h.Vector().record(cell.hobj.soma[0](0.5)._ref_v)
        for gid, cell in net.get_local_cells().items()
    }
    sim.run()
    np.savez(out, **{gid: np.array(trace) for gid, trace in voltage.items()})


for config, out in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    simulate(config, out)
bionet.nrn.quit_execution()
