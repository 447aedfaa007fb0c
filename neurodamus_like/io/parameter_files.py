"""Model parameters of cells and synapses in JSON files (``dynamics_params``), each read once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.config.manifest import read_json
from neurodamus_like.exceptions import ConfigurationError, did_you_mean


class ParameterFiles:
    """The parameter files of one folder.

    Parameters
    ----------
    folder
        The folder; None when the configuration names none.
    component
        Its key in ``components``, for messages.
    """

    def __init__(self, folder: Path | None, component: str) -> None:
        self._folder = folder
        self._component = component
        self._known: dict[str, Mapping[str, Any]] = {}

    def read(self, name: str) -> Mapping[str, Any]:
        """Return the contents of a file.

        Raises
        ------
        ConfigurationError
            The folder is not known, or the file does not exist or is no JSON object.
        """
        if name not in self._known:
            self._known[name] = read_json(self._path(name))
        return self._known[name]

    def _path(self, name: str) -> Path:
        if self._folder is None:
            raise ConfigurationError(
                f"components.{self._component} is missing: {name!r} is looked for there",
                pointer=f"/components/{self._component}",
            )
        path = self._folder / name
        if not path.is_file():
            near = [p.name for p in self._folder.iterdir()] if self._folder.is_dir() else []
            raise ConfigurationError(
                f"there is no file {name!r} of dynamics_params",
                file=path,
                expected=f"it in components.{self._component}",
                hint=did_you_mean(name, near) or None,
            )
        return path
