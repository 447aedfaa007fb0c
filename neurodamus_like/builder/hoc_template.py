"""The text of a HOC cell template with the OBI calling convention, made from an e-model description.

``Template(gid, morphology folder, "name.ext", needed attributes...)`` builds the cell in the order that the
section ids in edge and report files rely on: read the morphology, divide sections, number them, replace the
axon, insert mechanisms, set parameters, seed stochastic channels.
"""

from __future__ import annotations

from collections.abc import Iterable

from neurodamus_like.builder.emodel_json import DistanceRule, EModel
from neurodamus_like.builder.hoc_axons import render_axon

_STOCHASTIC = ("StochKv", "StochKv3")

_HEADER = """\
// Made by `neurodamus-like templates` from an e-model description. Changes belong there.
{{load_file("stdrun.hoc")}}
{{load_file("import3d.hoc")}}
{attributes}
begintemplate {name}

public init, clear, gid, CellRef, synlist, synHelperList
public getCell, getCCell, setCCell, ccell, connect2target, re_init_rng
public all, somatic, axonal, basal, apical, AIS, nodal, myelinated
public soma, axon, dend, apic, myelin
public nSecAll, nSecSoma, nSecAxonal, nSecAxonalOrig, nSecBasal, nSecApical
public nSecLastAIS, nSecNodal, nSecMyelinated
public load_morphology, geom_nseg, indexSections, insertChannel, biophys
public {axon_proc}{extra}

objref this, CellRef, ccell, synlist, synHelperList
objref all, somatic, axonal, basal, apical, AIS, nodal, myelinated
strdef morphology_file, work_text
create soma[1], axon[1], dend[1], apic[1], myelin[1]

proc init() {{
    if (numarg() < {n_arguments}) {{
        execerror("{name} needs {n_arguments} arguments: gid, morphology folder, morphology file{wanted}", "")
    }}
    forall delete_section()
    gid = $1
    CellRef = this
    synlist = new List()
    synHelperList = new List()
    all = new SectionList()
    somatic = new SectionList()
    axonal = new SectionList()
    basal = new SectionList()
    apical = new SectionList()
    AIS = new SectionList()
    nodal = new SectionList()
    myelinated = new SectionList()
{arguments}    load_morphology($s2, $s3)
    geom_nseg()
    indexSections()
    {axon_call}
    insertChannel()
    biophys()
    re_init_rng()
}}

proc clear() {{
    forall delete_section()
    synlist = new List()
    synHelperList = new List()
    objref CellRef, ccell
}}

obfunc getCell() {{ return this }}
obfunc getCCell() {{ return ccell }}
proc setCCell() {{ ccell = $o1 }}

proc connect2target() {{
    soma[0] $o2 = new NetCon(&v(1), $o1)
    $o2.threshold = {threshold:.17g}
}}

proc load_morphology() {{localobj reader, importer, text
    text = new StringFunctions()
    sprint(morphology_file, "%s/%s", $s1, $s2)
    text.tail($s2, ".*\\\\.", work_text)
    if (!strcmp(work_text, "h5") || !strcmp(work_text, "H5")) {{
        sprint(work_text, "morphio_read(%s, \\"%s\\")", this, morphology_file)
        execute(work_text)
    }} else {{
        if (!strcmp(work_text, "swc") || !strcmp(work_text, "SWC")) {{
            reader = new Import3d_SWC_read()
        }} else {{
            reader = new Import3d_Neurolucida3()
        }}
        reader.quiet = 1
        reader.input(morphology_file)
        importer = new Import3d_GUI(reader, 0)
        importer.instantiate(this)
    }}
    nSecAll = count_sections(all)
    nSecSoma = count_sections(somatic)
    nSecAxonalOrig = count_sections(axonal)
    nSecAxonal = nSecAxonalOrig
    nSecBasal = count_sections(basal)
    nSecApical = count_sections(apical)
    nSecLastAIS = 0
    nSecNodal = 0
    nSecMyelinated = 0
}}

func count_sections() {{local n
    n = 0
    forsec $o1 n += 1
    return n
}}

proc geom_nseg() {{
    soma[0] area(0.5)
    forsec all nseg = 1 + 2*int(L/{chunk:.17g})
{nseg_fixed}}}

proc indexSections() {{local index
    index = 0
    forsec all {{
        v(0.0001) = index
        index += 1
    }}
}}

"""


def render_hoc_template(emodel: EModel) -> str:
    """Return the HOC text of the cell template of `emodel`."""
    axon = render_axon(emodel)
    attributes = emodel.needed_attributes
    header = _HEADER.format(
        name=emodel.template,
        attributes=_attributes_global(emodel),
        axon_proc=axon.name,
        extra="".join(f", {name}" for name in attributes),
        n_arguments=3 + len(attributes),
        wanted="".join(f", {name}" for name in attributes),
        arguments="".join(f"    {name} = ${number}\n" for number, name in enumerate(attributes, 4)),
        axon_call=axon.call,
        threshold=emodel.threshold_mV,
        chunk=emodel.nseg_chunk_um,
        nseg_fixed="".join(f"    forsec {name} nseg = {count}\n" for name, count in emodel.nseg_fixed),
    )
    parts = [
        header,
        axon.text,
        _insert_channel(emodel),
        _biophys(emodel),
        _distance_rules(emodel),
        _seeds(emodel),
    ]
    return "".join(parts) + f"endtemplate {emodel.template}\n"


def _attributes_global(emodel: EModel) -> str:
    if not emodel.needed_attributes:
        return ""
    name = f"{emodel.template}_NeededAttributes"
    return f'\nstrdef {name}\n{name} = "{";".join(emodel.needed_attributes)}"\n'


def _for_list(name: str, statements: Iterable[str]) -> str:
    body = "".join(f"        {statement}\n" for statement in statements)
    return f"    forsec {name} {{\n{body}    }}\n" if body else ""


def _insert_channel(emodel: EModel) -> str:
    blocks = (
        _for_list(part.name, (f"insert {mechanism}" for mechanism in part.mechanisms))
        for part in emodel.section_lists
    )
    return "proc insertChannel() {\n" + "".join(blocks) + "}\n\n"


def _biophys(emodel: EModel) -> str:
    blocks = [
        _for_list(part.name, (f"{name} = {value:.17g}" for name, value in part.parameters))
        for part in emodel.section_lists
    ]
    if emodel.distance_rules:
        blocks.append(f"    soma[0] distance(0, {emodel.distance_origin_x:g})\n    distribute()\n")
    return "proc biophys() {\n" + "".join(blocks) + "}\n\n"


def _distance_rules(emodel: EModel) -> str:
    """Return the code that evaluates the rules in HOC itself.

    The numbers are those of formatting the distance into an expression and executing it per segment: a
    distance printed with ``%.17g`` reads back unchanged, one printed with ``%g`` is rounded to six digits.
    """
    if not emodel.distance_rules:
        return ""
    by_list: dict[str, list[DistanceRule]] = {}
    for rule in emodel.distance_rules:
        by_list.setdefault(rule.section_list, []).append(rule)
    rounding = any(rule.is_rounded for rule in emodel.distance_rules)
    blocks = []
    for name, rules in by_list.items():
        lines = ["        um = distance(x)"]
        if any(rule.is_rounded for rule in rules):
            lines.append("        um_6 = six_digits(um)")
        lines += [
            f"        {rule.parameter}(x) = {rule.expression('um_6' if rule.is_rounded else 'um')}"
            for rule in rules
        ]
        blocks.append(f"    forsec {name} for (x, 0) {{\n" + "\n".join(lines) + "\n    }\n")
    helper = (
        'func six_digits() {local number\n    sprint(work_text, "%g", $1)\n'
        '    sscanf(work_text, "%lf", &number)\n    return number\n}\n\n'
    )
    return (helper if rounding else "") + "proc distribute() {local um, um_6\n" + "".join(blocks) + "}\n\n"


def _seeds(emodel: EModel) -> str:
    """Return `re_init_rng`: one stream per segment and mechanism, keyed by (gid, hash of the place, seed).

    The hash is that of the text ``<section>.<x>`` (section without the template's prefix, x printed with
    ``%.19g``): ``h = (31 * h + character) mod (2**31 - 1)``.
    """
    used = [name for name in _STOCHASTIC if name in emodel.mechanisms]
    if not used:
        return "proc re_init_rng() {}\n\n"
    calls = "".join(
        f'            if (ismembrane("{name}")) {{\n'
        f"                setdata_{name}(x)\n"
        f"                if (numarg() == 1) setRNG_{name}(gid, place, $1) else setRNG_{name}(gid, place)\n"
        f"            }}\n"
        for name in used
    )
    return f"""\
strdef place_text, letter_text
func text_hash() {{local hash, code, i localobj text
    text = new StringFunctions()
    hash = $2
    place_text = $s1
    while (text.len(place_text) > 0) {{
        sscanf(place_text, "%c", &code)
        hash = (hash*31 + code) % (2^31 - 1)
        text.right(place_text, 1)
    }}
    return hash
}}

proc re_init_rng() {{local start, place, prefix localobj text
    text = new StringFunctions()
    sprint(work_text, "%s.", this)
    prefix = text.len(work_text)
    forsec all {{
        if ({" || ".join(f'ismembrane("{name}")' for name in used)}) {{
            sectionname(work_text)
            text.right(work_text, prefix)
            sprint(work_text, "%s.", work_text)
            start = text_hash(work_text, 0)
            for (x, 0) {{
                sprint(work_text, "%.19g", x)
                place = text_hash(work_text, start)
{calls}            }}
        }}
    }}
}}

"""
