"""Clamps of the voltage."""

from __future__ import annotations

from typing import Any

from neurodamus_like.bionet.input_modules import InputModule
from neurodamus_like.config.allen_stimuli import OTHERS


class SEClamp(InputModule):
    """Clamps the voltage of cells for an interval: `amp`, `delay`, `duration`, `resistance`."""

    def __init__(self, input_type: str = "voltage_clamp", **mod_args: Any) -> None:
        node_set = mod_args.pop("node_set", None)
        mod_args.pop("vc", None)
        super().__init__(OTHERS["seclamp"], mod_args, node_set)
