#!/usr/bin/env bash
# A bundle of any size passes through in a fixed amount of memory: pack, open and merge are
# given about 160 MB (2 GB with CASEPACK_FULL=1) that do not compress.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"

limit=$((96 * 1024)) # KiB
[ -n "${CASEPACK_FULL:-}" ] && megabytes=2050 || megabytes=160
if grep -q __asan_init "$casepack"; then # its shadow is not ours, and its time is better spent elsewhere
	limit=$((limit * 16)) megabytes=40
fi
cases=$((megabytes * 1000 / 785))
rated=$((cases / 10))
keys=$XDG_CONFIG_HOME/casepack/keys

# under NAME COMMAND...: its peak goes into the file NAME.peak
under() {
	local name=$1 start=$SECONDS got
	shift
	python3 "$root/tests/tools/peak.py" "$name.peak" "$@"
	got=$?
	echo "# $name: $(($(cat "$name.peak") / 1024)) MiB, $((SECONDS - start)) s" >>figures
	return $got
}

small() { [ "$(cat "$1.peak")" -le "$limit" ] || { echo "$1: $(cat "$1.peak") KiB, more than $limit"; return 1; }; }

large() { # the bundle is as large as it was meant to be
	local size
	size=$(stat -c %s "$1")
	echo "# the bundle: $size bytes, $cases cases" >>figures
	[ "$size" -gt $((megabytes * 980000)) ]
}

import_all() {
	local step=100
	for ((i = 1; i <= cases; i += step)); do
		[ $((i + step)) -le $((cases + 1)) ] || step=$((cases + 1 - i))
		python3 "$root/tests/tools/bulk.py" 7 "$i" "$step" csv |
			under "import" casepack -C hub import - --format csv --locale en-US || return 1
	done
}

quiet casepack key new lead
quiet casepack key new anna
quiet casepack init hub --project Bulk --name 'Lea D' --key lead
quiet casepack -C hub person add anna --locale en-US --key "$keys/anna.pub"
quiet casepack -C hub form add relevance --preset relevance-0-3
quiet import_all
quiet casepack -C hub assign --form relevance
mkdir out in

check "a large bundle is packed" under pack casepack -C hub pack --to anna -o out
check "it is as large as it is meant to be" large out/bulk-to-anna-0001.casepack.age
check "packing it takes less than 96 MiB" small pack
check "it is opened" under open casepack -C anna open out/bulk-to-anna-0001.casepack.age --key anna
check "opening it takes less than 96 MiB" small open
check "opening it again changes nothing" under again casepack -C anna open out/bulk-to-anna-0001.casepack.age
check "and takes less than 96 MiB" small again
{
	echo case,field,result,value
	for ((i = 1; i <= rated; i++)); do echo "bulk-$i,grade,d1,2"; done
} >answers.csv
check "some of its cases are rated from one file" under rate casepack -C anna rate --from answers.csv
check "the work is returned" under return casepack -C anna return -o in
check "returning it takes less than 96 MiB" small return
check "the return is merged" under merge casepack -C hub merge in
check "merging it takes less than 96 MiB" small merge
all_there() { equal "$(casepack -C hub export --format jsonl -o - | wc -l)" "$rated"; }
check "every answer has arrived" all_there
tampered() { # one bit in the middle of the content
	printf '\x5a' | dd of=out/bulk-to-anna-0001.casepack.age bs=1 seek=$((megabytes * 500000)) conv=notrunc status=none
	complains 4 '' under damaged casepack -C anna open out/bulk-to-anna-0001.casepack.age
}
check "a damaged one is refused" tampered
check "and refusing it takes less than 96 MiB" small damaged
sort -t: -k1,1 -s figures | awk -F: '{ last[$1] = $0 } END { for (k in last) print last[k] }'
finish
