#!/usr/bin/env bash
# A lead, two raters, one shared folder, and nothing but `sync`.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"

keys=$XDG_CONFIG_HOME/casepack/keys
for who in lead anna ben carl; do quiet casepack key new $who; done
quiet casepack init hub --project Shared --name 'Lea D' --key lead
for who in anna ben; do quiet casepack -C hub person add $who --locale en-US --key "$keys/$who.pub"; done
casesfile 6 >cases.csv
quiet casepack -C hub import cases.csv --locale en-US
printf '# Guide\n\nJudge the result.\n' >guide.md
quiet casepack -C hub guideline add guide guide.md
quiet casepack -C hub form add relevance --preset relevance-0-3
quiet casepack -C hub assign --form relevance --guideline guide
for who in anna ben; do quiet casepack -C $who init --rater --key $who; done
mkdir share
listing() { (cd share && find . ! -type p -printf '%P %y %s %T@\n' | sort && find . -type f -exec sha256sum {} + | sort); }
state() { listing; for w in hub anna ben; do casepack -C $w status --hash; refs $w; done; }
synced() { casepack -C "$1" sync share; }

# Everybody syncs in turn until a whole turn says nothing new; fails after five turns.
settle() {
	local turn who news
	for turn in 1 2 3 4 5; do
		news=0
		for who in hub anna ben; do
			synced $who >said 2>words || { cat said words; return 1; }
			grep -q 'nothing new' words || news=1
		done
		[ $news = 1 ] || return 0
	done
	echo "news after five turns"
	return 1
}

# ---- a round ----------------------------------------------------------------------------------

check "an empty folder has nothing for a new device, and that is no failure" status 0 synced anna
check "which is said" says 'nothing for this device'
check "and leaves nothing there" equal "$(ls -A share)" ''
check "sync goes on until nothing is new" settle
check "a bundle for each rater lies in the folder" bash -c \
	'[ $(ls share/*-to-anna-*.casepack.age | wc -l) -ge 1 ] && [ $(ls share/*-to-ben-*.casepack.age | wc -l) -ge 1 ]'
check "each rater has all cases" equal "$(casepack -C anna --json rate --list | wc -l) $(casepack -C ben --json rate --list | wc -l)" '6 6'
before=$(state)
check "another turn is no news" status 0 synced hub
check "for the raters neither" bash -c 'for w in anna ben; do casepack -C $w sync share 2>&1 | grep -q "nothing new" || exit 1; done'
check "sync without news writes nothing: no file, no commit" equal "$(state)" "$before"
for c in q1 q2 q3; do quiet judge anna $c 3; done
for c in q1 q2; do quiet judge ben $c 1; done
check "judgments travel the same way" settle
grades() { casepack -C hub export --format csv -o - --field grade --no-times 2>/dev/null | tr -d '\r' | cut -d, -f1,7,9,13; }
check "and arrive as labels" equal "$(grades | grep -c ',d1,anna,3$') $(grades | grep -c ',d1,ben,1$')" '3 2'
check "every edit is confirmed to its author" equal "$(for w in anna ben; do casepack -C $w --json status | jq .unsent; done | tr '\n' ' ')" '0 0 '
before=$(state)
quiet settle
check "a further turn writes nothing again" equal "$(state)" "$before"
for c in q4 q5 q6; do quiet judge anna $c 0; done
quiet judge anna q1 2 # a second thought
for c in q3 q4 q5 q6; do quiet judge ben $c 2; done
casesfile 7 >more.csv
quiet casepack -C hub import more.csv --locale en-US
quiet casepack -C hub assign --form relevance --guideline guide
check "new cases and new judgments cross each other" settle
check "all labels have come" equal "$(grades | grep -c ',anna,') $(grades | grep -c ',ben,')" '12 12'
check "the second thought counts" equal "$(grades | grep '^q1,d1,anna,')" 'q1,d1,anna,2'
check "and the new case has gone out" equal \
	"$(for w in anna ben; do casepack -C $w --json rate --list | jq -r 'select(.case == "q7").state'; done | tr '\n' ' ')" 'todo todo '
check "none of the bundles was overwritten or removed" bash -c \
	'n=$(ls share | sed "s/-[0-9]*\.casepack//" | sort | uniq -c | awk "{ s += \$1 } END { print s }"); [ "$n" = "$(ls share | wc -l)" ] && ls share | grep -q -- -to-anna-0001 && ls share | grep -q -- -from-anna-0001'
check "the history is sound" sound hub
check "and yields the state" status 0 casepack -C hub verify

# ---- what else lies in a shared folder --------------------------------------------------------

# Another project in the same folder, with one rater who is in both.
quiet casepack init second --project Shared --name 'Other Lead' --key carl
quiet casepack -C second person add anna --key "$keys/anna.pub"
quiet casepack -C second import cases.csv --locale en-US
quiet casepack -C second form add relevance --preset relevance-0-4
quiet casepack -C second assign --form relevance
quiet casepack -C second sync share
printf 'not a bundle' >share/notes.txt
printf 'PK\003\004junk' >share/archive.zip
: >share/empty.tmp
mkdir share/folder && printf x >share/folder/inside.casepack
ln -s /etc/passwd share/link.txt
mkfifo share/pipe 2>/dev/null
printf 'half' >'share/.#shared-to-anna-0009.casepack.age.part'
before=$(state)
check "another project's bundles and files of any kind are no news" bash -c \
	'for w in hub anna ben; do timeout 20 casepack -C $w sync share >said 2>words; [ $? = 0 ] && grep -q "nothing new" words || { cat said words; exit 1; }; done'
check "they change nothing, and nothing changes them" equal "$(state)" "$before"
quiet judge anna q7 3
check "work goes on beside them" status 0 settle
check "the label arrives" equal "$(grades | grep '^q7,d1,anna,')" 'q7,d1,anna,3'
check "the other hub takes nothing of it" bash -c \
	'casepack -C second sync share 2>&1 | grep -q "nothing new" && [ $(casepack -C second --json log | jq -r .who | sort -u | wc -l) = 1 ]'
second=$(casepack -C second --json status | jq -rs '[.[].replica // empty][0]')
theirs=$(for f in share/*-to-anna-*.casepack.age; do casepack inspect --json "$f" | jq -e --arg h "$second" '.from == $h' >/dev/null && echo "$f"; done)
check "one who is in both projects opens each in a workspace of its own" bash -c "casepack -C anna2 open '$theirs' --key anna &&
	[ \$(casepack -C anna2 --json rate --list | wc -l) = 6 ] && [ \$(casepack -C anna --json rate --list | wc -l) = 7 ]"
check "and is told apart in the workspace of the other" status 4 casepack -C anna open "$theirs"

# ---- a damaged stick --------------------------------------------------------------------------

mkdir stick
quiet casepack -C ben rate q7 grade@d1=1 grade@d2=1
quiet casepack -C ben return -o stick
quiet judge anna q2 0
quiet casepack -C anna return -o stick
for f in stick/*; do cp "$f" "copy-$(basename "$f")"; done
bad=$(ls stick/*-from-anna-*.casepack.age)
python3 - "$bad" <<'PY'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[len(b) * 3 // 4] ^= 8
open(sys.argv[1], "wb").write(b)
PY
cp "copy-$(basename "$bad")" cut && head -c 2000 cut >stick/shared-from-anna-0099.casepack.age
printf 'no bundle at all' >stick/shared-from-ben-0098.casepack.age
damaged=$(cd stick && sha256sum -- *)
check "a stick with damaged files ends with status 4" status 4 casepack -C hub sync stick
check "each of the three is named" bash -c "[ \$(grep -cE 'anna-0099|ben-0098|$(basename "$bad")' '$work/.words') -ge 3 ]"
check "the good one was taken" equal "$(grades | grep '^q7,d1,ben,')" 'q7,d1,ben,1'
check "the damaged ones were not" equal "$(grades | grep '^q2,d1,anna,')" 'q2,d1,anna,3'
check "nothing on the stick was changed" bash -c "cd stick && sha256sum -c --quiet - <<<'$damaged'"
check "a rater's sync of that stick says it too" status 4 casepack -C ben sync stick
check "and still takes what is good" bash -c 'casepack -C ben --json status >/dev/null && ls stick/*-to-ben-* >/dev/null'
check "once the file is whole, the rest arrives" bash -c \
	"rm stick/*-009?.casepack.age && cp 'copy-$(basename "$bad")' '$bad' && casepack -C hub sync stick"
check "with nothing lost" equal "$(grades | grep '^q2,d1,anna,')" 'q2,d1,anna,0'
check "the state is that of the history" status 0 casepack -C hub verify

# ---- what is no folder ------------------------------------------------------------------------

check "a folder that is not there fails" status 1 casepack -C anna sync nowhere
check "a file is not a folder" status 1 casepack -C anna sync cases.csv
check "a git repository is no shared folder" status 1 casepack -C anna sync hub/history.git
check "without a folder it is wrong usage" status 2 casepack -C anna sync
cp -a stick readonly && chmod a-w readonly
quiet casepack -C ben rate q1 grade@d1=0 grade@d2=0
if [ "$(id -u)" = 0 ]; then # root may write everywhere, so as somebody else
	chmod a+rx "$work" && chmod -R a+rwX ben config
	as="setpriv --reuid=65534 --regid=65534 --clear-groups"
else
	as=
fi
check "a folder that may not be written is one line and status 1" complains 1 readonly $as "$casepack" -C ben sync readonly
check "and what is owed there stays owed" equal "$(casepack -C ben --json status | jq '.unsent > 0')" true
check "until a folder takes it" status 0 casepack -C ben sync share
finish
