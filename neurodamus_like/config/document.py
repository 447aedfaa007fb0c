"""A configuration file as the readers of dialects see it: JSON, variables, paths, libsonata's verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import libsonata

from neurodamus_like.config.manifest import pointer_to, read_json, resolve_manifest, resolve_path
from neurodamus_like.exceptions import ConfigurationError


class Document:
    """A configuration file.

    Attributes
    ----------
    file
        Its absolute path; relative paths in it count from its folder.
    raw
        Its JSON without entries that are null.
    variables
        Its manifest, expanded.
    """

    def __init__(self, path: str | Path) -> None:
        self.file = Path(path).absolute()
        self.raw: dict[str, Any] = _without_nulls(read_json(self.file))
        self.variables = resolve_manifest(self.raw.get("manifest"), self.file)

    def parse(self, kind: Any, raw: Mapping[str, Any] | None = None) -> Any:
        """Return the libsonata object of type `kind`; its complaints become :class:`ConfigurationError`.

        `raw` is what is parsed in place of the whole document.
        """
        self._require_strings(
            "network", "node_sets_file", "node_set", "compartment_sets_file", "target_simulator"
        )
        try:
            return kind(json.dumps(self.raw if raw is None else raw), str(self.file.parent))
        except (libsonata.SonataError, RuntimeError, ValueError, TypeError) as error:
            raise self.error_from(error) from error

    def _require_strings(self, *keys: str) -> None:
        # libsonata ends the process when one of these is not a string
        for key in keys:
            if not isinstance(self.raw.get(key, ""), str):
                raise ConfigurationError(
                    f"{key!r} is not a string: {self.raw[key]!r}", file=self.file, pointer=pointer_to(key)
                )

    def error_from(self, error: Exception) -> ConfigurationError:
        """Return the typed error for a complaint of libsonata, with a JSON pointer where it names a place."""
        text = re.sub(r"^\[json\.exception[^\]]*\]\s*", "", str(error)).strip()
        return ConfigurationError(
            f"the configuration is not valid: {text}",
            file=self.file,
            pointer=_pointer_in(text, self.raw),
            hint="'neurodamus-like validate' lists everything that is wrong in one pass",
        )

    def path_at(self, key: str, default: str | None = None) -> Path | None:
        """Return the resolved path under a top-level key, or None when it is absent or empty."""
        text = self.raw.get(key) or default
        return self.resolve(text, key) if text else None

    def resolve(self, text: str, *where: str | int) -> Path:
        """Return the absolute path of `text`, which stands at the JSON pointer made of `where`."""
        return resolve_path(
            text, self.variables, self.file.parent, file=self.file, pointer=pointer_to(*where)
        )

    def block(self, key: str) -> Mapping[str, Any]:
        """Return a top-level object, empty when absent."""
        found = self.raw.get(key, {})
        if not isinstance(found, Mapping):
            raise ConfigurationError(f"{key!r} is not an object", file=self.file, pointer=pointer_to(key))
        return found


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value


def _pointer_in(text: str, raw: Mapping[str, Any]) -> str | None:
    missing = re.search(r"Could not find '([^']+)' (?:in '([^']+)'|section)", text)
    if missing is None:
        named = re.search(r"input (\S+)$", text)
        return pointer_to("inputs", named.group(1)) if named else None
    block = missing.group(2) or ""
    family, _, name = block.partition(" ")
    key = {"input": "inputs", "report": "reports"}.get(family, family)
    if key not in raw:
        return None
    return pointer_to(key, name) if name else pointer_to(key)
