"""Show what is installed, what is missing, and what to type.

Usage:
  neurodamus-like doctor [--json]
  neurodamus-like doctor (-h | --help)

Options:
  --json     Print the findings as JSON.
  -h --help  Show this text.

The exit code is 0 if a serial simulation is possible, 1 otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from neurodamus_like import __version__
from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.parallel.diagnosis import Finding, diagnose, is_run_possible, to_json
from neurodamus_like.parallel.mpi import launch_rank, world


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``doctor``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["doctor", *argv])
    comm = world()
    possible = False
    if comm.rank == 0 and launch_rank() == comm.rank:
        findings = diagnose()
        possible = is_run_possible(findings)
        print(to_json(findings) if arguments["--json"] else format_findings(findings))
    return 0 if comm.bcast(possible) else 1


def format_findings(findings: Sequence[Finding]) -> str:
    """Return the findings as a table, followed by what is missing and what to type."""
    width = max(len(finding.name) for finding in findings)
    lines = [f"neurodamus-like {__version__}"]
    lines += [f"  {'ok' if f.ok else '--'}  {f.name:<{width}}  {f.found}" for f in findings]
    missing = [finding for finding in findings if not finding.ok]
    if missing:
        lines += ["", "missing:"]
        lines += [f"  {f.name}{_purpose(f)}: {f.hint}" for f in missing]
    return "\n".join([*lines, "", _verdict(findings)])


def _verdict(findings: Sequence[Finding]) -> str:
    broken = {finding.needed_for for finding in findings if not finding.ok}
    parts = {
        "with NEURON": {"runs"},
        "on several ranks": {"runs", "MPI"},
        "with CoreNEURON": {"runs", "CoreNEURON"},
    }
    words = [f"{what} {'NOT possible' if needed & broken else 'possible'}" for what, needed in parts.items()]
    return f"Simulations: {', '.join(words)}."


def _purpose(finding: Finding) -> str:
    return f" (for {finding.needed_for})" if finding.needed_for else ""
