"""Keys of configurations of the Allen dialect: which of them mean something, and which have no effect here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.exceptions import did_you_mean

KNOWN_KEYS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "run": (
            *("tstart", "tstop", "dt", "dL", "spike_threshold", "nsteps_block", "random_seed"),
            *("overwrite_output_dir", "use_old_import3d", "duration"),
        ),
        "conditions": ("celsius", "v_init"),
        "output": (
            *("output_dir", "overwrite_output_dir", "log_file", "log_level", "log_to_console", "log_format"),
            *("quiet_simulator", "spikes_file", "spikes_file_csv", "spikes_file_nwb", "spikes_sort_order"),
            "spikes_sort",
        ),
        "components": (
            *("morphologies_dir", "synaptic_models_dir", "mechanisms_dir", "biophysical_neuron_models_dir"),
            *("point_neuron_models_dir", "templates_dir", "filter_models_dir", "population_models_dir"),
        ),
        "networks": ("nodes", "edges", "gap_juncs"),
    }
)
"""Section -> keys that mean something in it."""

_SECTIONS = (
    *("manifest", "network", "simulation", "inputs", "reports", "node_sets", "node_sets_file"),
    *("target_simulator", *KNOWN_KEYS),
)
_NETWORK_KEYS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "nodes": ("nodes_file", "node_types_file", "enabled"),
        "edges": ("edges_file", "edge_types_file", "enabled"),
        "gap_juncs": ("gap_juncs_file", "enabled"),
    }
)
_SPIKE_FILE = ("node_set", "input_file", "population", "trial")
_SPIKE_INPUT_KEYS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        **dict.fromkeys(("sonata", "h5", "csv", "nwb"), _SPIKE_FILE),
        "function": ("node_set", "spikes_function"),
        "syn_activity": ("node_set", "precell_filter", "postcell_filter", "timestamps"),
        "replay": (
            *("node_set", "spikes_file", "edges", "source_node_set", "target_node_set"),
            *("population", "trial"),
        ),
        "ecephys_probe": (
            *("node_set", "input_file", "mapping", "units", "interval", "interval_offset", "missing_ids"),
            "dandi_repo",
        ),
    }
)
"""Module (in small letters) of inputs that give spikes -> its keys; those of stimuli are declared by their types."""

_INPUT_KEYS = ("module", "input_type", "enabled")
_OF_SPIKES = ("sonata", "h5", "csv", "nwb", "function", "ecephys_probe")
_WITHOUT_EFFECT: Mapping[str, Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        "run": {"use_old_import3d": (False,)},
        "output": {"log_to_console": (True,), "quiet_simulator": (False,), "log_format": ()},
    }
)
"""Section -> key of BMTK's that has no effect here -> values that ask for what is done anyway."""


def notice_keys(document: AllenDocument) -> None:
    """Note keys that mean nothing, or have no effect here; BMTK passes over the former in silence."""
    for where, block, known in _blocks(document):
        for key in block:
            # sections of their own are common in the configurations of scripts, unknown keys are not
            hint = did_you_mean(key, known) or ("it is passed over" if where else "")
            if key not in known and hint and not key.startswith(("_", "#", "/", "comment")):
                document.notice(f"{key!r} is no key of BMTK's and has no effect", *where, key, hint=hint)
    for section, ignored in _WITHOUT_EFFECT.items():
        values = dict(_objects({section: document.sections.get(section)})).get(section, {})
        for key in sorted(ignored.keys() & values.keys()):
            if values[key] is not None and values[key] not in ignored[key]:
                document.notice(
                    f"{key!r} has no effect here",
                    section,
                    key,
                    hint="see --quiet and --verbose of the command",
                )
    for name, block in _objects(document.sections.get("inputs")):
        given = block.get("input_type", "spikes")
        if str(block.get("module")).lower() in _OF_SPIKES and given not in ("spikes", "syn_activity"):
            message = f"the module {block['module']!r} gives spikes: the input_type {given!r} has no effect"
            document.notice(message, "inputs", name, "input_type", hint='"input_type": "spikes"')


def _blocks(
    document: AllenDocument,
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any], Sequence[str]]]:
    """Yield place, block and known keys."""
    yield (), document.sections, _SECTIONS
    for section, block in _objects({key: document.sections.get(key) for key in KNOWN_KEYS}):
        yield (section,), block, KNOWN_KEYS[section]
    for family, entries in _networks(document):
        for number, entry in enumerate(entries):
            if isinstance(entry, Mapping):
                yield ("networks", family, number), entry, _NETWORK_KEYS[family]
    for name, block in _objects(document.sections.get("inputs")):
        keys = _SPIKE_INPUT_KEYS.get(str(block.get("module")).lower())
        if keys is not None:
            yield ("inputs", name), block, (*keys, *_INPUT_KEYS)


def _networks(document: AllenDocument) -> Iterator[tuple[str, list[Any]]]:
    networks = document.sections.get("networks")
    for family in _NETWORK_KEYS:
        entries = networks.get(family) if isinstance(networks, Mapping) else None
        if isinstance(entries, list):
            yield family, entries


def _objects(blocks: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(blocks, Mapping):
        yield from ((name, block) for name, block in blocks.items() if isinstance(block, Mapping))
