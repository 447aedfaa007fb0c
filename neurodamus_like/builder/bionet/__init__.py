"""Synapse locations in build scripts, under the module names that BMTK users know."""

from neurodamus_like.builder.bionet.swc_reader import SWCReader, get_swc, rand_syn_locations

__all__ = ["SWCReader", "get_swc", "rand_syn_locations"]
