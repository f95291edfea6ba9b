#!/usr/bin/env bash
# Help, the manual page and the completion: what they say of every command, that they agree with each
# other since all come from one table, and that the tools they are for take them.
. "$(dirname "$0")/lib.sh"

casepack help >list 2>list.words
commands=$(sed -n 's/^  \([a-z]*\)  .*/\1/p' list)
table=$(sed -n '/define COMMANDS/,/^$/p' "$root/cli/commands.c" | grep -oE 'X\([a-z]+\)' | wc -l)
check "help says everything on the standard output" equal "$(wc -c <list.words)" 0
check "the list of help has every command of the table, each once" \
	equal "$(echo "$commands" | sort -u | wc -l) $(echo "$commands" | wc -l)" "$table $table"
check "there is something to list" test "$table" -ge 25

# ---- help of each command -------------------------------------------------------------------

mkdir help
for c in $commands; do
	casepack help "$c" >"help/$c" 2>"help/$c.words" || echo "status $?" >>"help/$c.words"
	[ -s "help/$c.words" ] || rm "help/$c.words"
done
every() { # TEXT: each command's help has a line like that
	local missing
	missing=$(grep -L -E -- "$1" help/*)
	[ -z "$missing" ] || { echo "not in: $missing"; return 1; }
}
check "every command has help, on the standard output, with status 0" bash -c '! ls help/*.words 2>/dev/null'
check "it begins with the name and a summary" bash -c \
	'cd help; for f in *; do head -1 $f | grep -qE "^casepack $f - [a-zA-Z]" || { echo $f; exit 1; }; done'
check "it has the usage" every '^usage: casepack '
check "it has the options" every '^options( of every command)?:$'
check "it has an example" every '^examples:$'
check "it has the exit statuses" every '^exit status:$'
check "and names all six" bash -c 'cd help; for f in *; do
	[ "$(sed -n "/^exit status:/,\$p" $f | grep -oE "^  [0-5] " | tr -d " \n")" = 012345 ] || { echo $f; exit 1; }; done'
casepack help --all >all
check "no line of any help is longer than 100 columns" bash -c '! awk "length > 100" list all help/* | grep .'
check "no line ends in a blank" bash -c '! grep -nE " +$" list all help/*'
check "--help and -h after a command say the same" bash -c \
	'for c in pack rate export; do casepack $c --help | cmp - help/$c && casepack $c -h | cmp - help/$c || exit 1; done'
check "they need no workspace and no other word" status 0 casepack pack --help
check "casepack --help is the list" bash -c 'casepack --help | cmp - list && casepack -h | cmp - list'
check "help --all has the usage of every command" equal "$(grep -cE '^usage: casepack ' all)" $((table + 1))
check "help on what is no command is wrong usage" status 2 casepack help nonsense
check "and says where the list is" says 'casepack help'

# Each option that a usage shows is explained below it, and each one explained is in the usage.
cat >options.py <<'PY'
import glob, re
for path in glob.glob("help/*"):
    text = open(path).read()
    usage = text[text.index("usage:"):].split("\n\n")[0]
    shown = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", usage))
    own = text.split("\noptions:\n")[1].split("\n\n")[0] if "\noptions:\n" in text else ""
    told = set()
    for line in own.splitlines():
        m = re.match(r"  (?:(-\w), )?(--?[a-zA-Z][\w-]*)", line)
        if m:
            told.add(m.group(2))
            if m.group(1) in shown:
                shown = shown - {m.group(1)} | {m.group(2)}
    assert shown == told, (path, "only in usage:", shown - told, "only in options:", told - shown)
PY
check "usage and list of options name the same options in every command" python3 options.py

# Every example is one that the program itself understands as far as its options go.
cat >examples.py <<'PY'
import glob, re, shlex, subprocess
n = 0
for path in sorted(glob.glob("help/*")):
    text = open(path).read()
    for line in text.split("\nexamples:\n")[1].split("\n\n")[0].splitlines():
        m = re.match(r"  (casepack .*)", line)
        if not m:
            continue
        words = shlex.split(re.split(r" [|>] ", m.group(1))[0])
        words = words + ["--help"]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)
        n += 1
assert n >= 30, n
PY
check "every example has options that its command takes" python3 examples.py

# ---- a first mistake -------------------------------------------------------------------------

check "a word that is missing is said with the usage that was meant" status 2 casepack open
check "of a command" says 'casepack open FILE;'
quiet casepack key new
quiet casepack init hub --project Help --name 'Lea D'
status 2 casepack -C hub guideline add policy >/dev/null
check "and of its verb" says 'casepack guideline add NAME FILE.md;'
check "init says what is missing before it looks for a key" status 2 casepack init other --key nobody
check "which is the project" says --project
check "a misspelt command is guessed" status 2 casepack mrege
check "in one line" bash -c "[ \$(wc -l <'$work/.words') = 1 ] && grep -qF 'did you mean merge?' '$work/.words'"

# ---- version ----------------------------------------------------------------------------------

check "version and --version say the same" bash -c 'casepack version | cmp - <(casepack --version)'
check "version can be read by a script" bash -c 'casepack version --json | jq -e .version >/dev/null'

# ---- the manual page --------------------------------------------------------------------------

casepack man >casepack.1
linted() {
	if command -v mandoc >/dev/null; then
		mandoc -Tlint -W warning casepack.1 >lint 2>&1
	else
		groff -man -ww -z casepack.1 >lint 2>&1
	fi
	[ ! -s lint ] || { cat lint; return 1; }
}
check "the manual page is clean under mandoc -Tlint or groff -ww" linted
check "it lists every command" bash -c "for c in $(echo $commands); do grep -q \"^.SS \$c\$\" casepack.1 || { echo \$c; exit 1; }; done"
check "and no other" equal "$(grep -c '^\.SS ' casepack.1)" "$table"
check "it has the exit statuses, the environment and the files" bash -c \
	'for s in "EXIT STATUS" ENVIRONMENT FILES EXAMPLES; do grep -qE "^.SH \"?$s\"?$" casepack.1 || exit 1; done'
manned() { # each option of each command stands in its section of the manual
	python3 - <<'PY'
import glob, re
man = open("casepack.1").read().replace("\\-", "-")
man = re.sub(r"\\f[BIRP]", "", man)
for path in glob.glob("help/*"):
    text = open(path).read()
    if "\noptions:\n" not in text:
        continue
    section = re.search(r"^\.SS " + path.split("/")[1] + r"\n(.*?)(?=^\.S[SH] )", man, re.M | re.S).group(1)
    for option in re.findall(r"^  (?:-\w, )?(--?[a-zA-Z][\w-]*)", text.split("\noptions:\n")[1].split("\n\n")[0], re.M):
        assert re.search(r"^\.TP\n(?:-\w, )?" + re.escape(option) + r"\b", section, re.M), (path, option)
PY
}
check "and every option of every command" manned

# ---- completion ---------------------------------------------------------------------------------

casepack completion bash >casepack.bash
check "the bash completion has no error in it" bash -n casepack.bash
# complete WORDS...: what a real bash offers for the last of them
complete_words() {
	bash --norc -c '. ./casepack.bash
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE=${*}; COMP_POINT=${#COMP_LINE}
		function=$(complete -p casepack | sed "s/.*-F \([^ ]*\).*/\1/")
		$function casepack "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort -u
}
check "it offers every command" equal "$(complete_words casepack '' | wc -l)" "$table"
check "and those that begin so" equal "$(complete_words casepack me)" merge
check "behind -C DIR too" equal "$(complete_words casepack -C hub ex)" export
check "it offers the verbs of a command" equal "$(complete_words casepack key '' | tr '\n' ' ')" 'list new replace show use '
check "it offers the commands behind help" equal "$(complete_words casepack help reb)" rebuild
check "it offers the options of a command that begin so" \
	equal "$(complete_words casepack -C hub export --r)" --rater
completed() { # every option of every command
	local c option
	for c in $commands; do
		complete_words casepack "$c" - >offered
		for option in $(sed -n '/^options:$/,/^$/s/^  \(-n, \)\?\(--\?[a-zA-Z][a-z-]*\).*/\2/p' "help/$c") --json --help; do
			grep -qx -- "$option" offered || { echo "$c: $option is not offered"; return 1; }
		done
	done
}
check "it offers every option of every command" completed
interactive() { # as a person meets it: typed, with the Tab key
	bash --norc --noprofile -i 2>&1 <<'SH' | grep -q 'COMPLETES qrels'
. ./casepack.bash
complete -p casepack >/dev/null && echo COMPLETES qrels
SH
}
check "an interactive bash takes it" interactive
tab() {
	command -v tmux >/dev/null || { echo "tmux is missing"; return 1; }
	local t="tmux -L casepack-help-$$ -f /dev/null"
	$t new-session -d -x 100 -y 40 "cd $work && PS1='> ' bash --norc --noprofile" || return 1
	$t send-keys '. ./casepack.bash; clear' Enter
	sleep 0.3
	$t send-keys 'casepack compl' Tab
	for i in $(seq 50); do
		$t capture-pane -p >screen
		grep -q 'casepack completion' screen && break
		sleep 0.1
	done
	$t kill-server
	cat screen
	grep -q 'casepack completion' screen
}
check "in a terminal Tab completes a command" tab
check "zsh completion names every command" bash -c \
	"casepack completion zsh >_casepack; for c in $(echo $commands); do grep -q \"'\$c:\" _casepack || { echo \$c; exit 1; }; done"
zsh_options() { # of each command, with what they are for
	local c option
	for c in $commands; do
		sed -n "s/^\t($c) verbs=.*options=//p" _casepack >offered
		for option in $(sed -n '/^options:$/,/^$/s/^  \(-n, \)\?\(--\?[a-zA-Z][a-z-]*\).*/\2/p' "help/$c"); do
			grep -qF -- "'$option:" offered || grep -qF -- "'$option:" <(sed -n 's/^\tcommon=//p' _casepack) ||
				{ echo "$c: $option"; return 1; }
		done
	done
}
check "and every option of every command" zsh_options
check "a shell that is neither is wrong usage" status 2 casepack completion fish
finish
