"""Text files of load balancing: complexities of cells (``cx_*.dat``), and which cell is on which rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.hdf5 import IntArray, replace_when_whole


@dataclass(frozen=True)
class Subtree:
    """Part of a cell that stays in one piece: its complexity, and the sections where it is cut off."""

    complexity: float
    children: tuple[int, ...] = ()


Piece = tuple[Subtree, ...]

_HINT = "delete the file: it is computed again"


@dataclass(frozen=True)
class CellComplexities:
    """What the cells of a node set cost.

    Attributes
    ----------
    gids
        int64[n].
    complexity
        float64[n], relative (a compartment with hh counts 5).
    pieces
        gid -> pieces that a cell may be split into; whole cells are absent.
    """

    gids: IntArray
    complexity: npt.NDArray[np.float64]
    pieces: Mapping[int, tuple[Piece, ...]] = field(default_factory=dict)

    def select(self, gids: npt.ArrayLike) -> CellComplexities | None:
        """Return those of some cells, in their order; None when one is missing."""
        wanted = np.asarray(gids, dtype=np.int64)
        if not np.all(np.isin(wanted, self.gids)):
            return None
        order = np.argsort(self.gids, kind="stable")
        rows = order[np.searchsorted(self.gids, wanted, sorter=order)]
        kept = {int(g): self.pieces[int(g)] for g in wanted if int(g) in self.pieces}
        return CellComplexities(wanted, self.complexity[rows], kept)


def read_complexities(path: Path) -> CellComplexities:
    """Read a ``cx_*.dat`` file.

    The two numbers that it begins with are not relied on: files differ in what they put there.

    Raises
    ------
    ConfigurationError
        The file is missing, ends too early, or has something else than numbers.
    """
    tokens = _Tokens(Path(path), skip=2)
    gids, complexities, pieces = [], [], {}
    while tokens.left:
        gid, complexity, n_pieces = tokens.integer(), tokens.number(), tokens.integer()
        gids.append(gid)
        complexities.append(complexity)
        if n_pieces:
            pieces[gid] = tuple(_read_piece(tokens) for _ in range(n_pieces))
    return CellComplexities(np.array(gids, dtype=np.int64), np.array(complexities, dtype=np.float64), pieces)


def write_complexities(path: Path, cells: CellComplexities) -> None:
    """Write a ``cx_*.dat`` file: ``1``, the number of cells, then the cells.

    A cell is a line ``gid complexity pieces``; a piece a line with its number of subtrees; a subtree a line
    ``complexity children`` and, where it has any, a line with the children. Whole cells have one piece.
    """
    lines = ["1", str(cells.gids.size)]
    for gid, complexity in zip(cells.gids.tolist(), cells.complexity.tolist(), strict=True):
        pieces = cells.pieces.get(gid) or ((Subtree(complexity),),)
        lines.append(f"{gid} {complexity:g} {len(pieces)}")
        for piece in pieces:
            lines.append(f"  {len(piece)}")
            for subtree in piece:
                lines.append(f"   {subtree.complexity:g} {len(subtree.children)}")
                lines += ["     " + " ".join(map(str, subtree.children))] if subtree.children else []
    _write_lines(path, lines)


def read_balance(path: Path) -> list[IntArray]:
    """Read which cells are on which rank: per rank int64[n, 2] of (gid, number of the piece).

    Raises
    ------
    ConfigurationError
        The file is missing or malformed, or a rank is not in it.
    """
    tokens = _Tokens(Path(path), skip=1)
    n_ranks = tokens.integer()
    ranks: dict[int, IntArray] = {}
    while tokens.left:
        rank, n_items = tokens.integer(), tokens.integer()
        ranks[rank] = np.array([tokens.integer() for _ in range(2 * n_items)], dtype=np.int64).reshape(-1, 2)
    if sorted(ranks) != list(range(n_ranks)):
        raise ConfigurationError(
            f"the balance names the ranks {sorted(ranks)}",
            file=path,
            expected=f"ranks 0 to {n_ranks - 1}",
            hint=_HINT,
        )
    return [ranks[rank] for rank in range(n_ranks)]


def write_balance(path: Path, ranks: Sequence[npt.ArrayLike], message_id: int = 1) -> None:
    """Write which cells are on which rank.

    Lines: a message id; the number of ranks; per rank ``rank n``, then gid and piece number of its n items.

    Parameters
    ----------
    path
        The file.
    ranks
        Per rank integer[n, 2] of (gid, number of the piece).
    message_id
        Number in the first line.
    """
    lines = [str(message_id), str(len(ranks))]
    for rank, items in enumerate(ranks):
        pairs = np.asarray(items, dtype=np.int64).reshape(-1, 2)
        lines.append(" ".join(map(str, [rank, len(pairs), *pairs.ravel().tolist()])))
    _write_lines(path, lines)


def _read_piece(tokens: _Tokens) -> Piece:
    return tuple(_read_subtree(tokens) for _ in range(tokens.integer()))


def _read_subtree(tokens: _Tokens) -> Subtree:
    complexity, n_children = tokens.number(), tokens.integer()
    return Subtree(complexity, tuple(tokens.integer() for _ in range(n_children)))


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    with replace_when_whole(Path(path)) as temporary:
        temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


class _Tokens:
    """The words of a text file, one after the other; the first `skip` are passed over."""

    def __init__(self, path: Path, skip: int) -> None:
        self._path = path
        try:
            self._words = path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"cannot read the load balance file: {error}", file=path, hint=_HINT
            ) from error
        self._at = skip

    @property
    def left(self) -> bool:
        return self._at < len(self._words)

    def number(self) -> float:
        word = self._next()
        try:
            return float(word)
        except ValueError:
            raise self._error(word, "a number") from None

    def integer(self) -> int:
        word = self._next()
        if not word.isdecimal():
            raise self._error(word, "a whole number")
        return int(word)

    def _next(self) -> str:
        if not self.left:
            raise ConfigurationError("the load balance file ends too early", file=self._path, hint=_HINT)
        self._at += 1
        return self._words[self._at - 1]

    def _error(self, word: str, expected: str) -> ConfigurationError:
        return ConfigurationError(
            f"unexpected {word!r} (word {self._at}) in the load balance file",
            file=self._path,
            expected=expected,
            hint=_HINT,
        )
