"""Read and draw results with BMTK's analyzer: python draw_results.py CONFIG; prints what it finds as JSON."""

import json
import sys

import matplotlib

matplotlib.use("Agg")
from bmtk.analyzer.compartment import plot_traces
from bmtk.analyzer.spike_trains import plot_raster, to_dataframe

config = sys.argv[1]
table = to_dataframe(config, population="v1").sort_values(["node_ids", "timestamps"])


def lines(figure):
    """Return number of points and last value of each line."""
    drawn = [line.get_ydata() for axis in figure.axes for line in axis.lines]
    return [[len(values), round(float(values[-1]), 5)] for values in drawn]


found = {
    "nodes": [int(n) for n in table["node_ids"]],
    "times": [round(float(t), 6) for t in table["timestamps"]],
    "soma": lines(plot_traces(config, report_name="soma", population="v1", show=False)),
    "segments": lines(plot_traces(config, report_name="v_all", population="v1", node_ids=[1], show=False)),
    "raster": len(plot_raster(config, population="v1", show=False).axes),
}
print(json.dumps(found))
