"""Validate and read an NWB file with pynwb: python read_nwb.py FILE; prints what it finds as JSON."""

import json
import sys

import pynwb

path = sys.argv[1]
problems = pynwb.validate(path=path)
if isinstance(problems, tuple):
    problems = problems[0]
with pynwb.NWBHDF5IO(path, "r") as io:
    file = io.read()
    units = file.units.to_dataframe()
    series = file.acquisition["ElectricalSeries"]
    found = {
        "problems": [str(problem) for problem in problems],
        "units": [
            [int(n), u.population, int(u.node_id), u.spike_times.tolist()] for n, u in units.iterrows()
        ],
        "volts": (series.data[:] * series.conversion + series.offset).ravel().tolist(),
        "rate": series.rate,
        "x": series.electrodes.to_dataframe().x.tolist(),
        "lfp": list(file.processing["ecephys"]["LFP"].electrical_series),
    }
print(json.dumps(found))
