"""Reports of synapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neurodamus_like.bionet.report_modules import ReportModule, listed


class NetconReport(ReportModule):
    """Variables of the synapses behind the NetCons of cells."""

    module = "netcon_report"

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        variable_name: str | Sequence[str],
        cells: Any,
        sections: str | Sequence[str] = "all",
        syn_type: str | None = "Exp2Syn",
        buffer_data: bool = True,
        transform: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        block = {"file_name": file_name, "variable_name": listed(variable_name), "cells": cells}
        super().__init__({**block, "syn_type": syn_type or "", **kwargs}, tmp_dir)
