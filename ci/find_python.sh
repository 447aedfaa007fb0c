#!/usr/bin/env bash
# Print the newest Python >= 3.10 that can make a virtual environment; PYTHON=... chooses another one.
set -euo pipefail

usable() {
    command -v "$1" >/dev/null &&
        "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

for candidate in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3.10 python3}; do
    if usable "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
done
echo "no Python >= 3.10 with the modules venv and ensurepip found (Debian, Ubuntu: python3-venv)" >&2
exit 1
