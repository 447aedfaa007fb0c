"""A folder from which a network can be simulated: configuration, the folders that it names, a run script.

Names of folders and files are those of BMTK's ``create_environment`` for the Allen dialect, and those of the
examples of the Open Brain Institute for the OBI dialect. Paths in the configuration are relative to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurodamus_like.builder.environment_configs import (
    COMPONENTS,
    NODE_SETS_FILE,
    split_names,
    write_allen,
    write_obi,
)
from neurodamus_like.builder.environment_options import EnvironmentOptions, Layout
from neurodamus_like.exceptions import ConfigurationError, raise_errors

NETWORK_NAMES = ("network", "networks", "circuit", "circuits", "network_dir", "circuit_dir")

CIRCUIT_FILE = "circuit_config.json"

_RUN_SCRIPT = '''"""Run the simulation of this folder; with MPI: mpiexec -n N python {script}"""

import sys
from pathlib import Path

from neurodamus_like.cli.main import main

config = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).resolve().parent / "{config}")
sys.exit(main(["run", config, *sys.argv[2:]]))
'''


def create_environment(
    base_dir: str | Path,
    network_dir: str | Path | None = None,
    components_dir: str | Path | None = None,
    output_dir: str | Path | None = None,
    options: EnvironmentOptions | None = None,
) -> list[Path]:
    """Make the folder and return the files written, the configuration to run first.

    Parameters
    ----------
    base_dir
        The folder; made if it is not there.
    network_dir
        Folder of the network files; by default a folder named ``network``, ``circuit``, ... inside `base_dir`.
        With a ``circuit_config.json`` in it the OBI dialect is written, otherwise the Allen dialect.
    components_dir, output_dir
        Of cell and synapse models (``components``) and of results (``output``).
    options
        What to simulate.

    Raises
    ------
    ConfigurationError
        With everything that :func:`find_obstacles` finds.
    """
    chosen = options or EnvironmentOptions()
    raise_errors(find_obstacles(base_dir, network_dir, components_dir, output_dir, chosen))
    layout = _layout_of(base_dir, network_dir, components_dir, output_dir)
    layout.base.mkdir(parents=True, exist_ok=True)
    circuit = layout.network / CIRCUIT_FILE
    if circuit.is_file():
        write_obi(layout, circuit, chosen)
    else:
        for name in COMPONENTS:
            (layout.components / name).mkdir(parents=True, exist_ok=True)
        nodes, edges, junctions = find_network_files(layout.network, chosen.network_filter)
        write_allen(layout, chosen, {"nodes": nodes, "edges": edges, "gap_juncs": junctions})
    *configs, script = _files_of(layout, chosen)
    text = _RUN_SCRIPT.format(script=script.name, config=chosen.config_file)
    script.write_text(text, encoding="utf-8")
    return [*configs, script]


def find_obstacles(
    base_dir: str | Path,
    network_dir: str | Path | None,
    components_dir: str | Path | None,
    output_dir: str | Path | None,
    options: EnvironmentOptions,
) -> list[ConfigurationError]:
    """Return what stands against making a folder; parameters as in :func:`create_environment`.

    `base_dir` is a file, there are no network files, or files are there already and may not be replaced.
    """
    layout = _layout_of(base_dir, network_dir, components_dir, output_dir)
    if layout.base.is_file():
        return [ConfigurationError("this is a file, not a folder", file=layout.base)]
    found = []
    nodes, _, _ = find_network_files(layout.network, options.network_filter)
    if not (layout.network / CIRCUIT_FILE).is_file() and not nodes:
        found.append(
            ConfigurationError(
                "there are no network files",
                file=layout.network,
                expected=f"<name>_nodes.h5 and <name>_node_types.csv, or a {CIRCUIT_FILE}",
                hint="build a network with NetworkBuilder(...).save(output_dir=...), or name its folder",
            )
        )
    hint = "choose another name, or --overwrite (overwrite=True)"
    present = [path for path in _files_of(layout, options) if path.exists() and not options.overwrite]
    return [*found, *(ConfigurationError("the file is there already", file=p, hint=hint) for p in present)]


def _layout_of(
    base_dir: str | Path,
    network_dir: str | Path | None,
    components_dir: str | Path | None,
    output_dir: str | Path | None,
) -> Layout:
    base = Path(base_dir).absolute()
    return Layout(
        base,
        _find_network(base, network_dir),
        _inside(base, components_dir, "components"),
        _inside(base, output_dir, "output"),
    )


def _files_of(layout: Layout, options: EnvironmentOptions) -> list[Path]:
    """Return the files that will be written: configurations, the one to run first, and the script last."""
    config = layout.base / options.config_file
    files = [config]
    if (layout.network / CIRCUIT_FILE).is_file():
        files.append(layout.base / NODE_SETS_FILE)
    elif options.split_configs:
        parts = split_names(options)
        files += [config.with_name(parts["simulation"]), config.with_name(parts["network"])]
    return [*files, layout.base / (options.run_script or "run.py")]


def _find_network(base: Path, network_dir: str | Path | None) -> Path:
    if network_dir is not None:
        near = base / network_dir
        return near if near.is_dir() else Path(network_dir).absolute()
    return next((base / name for name in NETWORK_NAMES if (base / name).is_dir()), base / "network")


def _inside(base: Path, folder: str | Path | None, default: str) -> Path:
    if folder is None:
        return base / default
    return Path(folder).absolute() if Path(folder).is_dir() else base / folder


def find_network_files(
    folder: Path, wanted: Sequence[str] = ()
) -> tuple[list[dict[str, Path]], list[dict[str, Path]], list[dict[str, Path]]]:
    """Return the node, edge and gap junction files of a folder, each with its table of types, by name.

    Parameters
    ----------
    folder
        Where to look.
    wanted
        Only files whose names contain one of these.
    """
    kinds = (("_node_types", "node_types_file", 0), ("_nodes", "nodes_file", 0), ("_edge_types", "edge_types_file", 1),
             ("_edges", "edges_file", 1), ("_gap_juncs", "gap_juncs_file", 2))  # fmt: skip
    found: tuple[dict[str, dict[str, Path]], ...] = ({}, {}, {})
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.is_file() or path.name.startswith(".") or not _is_wanted(path.name, wanted):
            continue
        for mark, key, number in kinds:
            if mark in path.name:
                found[number].setdefault(path.name.partition(mark)[0], {})[key] = path
                break
    nodes, edges, junctions = (list(kind.values()) for kind in found)
    return [n for n in nodes if "nodes_file" in n], [e for e in edges if "edges_file" in e], junctions


def _is_wanted(name: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(part in name for part in wanted)
