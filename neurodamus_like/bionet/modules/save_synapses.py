"""Synapses as files."""

from __future__ import annotations

import os
from typing import Any

from neurodamus_like.bionet.report_modules import ReportModule


class SaveSynapses(ReportModule):
    """The synapses as edges files in `network_dir`."""

    module = "save_synapses"

    def __init__(self, network_dir: str, single_file: bool = False, **params: Any) -> None:
        super().__init__({"network_dir": os.path.abspath(network_dir), **params})
