#!/usr/bin/env bash
# Make or update the virtual environment $1 with the package (editable) and the extras $2, from wheels only.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}
extras=${2:-dev}

ci/bootstrap.sh
if [ ! -x "$venv/bin/python" ]; then
    python=$(ci/find_python.sh)
    echo "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
fi
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input \
    --only-binary=:all: --editable ".[$extras]"
touch "$venv/.installed-$extras"
