"""Run a configuration with BMTK's BioNet: python bionet_reports.py CONFIG."""

import sys

from bmtk.simulator import bionet

conf = bionet.Config.from_json(sys.argv[1])
conf.build_env()
net = bionet.BioNetwork.from_config(conf)
sim = bionet.BioSimulator.from_config(conf, network=net)
sim.run()
