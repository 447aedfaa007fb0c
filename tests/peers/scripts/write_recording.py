"""Write a recording with pynwb: python write_recording.py FILE '{"<unit>": [times in s], ...}'."""

import datetime
import json
import sys

import pynwb

file = pynwb.NWBFile("a recording", "r1", datetime.datetime.now(datetime.timezone.utc))
group = file.create_electrode_group("probe", "contacts", "brain", file.create_device("probe"))
for number, location in ((850, "VISp"), (851, "LGd")):
    file.add_electrode(id=number, group=group, location=location)
file.add_unit_column("peak_channel_id", "electrode of the unit")
file.add_unit_column("quality", "of the isolation")
for place, (unit, times) in enumerate(json.loads(sys.argv[2]).items()):
    file.add_unit(id=int(unit), spike_times=times, peak_channel_id=850 + place % 2, quality="good")
with pynwb.NWBHDF5IO(sys.argv[1], "w") as io:
    io.write(file)
