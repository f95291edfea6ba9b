# 60 seeds of the simulator, some more with encrypted bundles, and four planted bugs that it must catch.
cd "$(dirname "$0")/../.." || exit 1
build=$(dirname "${CASEPACK:-build/plain/casepack}")
build=${build#"$PWD/"}
seeds=1-60
case $build in *address*) seeds=1-30 ;; esac # sanitizers make a run ten times as long
log=$(mktemp)
trap 'rm -f "$log"' EXIT

if python3 tests/sim/run.py --sim "$build/sim" --seeds "$seeds" --shrink --patience 60 >"$log" 2>&1; then
	echo "ok - $(tail -1 "$log")"
else
	sed 's/^/#   /' "$log" | cut -c1-400
	echo "not ok - $(grep -E '^[0-9]+ seeds:' "$log" || echo "seeds $seeds: the runner ended early")"
fi
encrypted=1-20
if python3 tests/sim/run.py --sim "$build/sim" --seeds "$encrypted" --bundles encrypted >"$log" 2>&1; then
	echo "ok - with encrypted bundles, $(tail -1 "$log")"
else
	sed 's/^/#   /' "$log" | cut -c1-400
	echo "not ok - with encrypted bundles, $(grep -E '^[0-9]+ seeds:' "$log" || echo "seeds $encrypted: the runner ended early")"
fi
stale=$(for patch in tests/sim/planted/*.patch; do patch -p1 --dry-run -f <"$patch" >"$log" 2>&1 || echo "$patch"; done)
if [ -z "$stale" ]; then echo "ok - every planted bug fits the code"
else echo "not ok - planted bugs that do not fit the code any more: $stale"; fi
tests/sim/planted.sh "$build" '^(latest-by-arrival|changed-rows-are-never-sent-again|leads-by-order-of-arrival|outbox-emptied-before-the-branch)$'
