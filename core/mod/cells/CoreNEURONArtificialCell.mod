TITLE Artificial cell that does nothing
COMMENT
For ranks without cells: CoreNEURON wants at least one that can spike. This one never gets the event that would make it.
ENDCOMMENT

NEURON {
    THREADSAFE
    ARTIFICIAL_CELL CoreNEURONArtificialCell
}

NET_RECEIVE (w) {
    net_event(t)
}
