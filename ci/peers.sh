#!/usr/bin/env bash
# Make the environment $1 with the simulator that our files and results are compared with (it needs an older pandas than
# ours). Prints its Python; fails where the packages cannot be installed: the tests that need it are skipped then.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv-peers}
if [ ! -x "$venv/bin/python" ]; then
    "$(ci/find_python.sh)" -m venv "$venv"
fi
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input --prefer-binary \
    --editable '.[mpich,bmtk]' >&2
"$venv/bin/python" -c 'import bmtk' >&2
echo "$(cd "$venv/bin" && pwd)/python"
