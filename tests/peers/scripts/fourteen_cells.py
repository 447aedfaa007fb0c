"""A network of 14 cells of seven kinds with two virtual inputs, written for BMTK's builder."""

import sys

import numpy as np
from bmtk.builder.networks import NetworkBuilder

OUT = sys.argv[1] if len(sys.argv) > 1 else "network"
EVERYWHERE = [0.0, 1e20]

# name, ei, positions, tuning angles, rotations about y, rotation about z, fit, morphology
BIOPHYSICAL = [
    ("Scnn1a", "e", ([28.753, 48.753], [-364.868, -344.868], [-161.705, -141.705]), [0.0, 25.0],
     [3.55501, 3.81531], -3.646878266, "472363762_fit.json", "Scnn1a_473845048_m.swc"),
    ("Rorb", "e", ([241.092, 201.092], [-349.263, -399.263], [146.916, 126.916]), [50.0, 75.0],
     [3.50934, 3.50934], 4.159763785, "473863510_fit.json", "Rorb_325404214_m.swc"),
    ("Nr5a1", "e", ([320.498, 310.498], [-351.259, -371.259], [20.273, 10.273]), [100.0, 125.0],
     [0.72202, 0.72202], 2.639275277, "473863035_fit.json", "Nr5a1_471087815_m.swc"),
    ("PV1", "i", ([122.373, 102.373], [-352.417, -342.417], [-216.748, -206.748]), None,
     [2.92043, 2.92043], -2.539551891, "472912177_fit.json", "Pvalb_470522102_m.swc"),
    ("PV2", "i", ([350.321, 360.321], [-372.535, -371.535], [-18.282, -12.282]), None,
     [5.043336, 5.043336], 3.684439949, "473862421_fit.json", "Pvalb_469628681_m.swc"),
]  # fmt: skip

POINT = [
    ("LIF_exc", "e", ([-243.040, -233.040], [-342.352, -332.352], [-665.666, -675.666]), [150.0, 175.0]),
    ("LIF_inh", "i", ([-631.593, -635.593], [-321.333, -327.333], [-631.593, -635.593]), None),
]


def build_v1():
    net = NetworkBuilder("v1")
    for name, ei, (x, y, z), angles, rot_y, rot_z, fit, morphology in BIOPHYSICAL:
        own = {} if angles is None else {"tuning_angle": angles}
        net.add_nodes(
            N=2, pop_name=name, location="VisL4", ei=ei, x=x, y=y, z=z, rotation_angle_yaxis=rot_y,
            rotation_angle_zaxis=rot_z, model_type="biophysical", model_template="ctdb:Biophys1.hoc",
            model_processing="aibs_perisomatic", dynamics_params=fit, morphology=morphology, **own,
        )  # fmt: skip
    for name, ei, (x, y, z), angles in POINT:
        own = {} if angles is None else {"tuning_angle": angles}
        net.add_nodes(
            N=2, pop_name=name, location="VisL4", ei=ei, x=x, y=y, z=z, model_type="point_neuron",
            model_template="nrn:IntFire1",
            dynamics_params="IntFire1_exc_1.json" if ei == "e" else "IntFire1_inh_1.json", **own,
        )  # fmt: skip
    exp2 = {"delay": 2.0, "model_template": "exp2syn"}
    inhibitory = [
        ({"ei": "i", "model_type": "biophysical"}, 0.0002, "GABA_InhToInh.json",
         {"target_sections": ["somatic", "basal"], "distance_range": EVERYWHERE, **exp2}),
        ({"ei": "i", "model_type": "point_neuron"}, 0.00225, "instantaneousInh.json",
         {"weight_function": "wmax", "delay": 2.0}),
        ({"ei": "e", "model_type": "biophysical"}, 0.00018, "GABA_InhToExc.json",
         {"weight_function": "wmax", "target_sections": ["somatic", "basal", "apical"],
          "distance_range": [0.0, 50.0], **exp2}),
        ({"ei": "e", "model_type": "point_neuron"}, 0.009, "instantaneousInh.json",
         {"weight_function": "wmax", "delay": 2.0}),
    ]  # fmt: skip
    for number, (target, weight, dynamics, more) in enumerate(inhibitory):
        rule = (lambda trg, src: 5) if number == 2 else 5
        net.add_edges(
            source={"ei": "i"}, target=target, connection_rule=rule, syn_weight=weight,
            dynamics_params=dynamics, **more,
        )  # fmt: skip
    near = {
        "weight_function": "wmax",
        "target_sections": ["somatic", "basal"],
        "distance_range": EVERYWHERE,
        **exp2,
    }
    tuned = {"weight_function": "gaussianLL", "weight_sigma": 50.0}
    far = {"target_sections": ["basal", "apical"], "distance_range": [30.0, 150.0], **exp2, **tuned}
    excitatory = [
        ("PV1", 0.00035, "AMPA_ExcToInh.json", near),
        ("PV2", 0.00027, "AMPA_ExcToInh.json", near),
        ("LIF_inh", 0.0043, "instantaneousExc.json", {"weight_function": "wmax", "delay": 2.0}),
        ("Scnn1a", 6.4e-05, "AMPA_ExcToExc.json", far),
        ("Rorb", 5.5e-05, "AMPA_ExcToExc.json", far),
        ("Nr5a1", 7.2e-05, "AMPA_ExcToExc.json", far),
        ("LIF_exc", 0.0019, "instantaneousExc.json", {"delay": 2.0, **tuned}),
    ]
    for name, weight, dynamics, more in excitatory:
        net.add_edges(
            source={"ei": "e"}, target={"pop_name": name}, connection_rule=5, syn_weight=weight,
            dynamics_params=dynamics, **more,
        )  # fmt: skip
    net.build()
    net.save(output_dir=OUT)
    return net


def choose_inputs(sources, target, n_syns):
    wanted = ("tON", "tOFF") if "tuning_angle" in target else ("tONOFF",)
    return [n_syns if source["pop_name"] in wanted else 0 for source in sources]


TARGETS = [
    ("Rorb", 5e-05, 0.00015),
    ("Nr5a1", 5e-05, 0.00019),
    ("Scnn1a", 4e-05, 0.00019),
    ("PV1", 0.0001, 0.0022),
    ("PV2", 9e-05, 0.0013),
    ("LIF_exc", 0.0045, 0.015),
    ("LIF_inh", 0.002, 0.05),
]


def build_lgn(v1):
    rng = np.random.RandomState(1)
    net = NetworkBuilder("lgn")
    for name in ("tON", "tOFF", "tONOFF"):
        net.add_nodes(
            N=30, pop_name=name, ei="e", location="LGN", x=rng.uniform(0.0, 240.0, 30),
            y=rng.uniform(0.0, 120.0, 30), model_type="virtual",
        )  # fmt: skip
    for name, weight, _ in TARGETS:
        net.add_edges(
            source=net.nodes(), target=v1.nodes(pop_name=name), iterator="all_to_one",
            connection_rule=choose_inputs, connection_params={"n_syns": 10}, syn_weight=weight,
            weight_function="wmax", **placement(name),
        )  # fmt: skip
    net.build()
    net.save(output_dir=OUT)


def placement(name):
    if name.startswith("LIF"):
        return {"delay": 2.0, "dynamics_params": "instantaneousExc.json"}
    dendrites = name.startswith("PV")
    return {
        "delay": 2.0,
        "model_template": "exp2syn",
        "dynamics_params": "AMPA_ExcToInh.json" if dendrites else "AMPA_ExcToExc.json",
        "target_sections": ["somatic", "basal"] if dendrites else ["basal", "apical"],
        "distance_range": EVERYWHERE if dendrites else [0.0, 150.0],
    }


def build_tw(v1):
    net = NetworkBuilder("tw")
    net.add_nodes(N=30, pop_name="TW", ei="e", location="TW", model_type="virtual")
    for name, _, weight in TARGETS:
        net.add_edges(
            source=net.nodes(), target=v1.nodes(pop_name=name), connection_rule=5, syn_weight=weight,
            weight_function="wmax", **placement(name),
        )  # fmt: skip
    net.build()
    net.save(output_dir=OUT)


if __name__ == "__main__":
    v1 = build_v1()
    build_lgn(v1)
    build_tw(v1)
