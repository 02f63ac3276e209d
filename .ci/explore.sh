#!/usr/bin/env bash
# Runs the property tests on random examples, with a seed that is printed. What fails is kept in .cache/explore, with the
# lines that make it a case of its test for good (@example or tests/cases). It does not fail the build: what chance finds
# has nothing to do with the change under test.
set -euo pipefail
cd "$(dirname "$0")/.."

seed="${1:-$RANDOM$RANDOM}"
report=".cache/explore/seed-$seed.txt"
mkdir -p "$(dirname "$report")"
echo "property tests with random examples, seed $seed (repeat: make explore SEED=$seed)"
if STREAM_HYPOTHESIS_PROFILE=explore .venv/bin/python -m pytest -q -m hypothesis --numprocesses 2 --dist loadfile \
  --hypothesis-seed="$seed" -p no:cacheprovider >"$report" 2>&1; then
  tail -n 1 "$report"
  rm "$report"
else
  grep -E '^(FAILED|ERROR|[0-9]+ failed)' "$report" || tail -n 20 "$report"
  echo "FOUND by chance, kept in $report: fix it, and add the example to its test"
fi
