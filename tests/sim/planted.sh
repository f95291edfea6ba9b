#!/usr/bin/env bash
# Plants one bug at a time in a copy of the tree, and sees whether the simulator catches it.
#
#     tests/sim/planted.sh BUILD [PATTERN]       each on its recorded seed
#     tests/sim/planted.sh --find BUILD [PATTERN] looks for seeds, and records them
#
# Each tests/sim/planted/*.patch is applied to build/planted, whose objects are those of
# BUILD, so that only what it changes is compiled. The recorded seeds are in
# planted/seeds; each must pass without the bug and fail with it, by a property, or by the
# product's own search of what goes out: a seed on which the program crashes, or refuses its
# work for another reason, does not count.
cd "$(dirname "$0")/../.." || exit 1
find=
[ "${1-}" != --find ] || { find=yes; shift; }
build=${1:?usage: tests/sim/planted.sh [--find] BUILD [PATTERN]}
pattern=${2:-.}
copy=build/planted failures=0

mkdir -p "$copy/$build"
for folder in formats sync tests Makefile; do rm -rf "${copy:?}/$folder"; cp -a "$folder" "$copy/"; done
for part in formats sync tests gen libcasepack.a sim; do
	rm -rf "${copy:?}/$build/$part"
	cp -a "$build/$part" "$copy/$build/"
done

# by_property LOG: the run failed, and not by a crash, a hang, or a refusal but that of the search
by_property() {
	grep -qE '^    refused: .* is not for [a-z0-9]+ to see; nothing was written' "$1" && return
	grep -qE '^    (model|told|hash|replay|balance|delivery|signed|main|fsck|durable|quiet): ' "$1" && ! grep -qE '^    (crash|refused|hang): ' "$1"
}

seed_of() { sed -n "s/^$1 //p" tests/sim/planted/seeds; }

try() { python3 tests/sim/run.py --sim "$1/$build/sim" --seeds "$2" --jobs 1 >"$copy/log" 2>&1; }

# search: the first seed by which a property fails; 200 are tried
search() {
	python3 tests/sim/run.py --sim "$copy/$build/sim" --seeds 1-200 --first >"$copy/log" 2>&1
	sed -n 's/^seed \([0-9]*\) fails by .*/\1/p' "$copy/log" | head -1
}

# record NAME SEED: into planted/seeds
record() {
	{ grep -v "^$1 " tests/sim/planted/seeds; [ -z "$2" ] || echo "$1 $2"; } | sort >"$copy/seeds"
	cp "$copy/seeds" tests/sim/planted/seeds
	echo "$1 ${2:-is not caught}"
}

report() {
	if [ "$1" = 0 ]; then echo "ok - a planted bug is caught: $2"
	else echo "not ok - a planted bug is caught: $2"; sed 's/^/#   /' "$copy/log" | cut -c1-300 | head -20; failures=$((failures + 1)); fi
}

for patch in tests/sim/planted/*.patch; do
	name=$(basename "$patch" .patch)
	echo "$name" | grep -qE -- "$pattern" || continue
	patch -s -p1 -d "$copy" <"$patch" && make -s -C "$copy" BUILD="$build" "$build/sim" >"$copy/log" 2>&1 || {
		report 1 "$name does not build"
		patch -s -R -p1 -d "$copy" <"$patch"
		continue
	}
	if [ -n "$find" ]; then
		record "$name" "$(search)"
	else
		seed=$(seed_of "$name")
		[ -n "$seed" ] && try . "$seed" && ! try "$copy" "$seed" && by_property "$copy/log"
		report $? "$name, seed ${seed:-none}"
	fi
	patch -s -R -p1 -d "$copy" <"$patch"
done
exit $((failures > 0))
