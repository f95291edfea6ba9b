# Every stored input of every fuzz target, without a fuzzer: none of them ends the program.
cd "$(dirname "$0")/../.." || exit 1
replay=$(dirname "${CASEPACK:-build/plain/casepack}")/replay
for source in tests/fuzz/*.c; do
	target=$(basename "$source" .c)
	[ "$target" != replay ] || continue
	sentence="$target takes or refuses all of its stored inputs"
	if said=$("$replay/$target" "tests/fuzz/corpus/$target" 2>&1); then
		echo "ok - $sentence: $said"
	else
		echo "not ok - $sentence"
		echo "$said" | sed 's/^/#   /' | tail -30
	fi
done
