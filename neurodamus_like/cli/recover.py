"""Make whole files of the reports of a run that was cut short.

Usage:
  neurodamus-like recover FILE...
  neurodamus-like recover (-h | --help)

Arguments:
  FILE  An unfinished report (.NAME.h5.part), the name it would have got (NAME.h5), or a folder of results, of
        which all unfinished reports are taken.

While a run goes, a report is called .NAME.h5.part. It can be read as it is: its header says up to which time it
was written, the frames behind are 0. This command copies what was written into NAME.h5 and removes the rest.

Options:
  -h --help  Show this text.

Where nothing is unfinished it says so and changes nothing.
"""

from __future__ import annotations

from pathlib import Path

from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.io.recovery import Recovery, find_unfinished, recover_report


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``recover``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["recover", *argv])
    unfinished = {name: find_unfinished(Path(name)) for name in arguments["FILE"]}
    for name, parts in unfinished.items():
        if not parts:
            print(f"{name}: complete, nothing is unfinished")
    for part in dict.fromkeys(part for parts in unfinished.values() for part in parts):
        print(describe(recover_report(part)))
    return 0


def describe(found: Recovery) -> str:
    """Return one line about a recovered report."""
    return f"{found.path}: {found.n_frames} of {found.n_expected} frames, up to {found.end_ms:g} ms"
