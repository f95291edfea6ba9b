#!/usr/bin/env bash
# samples/audit/recipes.md as it is printed: each block of commands is run in one clone, one behind the other, and must
# print what stands under it. Ids and dates are other ones in each run; all else follows from what the scene did.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/audit_scene.sh"
audit_scene
cp "$samples/audit/verify.py" .
mkdir clone && cd clone || exit 1

plain() { sed -E 's/[0-9a-f]{7,64}/ID/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}/DAY/g'; }
page() { # N: block number N of commands, then what it should print, in files
	awk -v n="$1" '/^```sh$/ { at++; to = at == n ? "'"$work"'/commands" : ""; next }
		/^```text$/ { to = at == n ? "'"$work"'/printed" : ""; next }
		/^```$/ { to = ""; next } to { print > to }' "$samples/audit/recipes.md"
}
runs_as_printed() {
	bash "$work/commands" >"$work/got" 2>"$work/errors" </dev/null
	[ -s "$work/errors" ] && { cat "$work/errors"; return 1; }
	diff -u <(plain <"$work/printed") <(plain <"$work/got")
}
blocks=$(grep -c '^```sh$' "$samples/audit/recipes.md")
for ((n = 1; n <= blocks; n++)); do
	page "$n"
	title=$(awk -v n="$n" '/^## / { t = substr($0, 4) } /^```sh$/ && ++at == n { print t; exit }' "$samples/audit/recipes.md")
	check "recipe $n, $title: prints what the page says" runs_as_printed
done
check "every block of commands has what it prints" equal "$blocks" "$(grep -c '^```text$' "$samples/audit/recipes.md")"
finish
