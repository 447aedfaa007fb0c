#!/usr/bin/env bash
# Install Slurm for the tests that start a small cluster of their own; without it they are skipped.
set -euo pipefail
command -v slurmctld >/dev/null && command -v munged >/dev/null && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null
    apt-get install -y -qq --no-install-recommends slurm-wlm munge </dev/null >/dev/null
else
    echo "Slurm is not installed (Debian, Ubuntu: slurm-wlm, munge)" >&2
    exit 1
fi
