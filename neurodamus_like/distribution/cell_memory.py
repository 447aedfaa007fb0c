"""``cell_memory_usage.json``: what a cell of each type needs, in the format of neurodamus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import ConfigurationError

FILE_NAME = "cell_memory_usage.json"

REFERENCE_SYNAPSE_KIB = 1.9
"""What neurodamus counts per synapse, for files that do not say."""

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CellMemory:
    """Memory of cells by their type (``<mtype>-<etype>``).

    Attributes
    ----------
    cell_kib
        Type -> KiB of a cell without synapses, on average.
    synapses
        Type -> synapses of a cell, on average.
    node_ids
        Population -> {type: node ids}, counted from 0.
    synapse_kib
        KiB of a synapse with its NetCons, on average.
    """

    cell_kib: Mapping[str, float]
    synapses: Mapping[str, float]
    node_ids: Mapping[str, Mapping[str, IntArray]]
    synapse_kib: float = REFERENCE_SYNAPSE_KIB

    @classmethod
    def summarize(
        cls,
        types: Mapping[str, npt.NDArray[np.str_]],
        node_ids: Mapping[str, IntArray],
        cell_bytes: Mapping[str, FloatArray],
        synapses: Mapping[str, IntArray],
        synapse_bytes: float,
    ) -> CellMemory:
        """Average over the cells of each type; all mappings are population -> values aligned with `node_ids`."""
        members: dict[str, dict[str, IntArray]] = {}
        parts: dict[str, list[tuple[FloatArray, IntArray]]] = {}
        for name, ids in node_ids.items():
            members[name] = {}
            for kind in np.unique(types[name]).tolist():
                of = types[name] == kind
                members[name][kind] = ids[of]
                parts.setdefault(kind, []).append((cell_bytes[name][of], synapses[name][of]))
        return cls(
            {k: float(np.concatenate([c for c, _ in v]).mean()) / 1024 for k, v in parts.items()},
            {k: float(np.concatenate([s for _, s in v]).mean()) for k, v in parts.items()},
            members,
            synapse_bytes / 1024,
        )

    def costs(self) -> dict[str, tuple[IntArray, FloatArray]]:
        """Return population -> (node ids ascending, bytes of each cell with its synapses)."""
        result = {}
        for name, members in self.node_ids.items():
            ids = np.concatenate([np.empty(0, dtype=np.int64), *members.values()])
            kib = [self.cell_kib[k] + self.synapses.get(k, 0.0) * self.synapse_kib for k in members]
            cost = np.repeat(np.array(kib) * 1024.0, [m.size for m in members.values()])
            order = np.argsort(ids)
            result[name] = (ids[order], cost[order])
        return result

    def write(self, directory: Path) -> Path:
        """Write the file into a folder; return it."""
        path = directory / FILE_NAME
        content = {
            "metype_memory": self.cell_kib,
            "metype_cell_syn_average": self.synapses,
            "pop_metype_gids": {
                name: {kind: ids.tolist() for kind, ids in members.items()}
                for name, members in self.node_ids.items()
            },
            "synapse_memory": self.synapse_kib,
        }
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, directory: Path) -> CellMemory | None:
        """Read the file in a folder; None when there is none.

        Raises
        ------
        ConfigurationError
            It is damaged.
        """
        path = directory / FILE_NAME
        if not path.is_file():
            return None
        try:
            raw: Any = json.loads(path.read_text(encoding="utf-8"))
            members = {
                str(name): {str(kind): np.array(ids, dtype=np.int64) for kind, ids in of.items()}
                for name, of in raw["pop_metype_gids"].items()
            }
            cell_kib = {str(kind): float(value) for kind, value in raw["metype_memory"].items()}
            synapses = {str(k): float(v) for k, v in raw.get("metype_cell_syn_average", {}).items()}
            unknown = sorted({kind for of in members.values() for kind in of} - set(cell_kib))
            if unknown:
                raise KeyError(f"metype_memory of {', '.join(unknown)}")
            return cls(cell_kib, synapses, members, float(raw.get("synapse_memory", REFERENCE_SYNAPSE_KIB)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"the memory of cells cannot be read: {type(error).__name__}: {error}",
                file=path,
                expected="metype_memory (KiB) and pop_metype_gids, as --dry-run writes them",
                hint="remove it, and make it again with --dry-run",
            ) from error
