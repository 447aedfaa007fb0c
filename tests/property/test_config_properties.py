"""Properties of reading configurations: manifest expansion, round trip of random valid simulations."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodamus_like.config.manifest import (
    expand_variables,
    parse_json,
    pointer_to,
    resolve_manifest,
    resolve_path,
)
from neurodamus_like.config.obi import load_simulation
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.validation.problems import errors_of
from neurodamus_like.validation.schema_checks import check_schema, edit_distance

NAMES = st.text("abcXYZ019_", min_size=1, max_size=5)
FOLDERS = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join)
NUMBERS = st.floats(-1e3, 1e3).map(lambda x: round(x, 6))
POSITIVE = st.floats(1e-3, 1e3).map(lambda x: round(x, 6))
SEEDS = st.integers(0, 2**31 - 1)


@given(st.lists(st.tuples(NAMES, FOLDERS), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_chains_of_variables_expand_fully(pairs: list[tuple[str, str]]) -> None:
    """Each variable stands for the folders of all before it."""
    manifest, expected, before = {}, {}, ""
    for name, folder in pairs:
        manifest[f"${name}"] = f"{before}/{folder}" if before else folder
        expected[f"${name}"] = folder if not expected else f"{list(expected.values())[-1]}/{folder}"
        before = f"${name}"
    assert resolve_manifest(manifest) == expected
    shuffled = dict(sorted(manifest.items()))
    assert resolve_manifest(shuffled) == expected


@given(st.dictionaries(NAMES.map(lambda name: "$" + name), FOLDERS))
def test_expansion_is_idempotent(manifest: dict[str, str]) -> None:
    variables = resolve_manifest(manifest)
    for name in manifest:
        once = expand_variables(f"{name}/file", variables)
        assert once == expand_variables(once, variables)
        path = resolve_path(f"{name}/file", variables, Path("/base"))
        assert path.is_absolute()
        assert path == Path("/base") / manifest[name] / "file"


@given(st.lists(NAMES, min_size=2, max_size=5, unique=True))
def test_every_circle_is_found(names: list[str]) -> None:
    following = [*names[1:], names[0]]
    manifest = {f"${name}": f"${other}/x" for name, other in zip(names, following, strict=True)}
    with pytest.raises(ConfigurationError):
        resolve_manifest(manifest)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_pointers_can_be_read_back(tokens: list[str]) -> None:
    parts = pointer_to(*tokens).split("/")[1:]
    assert [part.replace("~1", "/").replace("~0", "~") for part in parts] == tokens


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_json_object_is_parsed(value: Any) -> None:
    assert parse_json(json.dumps({"key": value}), "x.json") == {"key": value}


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_edit_distance_is_symmetric_and_bounded(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))
    assert edit_distance(a + c, b + c) <= edit_distance(a, b)


@st.composite
def simulations(draw: st.DrawFn) -> dict[str, Any]:
    """Return a random valid simulation configuration (its node sets are not looked up here)."""
    run = {"tstop": draw(POSITIVE), "dt": draw(POSITIVE), "random_seed": draw(SEEDS)}
    run |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "spike_threshold": NUMBERS,
                "minis_seed": SEEDS,
                "integration_method": st.sampled_from(["euler", "crank_nicolson", "crank_nicolson_ion"]),
            },
        )
    )
    linear = st.fixed_dictionaries(
        {
            "module": st.just("linear"),
            "input_type": st.just("current_clamp"),
            "delay": NUMBERS,
            "duration": POSITIVE,
            "node_set": NAMES,
            "amp_start": NUMBERS,
        },
        optional={"amp_end": NUMBERS, "represents_physical_electrode": st.booleans()},
    )
    report = st.fixed_dictionaries(
        {
            "type": st.just("compartment"),
            "variable_name": st.sampled_from(["v", "ina", "Ih.ihcn"]),
            "dt": POSITIVE,
            "start_time": st.just(0),
            "end_time": POSITIVE,
        },
        optional={"sections": st.sampled_from(["soma", "axon", "all"]), "cells": NAMES, "file_name": NAMES},
    )
    return {
        "run": run,
        "node_set": draw(NAMES),
        "inputs": draw(st.dictionaries(NAMES, linear, max_size=4)),
        "reports": draw(st.dictionaries(NAMES, report, max_size=4)),
    }


@settings(max_examples=60)
@given(simulations())
def test_round_trip_of_valid_simulations(document: dict[str, Any]) -> None:
    """What was written is what the model says, order included, and the schema agrees that it is valid."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "simulation_config.json"
        (Path(folder) / "circuit_config.json").write_text('{"networks": {"nodes": [], "edges": []}}')
        path.write_text(json.dumps(document))
        sim = load_simulation(path)
    run = document["run"]
    assert errors_of(check_schema(document, "obi_simulation", path)) == []
    assert (sim.run.tstop_ms, sim.run.dt_ms, sim.run.random_seed) == (
        run["tstop"],
        run["dt"],
        run["random_seed"],
    )
    assert sim.run.spike_threshold_mV == run.get("spike_threshold", -30.0)
    assert sim.run.integration_method.name.lower() == run.get("integration_method", "euler")
    assert sim.node_set == document["node_set"]
    assert [i.name for i in sim.inputs] == list(document["inputs"])
    for item, block in zip(sim.inputs, document["inputs"].values(), strict=True):
        assert (item.delay_ms, item.duration_ms) == (block["delay"], block["duration"])
        start = block["amp_start"]
        assert dict(item.parameters) == {"amp_start": start, "amp_end": block.get("amp_end", start)}
    assert [r.name for r in sim.reports] == list(document["reports"])
    for report, block in zip(sim.reports, document["reports"].values(), strict=True):
        assert report.cells == block.get("cells", document["node_set"])
        assert report.compartments == ("center" if report.sections == "soma" else "all")
        assert report.file_name == block.get("file_name", report.name) + ".h5"
