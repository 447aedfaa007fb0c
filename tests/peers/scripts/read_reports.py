"""Read results with BMTK's own readers: python read_reports.py FOLDER; prints what they find as JSON."""

import json
import sys

from bmtk.utils.reports.compartment import CompartmentReport
from bmtk.utils.reports.spike_trains import SpikeTrains

folder = sys.argv[1]
spikes = SpikeTrains.load(folder + "/spikes.h5")
table = SpikeTrains.load(folder + "/spikes.csv", file_type="csv")
soma = CompartmentReport(folder + "/soma.h5", "r")["v1"]
segments = CompartmentReport(folder + "/v_all.h5", "r")
synapses = CompartmentReport(folder + "/syn_g.h5", "r")["v1"]
found = {
    "populations": spikes.populations,
    "order": str(spikes.sort_order("v1")),
    "times": [round(float(t), 6) for t in spikes.get_times(node_id=0)],
    "table": [round(float(t), 6) for t in table.get_times(node_id=0)],
    "variable": soma.variable(),
    "time": [float(t) for t in soma.time()],
    "nodes": [int(n) for n in soma.node_ids()],
    "voltage": float(soma.data(node_id=2)[100][0]),
    "segments": list(segments.data(node_id=1, population="v1", sections="all").shape),
    "columns": sorted(segments.custom_columns(population="v1")),
    "synapses": list(synapses.data(node_id=1).shape),
}
print(json.dumps(found))
