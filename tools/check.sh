#!/usr/bin/env bash
# One door: format, lint, types, floors, house rules, tests, doctests, docs. CI calls the same.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1
step() { printf '\n== %s\n' "$1"; }
step format && ruff format --check src tests benchmarks tools
step lint && ruff check src tests benchmarks tools
step types && mypy
step floors && lint-imports
step weights && { veilset weights pull centerface || echo "the default detector's weights could not be had: its tests are skipped"; }
step docs && python tools/reference.py --check && python tools/weights_page.py --check && mkdocs build --strict --quiet --site-dir "$(mktemp -d)"
step tests
if [ "${1:-}" = "--all" ]; then
    exec pytest -n 2 --doctest-modules src tests
fi
exec pytest -n 2 -m "not slow" --doctest-modules src tests
