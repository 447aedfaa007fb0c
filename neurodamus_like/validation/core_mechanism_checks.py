"""Mechanisms that NEURON runs and CoreNEURON does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from neurodamus_like.config.models import NodePopulation, Simulation
from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.io.hoc_template import find_hoc_template
from neurodamus_like.io.nmodl import ModHeader, read_nmodl_header
from neurodamus_like.io.node_types import read_typed_nodes, read_types
from neurodamus_like.io.nodes import read_nodes
from neurodamus_like.validation.problems import Problem

ONLY_IN_NEURON = frozenset({"IntFire2", "IntFire4"})
SIMULATE_WITH_NEURON = 'simulate with NEURON: "target_simulator": "NEURON", or --simulator=NEURON'


def check_core_mechanisms(simulation: Simulation) -> list[Problem]:
    """Return what CoreNEURON cannot run of the artificial cells, synapses and templates that the circuit names.

    Parameters
    ----------
    simulation
        A simulation without errors; one for NEURON has no problem. Under a node set, which may select none of these
        cells, problems are warnings.
    """
    if simulation.simulator != "CORENEURON":
        return []
    headers = {header.name: header for header in _headers(simulation.circuit.mechanisms_dirs)}
    problems = []
    for name, file in _named_mechanisms(simulation).items():
        if name in headers:
            reason = beyond_coreneuron(headers[name])
            what = f"CoreNEURON cannot run the mechanism {name}: it {reason}"
            hint = f"add THREADSAFE to its NEURON block if it is; or {SIMULATE_WITH_NEURON}"
        else:
            reason = "" if name in ONLY_IN_NEURON else None
            what = f"CoreNEURON does not have NEURON's {name}"
            hint = SIMULATE_WITH_NEURON
        if reason is not None:
            problems.append(Problem("warning" if simulation.node_set else "error", what, file, hint=hint))
    return problems


def beyond_coreneuron(header: ModHeader) -> str | None:
    """Return why CoreNEURON cannot run a mechanism, None if it can."""
    if header.thread_safe:
        return None
    if header.pointers:
        return f"has the POINTER {', '.join(header.pointers)} and is not declared THREADSAFE"
    if header.has_verbatim:
        return "has VERBATIM blocks and is not declared THREADSAFE"
    return None


def _headers(folders: Iterable[Path]) -> Iterator[ModHeader]:
    for folder in folders:
        for path in sorted(folder.glob("*.mod")):
            try:
                yield read_nmodl_header(path)
            except NeurodamusLikeError:
                continue  # the compiler will say what is wrong with it


def _named_mechanisms(simulation: Simulation) -> Mapping[str, Path]:
    """Return the mechanisms that are named, and the first file that names each."""
    found: dict[str, Path] = {}
    for nodes in simulation.circuit.nodes.values():
        for name in () if nodes.is_virtual else _of_cells(nodes):
            found.setdefault(name, nodes.types_file or nodes.file)
    for edges in simulation.circuit.edges.values():
        types = read_types(edges, "edge_type_id") if edges.kind == "edge_types" else None
        for name in types.values("model_template") if types is not None else ():
            if name is not None:
                found.setdefault(str(name), edges.types_file or edges.file)
    return found


def _of_cells(population: NodePopulation) -> Iterator[str]:
    if population.kind == "node_types":
        _, table = read_typed_nodes(population, ["model_template"])
        templates = [str(text) for text in table.texts("model_template").tolist()]
        yield from dict.fromkeys(t.removeprefix("nrn:") for t in templates if t.startswith("nrn:"))
        return
    folder = population.components.biophysical_neuron_models_dir
    if population.kind != "biophysical" or folder is None:
        return
    nodes = read_nodes(population.file, population.name, ["model_template"])
    for name in dict.fromkeys(nodes.columns["model_template"].astype(str).tolist()):
        try:
            yield from sorted(find_hoc_template(name.removeprefix("hoc:"), folder).mechanisms)
        except NeurodamusLikeError:
            continue  # a template from elsewhere
