"""A column of cells with random rules, synapse properties and an external input, for BMTK's builder.

All random numbers come from numpy's global generator, in the order in which the builder calls the rules.
"""

# ruff: noqa: NPY002, E501
import sys

import numpy as np
from bmtk.builder import NetworkBuilder
from bmtk.builder.auxi.node_params import positions_columinar, xiter_random

OUT = sys.argv[1] if len(sys.argv) > 1 else "network"
np.random.seed(42)


def near_pairs(source, target, p=0.1, low=1, high=5):
    if source.node_id == target.node_id:
        return None
    distance = np.sqrt(sum((source[a] - target[a]) ** 2 for a in "xyz"))
    if distance > 100.0 or np.random.uniform() > p:
        return 0
    return np.random.randint(low, high)


def few_targets(source, targets, reach=30.0, most=10):
    close = [i for i, t in enumerate(targets) if np.hypot(t["x"] - source["x"], t["z"] - source["y"]) < reach]
    counts = np.zeros(len(targets))
    if close:
        chosen = np.random.choice(close, size=min(most, len(close)), replace=False)
        counts[chosen] = np.random.randint(0, 12, size=len(chosen))
    return counts


def every_third(sources, target):
    return [(s.node_id + target["node_id"]) % 3 == 0 for s in sources]


def place(source, target, top):
    return np.random.randint(0, top), np.random.uniform()


def build_internal():
    net = NetworkBuilder("internal")
    for name, ei, count in (("Exc", "e", 60), ("Inh", "i", 25)):
        at = positions_columinar(N=count, center=[0, 10.0, 0], max_radius=50.0, height=200.0)
        net.add_nodes(
            N=count, model_name=name, ei=ei, x=at[:, 0], y=at[:, 1], z=at[:, 2], layer=[1 + i % 3 for i in range(count)],
            rotation_angle_yaxis=xiter_random(N=count, min_x=0.0, max_x=2 * np.pi), model_type="biophysical",
        )  # fmt: skip
    at = positions_columinar(N=30, center=[0, 10.0, 0], max_radius=50.0, height=200.0)
    net.add_nodes(
        N=30, model_name="LIF", ei="e", x=at[:, 0], y=at[:, 1], z=at[:, 2], positions=[tuple(p) for p in at],
        model_type="point_neuron",
    )  # fmt: skip
    for number, (source, target) in enumerate((("e", "e"), ("e", "i"), ("i", "e"), ("i", "i"))):
        cm = net.add_edges(
            source={"ei": source}, target={"ei": target, "model_type": "biophysical"}, connection_rule=near_pairs,
            connection_params={"p": 0.2}, model_template="Exp2Syn", delay=2.0 + number,
        )  # fmt: skip
        cm.add_properties("syn_weight", rule=6.0e-05 * (1 + number), dtypes=float)
        cm.add_properties(
            ["afferent_section_id", "afferent_section_pos"],
            rule=place,
            rule_params={"top": 10 + number},
            dtypes=[int, float],
        )
    net.add_edges(
        source={"layer": [1, 2]}, target={"model_type": "point_neuron"}, connection_rule=every_third,
        iterator="all_to_one", target_sections=["somatic"], delay=1.0, syn_weight=0.0019,
    )  # fmt: skip
    cm = net.add_edges(
        source={"model_name": "LIF"},
        target={"x": lambda x: x > 0},
        connection_rule=2,
        syn_weight=0.1,
        delay=0.5,
    )
    cm.add_properties("pair", rule=lambda s, t: s.node_id * 1000 + t.node_id, dtypes=np.int64)
    net.add_edges(
        source={"model_name": "Inh"}, target={"model_name": "Inh"}, is_gap_junction=True, syn_weight=0.001,
        connection_rule=lambda s, t: 1 if s.node_id + 1 == t.node_id else 0, delay=0.0,
    )  # fmt: skip
    net.build()
    net.save(output_dir=OUT)
    return net


def build_external(internal):
    net = NetworkBuilder("external")
    net.add_nodes(
        N=40,
        x=np.random.uniform(-40.0, 40.0, 40),
        y=np.random.uniform(-40.0, 40.0, 40),
        model_type="virtual",
        ei="e",
    )
    cm = net.add_edges(
        source=net.nodes(), target=internal.nodes(ei="e", model_type="biophysical"), connection_rule=few_targets,
        iterator="one_to_all", model_template="Exp2Syn", delay=2.0,
    )  # fmt: skip
    cm.add_properties("syn_weight", rule=0.00041, dtypes=float)
    net.add_edges(
        source=net.nodes(), target=internal.nodes(model_type="point_neuron"), iterator="one_to_one",
        connection_rule=[(i * 7) % 4 for i in range(40 * 30)], delay=2.0, syn_weight=0.045,
    )  # fmt: skip
    net.build()
    net.save(output_dir=OUT)


if __name__ == "__main__":
    build_external(build_internal())
