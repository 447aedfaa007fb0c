"""Reports of the Allen dialect: from blocks of the configuration to reports, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.allen_reports import read_reports
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import Circuit, EdgePopulation, Notice, Output, Report, Run
from neurodamus_like.exceptions import ConfigurationError


class FakeDocument:
    """Collects what is said about a configuration whose paths count from a folder."""

    def __init__(self, base: Path, inputs: dict[str, Any]) -> None:
        self.base, self.inputs = base, inputs
        self.errors: list[Any] = []
        self.notices: list[Notice] = []

    def block(self, key: str) -> dict[str, Any]:
        return self.inputs

    def resolve(self, text: str, *where: str | int) -> Path:
        return self.base / text

    def existing(self, text: str, *where: str | int) -> Path:
        if not (self.base / text).exists():
            raise self.error(f"{text} does not exist", *where)
        return self.base / text

    def error(self, message: str, *where: str | int, **details: Any) -> ConfigurationError:
        return ConfigurationError(message, file="c.json", pointer=pointer_to(*where), **details)

    def notice(self, message: str, *where: str | int, hint: str | None = None) -> None:
        self.notices.append(Notice(message, Path("c.json"), pointer_to(*where), hint))

    def collecting(self) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def keep() -> Any:
            try:
                yield
            except ConfigurationError as error:
                self.errors.append(error)

        return keep()


def read(
    blocks: dict[str, Any], tmp_path: Path, inputs: dict[str, Any] | None = None
) -> tuple[tuple[Report, ...], FakeDocument]:
    (tmp_path / "sites.csv").write_text("channel x_pos y_pos z_pos\n0 1 2 3\n")
    document: Any = FakeDocument(tmp_path, inputs or {})
    edges = {"a_b": EdgePopulation("a_b", tmp_path / "network" / "a_b_edges.h5", "a", "b")}
    circuit = Circuit(tmp_path / "c.json", {}, edges)
    book: Any = SimpleNamespace(
        name_of=lambda value, *where: value if isinstance(value, str) else pointer_to(*where)
    )
    run, output = Run(100.0, 0.1, 0), Output(tmp_path / "out", "spikes.h5", spikes_file_csv="spikes.csv")
    return read_reports(blocks, AllenContext(document, circuit, run, output, book)), document


def read_one(block: dict[str, Any], tmp_path: Path, **options: Any) -> Report:
    reports, document = read({"r": block}, tmp_path, **options)
    assert not document.errors, document.errors
    (report,) = reports
    return report


MEMBRANE = {"module": "membrane_report", "variable_name": "v"}


def test_a_membrane_report(tmp_path: Path) -> None:
    report = read_one(
        {**MEMBRANE, "cells": [1, 2], "dt": 0.5, "start_time": 10, "end_time": 20.0, "file_name": "x.h5"},
        tmp_path,
    )
    assert (report.kind, report.variables, report.file_name) == ("segments", ("v",), "x.h5")
    assert (report.dt_ms, report.start_ms, report.end_ms) == (0.5, 10.0, 20.0)
    assert report.after_step
    assert report.double_precision
    assert report.style == "positions"
    assert report.cells == "/reports/r/cells"
    assert report.parameters["section_kinds"] == ("soma", "axon", "dend", "apic")


@pytest.mark.parametrize(
    ("sections", "kinds"),
    [
        ("soma", ()),
        (["soma"], ("soma",)),
        ("all", ("soma", "axon", "dend", "apic")),
        (["apical", "basal"], ("apic", "dend")),
        (["somatic", "axonal", "apic", "dend"], ("soma", "axon", "apic", "dend")),
        (["basal", "dend"], ("dend",)),
        ([], ("soma", "axon", "dend", "apic")),
    ],
)
def test_words_for_sections(sections: Any, kinds: tuple[str, ...], tmp_path: Path) -> None:
    assert read_one({**MEMBRANE, "sections": sections}, tmp_path).parameters["section_kinds"] == kinds


@pytest.mark.parametrize(("name", "file_name"), [("v", "v.h5"), ("v.h5", "v.h5"), ("v.hdf5", "v.hdf5")])
def test_files_are_named_after_reports(name: str, file_name: str, tmp_path: Path) -> None:
    reports, _ = read({name: MEMBRANE}, tmp_path)
    assert reports[0].file_name == file_name


def test_each_variable_has_its_own_file(tmp_path: Path) -> None:
    reports, document = read(
        {"r": {**MEMBRANE, "variable_name": ["v", "cai"], "file_name": "sub/x.h5"}}, tmp_path
    )
    assert [(r.variables, r.file_name) for r in reports] == [
        (("v",), "sub/x_v.h5"),
        (("cai",), "sub/x_cai.h5"),
    ]
    assert not document.notices


def test_reports_of_different_variables_do_not_share_a_file(tmp_path: Path) -> None:
    one, two = {**MEMBRANE, "file_name": "x.h5"}, {**MEMBRANE, "variable_name": "cai", "file_name": "x.h5"}
    reports, document = read({"a": one, "b": two}, tmp_path)
    assert [r.file_name for r in reports] == ["x_v.h5", "x_cai.h5"]
    assert len(document.notices) == 2


def test_defaults(tmp_path: Path) -> None:
    report = read_one(MEMBRANE, tmp_path)
    assert report.cells == "biophysical"
    assert (report.dt_ms, report.start_ms, report.end_ms) == (0.1, 0.0, 100.0)


def test_netcon_reports(tmp_path: Path) -> None:
    block = {"module": "netcon_report", "variable_name": "g", "cells": "all"}
    assert read_one(block, tmp_path).parameters == {"mechanism": "Exp2Syn", "of_netcon": False}
    assert read_one({**block, "syn_type": None}, tmp_path).parameters["mechanism"] == ""
    of_netcon = read_one({**block, "syn_type": "netcon", "variable_name": "weight"}, tmp_path)
    assert of_netcon.parameters == {"mechanism": "", "of_netcon": True}
    weights = read_one({"module": "syn_weight", "cells": "all"}, tmp_path)
    assert weights.variables == ("weight",)
    assert weights.parameters["of_netcon"]


def test_an_extracellular_report(tmp_path: Path) -> None:
    block = {
        "module": "extracellular",
        "electrode_positions": "sites.csv",
        "cells": "all",
        "electrode_channels": "all",
    }
    report = read_one(block, tmp_path)
    assert (report.kind, report.electrodes_file) == ("extracellular", tmp_path / "sites.csv")
    assert report.parameters == {"method": "line", "conductivity": 0.3, "minimum_distance": None}
    more = {
        "minimum_distance": "auto",
        "contributions_dir": "cells",
        "cell_bounds": [3, 5],
        "method": "point",
    }
    report = read_one({**block, **more}, tmp_path)
    assert report.cells == "/reports/r/cell_bounds"
    assert dict(report.parameters) == {
        **{"method": "point", "conductivity": 0.3},
        **{"minimum_distance": "auto", "contributions_dir": "cells"},
    }
    assert read_one({**block, "minimum_distance": 0}, tmp_path).parameters["minimum_distance"] is None


INPUTS = {
    "steps": {"module": "IClamp", "input_type": "current_clamp"},
    "wave": {"module": "IClamp", "input_type": "csv"},
    "off": {"module": "SEClamp", "enabled": False},
}


@pytest.mark.parametrize(("which", "names"), [("ic", ("steps",)), ("f_ic", ("wave",))])
def test_clamp_reports_are_about_inputs_of_their_kind(
    which: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    report = read_one({"module": "clamp_report", "variable_name": which}, tmp_path, inputs=INPUTS)
    assert report.parameters["inputs"] == names


@pytest.mark.parametrize(
    ("block", "key", "says"),
    [
        ({}, "", "'module' is missing"),
        ({"module": "membran_report"}, "/module", "membrane_report"),
        ({"module": "membrane_report"}, "", "variable_name"),
        ({**MEMBRANE, "variable_name": [3]}, "", "variable_name"),
        ({**MEMBRANE, "sections": ["apicla"]}, "/sections", "apical"),
        ({**MEMBRANE, "dt": 0.15}, "/dt", "multiple of the time step 0.1 ms"),
        ({**MEMBRANE, "dt": 0.01}, "/dt", "multiple of the time step"),
        ({**MEMBRANE, "dt": "1"}, "/dt", "not a number"),
        ({**MEMBRANE, "end_time": 100.5}, "/end_time", "from 0 to tstop (100 ms)"),
        ({**MEMBRANE, "dt": 1.0, "start_time": 0.5}, "/start_time", "multiple of dt (1 ms)"),
        ({**MEMBRANE, "start_time": 50.0, "end_time": 50.0}, "/start_time", "before 'end_time'"),
        ({**MEMBRANE, "file_name": 3}, "/file_name", "no name"),
        ({**MEMBRANE, "file_name": "spikes.h5"}, "/file_name", "over the spikes"),
        ({"module": "netcon_report", "variable_name": "g", "syn_type": 2}, "/syn_type", "not a text"),
        ({"module": "extracellular"}, "", "electrode_positions"),
        (
            {"module": "extracellular", "electrode_positions": "none.csv"},
            "/electrode_positions",
            "does not exist",
        ),
        (
            {"module": "extracellular", "electrode_positions": "sites.csv", "minimum_distance": -1},
            "/minimum_distance",
            "must not be negative",
        ),
        (
            {"module": "extracellular", "electrode_positions": "sites.csv", "cell_bounds": [1]},
            "/cell_bounds",
            "[first, last]",
        ),
        ({"module": "clamp_report", "variable_name": "icc"}, "/variable_name", "did you mean 'ic'"),
        ({"module": "clamp_report", "variable_name": "se"}, "/variable_name", "no clamps of the kind"),
        ({"module": "save_synapses"}, "", "network_dir"),
        ({"module": "save_synapses", "network_dir": "network"}, "/network_dir", "written over"),
    ],
)
def test_wrong_blocks(block: dict[str, Any], key: str, says: str, tmp_path: Path) -> None:
    _, document = read({"r": block, "good": MEMBRANE}, tmp_path, inputs=INPUTS)
    (error,) = document.errors
    assert error.pointer == "/reports/r" + key
    assert says in str(error)


def test_all_errors_are_collected(tmp_path: Path) -> None:
    reports, document = read({"a": {"module": "x"}, "b": {**MEMBRANE, "dt": 0.15}, "c": MEMBRANE}, tmp_path)
    assert len(document.errors) == 2
    assert [r.name for r in reports] == ["c"]


def test_keys_that_have_no_effect_are_noticed(tmp_path: Path) -> None:
    _, document = read({"r": {**MEMBRANE, "variabel": "v", "buffer": True}}, tmp_path)
    (notice,) = document.notices
    assert notice.pointer == "/reports/r/variabel"
    assert "variable_name" in str(notice.hint)
