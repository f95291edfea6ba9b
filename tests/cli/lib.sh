# For command-line tests: source this first. Each test is a function or a few lines that end in
#     check "a sentence about a user or a property" command...
# which prints "ok - sentence" or "not ok - sentence" with what the command said.
# $casepack is the program under test; the working folder is fresh and removed at the end.

set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
casepack=${CASEPACK:-$root/build/plain/casepack}
samples=$root/samples
PATH=$(dirname "$casepack"):$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/casepack-test.XXXXXX")
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
export XDG_CONFIG_HOME=$work/config HOME=$work LC_ALL=C.UTF-8 TZ=UTC
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset CASEPACK_PASSPHRASE
# Where no token can be kept a copied workspace is its twin: most tests want just that. tokens_on is for the others.
mkdir -p "$XDG_CONFIG_HOME/casepack" && : >"$XDG_CONFIG_HOME/casepack/workspaces"
tokens_on() { rm -f "$XDG_CONFIG_HOME/casepack/workspaces"; }
failures=0

check() {
	local sentence=$1
	shift
	if "$@" >"$work/.out" 2>&1 </dev/null; then
		echo "ok - $sentence"
	else
		echo "not ok - $sentence"
		sed 's/^/#   /' "$work/.out" | head -30
		failures=$((failures + 1))
	fi
}

# status N COMMAND...: the command ends with that exit status; its words are in $work/.words
status() {
	local want=$1 got
	shift
	"$@" >"$work/.words" 2>&1 </dev/null
	got=$?
	cat "$work/.words"
	[ "$got" = "$want" ] || { echo "exit $got, wanted $want"; return 1; }
}

# says TEXT: the last command under status said so
says() { grep -qF -- "$1" "$work/.words" || { cat "$work/.words"; echo "does not say: $1"; return 1; }; }

# jq 1.6 calls it true where -e is given nothing at all to look at.
jq() {
	local words printed status
	words=" $* "
	[[ $words =~ \ -[a-zA-Z]*e[a-zA-Z]*\  ]] || { command jq "$@"; return; }
	printed=$(command jq "$@")
	status=$?
	[ -z "$printed" ] || printf '%s\n' "$printed"
	[ $status != 0 ] || [ -n "$printed" ] || { echo "jq was given nothing" >&2; return 4; }
	return $status
}
export -f jq

same() { diff -u "$1" "$2"; }
equal() { [ "$1" = "$2" ] || { printf 'got  %s\nwant %s\n' "$1" "$2"; return 1; }; }

# quiet COMMAND...: for set-up; a failure ends the test file
quiet() { "$@" >"$work/.out" 2>&1 </dev/null || { echo "not ok - set-up: $*"; sed 's/^/#   /' "$work/.out"; exit 1; }; }

# hand_out [PEOPLE...]: for set-up; all that is new is packed and opened, by ada on her two devices (workspaces one and two, keys
# ada1 and ada2), by the others in workspaces and with keys of their names
hand_out() {
	local f w
	quiet casepack -C hub pack --all -o out
	for f in out/*-ada-*; do
		casepack -C one open "$f" --key ada1 >/dev/null 2>&1 || quiet casepack -C two open "$f" --key ada2
	done
	for w in "$@"; do quiet casepack -C "$w" open out/*-"$w"-* --key "$w"; done
}

# hand_out_cases [PEOPLE...]: cases.csv, under policy.md and the form rel, given to all
hand_out_cases() {
	quiet casepack -C hub import cases.csv
	quiet casepack -C hub guideline add policy policy.md
	quiet casepack -C hub form add rel --preset relevance-0-3
	quiet casepack -C hub assign --form rel --guideline policy
	mkdir out back
	hand_out "$@"
}

finish() { exit $((failures > 0)); }
