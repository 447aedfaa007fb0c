"""A recording as NWB 2 files of extracellular probes have it: units with electrodes, and tables of stimuli."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

UNITS = {
    10: np.array([1.0, 1.5, 2.2]),
    11: np.array([0.5, 3.5]),
    12: np.array([2.5]),
    13: np.array([2.0, 3.9, 5.0]),
}
"""Unit -> times in s."""


def write_recording(path: Path, units: Mapping[int, np.ndarray] = UNITS) -> Path:
    """Write four units at three electrodes, and three presentations; `units` gives their numbers and times."""
    text = h5py.string_dtype()
    with h5py.File(path, "w") as h5:
        h5.attrs["nwb_version"] = "2.6.0"
        table = h5.create_group("units")
        table["id"] = np.array(list(units), dtype=np.int64)
        table["spike_times"] = np.concatenate(list(units.values()))
        table["spike_times_index"] = np.cumsum([times.size for times in units.values()]).astype(np.uint16)
        table["snr"] = [1.5, 2.0, 3.0, 0.5]
        table.create_dataset("quality", data=["good", "noise", "good", "good"], dtype=text)
        table["peak_channel_id"] = [850, 851, 852, 853]
        electrodes = h5.create_group("general/extracellular_ephys/electrodes")
        electrodes["id"] = [853, 852, 851, 850]
        electrodes.create_dataset("location", data=["LGd", "VISl", "VISp", "VISp"], dtype=text)
        stimuli = h5.create_group("intervals/gratings_presentations")
        stimuli["start_time"], stimuli["stop_time"] = [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]
        stimuli["orientation"] = [0.0, 90.0, 90.0]
    return path
