"""Helpers of build scripts, under the module names that BMTK users know."""
