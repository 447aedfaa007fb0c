#!/usr/bin/env bash
# What pip cannot bring: a Python with venv, a C++ compiler, make and perl (NEURON's nrnivmodl uses the last three).
# As root on Debian or Ubuntu it installs what is missing; otherwise it prints the line to type and fails.
set -euo pipefail
cd "$(dirname "$0")"

packages=()
./find_python.sh >/dev/null 2>&1 || packages+=(python3 python3-venv)
command -v "${CXX:-c++}" >/dev/null || packages+=(g++)
command -v make >/dev/null || packages+=(make)
command -v perl >/dev/null || packages+=(perl)
[ ${#packages[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null
    apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null
    ./find_python.sh >/dev/null
else
    echo "missing: ${packages[*]}. On Debian or Ubuntu type:" >&2
    echo "    sudo apt-get update && sudo apt-get install ${packages[*]}" >&2
    exit 1
fi
