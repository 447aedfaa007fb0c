"""Strict JSON, manifest variables, relative paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodamus_like.config.manifest import parse_json, pointer_to, read_json, resolve_manifest, resolve_path
from neurodamus_like.exceptions import ConfigurationError


def test_syntax_error_tells_line_and_column() -> None:
    with pytest.raises(ConfigurationError, match="line 2, column 7") as caught:
        parse_json('{"a": 1,\n "b": }', "x.json")
    assert caught.value.file == Path("x.json")


def test_duplicate_key_is_an_error_with_its_lines() -> None:
    with pytest.raises(ConfigurationError, match="'dt' occurs twice") as caught:
        parse_json('{"run": {\n"dt": 1,\n"dt": 2}}', "x.json")
    assert caught.value.hint == '"dt" stands on the lines 2, 3'


def test_same_key_in_two_objects_is_fine() -> None:
    assert parse_json('{"a": {"x": 1}, "b": {"x": 2}}', "x.json") == {"a": {"x": 1}, "b": {"x": 2}}


def test_top_level_must_be_an_object() -> None:
    with pytest.raises(ConfigurationError, match="is a list"):
        parse_json("[1]", "x.json")


def test_missing_file_proposes_a_neighbour(tmp_path: Path) -> None:
    (tmp_path / "simulation_config.json").write_text("{}")
    with pytest.raises(ConfigurationError) as caught:
        read_json(tmp_path / "simulaton_config.json")
    assert caught.value.hint == "did you mean 'simulation_config.json'?"


def test_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\x89HDF\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_json(tmp_path / "x.json")


def test_variables_may_name_variables() -> None:
    found = resolve_manifest({"$C": "$B/c", "$B": "$A/b", "$A": "/root"})
    assert found == {"$A": "/root", "$B": "/root/b", "$C": "/root/b/c"}


@pytest.mark.parametrize("key", ["A", "${A}", "$", "$A-B"])
def test_invalid_variable_names(key: str) -> None:
    with pytest.raises(ConfigurationError, match="invalid variable name"):
        resolve_manifest({key: "x"})


@pytest.mark.parametrize("manifest", [{"$A": "$B", "$B": "$A"}, {"$A": "$A/x"}, {"$A": "$A"}])
def test_circles_are_errors(manifest: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_manifest(manifest, "c.json")
    assert caught.value.pointer == "/manifest"


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    variables = resolve_manifest({"$BASE": "./", "$BASE_DIR": "data"})
    assert resolve_path("x.h5", variables, tmp_path) == tmp_path / "x.h5"
    assert resolve_path("./a/../x.h5", variables, tmp_path) == tmp_path / "x.h5"
    assert resolve_path("$BASE/../x.h5", variables, tmp_path) == tmp_path.parent / "x.h5"
    assert resolve_path("$BASE_DIR/x.h5", variables, tmp_path) == tmp_path / "data" / "x.h5"
    assert resolve_path("/abs/x.h5", variables, tmp_path) == Path("/abs/x.h5")


def test_unknown_variable_in_a_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown variable") as caught:
        resolve_path("$BAES/x", {"$BASE": "a"}, tmp_path, pointer="/network")
    assert caught.value.hint == "did you mean '$BASE'?"
    assert caught.value.pointer == "/network"


def test_pointers_are_escaped() -> None:
    assert pointer_to("inputs", "a/b~c", 3) == "/inputs/a~1b~0c/3"
