"""NetworkBuilder: from rules in Python to SONATA files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurodamus_like.builder.communicator import Communicator
from neurodamus_like.builder.hdf5_columns import check_compression
from neurodamus_like.builder.network_edges import DEFAULT_MEMORY_MB, NetworkEdges
from neurodamus_like.builder.obi_edges import write_obi_network
from neurodamus_like.builder.saving import PairOfNetworks, write_junctions, write_nodes_and_types, write_pair
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.logs import get_logger

logger = get_logger(__name__)


class NetworkBuilder(NetworkEdges):
    """A network under construction: nodes, rules that connect them, and the files made of them.

    Scripts written for BMTK's builder run with only the import changed.

    Parameters
    ----------
    name
        Name of the network, and of its node population.
    seed
        Of all random numbers of the array rules and array properties. Equal seeds give equal networks, on any
        number of ranks and with any memory limit.
    memory_limit_mb
        How much of built edges stays in memory, in 1e6 bytes; the rest waits in a scratch file.
    scratch_dir
        Folder of the scratch file; the system's folder for temporary files by default.
    comm
        Ranks that build together (see :mod:`~neurodamus_like.builder.communicator`); those of the MPI launcher
        by default.
    progress
        Show progress of long builds.
    **network_props
        ``gj_id_start``: first id of gap junctions. Others are kept in :attr:`properties`.

    Raises
    ------
    ConfigurationError
        The name is empty.
    """

    def __init__(
        self,
        name: str,
        *,
        seed: int = 0,
        memory_limit_mb: float = DEFAULT_MEMORY_MB,
        scratch_dir: str | Path | None = None,
        comm: Communicator | None = None,
        progress: bool = True,
        **network_props: Any,
    ) -> None:
        super().__init__(name, comm, seed, memory_limit_mb, scratch_dir, progress)
        self.properties = network_props

    def save(
        self,
        output_dir: str | Path = ".",
        force_overwrite: bool = True,
        compression: Any = None,
        dialect: str = "allen",
        components: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        """Write nodes, edges and types.

        Parameters
        ----------
        output_dir
            Folder; made if it is not there.
        force_overwrite
            False refuses to replace files.
        compression
            None (fastest, and what all readers understand), 'gzip', a level from 0 to 9, or 'lzf'. The wheels
            of libsonata have no compression filters: they cannot read compressed files.
        dialect
            "allen": properties of types in CSV tables. "obi": properties of types become columns, every synapse
            is a row, and a circuit_config.json is written beside the files.
        components
            Folders of the circuit configuration of the "obi" dialect (``morphologies_dir``, ...).
        **options
            Of :meth:`save_edges`.

        Raises
        ------
        CircuitError
            A file is there already, or cannot be written.
        """
        if dialect.lower() == "obi":
            if self._connections and not self.edges_built:
                self.build()
            packing = check_compression(compression)
            write_obi_network(self, Path(output_dir), force_overwrite, packing, components)
            return
        if dialect.lower() != "allen":
            raise ConfigurationError(
                f"dialect={dialect!r} is not known",
                expected="'allen' or 'obi'",
                hint=did_you_mean(dialect, ["allen", "obi"]) or None,
            )
        self.save_nodes(output_dir=output_dir, force_overwrite=force_overwrite, compression=compression)
        self.save_edges(
            output_dir=output_dir, force_overwrite=force_overwrite, compression=compression, **options
        )

    def save_nodes(
        self,
        nodes_file_name: str | None = None,
        node_types_file_name: str | None = None,
        output_dir: str | Path = ".",
        force_overwrite: bool = True,
        compression: Any = None,
        **_: Any,
    ) -> None:
        """Write ``<name>_nodes.h5`` and ``<name>_node_types.csv``; see :meth:`save`."""
        self._nodes_built = True
        nodes = Path(output_dir) / (nodes_file_name or f"{self.name}_nodes.h5")
        types = Path(output_dir) / (node_types_file_name or f"{self.name}_node_types.csv")
        write_nodes_and_types(self, nodes, types, force_overwrite, check_compression(compression))

    def save_edges(
        self,
        edges_file_name: str | None = None,
        edge_types_file_name: str | None = None,
        output_dir: str | Path = ".",
        src_network: str | None = None,
        trg_network: str | None = None,
        name: str | None = None,
        force_build: bool = True,
        force_overwrite: bool = False,
        compression: Any = None,
        index_by: Sequence[str] | str = ("target_node_id", "source_node_id"),
        **_: Any,
    ) -> None:
        """Write ``<source>_<target>_edges.h5`` and ``..._edge_types.csv`` for each pair of networks.

        Parameters
        ----------
        edges_file_name, edge_types_file_name
            Other names, for the first pair of networks that is chosen.
        output_dir, force_overwrite, compression
            See :meth:`save`.
        src_network, trg_network
            Choose pairs of networks.
        name
            Name of the edge population; ``<source>_to_<target>`` by default.
        force_build
            Build edges first if that was not done.
        index_by
            Indices to write.

        Raises
        ------
        CircuitError
            A file is there already, or cannot be written.
        """
        if not self._connections:
            logger.warning("network %s has no edge groups: no edges are written", self.name)
            return
        if not self.edges_built:
            if not force_build:
                logger.warning("the edges of network %s are not built: none are written", self.name)
                return
            self.build()
        chosen = self._pairs(src_network, trg_network)
        if not chosen:
            logger.warning("network %s: no edges from %s to %s", self.name, src_network, trg_network)
            return
        folder, indices = Path(output_dir), (index_by,) if isinstance(index_by, str) else tuple(index_by)
        own_names = edges_file_name is not None or edge_types_file_name is not None
        for source, target in chosen[:1] if own_names else chosen:
            edges = edges_file_name if own_names else f"{source}_{target}_edges.h5"
            types = edge_types_file_name if own_names else f"{source}_{target}_edge_types.csv"
            pair = PairOfNetworks(source, target, name or f"{source}_to_{target}")
            paths = (None if edges is None else folder / edges, None if types is None else folder / types)
            write_pair(self, pair, *paths, force_overwrite, check_compression(compression), indices)
        write_junctions(self, folder / f"{self.name}_gap_juncs.h5", check_compression(compression))

    def _pairs(self, source: str | None, target: str | None) -> list[tuple[str, str]]:
        pairs = dict.fromkeys((g.source_network_name, g.target_network_name) for g in self._connections)
        return [p for p in pairs if source in (None, p[0]) and target in (None, p[1])]
