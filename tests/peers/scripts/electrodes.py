"""Potentials of stimulation and recording electrodes, from the classes alone: python electrodes.py FOLDER OUT."""

import sys
from types import SimpleNamespace

import numpy as np
from bmtk.simulator.bionet.modules import ecp, xstim, xstim_waveforms

folder, out = sys.argv[1:3]
segments = np.load(f"{folder}/segments.npz")
begin, end = segments["begin"], segments["end"]
coords = SimpleNamespace(p0=begin, p1=end, p05=(begin + end) / 2, d=segments["d"])
found = {}
for name, wave in (
    ("sine", {"shape": "sin", "amp": 0.1, "del": 1.0, "dur": 20.0, "freq": 80.0, "offset": 0.02}),
    ("step", {"shape": "dc", "amp": -0.3, "del": 2.0, "dur": 4.0}),
    ("points", f"{folder}/wave.csv"),
    ("described", f"{folder}/wave.json"),
):
    electrode = xstim.StimXElectrode(f"{folder}/electrodes.csv", wave, folder, 0.1)
    electrode.set_transfer_resistance(3, coords, rho=250.0)
    rows = []
    for step in range(0, 120, 7):
        electrode.calculate_waveforms(step)
        rows.append(np.array(electrode.get_vext(3)))
    found[name] = np.array(rows)
parts = [xstim_waveforms.WaveformCustom(f"{folder}/wave.csv")] * 2
found["sum"] = np.array([xstim_waveforms.ComplexWaveform(parts).calculate(t) for t in (0.0, 1.5, 30.0)])
for name, minimum in (("none", None), ("auto", "auto"), ("near", 25.0)):
    sites = ecp.RecXElectrode(f"{folder}/sites.csv", minimum)
    sites.calc_transfer_resistance(3, coords)
    found[f"sites {name}"] = sites.get_transfer_resistance(3)
np.savez(out, **found)
