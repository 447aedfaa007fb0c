"""The ways to share cells among ranks, by name."""

from __future__ import annotations

from enum import Enum

from neurodamus_like.exceptions import ConfigurationError, did_you_mean


class LoadBalanceMode(Enum):
    """Ways to share cells among ranks."""

    RoundRobin = "RoundRobin"
    WholeCell = "WholeCell"
    MultiSplit = "MultiSplit"
    Memory = "Memory"

    @classmethod
    def parse(cls, text: str) -> LoadBalanceMode:
        """Return the mode called `text`; ``rr`` stands for RoundRobin, ``LoadBalance`` for MultiSplit.

        Raises
        ------
        ConfigurationError
            There is no such mode.
        """
        names = {mode.value.lower(): mode for mode in cls}
        names |= {"rr": cls.RoundRobin, "loadbalance": cls.MultiSplit}
        try:
            return names[text.lower()]
        except KeyError:
            raise ConfigurationError(
                f"unknown load balance mode {text!r}",
                expected="one of " + ", ".join(mode.value for mode in cls),
                hint=did_you_mean(text, [mode.value for mode in cls]) or None,
            ) from None
