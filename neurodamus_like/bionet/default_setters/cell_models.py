"""The built-in cell models and their parts, for functions of users that put them together in another way.

Examples
--------
>>> from neurodamus_like import bionet  # doctest: +SKIP
>>> from neurodamus_like.bionet.default_setters.cell_models import set_params_allactive  # doctest: +SKIP
>>> @bionet.model_processing  # doctest: +SKIP
... def aibs_allactive_fullaxon(hobj, cell, dynamics_params):
...     set_params_allactive(hobj, dynamics_params)
...     return hobj
"""

from __future__ import annotations

from neurodamus_like.circuit.cells.cell_models import (
    aibs_allactive,
    aibs_allactive_directed,
    aibs_perisomatic,
    aibs_perisomatic_directed,
    set_extracellular,
)
from neurodamus_like.circuit.cells.cell_models import make_from_neuroml as NMLLoad
from neurodamus_like.circuit.cells.cell_models import make_from_swc as Biophys1
from neurodamus_like.circuit.cells.cell_models import make_from_template as loadHOC
from neurodamus_like.circuit.cells.cell_models import make_int_fire1 as IntFire1
from neurodamus_like.circuit.cells.membrane_fits import apply_all_active_fit as set_params_allactive
from neurodamus_like.circuit.cells.membrane_fits import apply_perisomatic_fit as set_params_peri
from neurodamus_like.engine.axon_stubs import replace_axon_all_active as fix_axon_allactive
from neurodamus_like.engine.axon_stubs import (
    replace_axon_all_active_directed as fix_axon_allactive_directed,
)
from neurodamus_like.engine.axon_stubs import replace_axon_perisomatic as fix_axon_peri
from neurodamus_like.engine.axon_stubs import (
    replace_axon_perisomatic_directed as fix_axon_perisomatic_directed,
)

__all__ = [
    "Biophys1",
    "IntFire1",
    "NMLLoad",
    "aibs_allactive",
    "aibs_allactive_directed",
    "aibs_perisomatic",
    "aibs_perisomatic_directed",
    "fix_axon_allactive",
    "fix_axon_allactive_directed",
    "fix_axon_peri",
    "fix_axon_perisomatic_directed",
    "loadHOC",
    "set_extracellular",
    "set_params_allactive",
    "set_params_peri",
]
