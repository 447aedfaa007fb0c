"""Extracellular potentials from lfp reports: sums over cells, current source density, spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodamus_like.io.reports import ReportData

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Potentials:
    """Potentials at the contacts of an electrode.

    Attributes
    ----------
    times_ms
        Shape (frames,).
    values_mV
        Shape (frames, contacts).
    """

    times_ms: FloatArray
    values_mV: FloatArray

    @property
    def n_contacts(self) -> int:
        """Number of contacts."""
        return int(self.values_mV.shape[1])


def compute_potentials(report: ReportData, node_ids: Sequence[int] | None = None) -> Potentials:
    """Return the potentials that cells make together.

    Parameters
    ----------
    report
        Of type lfp: element ids are the numbers of contacts.
    node_ids
        Cells to sum over; None: all of the report.
    """
    contacts = int(report.element_ids.max(initial=-1)) + 1
    chosen = np.ones(len(report.element_ids), dtype=bool)
    if node_ids is not None:
        chosen = np.isin(report.column_node_ids, np.asarray(node_ids, dtype=np.int64))
    total = np.zeros((len(report.values), contacts))
    for contact in range(contacts):
        columns = chosen & (report.element_ids == contact)
        total[:, contact] = report.values[:, columns].sum(axis=1, dtype=np.float64)
    return Potentials(report.times_ms, total)


def compute_csd(potentials: Potentials, spacing_um: float, conductivity: float = 0.3) -> FloatArray:
    """Return the current source density along a straight electrode.

    The second spatial difference, ``-sigma (phi[k + 1] - 2 phi[k] + phi[k - 1]) / h**2`` (Nicholson & Freeman
    1975, J. Neurophysiol. 38:356), at all contacts but the first and the last.

    Parameters
    ----------
    potentials
        Contacts in order and at equal distances.
    spacing_um
        Distance between neighbours, h.
    conductivity
        Of the medium, S/m.

    Returns
    -------
    numpy.ndarray
        uA/mm3, shape (frames, contacts - 2); sources are positive.
    """
    phi = potentials.values_mV
    second = phi[:, 2:] - 2.0 * phi[:, 1:-1] + phi[:, :-2]
    # S/m x mV / um**2 = 1e9 A/m3 = 1e6 uA/mm3
    density: FloatArray = -conductivity * second / spacing_um**2 * 1e6
    return density


def compute_power_spectrum(potentials: Potentials) -> tuple[FloatArray, FloatArray]:
    """Return the one-sided power spectral density of each contact, after removing its mean.

    Returns
    -------
    frequencies_Hz, density
        Shapes (n,) and (n, contacts); mV**2/Hz. Summed over frequencies, times their distance, the density is
        the variance.
    """
    values = potentials.values_mV - potentials.values_mV.mean(axis=0)
    count = len(values)
    step_s = float(np.diff(potentials.times_ms).mean()) * 1e-3 if count > 1 else 1e-3
    spectrum = np.abs(np.fft.rfft(values, axis=0)) ** 2 * step_s / max(count, 1)
    inner = slice(1, -1 if count % 2 == 0 else None)
    spectrum[inner] *= 2.0
    return np.asarray(np.fft.rfftfreq(count, step_s), dtype=np.float64), spectrum
