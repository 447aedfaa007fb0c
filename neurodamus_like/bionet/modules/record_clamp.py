"""Reports of clamps."""

from __future__ import annotations

from typing import Any

from neurodamus_like.bionet.report_modules import ReportModule


class ClampReport(ReportModule):
    """Currents of clamps: `variable_name` is ``ic``, ``f_ic`` or ``se``."""

    module = "clamp_report"

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        variable_name: str,
        buffer_data: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__({"file_name": file_name, "variable_name": variable_name, **kwargs}, tmp_dir)
