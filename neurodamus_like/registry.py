"""The one plug-in mechanism: names to classes or functions, with aliases, proposals and entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from neurodamus_like.exceptions import UnknownNameError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """A table of things that can be found by name.

    Parameters
    ----------
    kind
        What is registered, in words for error messages ("stimulus type").
    entry_point_group
        Group under which installed packages announce more of them; they are imported at the first miss.

    Examples
    --------
    >>> shapes = Registry("shape")
    >>> @shapes.register("ball", "sphere")
    ... class Ball: ...
    >>> shapes["sphere"] is Ball
    True
    """

    def __init__(self, kind: str, entry_point_group: str | None = None) -> None:
        self.kind = kind
        self.entry_point_group = entry_point_group
        self._items: dict[str, T] = {}
        self._canonical: dict[str, str] = {}
        self._plugins_loaded = entry_point_group is None

    def register(self, name: str, *aliases: str) -> Callable[[T], T]:
        """Return a decorator that registers its argument under `name` and `aliases` (case-insensitive)."""

        def decorate(item: T) -> T:
            self.add(name, item, *aliases)
            return item

        return decorate

    def add(self, name: str, item: T, *aliases: str) -> None:
        """Register `item`; a later registration under the same name replaces the earlier one."""
        self._items[name] = item
        for key in (name, *aliases):
            self._canonical[key.lower()] = name

    def names(self) -> list[str]:
        """Return the canonical names, sorted."""
        self._load_plugins()
        return sorted(self._items)

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str) and name.lower() in self._canonical:
            return True
        self._load_plugins()
        return isinstance(name, str) and name.lower() in self._canonical

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __getitem__(self, name: str) -> T:
        """Return what is registered under `name`.

        Raises
        ------
        UnknownNameError
            Nothing has this name; the message proposes the nearest ones.
        """
        if name in self:
            return self._items[self._canonical[name.lower()]]
        raise UnknownNameError(
            f"unknown {self.kind} {name!r}",
            expected="one of " + ", ".join(self.names()),
            hint=did_you_mean(name, self._canonical) or None,
        )

    def _load_plugins(self) -> None:
        if self._plugins_loaded:
            return
        self._plugins_loaded = True
        for point in entry_points(group=self.entry_point_group or ""):
            point.load()
