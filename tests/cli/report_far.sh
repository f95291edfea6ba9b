#!/usr/bin/env bash
# Reports to an auditor where work came a long way: through a relay, from another lead's hub, late, under a text that a breaking
# revision overtook, about a case that is forgotten. Held against git and the databases of those who gave and took.
. "$(dirname "$0")/lib.sh"
paper() { python3 "$root/tests/tools/paper.py" "$@"; }
row() { paper cells "$1" "$2" | grep -P "$3"; }
under() { paper text "$1" "$2" | grep -F -- "$3"; }

keys=$work/config/casepack/keys
for who in lead bea ben eve acme cem dan; do quiet casepack key new $who; done
quiet casepack -C hub init --project Far --name 'Lena Realname' --key lead
quiet casepack -C hub person add bea --role lead --hub --name 'Beatrix Realname' --key "$keys/bea.pub"
for who in ben eve; do quiet casepack -C hub person add $who --key "$keys/$who.pub"; done
quiet casepack -C hub person add acme --role relay --vendor acme --key "$keys/acme.pub"
for who in cem dan; do quiet casepack -C hub person add $who --relay acme --vendor acme --key "$keys/$who.pub"; done
{ echo id,query,result,title; for i in 1 2 3 4 5; do echo "q$i,secret query $i,d$i,secret title $i"; done; } >cases.csv
quiet casepack -C hub import cases.csv
printf '# Policy\n\nRed shoes are shoes.\n' >policy.md
quiet casepack -C hub guideline add policy policy.md
quiet casepack -C hub form add rel --preset relevance-0-3
quiet casepack -C hub assign --form rel --guideline policy --to ben,eve,cem,dan
mkdir out back to from post
newest() { ls -t $1 | head -1; }
taken() { # HUB FILE: it is merged, and something may wait then
	casepack -C "$1" merge "$2" >"$work/.out" 2>&1 || [ $? = 3 ] || { echo "not ok - set-up: merge $2"; cat "$work/.out"; exit 1; }
}
meet() { # the two hubs exchange what each lacks
	rm -f post/*
	quiet casepack -C hub pack --to bea -o post
	[ -e bea ] || quiet casepack -C bea open post/*-to-bea-* --key bea
	taken bea post/*-to-bea-*
	quiet casepack -C bea pack --to lead -o post
	taken hub post/*-to-lead-*
}
through_acme() { # PEOPLE...: they return, the relay hands on
	rm -f from/* back/*
	for w in "$@"; do quiet casepack -C $w return -o from; done
	quiet casepack -C acme merge from/*
	quiet casepack -C acme return -o back
	taken hub back/*
}
meet
quiet casepack -C hub pack --to ben --to acme -o out
quiet casepack -C ben open out/*-ben-* --key ben
quiet casepack -C acme open out/*-acme-* --key acme
quiet casepack -C acme pack --all -o to
for w in cem dan; do quiet casepack -C $w open to/*-$w-* --key $w; done
quiet casepack -C bea pack --to eve -o out
quiet casepack -C eve open out/*-eve-* --key eve
quiet casepack -C ben rate q1 grade@d1=0
quiet casepack -C ben rate q2 grade@d2=2
quiet casepack -C eve rate q1 grade@d1=3
quiet casepack -C cem rate q1 grade@d1=2 --note "through the relay"
quiet casepack -C cem rate q3 grade@d3=1 --note "of what was forgotten"
quiet casepack -C hub assign withdraw --case q2 --from ben # who has judged it, which nobody here knows
quiet casepack -C ben return -o back
taken hub back/*
through_acme cem
rm back/*
quiet casepack -C eve return -o back
taken bea back/*
printf '# Policy\n\nRed shoes are boots.\n' >policy.md
quiet casepack -C hub guideline revise policy policy.md --revision breaking --note "boots, not shoes"
quiet casepack -C hub pack --to acme -o out
quiet casepack -C acme open "$(newest 'out/*-acme-*')"
quiet casepack -C acme pack --to dan -o to
quiet casepack -C dan open "$(newest 'to/*-dan-*')"
quiet casepack -C dan rate q1 grade@d1=1
through_acme dan
meet
casepack -C hub stale keep --case q1 --from cem --reason "holds under boots, too" >/dev/null 2>&1
casepack -C hub stale void --case q1 --from ben --reason "was about shoes" >/dev/null 2>&1
quiet casepack -C hub adjudicate q1 grade@d1=1 --cause disagreement --reason "section 1"
quiet casepack -C hub forget q3 --reason "a person asked for it"
meet

report() { # WORKSPACE NAME [CASE...]
	local where=$1 name=$2
	shift 2
	quiet casepack -C "$where" report audit "$@" --made-at 2026-03-01T14:05:09Z -o "$name.md"
	quiet casepack -C "$where" report audit "$@" --made-at 2026-03-01T14:05:09Z -o "$name.html"
}
for w in hub bea; do
	for q in q1 q2 q3; do report $w $w-$q $q; done
	report $w $w-all
done
report hub hub-q3-content q3 --content
report acme acme-q1 q1
for f in *.html; do
	check "${f%.html}: the two writers say the same, and nothing is fetched" bash -c "[ -z \"\$(python3 '$root/tests/tools/paper.py' sound $f; python3 '$root/tests/tools/paper.py' same $f ${f%.html}.md)\" ]"
done
device() { sqlite3 hub/casepack.db "SELECT lower(hex(r.id)) FROM replicas r JOIN persons p ON p.id = r.person WHERE p.pseudonym = '$1'"; }
given() { git -C "$1/history.git" rev-list --reverse "outbound/$(device "$2")" | sed -n "$3p" | cut -c1-10; } # WORKSPACE PERSON N
commit() { sqlite3 hub/casepack.db "SELECT substr(oid, 1, 10) FROM commits c JOIN replicas r ON r.id = c.replica JOIN persons p ON p.id = r.person WHERE p.pseudonym = '$1' AND c.is_private = 0 ORDER BY no LIMIT 1"; }
known() { paper text "$1" "Who could" | awk -v w="$2, edit" 'index($0, w) == 1 { on = 1; print; next } /, edit .*:$|^Leads could/ { on = 0 } on'; } # FILE PERSON: what is said of that person's edit
of() { known "$1" "$2" | grep -F -- "$3"; }

# ---- a relay between -------------------------------------------------------------------------------------
check "a relay's rater has judged, with the note" row hub-q1.md "What happened" "\tcem [0-9a-f]{10}\tjudged\tgrade of d1: 2, note: \"through the relay\".*\tpolicy 1\t$(commit cem)\tgood"
check "by the key of that rater's own device" row hub-q1.md Signatures "\tcem [0-9a-f]{10}\tgood, by the device's own key: $(ssh-keygen -lf "$keys/cem.pub" | cut -d' ' -f2 | sed 's/[+.]/\\&/g')\t"
check "what the relay gave is not here, and that is said" of hub-q1.md cem "sealed behind outbound commit $(given acme cem 1), which is not in this history: a relay or another hub made it"
check "so nothing is said of what it was given" of hub-q1.md cem "so this history does not say what it was given"
check "but the relay had the text no sooner than the hub gave it" of hub-q1.md cem "names policy revision 1 as the one on screen; no outbound commit to this device that is here gave it; the relay acme, which gives to it, had it no sooner than outbound commit $(given hub acme 1) (by lead"
check "nor the one that came later" of hub-q1.md cem "Revision 2, which stands now: no outbound commit to this device that is here gave it; the relay acme, which gives to it, had it no sooner than outbound commit $(given hub acme 2) (by lead"
check "and could read the answers" of hub-q1.md cem "The relay acme collects from this device, and could read its answers"
check "of a rater who has no relay nothing of the kind" bash -c '! python3 "$0/tests/tools/paper.py" text hub-q1.md "Who could" | sed -n "/^ben, edit/,/^cem, edit/p" | grep -q relay' "$root"
check "the relay itself knows what it gave" of acme-q1.md cem "it was sealed when its device had applied outbound commit $(given acme cem 1) (by acme"
check "and when" of acme-q1.md dan "names policy revision 2 as the one on screen; first given by outbound commit $(given acme dan 2) (by acme"

# ---- two hubs -----------------------------------------------------------------------------------------------
check "another hub's rater is told with that hub's verdict" row hub-q1.md Signatures '\teve [0-9a-f]{10}\tgood, .*\taccepted by bea \('
check "and what that hub gave" of hub-q1.md eve "it was sealed when its device had applied outbound commit $(given bea eve 1) (by bea"
check "nobody's answers were in it" of hub-q1.md eve "none could have reached it through casepack"
events() { casepack -C "$1" log "$2" --json | jq -c 'select(.who != "") | [.what, .who, .whom, .when, .commit]'; } # what somebody did
for q in q1 q2 q3; do check "both hubs tell the life of $q in one order" equal "$(events bea $q)" "$(events hub $q)"; done
check "both say the same of who could have known what" same <(paper text hub-q1.md "Who could" | sed 's/ 20[-0-9]* [0-9:]*//g') <(paper text bea-q1.md "Who could" | sed 's/ 20[-0-9]* [0-9:]*//g')
check "each names its own main" bash -c "grep -q $(git -C hub/history.git rev-parse main) hub-q1.md && grep -q $(git -C bea/history.git rev-parse main) bea-q1.md"
for w in hub bea; do
	HISTORY=$PWD/$w/history.git
	paper text $w-q1.md "How to check" | sed -n '/^git clone/,/^awk/p' >commands.sh
	rm -rf check
	check "the commands that the report of $w prints run at its history" bash -c "HISTORY='$HISTORY' bash -ex commands.sh >checked 2>&1 || { tail -20 checked; exit 1; }"
	check "and find each signer to be who is named" equal "$(awk '$2 == "G" && $3 == $4' checked | grep -cE '^[0-9a-f]{40} G')" "$(paper cells $w-q1.md Signatures | tail -n +2 | wc -l)"
done
rm -f out/* back/*
quiet casepack -C bea pack --to eve -o out
quiet casepack -C eve open out/*
quiet casepack -C eve rate q4 grade@d4=2
quiet casepack -C eve return -o back
taken hub back/* # straight from the rater, before the other hub has said what it gave
report hub straight q4
check "work that is sealed behind what another hub gave, and has not told of, is told so" of straight.md eve "sealed behind outbound commit $(given bea eve 2), which is not in this history"
check "and nothing is claimed of what was in that" of straight.md eve "of the outbound commits to this device that are here, 1 with"
check "that is" of straight.md eve "what the one gave behind which this was sealed, this history does not say"
meet
report hub met q4
check "until the hubs have met" of met.md eve "none could have reached it through casepack"

# ---- late, stale, forgotten -----------------------------------------------------------------------------------
check "what makes a judgment late is told" row hub-q2.md "What happened" '\tlate \(ben\)\tthe assignment was taken back without knowing of it'
check "behind the withdrawal" equal "$(casepack -C hub log q2 --json | jq -r .what | grep -E 'withdrawn|late' | xargs)" "withdrawn late"
check "nothing is asked about it" under hub-q2.md "Conflict " "none is asked for: kept, and marked as surplus"
check "whose judgment is stale" row hub-q1.md "What happened" '\tstale \(eve\)\tnot made under policy revision 2'
check "by which revision, in words" under hub-q1.md "Conflicts" "judgments, of eve; it was not made under policy revision 2, which is breaking"
check "keys of revisions stand nowhere there" bash -c '! grep -E "judgments\.[0-9a-f]{32}" *.md'
check "what was kept and why" row hub-q1.md "What happened" '\tlead [0-9a-f]{10}\tkeep \(cem\)\t.*why: holds under boots, too'
check "what was left out and why" row hub-q1.md "What happened" '\tvoid \(ben\)\t.*why: was about shoes'
check "of three stale judgments one is open" equal "$(paper text hub-q1.md "Conflicts" | grep -c '^Decision: open: kept, and counted apart')" 1
check "decisions stand in the project's report with their reasons" row hub-all.md "What leads" '\tstale judgment\tq1, cem\tkeep\tholds under boots, too'
check "late and stale are counted" row hub-all.md Cases '^q2\t1\t0\t0\t1\t0\t1\t1\t'
check "a forgotten case is told, with who had it forgotten and why" row hub-q3.md "What happened" '\tlead [0-9a-f]{10}\tforgotten\t.*why: a person asked for it'
check "its judgments stay" row hub-q3.md "What happened" '\tcem [0-9a-f]{10}\tjudged\t.*grade of d3: 1'
check "and its state" under hub-q3.md "Case q3" "forgotten"
check "what it showed cannot be asked for" bash -c "! grep -l 'secret query 3\|secret title 3' *.md *.html && python3 '$root/tests/tools/paper.py' text hub-q3-content.md 'Case q3' | grep -q 'What it shows is not here: it was erased'"
check "no query and no title stands in any" bash -c '! grep -l secret *.md *.html'
check "no real name" bash -c '! grep -l Realname *.md *.html'
finish
