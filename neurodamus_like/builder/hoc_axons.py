"""HOC procedures that replace a reconstructed axon by a short stub, one per axon treatment of an e-model."""

from __future__ import annotations

from dataclasses import dataclass

from neurodamus_like.builder.emodel_json import EModel


@dataclass(frozen=True)
class AxonProcedure:
    """Name, call and text of the procedure."""

    name: str
    call: str
    text: str


_KEPT = """\
proc replace_axon() {}

"""

_STUB = """\
proc delete_axon() {local first_diam, second_diam, i
    first_diam = 1
    second_diam = 1
    if (nSecAxonalOrig > 0) {
        axon[0] first_diam = diam(0.5)
        second_diam = first_diam
    }
    soma[0] distance()
    if (nSecAxonalOrig > 1) {
        forsec axonal {
            if (distance(0.5) > 60) {
                second_diam = diam(0.5)
                break
            }
        }
    }
    forsec axonal delete_section()
    execute("~create axon[2]", this)
    for i = 0, 1 axon[i] {
        L = 30
        if (i == 0) diam = first_diam else diam = second_diam
        nseg = 1 + 2*int(L/40)
        v(0.0001) = nSecSoma + i
        all.append()
        axonal.append()
    }
    nSecAxonal = 2
    soma[0] connect axon[0](0), 1
    axon[0] connect axon[1](0), 1
}

"""

_REPLACED = """\
proc replace_axon() {local i, count, mark_0, mark_1, mark_2 localobj diams
    if (nSecAxonalOrig < %(sections)d) {
        execerror("the axon of the morphology has less than %(sections)d sections: ", morphology_file)
    }
    axon[0] mark_0 = v(0.0001)
    axon[1] mark_1 = v(0.0001)
%(mark)s    diams = new Vector()
%(diameters)s
    if (diams.size() < 10) {
        execerror("the axon of the morphology is shorter than its stub: ", morphology_file)
    }
    forsec axonal delete_section()
    execute("~create axon[2]", this)
    count = 0
    for i = 0, 1 axon[i] {
        L = 30
        nseg = 5
        for (x, 0) {
            diam(x) = diams.x[count]
            count += 1
        }
        if (i == 0) v(0.0001) = mark_0 else v(0.0001) = mark_1
        all.append()
        axonal.append()
    }
    nSecAxonal = 2
    soma[0] connect axon[0](0), 1
    axon[0] connect axon[1](0), 1
%(myelin)s}

"""

_MYELIN = """\
    execute("~create myelin[1]", this)
    myelin[0] {
        L = 1000
        nseg = 5
        diam = diams.x[9]
        v(0.0001) = mark_2
        all.append()
        myelinated.append()
    }
    axon[1] connect myelin[0](0), 1
"""

_SAMPLED = """\
    forsec axonal {
        nseg = 1 + 2*int(L/6/2)
        for (x, 0) if (diams.size() < 10) diams.append(diam(x))
        if (diams.size() == 10) break
    }"""

_TAPERED = """\
    for count = 0, 9 {{
        diams.append({strength:.17g}*exp(-6*count/{length:.17g}) + {terminal:.17g}*$1)
    }}"""


def render_axon(emodel: EModel) -> AxonProcedure:
    """Return the procedure for the axon treatment of an e-model."""
    if emodel.axon == "kept":
        return AxonProcedure("replace_axon", "replace_axon()", _KEPT)
    if emodel.axon == "delete_axon stub":
        return AxonProcedure("delete_axon", "delete_axon()", _STUB)
    diameters, call = _SAMPLED, "replace_axon()"
    if emodel.axon == "replace_axon(AIS_scaler)":
        taper = emodel.axon_taper
        diameters = _TAPERED.format(
            strength=taper.strength_um, length=taper.length_um, terminal=taper.terminal_um
        )
        call = "replace_axon(AIS_scaler)"
    parts = {"diameters": diameters, "sections": 2, "mark": "", "myelin": ""}
    if emodel.has_myelin:
        parts |= {"sections": 3, "mark": "    axon[2] mark_2 = v(0.0001)\n", "myelin": _MYELIN}
    text = _REPLACED % parts
    return AxonProcedure("replace_axon", call, text)
