"""Files of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.exceptions import ReportError
from neurodamus_like.io.nwb_files import write_spikes_nwb
from neurodamus_like.io.spikes import write_spikes, write_spikes_csv
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.simulation.modules import SimulatorMod

ORDERS: Mapping[str | None, str] = {
    **{None: "none", "none": "none", "time": "by_time", "by_time": "by_time"},
    **dict.fromkeys(("id", "by_id", "node_id", "gid"), "by_id"),
}
"""`spikes_sort_order` -> name of the order."""


class SpikesMod(SimulatorMod):
    """Writes spikes to further files; the simulation writes those of its configuration in any case.

    Parameters
    ----------
    tmp_dir
        Folder of the files.
    spikes_file_csv, spikes_file, spikes_file_nwb
        Table, SONATA file, and NWB file (table of units; times in seconds); at least one.
    cache_to_disk, mode, compression
        No effect: spikes are small, and files are replaced.
    spikes_sort_order
        ``time``, ``id`` or None.

    Raises
    ------
    ReportError
        No file is named, or the order is unknown.
    """

    def __init__(
        self,
        tmp_dir: str,
        spikes_file_csv: str | None = None,
        spikes_file: str | None = None,
        spikes_file_nwb: str | None = None,
        cache_to_disk: bool = True,
        spikes_sort_order: str | None = None,
        mode: str = "a",
        compression: str = "gzip",
    ) -> None:
        if spikes_sort_order not in ORDERS:
            raise ReportError(
                f"unknown spikes_sort_order {spikes_sort_order!r}",
                expected="one of " + ", ".join(str(name) for name in ORDERS),
            )
        if spikes_file_csv is spikes_file is spikes_file_nwb is None:
            raise ReportError("SpikesMod has no file to write", expected="spikes_file, _csv or _nwb")
        self._order = ORDERS[spikes_sort_order]
        self._table, self._file, self._nwb = (
            None if name is None else _inside(Path(tmp_dir), Path(name))
            for name in (spikes_file_csv, spikes_file, spikes_file_nwb)
        )

    def finalize(self, sim: Any) -> None:
        """Write the files."""
        spikes = sim.spikes.gather(sim.comm)
        with collectively(sim.comm):
            if spikes is None:
                return
            if self._file is not None:
                write_spikes(self._file, spikes, self._order, "text")
            if self._table is not None:
                write_spikes_csv(self._table, spikes, self._order)
            if self._nwb is not None:
                write_spikes_nwb(self._nwb, spikes)


def _inside(folder: Path, name: Path) -> Path:
    """Return the path of a file in a folder, which its name may begin with."""
    is_inside = name.resolve().is_relative_to(folder.resolve())
    return name.absolute() if is_inside else (folder / name).absolute()
