"""Sources, cache and error messages of mechanism libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neurodamus_like.cache import default_cache_dir
from neurodamus_like.engine import core_build, mech_build, nrnivmodl
from neurodamus_like.engine.mech_build import build_mechanisms
from neurodamus_like.engine.mech_errors import explain_failure, extract_errors
from neurodamus_like.engine.mech_sources import collect_sources, core_dir
from neurodamus_like.exceptions import MechanismError

TINY = "TITLE tiny\nNEURON { THREADSAFE SUFFIX %s RANGE x }\nPARAMETER { x = 1 }\n"


def mod(folder: Path, name: str, file: str | None = None, text: str = TINY) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file or name}.mod"
    path.write_text(text % name)
    return path


def test_hash_depends_on_names_contents_and_circumstances(tmp_path: Path) -> None:
    path = mod(tmp_path / "a", "one")
    first = collect_sources([tmp_path / "a"], with_core=False).content_hash("9.0", "")
    assert collect_sources([tmp_path / "a"], with_core=False).content_hash("9.0", "") == first
    assert collect_sources([tmp_path / "a"], with_core=False).content_hash("9.1", "") != first
    assert collect_sources([tmp_path / "a"]).content_hash("9.0", "") != first
    mod(tmp_path / "b", "one")
    assert collect_sources([tmp_path / "b"], with_core=False).content_hash("9.0", "") == first
    path.write_text(path.read_text() + "\n")
    assert collect_sources([tmp_path / "a"], with_core=False).content_hash("9.0", "") != first
    (tmp_path / "b" / "rates.inc").write_text("PROCEDURE rates() {}")
    assert collect_sources([tmp_path / "b"], with_core=False).content_hash("9.0", "") != first


def test_a_models_mechanism_replaces_the_cores_whatever_its_file(tmp_path: Path) -> None:
    path = mod(tmp_path, "Ih", file="hcn channel")
    sources = collect_sources([tmp_path])
    by_name = {header.name: header.path for header in sources.headers}
    assert by_name["Ih"] == path
    assert by_name["Im"] == core_dir() / "mod/channels/Im.mod"
    assert all(stem.isidentifier() for stem in sources.stems())


OLD_SOURCE = "NEURON { ARTIFICIAL_CELL VecStim }\nASSIGNED { space }\n"
NEW_SOURCE = "NEURON { THREADSAFE ARTIFICIAL_CELL VecStim BBCOREPOINTER times }\nASSIGNED { times }\n"


@pytest.mark.parametrize(("text", "is_used"), [(OLD_SOURCE, False), (NEW_SOURCE, True)])
def test_an_old_vecstim_gives_way_to_the_cores(tmp_path: Path, text: str, is_used: bool) -> None:
    path = tmp_path / "vecevent.mod"
    path.write_text(text)
    (found,) = (header for header in collect_sources([tmp_path]).headers if header.name == "VecStim")
    assert (found.path == path) == is_used
    (alone,) = collect_sources([tmp_path], with_core=False).headers
    assert alone.path == path


def test_earlier_folders_win(tmp_path: Path) -> None:
    first, _ = mod(tmp_path / "a", "one"), mod(tmp_path / "b", "one")
    assert [h.path for h in collect_sources([tmp_path / "a", tmp_path / "b"], with_core=False).headers] == [
        first
    ]


def test_equal_file_names_of_two_mechanisms_get_different_stems(tmp_path: Path) -> None:
    mod(tmp_path / "a", "one", file="x")
    mod(tmp_path / "b", "two", file="x")
    stems = collect_sources([tmp_path / "a", tmp_path / "b"], with_core=False).stems()
    assert len(stems) == 2
    assert {header.name for header in stems.values()} == {"one", "two"}


def test_bad_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MechanismError, match="does not exist"):
        collect_sources([tmp_path / "absent"])
    with pytest.raises(MechanismError, match="no MOD files"):
        collect_sources([tmp_path])
    mod(tmp_path, "one")
    mod(tmp_path, "one", file="other")
    with pytest.raises(MechanismError, match="two files define the mechanism one"):
        collect_sources([tmp_path])


LOG = """\x1b[32mNMODL\x1b[0m ../mod/good.mod
Translating bad.mod into /tmp/x/bad.cpp
Error: Units redefinition at line 18 in file bad.mod
make: *** [makemod2c_inc:51: bad.cpp] Error 1
/tmp/x/worse.cpp:292:4: error: 'y' was not declared in this scope
  292 |    y = 1;
      |    ^
make: *** [makemod2c_inc:31: worse.o] Error 1
Traceback (most recent call last):
subprocess.CalledProcessError: Command 'nrnivmodl' returned non-zero exit status 2.
"""


def test_errors_show_the_lines_of_each_file_at_fault(tmp_path: Path) -> None:
    found = extract_errors(LOG, ["good", "bad", "worse"])
    assert set(found) == {"bad", "worse"}
    assert "Error: Units redefinition at line 18 in file bad.mod" in found["bad"]
    assert found["worse"][0].endswith("'y' was not declared in this scope")
    assert "  292 |    y = 1;" in found["worse"]


def test_what_the_translator_of_coreneuron_says_without_a_name_is_shown() -> None:
    log = """\
[NMODL] [error] :: Code incompatibility detected
[NMODL] [error] :: Code Incompatibility :: "gg" variable found at [1.54-55] should be writable
make: *** [/x/share/coreneuron/nrnivmodl_core_makefile:185: x86_64/corenrn/mod2c/bad.cpp] Error 1
"""
    said = 'Code Incompatibility :: "gg" variable found at [1.54-55] should be writable'
    assert extract_errors(log, ["good", "bad"]) == {"bad": [said]}


def test_an_unknown_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    mod(tmp_path, "good")
    sources = collect_sources([tmp_path], with_core=False)
    error = explain_failure("a\nld: cannot find -lxyz\n", sources, tmp_path / "x.log")
    assert "cannot find -lxyz" in str(error)
    assert str(tmp_path / "x.log") in str(error)


def test_cache_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEURODAMUS_LIKE_CACHE", str(tmp_path / "own"))
    assert default_cache_dir() == tmp_path / "own"
    monkeypatch.delenv("NEURODAMUS_LIKE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "neurodamus_like"


def test_without_a_compiler_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mod(tmp_path, "one")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(MechanismError, match="g\\+\\+ was not found") as caught:
        build_mechanisms([tmp_path], with_core=False, cache_dir=tmp_path / "cache")
    assert "apt install" in str(caught.value)


def test_without_a_compiler_a_library_of_the_same_sources_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = mod(tmp_path / "mods", "one")
    answers = {"with_core": False, "cache_dir": tmp_path / "cache"}

    def pretend(target: Path, *_: object) -> None:
        target.mkdir()
        (target / mech_build.NRNMECH).touch()

    lines: list[str] = []
    with monkeypatch.context() as here:
        here.setattr(mech_build, "compiler_version", lambda: "g++ 99")
        here.setattr(mech_build, "_build", pretend)
        made = build_mechanisms([path.parent], progress=lines.append, **answers)
        assert made.built
        here.setattr(mech_build, "compiler_version", lambda: "g++ 100")
        newer = build_mechanisms([path.parent], **answers)
        assert newer.built
    assert len(lines) == 1
    assert str(made.directory) in lines[0]
    os.utime(made.directory, (2e9, 2e9))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    found = build_mechanisms([path.parent], **answers)
    assert (found.directory, found.built) == (made.directory, False)
    assert "no compiler" in caplog.text
    assert str(made.directory) in caplog.text
    for other in ({"flags": "-O3"}, {"coreneuron": True}, {"force": True}):
        with pytest.raises(MechanismError, match="was not found"):
            build_mechanisms([path.parent], **answers, **other)
    path.write_text(path.read_text() + "\n")
    with pytest.raises(MechanismError, match="was not found"):
        build_mechanisms([path.parent], **answers)


def test_a_read_only_cache_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mod(tmp_path, "one")
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(MechanismError, match="cannot write") as caught:
        build_mechanisms([tmp_path], with_core=False, cache_dir=tmp_path / "cache")
    assert "NEURODAMUS_LIKE_CACHE" in str(caught.value)


def test_the_part_for_coreneuron_is_added_to_a_library_without_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = mod(tmp_path / "mods", "one")
    answers = {"with_core": False, "cache_dir": tmp_path / "cache"}
    calls: list[str] = []

    def build(target: Path, *_: object) -> None:
        calls.append("NEURON")
        target.mkdir(exist_ok=True)
        (target / mech_build.NRNMECH).touch()

    def build_core(folder: Path, sources: object, flags: str) -> None:
        calls.append(flags)
        folder.mkdir()
        (folder / core_build.CORENRNMECH).touch()

    monkeypatch.setattr(mech_build, "compiler_version", lambda: "g++ 99")
    monkeypatch.setattr(mech_build, "_build", build)
    monkeypatch.setattr(mech_build, "build_core", build_core)
    plain = build_mechanisms([path.parent], **answers)
    assert plain.corenrnmech is None
    assert calls == ["NEURON"]
    both = build_mechanisms([path.parent], coreneuron=True, **answers)
    assert (both.built, both.nrnmech) == (True, plain.nrnmech)
    assert both.corenrnmech is not None
    assert both.corenrnmech.is_file()
    assert calls == ["NEURON", core_build.VECTOR_FLAGS]
    assert not build_mechanisms([path.parent], coreneuron=True, **answers).built
    assert not build_mechanisms([path.parent], **answers).built
    other = build_mechanisms([path.parent], coreneuron=True, core_flags="", **answers)
    assert other.corenrnmech != both.corenrnmech
    assert calls[2:] == [""]


@pytest.mark.slow
def test_two_processes_build_once_in_an_odd_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mödel files"
    mod(folder, "tinyone", file="tiny öne")
    code = (
        "import sys; from pathlib import Path; from neurodamus_like.engine.mech_build import build_mechanisms\n"
        "lib = build_mechanisms([Path(sys.argv[1])], with_core=False, cache_dir=Path(sys.argv[2]))\n"
        "print(lib.built, lib.nrnmech)"
    )
    command = [sys.executable, "-c", code, str(folder), str(tmp_path / "cache é")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [run.communicate(timeout=300)[0].split(maxsplit=1) for run in runs]
    assert sorted(built for built, _ in answers) == ["False", "True"]
    library = Path(answers[0][1].strip())
    assert library.is_file()
    load = (
        "import sys; from pathlib import Path; from neurodamus_like.engine import mechanisms, nrn\n"
        "path = Path(sys.argv[1]); print(mechanisms.load_library(path), mechanisms.load_library(path.parent))\n"
        "print('tinyone' in nrn.mechanism_names(), mechanisms.missing_mechanisms(['tinyone', 'hh', 'absent']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", load, str(library)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split("\n")[:2] == ["True False", "True ['absent']"]


@pytest.mark.slow
def test_a_failed_build_shows_the_compilers_line_and_leaves_no_library(tmp_path: Path) -> None:
    path = mod(tmp_path, "wrong", text=TINY + "ASSIGNED { z }\nBREAKPOINT { z = undeclared_thing*2 }\n")
    cache = tmp_path / "cache"
    with pytest.raises(MechanismError, match="undeclared_thing") as caught:
        build_mechanisms([tmp_path], with_core=False, cache_dir=cache)
    assert str(path) in str(caught.value)
    assert not [p for p in (cache / "mech").iterdir() if p.is_dir()]
    logs = list((cache / "mech").glob("*.log"))
    assert len(logs) == 1
    assert "undeclared_thing" in logs[0].read_text()


def test_flags_for_this_cpu_bind_the_cache_to_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def keys(flags: str) -> tuple[object, ...]:
        return mech_build._circumstances(flags), core_build.core_folder(tmp_path, flags)

    monkeypatch.setattr(nrnivmodl, "_cpu", lambda: "cpu A")
    native, general = keys(core_build.VECTOR_FLAGS), keys("-O3")
    monkeypatch.setattr(nrnivmodl, "_cpu", lambda: "cpu B")
    assert all(mine != other for mine, other in zip(keys(core_build.VECTOR_FLAGS), native, strict=True))
    assert keys("-O3") == general
    assert os.path.isabs(core_dir())
