# The same project with gold and other cases exchanged: what raters are given does not tell (driver.c).
cd "$(dirname "$0")/../.." || exit 1
driver=$(dirname "${CASEPACK:-build/plain/casepack}")/tests/blind/driver
place=/dev/shm
[ -d $place ] && [ -w $place ] || place=${TMPDIR:-/tmp}
work=$(mktemp -d "$place/casepack-blind.XXXXXX")
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=/dev/null

# holds STATUS SENTENCE ARGUMENTS...
holds() {
	local want=$1 sentence=$2 got
	shift 2
	rm -rf "$work/t" && mkdir "$work/t"
	"$driver" "$@" >"$work/said" 2>&1
	got=$?
	[ "$got" = "$want" ] && echo "ok - $sentence" && return
	echo "not ok - $sentence"
	sed 's/^/#   /' "$work/said" | head -20
}
holds 0 "with the same chance, every byte given and every branch is the same, with gold here, there or nowhere" exact "$work/t" "${SWAP_SEEDS:-5}"
holds 1 "a hub that counts gold among the others' saves is found out" --leak number exact "$work/t" 1
holds 1 "so is one whose clock ticks for it" --leak clock exact "$work/t" 1
holds 0 "of 200 shares that are drawn nothing leans to gold: no place, id, rev, time, hash or size" spread "$work/t" 200
holds 1 "gold that is given alone and first is found out" --leak alone spread "$work/t" 60
holds 1 "so is gold that was imported once more" --leak touched spread "$work/t" 60
