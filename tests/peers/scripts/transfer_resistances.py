"""Factors of BMTK's electrodes: python transfer_resistances.py COMPARTMENTS.npz SITES.csv MINIMUM OUT.npy."""

import sys
from types import SimpleNamespace

import numpy as np
from bmtk.simulator.bionet.modules.ecp import RecXElectrode

compartments, sites, minimum, out = sys.argv[1:]
given = np.load(compartments)
distance = {"none": None, "auto": "auto"}.get(minimum) if minimum in ("none", "auto") else float(minimum)
electrode = RecXElectrode(sites, distance)
coordinates = SimpleNamespace(p0=given["begin"].T, p1=given["end"].T, d=given["diameter"])
electrode.calc_transfer_resistance(0, coordinates)
np.save(out, electrode.get_transfer_resistance(0))
