#!/usr/bin/env bash
# Judging: from a script, from a file, and by keys in a real terminal (tmux). What is kept is judged by
# sqlite3 and by what the program says of it afterwards.
. "$(dirname "$0")/lib.sh"

keys=$XDG_CONFIG_HOME/casepack/keys
for who in lead anna; do quiet casepack key new $who; done
quiet casepack init hub --project Rating --name 'Lea D' --key lead
quiet casepack -C hub person add anna --locale en-US --key "$keys/anna.pub"
cat >cases.jsonl <<'J'
{"id": "q1", "query": "red shoes", "results": [{"id": "d1", "title": "Shoes, red", "snippet": "They are red."}, {"id": "d2", "title": "A hat"}]}
{"id": "q2", "query": "blue hat", "results": [{"id": "d1", "title": "Hat"}, {"id": "a=b", "title": "Equals"}]}
{"id": "q3", "query": "third", "results": [{"id": "d1", "title": "Three"}, {"id": "d2", "title": "Drei"}]}
{"id": "q4", "query": "fourth", "results": [{"id": "d1", "title": "Four"}, {"id": "d2", "title": "Vier"}]}
{"id": "q5", "query": "fifth", "results": [{"id": "d1", "title": "Five"}, {"id": "d2", "title": "Cinq"}]}
{"id": "q6", "query": "sixth", "results": [{"id": "d1", "title": "Six"}, {"id": "d2", "title": "Sei"}]}
J
quiet casepack -C hub import cases.jsonl --locale en-US
printf '# The guide\n\nRead the whole page.\n' >guide.md
quiet casepack -C hub guideline add guide guide.md
cat >form.json <<'J'
{"title": "All kinds", "fields": [
 {"name": "grade", "type": "scale", "level": "ordinal", "scope": "result", "required": true, "label": "How good is it?",
  "choices": [{"value": "0", "label": "Bad"}, {"value": "1", "label": "Fair"}, {"value": "2", "label": "Good"}, {"value": "3", "label": "Very good"}]},
 {"name": "flags", "type": "multi", "scope": "page", "required": false, "label": "What is wrong?",
  "choices": [{"value": "spam", "label": "Spam", "key": "x"}, {"value": "old", "label": "Outdated", "key": "o"}, {"value": "adult", "label": "Adult", "key": "a"}]},
 {"name": "clear", "type": "bool", "scope": "page", "required": true, "label": "Is the query clear?"},
 {"name": "minutes", "type": "number", "min": 0, "max": 60, "scope": "page", "required": false, "label": "Minutes to find it"},
 {"name": "why", "type": "text", "scope": "page", "required": false, "label": "Why?"}]}
J
quiet casepack -C hub form add kinds form.json
quiet casepack -C hub assign --form kinds --guideline guide
mkdir out
quiet casepack -C hub pack --all -o out
quiet casepack -C anna open out/*-to-anna-0001.casepack.age --key anna
rate() { casepack -C anna rate "$@"; }
sql() { sqlite3 -readonly anna/casepack.db "$1"; }
# The answers of a case that stand, and those of its draft: "field@result=value ..."
standing() { sql "SELECT group_concat(field || '@' || result || '=' || value, ' ') FROM (SELECT r.field, r.result, r.value FROM ratings r
	JOIN assignments a ON a.id = r.judgment JOIN cases c ON c.id = a.case_id WHERE c.name = '$1' AND r.value IS NOT NULL ORDER BY 1, 2)"; }
draft() { sql "SELECT group_concat(field || '@' || result || '=' || value, ' ') FROM (SELECT r.field, r.result, r.value FROM draft_ratings r
	JOIN assignments a ON a.id = r.id JOIN cases c ON c.id = a.case_id WHERE c.name = '$1' AND r.value IS NOT NULL ORDER BY 1, 2)"; }
judged() { sql "SELECT j.state FROM judgments j JOIN assignments a ON a.id = j.id JOIN cases c ON c.id = a.case_id WHERE c.name = '$1'"; }
state() { rate --list --json | jq -r "select(.case == \"$1\").state"; }
steps() { casepack -C anna --json log "$1" | jq -r 'select(.changes != []) | .what'; } # edits; what came of them is told beside
kept() { sql 'SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM drafts), (SELECT count(*) FROM draft_ratings), (SELECT count(*) FROM ratings)'; }

# ---- from a script ----------------------------------------------------------------------------

check "the list has every case in order, all to do" equal "$(rate --list --json | jq -r '"\(.n) \(.case) \(.state)"' | tr '\n' ';')" \
	'1 q1 todo;2 q2 todo;3 q3 todo;4 q4 todo;5 q5 todo;6 q6 todo;'
check "an incomplete case is kept as a draft" status 0 rate q1 grade@d1=3
check "which says what is missing, and names the first" says '2 answers missing, the first is grade of result d2'
check "it counts as begun" equal "$(state q1) $(draft q1)" 'draft grade@d1=3'
check "nothing of it will travel" equal "$(sql 'SELECT count(*) FROM outbox')" 0
check "for a script the same as JSON" equal "$(rate q1 --json --draft grade@d2=1 | jq -c '[.state, .missing, .first_missing]')" '["draft",1,"clear"]'
check "with the last answer it is submitted" status 0 rate q1 clear=yes
check "which is said" says 'case q1: submitted'
check "values stand in canonical form" equal "$(standing q1)" 'clear@=true grade@d1=3 grade@d2=1'
check "the draft is gone" equal "$(draft q1)" ''
canonical() { # every way to say a value is kept in one spelling
	rate q1 grade@d1='very good' 'grade@d2= 2 ' clear=N minutes=07.50 flags='adult, Spam' 'why=  two words ' || return 1
	equal "$(standing q1)" 'clear@=false flags@=spam,adult grade@d1=3 grade@d2=2 minutes@=7.5 why@=two words'
}
check "labels, keys, blanks, numbers and lists come to one spelling" canonical
check "the same answers again change nothing" equal "$(rate q1 grade@d1=3 minutes=7.5 flags=x,a | tail -1)" 'case q1: submitted, as it was'
check "a result whose id holds an equals sign is found" rate q2 grade@a=b=2 grade@d1=0 clear=true
check "and keeps its answer" equal "$(standing q2 | sed 's/~[0-9a-f]*/(hashed)/')" 'clear@=true grade@d1=0 grade@(hashed)=2'

before=$(kept)
wrong() { # STATUS TEXT WORDS...
	local want=$1 text=$2
	shift 2
	status "$want" rate "$@" && says "$text" && [ "$(wc -l <"$work/.words")" = 1 ]
}
check "a value off the scale is refused, and the line has what is allowed" wrong 1 '3 (Very good)' q3 grade@d1=4 grade@d2=1 clear=yes
check "so is a number out of bounds" wrong 1 60 q3 minutes=61
check "a yes or no that is neither" wrong 1 clear q3 clear=perhaps
check "a choice that is none" wrong 1 'Outdated' q3 flags=spam,ugly
check "a field that is not in the form" wrong 1 colour q3 colour=red
check "a result that the case does not have" wrong 1 d9 q3 grade@d9=1
check "a field of each result without a result" wrong 1 'grade@RESULT' q3 grade=1
check "a field of the page with a result" wrong 1 'whole page' q3 clear@d1=yes
check "a case that is not there" wrong 1 q99 q99 clear=yes
check "a word that is no answer" wrong 2 'FIELD=VALUE' q3 yes
check "one answer given twice" wrong 2 twice q3 clear=yes clear=no
check "skip and escalate at once" wrong 2 'only one' q3 --skip --escalate --note x
check "none of these kept anything, of good answers beside them neither" equal "$(kept)" "$before"

check "--dry-run says what would be" status 0 rate q3 grade@d1=1 grade@d2=1 clear=yes -n
check "in such words" says 'would be submitted'
check "and keeps nothing" equal "$(kept) $(state q3)" "$before todo"
check "--draft keeps a complete case as a draft" bash -c 'casepack -C anna rate q3 grade@d1=1 grade@d2=1 clear=yes --draft'
check "it is not submitted" equal "$(state q3)" draft
check "until it is said" bash -c 'casepack -C anna rate q3 grade@d1=1 | grep -q "case q3: submitted"'

check "a case is not skipped without a reason" status 1 rate q4 --skip
check "which the line asks for" says --note
check "nor with an empty one" status 1 rate q4 --skip --note ''
check "a dry run takes the reason into account" status 0 rate q4 --skip --note 'page does not load' -n
check "and says what would be" says 'case q4: would be skipped'
check "with one it is" status 0 rate q4 --skip --note 'page does not load'
check "and the reason is kept" equal "$(state q4) $(sql "SELECT note FROM judgments WHERE state = 'skipped'")" 'skipped page does not load'
check "a case is escalated to the lead" bash -c 'casepack -C anna rate q5 grade@d1=2 --escalate --note "which shoes?"'
check "with what was answered so far" equal "$(state q5) $(standing q5)" 'escalated grade@d1=2'
check "a skipped case can still be judged" bash -c 'casepack -C anna rate q4 grade@d1=0 grade@d2=0 clear=no | grep -q submitted'

# ---- second thoughts ----------------------------------------------------------------------------

check "one submission is one step in the life of its case" equal "$(steps q3)" judged
quiet rate q3 grade@d1=3
check "changing it is a second" equal "$(steps q3 | wc -l)" 2
check "both with what was said" equal "$(casepack -C anna --json log q3 | jq -r 'select(.changes != []) | .detail' | grep -oE 'grade of d1: 1( -> 3)?' | tr '\n' ';')" \
	'grade of d1: 1;grade of d1: 1 -> 3;'
quiet rate q3 grade@d1=3
check "the same again is none" equal "$(steps q3 | wc -l)" 2
check "an answer that may be missing is taken back by an empty value" bash -c 'casepack -C anna rate q1 why= minutes= | grep -q "case q1: submitted"'
check "and does not stand any more" equal "$(standing q1)" 'clear@=false flags@=spam,adult grade@d1=3 grade@d2=2'
check "taking back a required one makes a draft beside what stands" bash -c 'casepack -C anna rate q1 grade@d1= | grep -q draft'
check "what was submitted stands meanwhile" equal "$(standing q1)" 'clear@=false flags@=spam,adult grade@d1=3 grade@d2=2'
check "until the case is whole again" bash -c 'casepack -C anna rate q1 grade@d1=0 | grep -q submitted'
mkdir back
quiet casepack -C anna return -o back
quiet casepack -C hub merge back/*
check "the hub has every step, by whom and under which revision" equal \
	"$(casepack -C hub --json log q3 | jq -r 'select(.what | test("judged|changed")) | "\(.who) \(.guideline) revision \(.revision)"' | sort | uniq -c | tr -s ' ')" ' 2 anna guide revision 1'
check "and the last word" bash -c "casepack -C hub export --format csv -o - --no-times 2>/dev/null | grep -E '^q3,.*,d1,' | grep -q ',grade,3,'"

# ---- how far it is ------------------------------------------------------------------------------

far() { casepack -C "$1" --json status | jq -c "select(.assigned) | [$2]"; }
check "the hub counts what came back, by what became of it" equal \
	"$(far hub '.assigned, .submitted, .skipped, .escalated, .owed, .acknowledged')" '[6,4,0,1,1,true]'
check "the rater's device counts the same" equal "$(far anna '.assigned, .submitted, .skipped, .escalated, .drafts, .todo')" '[6,4,0,1,0,1]'
not_confirmed() { casepack -C anna status | grep -q 'that the hub has not confirmed'; }
check "what the hub has not confirmed is said" not_confirmed
printf '{"id": "q7", "query": "seventh", "results": [{"id": "d1", "title": "Seven"}]}\n' >seventh.jsonl
quiet casepack -C hub import seventh.jsonl --locale en-US
quiet casepack -C hub assign --form kinds --guideline guide
quiet casepack -C hub pack --to anna -o out
check "what was sent now is not acknowledged" equal "$(far hub '.assigned, .owed, .acknowledged')" '[7,2,false]'
quiet casepack -C anna open "$(ls out/*-to-anna-* | tail -1)"
check "and when all is confirmed, that is said" bash -c 'casepack -C anna status | grep -q "the hub has confirmed everything"'
check "the roster counts the same" equal "$(casepack -C hub --json person list | jq -c 'select(.pseudonym == "anna") | [.devices, .assigned, .submitted]')" '[1,7,5]'
check "a case is shown with every answer that stands" equal \
	"$(casepack -C hub --json show q3 | jq -r '[.ratings[] | "\(.field)@\(.result)=\(.value)"] | sort | join(" ")')" "$(standing q3 | tr ' ' '\n' | sort | xargs)"
shown() { for line in '1. Three  [d1]' '2. Drei  [d2]' 'query     third'; do grep -qF "$line" shown || { cat shown; return 1; }; done; }
casepack -C hub show q3 >shown
check "for people with every result" shown

# ---- from a file --------------------------------------------------------------------------------

printf 'case,field,result,value,comment\nq6,grade,d1,2,x\nq6,grade,d2,Bad,y\nq6,clear,,1,z\n' >good.csv
{ cat good.csv; printf 'q3,grade,d1,7,\nq99,grade,d1,1,\nq3,colour,,red,\nq3,grade,d9,1,\nq3,clear,,maybe,\n'; } >bad.csv
before=$(kept)
check "a file with bad rows is refused whole" status 1 rate --from bad.csv
bad_rows() { for at in 5:4 6:1 7:2 8:3 9:4; do says "bad.csv:$at: " || return 1; done; says '5 bad rows'; }
check "every bad row is named by line and column" bad_rows
check "and nothing is kept, of the good ones neither" equal "$(kept)" "$before"
check "a dry run of a good file says what it would do" bash -c 'casepack -C anna rate --from good.csv -n | grep -q "1 submitted"'
check "and keeps nothing" equal "$(kept)" "$before"
check "--draft keeps what a file answers as drafts" bash -c 'casepack -C anna rate --from good.csv --draft | grep -q "0 submitted, 1 kept as drafts"'
check "and submits nothing" equal "$(state q6) $(standing q6)" 'draft '
check "a good file is taken; other columns are passed over" bash -c 'casepack -C anna rate --from good.csv'
check "with what it said" equal "$(state q6) $(standing q6)" 'submitted clear@=true grade@d1=2 grade@d2=0'
check "again it changes nothing" equal "$(rate --from good.csv --json | jq -c '[.submitted, .unchanged]')" '[1,1]'
printf '{"case": "q6", "field": "grade", "result": "d1", "value": "3"}\n' >good.jsonl
printf 'case\tfield\tresult\tvalue\nq6\twhy\t\ta tab file\n' >good.tsv
check "JSON lines and tabs serve as well" bash -c 'casepack -C anna rate --from good.jsonl && casepack -C anna rate --from good.tsv'
check "and are kept" equal "$(standing q6)" 'clear@=true grade@d1=3 grade@d2=0 why@=a tab file'
check "- is the standard input" bash -c 'casepack -C anna rate --from - <good.csv && echo'
printf 'case,field,value\n"q6,grade,1\n' >broken.csv
check "a file that is no table is refused" status 1 rate --from broken.csv
printf 'query,grade\nq6,1\n' >other.csv
check "and so is one with other columns, naming those that it needs" bash -c 'casepack -C anna rate --from other.csv 2>&1 | grep -q "case, field, result"'
printf 'case,field,result,value\nq6,grade,d1,1\nq6,grade,d1,2\n' >twice.csv
check "two values for one answer are refused" status 1 rate --from twice.csv
check "without a terminal rate says what else there is" status 2 rate
check "in one line" says --from

# ---- by keys, in a terminal ---------------------------------------------------------------------

if ! command -v tmux >/dev/null; then
	echo "not ok - tmux is missing # SKIP"
	finish
fi
quiet casepack init fresh --project Keys --name 'Lea D' --key lead
quiet casepack -C fresh person add anna --locale en-US --key "$keys/anna.pub"
quiet casepack -C fresh import cases.jsonl --locale en-US
quiet casepack -C fresh guideline add guide guide.md
quiet casepack -C fresh form add kinds form.json
quiet casepack -C fresh assign --form kinds --guideline guide
mkdir out2 && quiet casepack -C fresh pack --all -o out2
rm -rf anna && quiet casepack -C anna open out2/* --key anna

t() { tmux -L "casepack-rate-$$" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; sleep 0.2; rm -rf "$work"' EXIT
t new-session -d -x 100 -y 40 "cd $work; unset PAGER; PS1='\$ ' exec bash --norc --noprofile"
screen() { t capture-pane -p >screen; }
# sees TEXT: it stands on the screen within five seconds
sees() {
	for _ in $(seq 100); do
		screen
		grep -qF -- "$1" screen && return 0
		sleep 0.05
	done
	echo "not on the screen: $1"
	cat screen
	return 1
}
# keys KEYS... then TEXT: press, then see
press() { local text=$1; shift; t send-keys "$@" && sees "$text"; }
holds() { # QUERY VALUE: within five seconds
	for _ in $(seq 100); do
		[ "$(sql "$1")" = "$2" ] && return 0
		sleep 0.05
	done
	equal "$(sql "$1")" "$2"
}
start() { t send-keys 'clear; casepack -C anna rate' Enter; }

start
check "rate shows the first case: its query, guideline and progress" sees 'case 1 of 6, 0 done'
check "the query" grep -q 'Query *red shoes' screen
check "the first result with its snippet" grep -q 'They are red' screen
check "and the question with its keys" grep -qE '\[0\].Bad' screen
check "no line is wider than the terminal" bash -c '! awk "length > 100" screen | grep .'
check "a key answers and goes on to the next result" press 'A hat' 3
check "the answer is on the disk at once" holds "SELECT value FROM draft_ratings WHERE field = 'grade'" 3
check "a key that means nothing is said to mean nothing" press 'means nothing here' z
check "and changes nothing" equal "$(draft q1)" 'grade@d1=3'
check "u takes the answer back" press 'They are red' u
check "on the disk too" holds "SELECT count(*) FROM draft_ratings WHERE value IS NOT NULL" 0
t send-keys 2
sees 'A hat' >/dev/null
check "the last result leads to the questions on the page" press 'What is wrong?' 1
t send-keys x a
check "several can be picked" press 'Is the query clear?' Enter
check "a yes or no is one key" press 'Minutes to find it' y
check "a number is typed" press 'Why?' 12 Enter
t send-keys -l 'because it is'
check "so is a text, and behind it stands the summary" press 'Enter submits' Enter
summary() { for line in 'grade: Good' 'grade: Fair' 'flags: Spam, Adult' 'minutes: 12' 'why: because it is'; do
	grep -qF "$line" screen || { echo "no $line"; cat screen; return 1; }; done; }
check "with every answer" summary
check "n asks for a note" press 'Note on this case' n
t send-keys -l 'seen twice'
check "and comes back" press 'Enter submits' Enter
check "Enter submits and shows the next case, one more done" press 'case 2 of 6, 1 done' Enter
check "what was submitted is what was pressed" equal "$(standing q1)" \
	'clear@=true flags@=spam,adult grade@d1=2 grade@d2=1 minutes@=12 why@=because it is'
check "with the note" equal "$(sql "SELECT note FROM judgments WHERE state = 'submitted'")" 'seen twice'
check "with time at work" equal "$(sql "SELECT active_ms > 0, wall_ms >= active_ms, active_ms, wall_ms FROM judgments" | cut -d'|' -f1,2)" '1|1'

check "s asks why" press 'Why is this case skipped?' s
check "Esc goes back" press 'How good is it?' Escape
t send-keys s
t send-keys -l 'page is empty'
check "with a reason the case is skipped" press 'case 3 of 6, 2 done' Enter
check "and the reason is kept" equal "$(judged q2) $(sql "SELECT note FROM judgments WHERE state = 'skipped'")" 'skipped page is empty'

check "g shows the guideline" press 'Read the whole page.' g
check "? shows the keys" press 'read the guideline' '?'
t send-keys 1
sees 'Drei' >/dev/null
check "q leaves, and says that all is saved" press 'Everything is saved' q
check "the terminal is as it was" press 'it echoes' 'echo it  echoes | tr -s " "' Enter
t send-keys 'clear' Enter
start
check "coming back one is where one left" sees 'case 3 of 6, 2 done; this one: draft'
check "at the first question that is open" grep -q 'Drei' screen
t send-keys 2
sees 'What is wrong?' >/dev/null
check "e asks what the lead should see" press 'What should the lead look at?' e
t send-keys -l 'is this allowed?'
check "and hands the case on" press 'case 4 of 6, 3 done' Enter
check "with its answers" equal "$(judged q3) $(standing q3)" 'escalated grade@d1=1 grade@d2=2'
check "> goes to the case behind" press 'case 5 of 6' '>'
check "< and back" press 'case 4 of 6' '<'

# One key, then the power fails.
t send-keys 3
sees 'Vier' >/dev/null
shell=$(t list-panes -F '#{pane_pid}')
pid=$(cat /proc/"$shell"/task/"$shell"/children | cut -d" " -f1)
killed() { [ -n "$pid" ] && kill -9 "$pid"; }
check "the program is killed after one key" killed
check "the answer of that key is there" holds "SELECT r.value FROM draft_ratings r JOIN assignments a ON a.id = r.id WHERE a.position = 4" 3
t send-keys 'reset' Enter
sleep 0.3
start
check "and the case goes on from there" sees 'case 4 of 6, 3 done; this one: draft'
check "at the second result" sees 'Vier'
t send-keys 0 Enter n Enter Enter Enter
sees 'case 5 of 6, 4 done' >/dev/null
t send-keys 0 0 Enter n Enter Enter Enter
sees 'case 6 of 6, 5 done' >/dev/null
check "u goes back into the case before, as it was submitted" press 'case 5 of 6, 5 done; this one: submitted' u
check "and takes its last answer back" sees "Taken back."
check "while what was submitted stands" equal "$(judged q5) $(standing q5)" 'submitted clear@=false grade@d1=0 grade@d2=0'
t send-keys n Enter Enter Enter
sees 'case 6 of 6' >/dev/null
t send-keys 0 0 Enter n Enter Enter
check "the summary stands behind the last answer" sees 'Enter submits'
check "behind the last case it says that nothing is left, and how to hand it in" press 'Nothing is left to judge' Enter
check "every case is done" equal "$(rate --list --json | jq -r .state | sort | uniq -c | awk '{print $1 $2}' | tr '\n' ' ')" \
	'1escalated 1skipped 4submitted '
t send-keys clear Enter
start
check "and rating again says so at once" sees 'Nothing is left to judge'
t send-keys clear Enter 'casepack -C anna rate q4' Enter
check "a case that is done can be looked at, and changed" sees 'this one: submitted'

# The terminal goes away in the middle of a case.
t send-keys '<' '<'
sees 'case 2 of 6' >/dev/null
t send-keys 1
holds "SELECT count(*) FROM drafts d JOIN assignments a ON a.id = d.id WHERE a.position = 2" 1 >/dev/null
t kill-server
sleep 0.3
check "a terminal that goes away leaves what was answered" equal "$(sql "SELECT r.value FROM draft_ratings r JOIN assignments a ON a.id = r.id WHERE a.position = 2")" 1
check "and the workspace free" status 0 rate --list
check "what was judged by keys is handed in as all else" bash -c \
	'mkdir back2 && casepack -C anna return -o back2 && casepack -C fresh merge back2/* && [ "$(casepack -C fresh --json status | jq -r "select(.person == \"anna\").owed")" = 0 ]'
finish
