"""A configuration of the Allen dialect as its readers see it: one set of sections, variables replaced, paths resolved.

``network`` and ``simulation`` may name files of their own; their sections replace those of the file that names them.
Relative paths count from the working folder, as in BMTK, if the network is found from there, otherwise from the folder
of the configuration: one base for all paths.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurodamus_like.config.allen_variables import manifest_variables, substitute, unresolved
from neurodamus_like.config.manifest import pointer_to, read_json
from neurodamus_like.config.models import Notice
from neurodamus_like.exceptions import (
    ConfigurationError,
    NeurodamusLikeError,
    ProblemsError,
    did_you_mean_file,
)

SUBCONFIGS = ("network", "simulation")
_MAX_DEPTH = 5
_NETWORK_FILES = ("nodes_file", "node_types_file", "edges_file", "edge_types_file")


class AllenDocument:
    """A configuration file with the files it names.

    Parameters
    ----------
    path
        The configuration.
    variables
        Variables of the caller (name without ``$``); they beat the manifest.

    Attributes
    ----------
    file
        Its absolute path.
    base
        Folder that relative paths count from.
    sections
        Section -> contents, variables replaced.
    errors, notices
        What was found to be wrong, or strange, so far.

    Raises
    ------
    ConfigurationError
        A file is missing, is no JSON, or its variables are wrong.
    """

    def __init__(self, path: str | Path, variables: Mapping[str, Any] | None = None) -> None:
        self.file = Path(path).absolute()
        self.errors: list[NeurodamusLikeError] = []
        self.notices: list[Notice] = []
        self._given = dict(variables or {})
        self._origin: dict[str, Path] = {}
        self.sections: dict[str, Any] = self._read(self.file, 0)
        self.base = self._find_base()

    @classmethod
    def of_sections(cls, sections: Mapping[str, Any], file: Path, base: Path | None = None) -> AllenDocument:
        """Return a document of sections that were read, or made, before.

        Parameters
        ----------
        sections
            Section -> contents, variables replaced.
        file
            Named in messages.
        base
            Folder that relative paths count from; None finds it as for a file.
        """
        document = cls.__new__(cls)
        document.file = Path(file).absolute()
        document.errors, document.notices = [], []
        document._given, document._origin = {}, {}
        document.sections = dict(sections)
        document.base = document._find_base() if base is None else base
        return document

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], file: Path, variables: Mapping[str, Any]) -> AllenDocument:
        """Return the document of a configuration that is in no file; `file` is named in messages."""
        sections = substitute(dict(raw), manifest_variables(raw.get("manifest"), file, variables))
        return cls.of_sections(sections, file)

    def block(self, key: str) -> Mapping[str, Any]:
        """Return a section that is an object; empty when absent.

        Raises
        ------
        ConfigurationError
            It is something else, or a variable in it is not defined.
        """
        found = self.sections.get(key)
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            raise self.error(f"{key!r} is not an object", key)
        return found

    def error(
        self, message: str, *where: str | int, expected: str | None = None, hint: str | None = None
    ) -> ConfigurationError:
        """Return the error about the place `where` (section, key, ...)."""
        return ConfigurationError(
            message, file=self.file_of(where), pointer=pointer_to(*where), expected=expected, hint=hint
        )

    def notice(self, message: str, *where: str | int, hint: str | None = None) -> None:
        """Note something that is allowed, but perhaps not meant."""
        self.notices.append(Notice(message, self.file_of(where), pointer_to(*where), hint))

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep an error raised inside the block, so that the reader goes on and finds more."""
        try:
            yield
        except NeurodamusLikeError as error:
            self.errors.append(error)

    def raise_errors(self) -> None:
        """Raise what was collected: the error itself if it is the only one.

        Raises
        ------
        ConfigurationError
            Something is wrong.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise ProblemsError(self.errors)

    def file_of(self, where: tuple[str | int, ...]) -> Path:
        """Return the file that the section of the place `where` comes from."""
        return self._origin.get(str(where[0]), self.file) if where else self.file

    def resolve(self, text: Any, *where: str | int) -> Path:
        """Return the absolute path of `text`, which stands at the place `where`.

        Raises
        ------
        ConfigurationError
            It is no text, or names a variable that there is not.
        """
        if not isinstance(text, str) or not text:
            raise self.error(f"a path must be a text, found {text!r}", *where)
        left = unresolved(text)
        if left:
            raise self.error(
                f"the path {text!r} uses the unknown variable {left[0]!r}",
                *where,
                hint=f"add \"${left[0]}\" to 'manifest'",
            )
        return Path(os.path.normpath(self.base / text))

    def existing(self, text: Any, *where: str | int) -> Path:
        """Return the absolute path of a file or folder that must be there.

        Raises
        ------
        ConfigurationError
            It is not; the hint says if it would be, counted from another folder.
        """
        path = self.resolve(text, *where)
        if path.exists():
            return path
        elsewhere = [folder for folder in self._folders() if folder != self.base and (folder / text).exists()]
        if elsewhere:
            hint = f"it exists counted from {elsewhere[0]}; write the path with ${{configdir}} to make it certain"
        else:
            hint = did_you_mean_file(path) or "check the path and the manifest"
        raise self.error(f"{where[-1]!r}: {path} does not exist", *where, hint=hint)

    def _folders(self) -> list[Path]:
        found = [Path.cwd(), self.file.parent, *(file.parent for file in self._origin.values())]
        return list(dict.fromkeys(found))

    def _find_base(self) -> Path:
        """Return the folder from which the network is found: the working folder first, as in BMTK."""
        needed = [text for text in self._network_paths() if not Path(text).is_absolute()]
        fitting = [f for f in self._folders() if all((f / text).exists() for text in needed)]
        if not needed or not fitting:
            return self.file.parent
        others = [f for f in fitting[1:] if (f / needed[0]).resolve() != (fitting[0] / needed[0]).resolve()]
        if others:
            self.notice(
                f"the paths of the network exist counted from {fitting[0]} (used, as in BMTK) and from {others[0]}",
                "networks",
                hint="write paths with ${configdir} to make them certain",
            )
        return fitting[0]

    def _network_paths(self) -> Iterator[str]:
        networks = self.sections.get("networks")
        for family in networks.values() if isinstance(networks, Mapping) else ():
            for entry in family if isinstance(family, list) else ():
                for key in _NETWORK_FILES if isinstance(entry, Mapping) else ():
                    if isinstance(entry.get(key), str) and not unresolved(entry[key]):
                        yield entry[key]

    def _read(self, file: Path, depth: int) -> dict[str, Any]:
        if depth > _MAX_DEPTH:
            raise ConfigurationError("configurations name each other in a circle", file=file)
        raw = read_json(file)
        sections = substitute(raw, manifest_variables(raw.get("manifest"), file, self._given))
        for key in sections:
            self._origin[key] = file
        for key in SUBCONFIGS:
            if isinstance(sections.get(key), str):
                child = self._subconfig(sections[key], key, file)
                sections.update(self._read(child, depth + 1))
        return {k: v for k, v in sections.items() if not (k in SUBCONFIGS and isinstance(v, str))}

    def _subconfig(self, text: str, key: str, file: Path) -> Path:
        candidates = [file.parent / text, Path.cwd() / text]
        found = next((c for c in candidates if c.is_file()), None)
        if found is None:
            raise ConfigurationError(
                f"the configuration {text!r} does not exist",
                file=file,
                pointer=pointer_to(key),
                hint=did_you_mean_file(candidates[0]) or f"it was looked for in {file.parent}",
            )
        return Path(os.path.normpath(found.absolute()))
