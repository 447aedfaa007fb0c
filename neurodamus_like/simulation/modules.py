"""Simulation modules: Python of the user that runs before, during and after a simulation."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from neurodamus_like.config.models import Run
from neurodamus_like.engine import nrn
from neurodamus_like.exceptions import NeurodamusLikeError, SimulationError
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator

DEFAULT_BLOCK_STEPS = 5000
"""Time steps between two calls of ``block`` where the configuration does not say."""

_PHASES = ("initialize", "step", "block", "finalize")


class SimulatorMod:
    """Base of simulation modules: override what is needed and give an instance to ``sim.add_mod``.

    A module that overrides :meth:`step` costs what its Python costs, in every time step. Without one the simulator runs
    from block to block at full speed.

    Examples
    --------
    >>> class Progress(SimulatorMod):
    ...     def block(self, sim, block_interval):
    ...         print(block_interval[1] * sim.dt, "ms")
    """

    def initialize(self, sim: Any) -> None:
        """Run once, when the network is complete and before its initial state is set.

        Parameters
        ----------
        sim
            The simulation that the module was added to.
        """

    def step(self, sim: Any, tstep: int) -> None:
        """Run after every time step.

        Parameters
        ----------
        sim
            The simulation.
        tstep
            Number of the step, from 0: the time is now ``(tstep + 1) * sim.dt``.
        """

    def block(self, sim: Any, block_interval: tuple[int, int]) -> None:
        """Run after every block of steps (``run.nsteps_block``), and after the last step.

        Parameters
        ----------
        sim
            The simulation.
        block_interval
            First step of the block, and the one behind its last.
        """

    def finalize(self, sim: Any) -> None:
        """Run once, behind the last block.

        Parameters
        ----------
        sim
            The simulation.
        """


class SimulationModules:
    """The modules of one simulation, and when each of them is called.

    Objects need not derive from :class:`SimulatorMod`: methods that they lack are not called.

    Parameters
    ----------
    comm
        The ranks, which all have the same modules.
    sim
        What modules get as `sim`.
    """

    def __init__(self, comm: Communicator, sim: Any = None) -> None:
        self.sim = sim
        self._comm = comm
        self._added: list[Any] = []
        self._initialized = 0
        self._finalized = False
        self._drive: _Drive | None = None

    def __len__(self) -> int:
        return len(self._added)

    def add(self, module: Any) -> None:
        """Add a module, to be called after those added before.

        Raises
        ------
        SimulationError
            It has none of the methods of a module, or the simulation has begun.
        """
        if isinstance(module, type) or not any(callable(getattr(module, phase, None)) for phase in _PHASES):
            raise SimulationError(
                f"this is no simulation module: {module!r}",
                expected="an object with methods such as step(sim, tstep); see SimulatorMod",
            )
        if self._initialized:
            raise SimulationError(
                f"the module {name_of(module)} comes too late: the simulation has begun",
                hint="call add_mod before run",
            )
        self._added.append(module)

    def initialize(self) -> bool:
        """Call ``initialize`` of the modules unless it was done; True if there were any."""
        if self._initialized == len(self._added):
            return False
        self._initialized = len(self._added)
        self.call("initialize", self.sim)
        return True

    def finalize(self) -> None:
        """Call ``finalize`` of all modules, once."""
        if self._initialized and not self._finalized:
            self._finalized = True
            self.call("finalize", self.sim)

    def drive(self, advance: Callable[[float], None], run: Run) -> Callable[[float], None]:
        """Return what integrates up to a time (ms) and calls the modules on the way, the same in every call.

        Parameters
        ----------
        advance
            Integrates up to a time without them; it is returned itself if there are no modules.
        run
            End of the run, time step and steps in a block.
        """
        if not self._added:
            return advance
        if self._drive is None:
            self._drive = _Drive(self, advance, run)
        return self._drive

    def check_engine(self, simulator: str) -> None:
        """Check that the simulator can call Python in every time step, if a module wants that.

        Raises
        ------
        SimulationError
            It cannot.
        """
        steppers = [name_of(module) for module in self.overriding("step")]
        if steppers and simulator != "NEURON":
            raise SimulationError(
                f"the module {steppers[0]} runs in every time step, which {simulator} cannot do",
                hint='simulate with NEURON ("target_simulator": "NEURON"), or use block() instead of step()',
            )

    def overriding(self, phase: str) -> list[Any]:
        """Return the modules that do something in a phase."""
        return [module for module in self._added if _overrides(module, phase)]

    def call(self, phase: str, *arguments: Any) -> None:
        """Call a method of all modules that have it, on all ranks together.

        Raises
        ------
        SimulationError
            A module failed, on whatever rank.
        """
        with collectively(self._comm):
            for module in self.overriding(phase):
                with naming(module, phase):
                    getattr(module, phase)(*arguments)


class _Drive:
    """Integrates and calls the modules; keeps count of steps and blocks between calls."""

    def __init__(self, modules: SimulationModules, advance: Callable[[float], None], run: Run) -> None:
        self._modules = modules
        self._advance = advance
        self._n_steps = round(run.tstop_ms / run.dt_ms)
        self._dt_ms = run.dt_ms
        self._block_steps = run.block_steps or DEFAULT_BLOCK_STEPS
        self._steppers = [(module, module.step) for module in modules.overriding("step")]
        self._done = self._block_begin = round(nrn.now_ms() / run.dt_ms)

    def __call__(self, until_ms: float) -> None:
        last = round(until_ms / self._dt_ms)
        while self._done < last:
            block_end = (self._done // self._block_steps + 1) * self._block_steps
            self._go_to(min(block_end, last), until_ms)
            if self._done == block_end or self._done == self._n_steps:
                self._end_block()
        if nrn.now_ms() < until_ms - 1e-9 * self._dt_ms:
            self._advance(until_ms)

    def _go_to(self, step: int, until_ms: float) -> None:
        if self._steppers:
            for number in range(self._done, step):
                nrn.advance_one_step()
                self._call_steppers(number)
        else:
            self._advance(min(step * self._dt_ms, until_ms))
        self._done = step

    def _call_steppers(self, number: int) -> None:
        for module, step in self._steppers:
            try:
                step(self._modules.sim, number)
            except NeurodamusLikeError:
                raise
            except Exception as error:
                raise _named(module, "step", error) from error

    def _end_block(self) -> None:
        interval = (self._block_begin, self._done)
        self._block_begin = self._done
        self._modules.call("block", self._modules.sim, interval)


def name_of(module: Any) -> str:
    """Return the name of a module's class, with that of its file's module."""
    kind = type(module)
    return kind.__qualname__ if kind.__module__ == "__main__" else f"{kind.__module__}.{kind.__qualname__}"


@contextmanager
def naming(module: Any, phase: str) -> Iterator[None]:
    """Make errors inside the block say which module failed, in which phase and when."""
    try:
        yield
    except NeurodamusLikeError:
        raise
    except Exception as error:
        raise _named(module, phase, error) from error


def _named(module: Any, phase: str, error: Exception) -> SimulationError:
    frame = _user_frame(error)
    return SimulationError(
        f"the simulation module {name_of(module)} failed in {phase}() at t = {nrn.now_ms():.6g} ms: "
        f"{type(error).__name__}: {error}",
        file=frame.filename if frame else None,
        pointer=f"line {frame.lineno}" if frame else None,
        hint=f"the line is: {frame.line}" if frame and frame.line else None,
    )


def _user_frame(error: Exception) -> traceback.FrameSummary | None:
    """Return the innermost place in the file of the module, not in what it calls elsewhere."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    return own[-1] if own else None


def _overrides(module: Any, phase: str) -> bool:
    method = getattr(module, phase, None)
    return callable(method) and getattr(method, "__func__", method) is not getattr(SimulatorMod, phase)
