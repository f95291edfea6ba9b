# The demo runs exactly the lines it prints: copied into a fresh shell they give the same labels.
. "$(dirname "$0")/lib.sh"

mkdir -p tree/build/demo tree/tests
cp -r "$samples" tree/samples
quiet make -C "$root" install BUILD="build/$(basename "$(dirname "$casepack")")" PREFIX="$work/tree/build/demo/installed"
check "the demo plays to its end" bash -c "tree/samples/demo.sh >demo.out"
cp tree/build/demo/round/labels.csv demo.csv
rm -rf tree/build/demo/round && mkdir tree/build/demo/round
{ echo 'set -eu'; sed -n 's/^\$ //p' demo.out; } >copied.sh
check "its printed lines run in a fresh shell" bash -c "cd tree && env -i HOME=$work PATH=/usr/bin:/bin LC_ALL=C.UTF-8 bash ../copied.sh"
cat >labels.py <<'PY'
import csv, sys
# All but what a new project's secret, and the time of day, must make different.
apart = {"case_name", "content", "judged_at", "active_ms"}
rows = lambda p: sorted(tuple((k, v) for k, v in r.items() if k not in apart)
                        for r in csv.DictReader(open(p, encoding="utf-8", newline="")))
a, b = map(rows, sys.argv[1:])
assert len(a) == 1350 and a == b
PY
check "and give the same labels" python3 labels.py demo.csv tree/build/demo/round/labels.csv
check "the demo narrates every role" bash -c "for w in LEAD ADA BEN AUDITOR; do grep -q \$w demo.out || exit 1; done"
finish
