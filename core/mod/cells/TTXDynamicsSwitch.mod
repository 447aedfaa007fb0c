TITLE Tetrodotoxin switch
COMMENT
Writes the concentrations of a pseudo-ion that the sodium channels read. ttxi carries a mark (1/64) that proves that the
switch is inserted; with it, a channel is blocked where ttxo is above 1e-12 mM: set ttxo_level to 1 to block, 1e-14 to undo.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX TTXDynamicsSwitch
    USEION ttx WRITE ttxo, ttxi VALENCE 1
    RANGE ttxo_level
}

UNITS {
    (molar) = (1/liter)
    (mM) = (millimolar)
}

PARAMETER {
    ttxo_level = 1e-12 (mM)
}

ASSIGNED {
    ttxo (mM)
    ttxi (mM)
}

INITIAL {
    ttxo = ttxo_level
    ttxi = 0.015625
}

BREAKPOINT {
    ttxo = ttxo_level
    ttxi = 0.015625
}
