"""The list of the whole state: every table is on it, comes back unchanged, and is missed when it is forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neurodamus_like.simulation.state_parts import STATE_PARTS
from tests.helpers import run_python
from tests.restart_circuit import write_circuit

pytestmark = pytest.mark.neuron

END, SAVED = 60.0, 33.3
Answers = tuple[list[str], list[str], dict[str, Any]]
NOT_HERE = {"recorded currents of clamps"}
"""Parts that the circuit does not have; see ``tests/engine/test_gap_junctions.py``."""

NOT_IN_FILES = {"membrane currents", "extracellular potentials", "conditions that wait to come true"}
"""Parts that decide nothing in this circuit after `SAVED`: the first two are worked out anew in each step."""

FORGET = """
import json, sys
from pathlib import Path
import h5py
import numpy as np
from neurodamus_like import Neurodamus
from neurodamus_like.engine import model_state
from neurodamus_like.io.ragged import Ragged
from neurodamus_like.simulation import save_restore
from neurodamus_like.simulation.state_parts import STATE_PARTS

write_state, forgotten = save_restore.write_state, None

def write_all_but_one(parts, model, state, *more):
    fresh = model_state.read_values(model)
    for name, table in state.items():
        if forgotten is not None and forgotten.holds(name):
            state[name] = fresh.get(name, Ragged(np.zeros_like(table.counts), table.values[:0]))
    write_state(parts, model, state, *more)

save_restore.write_state = write_all_but_one

def tables(checkpoint):
    found = {}
    def add(name, item):
        if isinstance(item, h5py.Dataset):
            table = name.rpartition("/")[0]
            found[table] = (*found.get(table, ()), item[()])
    for path in sorted(checkpoint.glob("state-*/*.h5")):
        with h5py.File(path) as file:
            file["tables"].visititems(add)
    return found

def same(one, other):
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(one, other, strict=True))

def changed(before, after):
    return sorted(name for name in before if name not in after or not same(before[name], after[name]))

def files(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.h5")}

config, folder = Path(sys.argv[1]), Path(sys.argv[2])
options = {"progress": False}
Neurodamus(config, output_path=folder / "whole", checkpoint_every_ms=float(sys.argv[3]), **options).run()
saved = folder / "whole" / "checkpoint"
expected, before = files(folder / "whole"), tables(saved)
answers = {}
for number, part in enumerate((None, *STATE_PARTS)):
    if part is not None and not any(map(part.holds, before)):
        continue
    forgotten, output = part, folder / str(number)
    node = Neurodamus(config, output_path=output, restore=saved, save=folder / "again", **options)
    node.save()
    back = changed(before, tables(folder / "again"))
    node.run()
    results = files(output)
    assert results.keys() == expected.keys()
    answers["" if part is None else part.name] = back, [name for name in expected if expected[name] != results[name]]
print("ANSWERS" + json.dumps([sorted(before), list(model_state.SOURCES), answers]))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Tables of a checkpoint; sources of signals; what was forgotten -> tables that differ afterwards, and files."""
    folder = tmp_path_factory.mktemp("state")
    config = write_circuit(folder, END, field=True)
    done = run_python(["-c", FORGET, str(config), str(folder / "runs"), str(SAVED)], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("ANSWERS"))
    tables, sources, found = json.loads(line.removeprefix("ANSWERS"))
    return tables, sources, found


def test_every_table_is_on_the_list_once(answers: Answers) -> None:
    tables, _, found = answers
    assert tables
    assert [table for table in tables if sum(part.holds(table) for part in STATE_PARTS) != 1] == []
    assert set(found) - {""} == {part.name for part in STATE_PARTS} - NOT_HERE


def test_the_whole_state_comes_back(answers: Answers) -> None:
    """But for the present value of signals, which are played again."""
    _, sources, found = answers
    not_back, wrong_files = found[""]
    assert wrong_files == []
    assert set(not_back) <= {f"mechanisms/{name}/values" for name in sources}


@pytest.mark.parametrize("part", [part for part in STATE_PARTS if part.name not in NOT_HERE])
def test_a_part_that_is_forgotten_is_missed(part: Any, answers: Answers) -> None:
    not_back, wrong_files = answers[2][part.name]
    assert any(part.holds(table) for table in not_back)
    assert wrong_files or part.name in NOT_IN_FILES


def test_the_list_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "concepts" / "checkpoint.md"
    rows = [line for line in page.read_text().splitlines() if line.startswith("|")]
    for part in STATE_PARTS:
        room, last = part.tables.split("/")[0], part.tables.split("/")[-1].rstrip("*")
        named = f"`{room}/" if not part.tables.startswith("mechanisms/*/") else f"/{last}"
        assert any(named in row for row in rows), part.name
