# A bundle of a later schema: an older program says that it needs a newer one, and changes nothing.
. "$(dirname "$0")/lib.sh"
plain=--plain
. "$root/tests/tools/scene.sh"
tool=$root/tests/tools/bundle.py
scene
quiet judge anna q1
quiet casepack -C anna return --plain -o in
quiet casepack -C hub pack --plain --to anna -o out
newer() { # FILE KEY OUT: the same bundle, of a schema that is one later
	schema=$(casepack inspect --json "$1" | jq .schema)
	rm -rf taken && python3 "$tool" unpack "$1" taken && python3 "$tool" set taken schema $((schema + 1)) &&
		python3 "$tool" pack taken "$3" "$keys/$2"
}
quiet newer "$(last out to-anna)" lead later.casepack
quiet newer "$(last in from-anna)" anna return.casepack
refs hub >refs.before; refs anna >>refs.before; hash hub >>refs.before; hash anna >>refs.before
check "open says that it needs a newer casepack" complains 4 "needs a newer casepack" casepack -C anna open later.casepack
check "a new workspace is not begun with it" complains 4 "needs a newer casepack" casepack -C fresh open later.casepack --key anna
check "nothing is left of the try" test ! -e fresh
check "merge says so too" bash -c "casepack -C hub merge return.casepack 2>&1 | grep -q 'needs a newer casepack'"
check "and ends as for a file that it refused" status 4 casepack -C hub merge return.casepack
check "inspect shows it all the same" bash -c "casepack inspect later.casepack | grep -q 'needs a newer casepack'"
refs hub >refs.after; refs anna >>refs.after; hash hub >>refs.after; hash anna >>refs.after
check "and nothing was changed" same refs.before refs.after
finish
