"""The usual run script of BioNet, which also keeps the voltage of all somata: python bionet_run.py FOLDER OUT."""

import os
import sys

import numpy as np
from bmtk.simulator import bionet

folder, out = sys.argv[1:3]
conf = bionet.Config.from_json(os.path.join(folder, "config.json"), validate=True)
conf.build_env()
net = bionet.BioNetwork.from_config(conf)
sim = bionet.BioSimulator.from_config(conf, network=net)
voltage = {}
for gid, cell in net.get_local_cells().items():
    if hasattr(cell.hobj, "all"):
        voltage[gid] = bionet.nrn.h.Vector().record(cell.hobj.soma[0](0.5)._ref_v)
sim.run()
np.savez(out, **{str(gid): np.array(trace) for gid, trace in voltage.items()})
bionet.nrn.quit_execution()
