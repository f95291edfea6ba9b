#!/usr/bin/env bash
# What a lead writes before anybody judges: guidelines in revisions, forms in versions, and who gets
# which case in which order. Real texts: a policy in 37 revisions, topics in Arabic and Spanish.
. "$(dirname "$0")/lib.sh"

keys=$XDG_CONFIG_HOME/casepack/keys
for who in lead ali amal sol sara; do quiet casepack key new $who; done
quiet casepack init hub --project Texts --name 'Lea D' --key lead
hub() { casepack -C hub "$@"; }
revision() { printf '%s/guidelines/rev-%04d.md' "$samples" "$1"; }
hash() { casepack -C "${1:-hub}" status --hash; }

# ---- guidelines -------------------------------------------------------------------------------

quiet hub guideline add policy "$(revision 1)" --note 'the first'
for n in $(seq 2 37); do
	kind=clarifying
	[ "$n" != 20 ] || kind=breaking
	[ $((n % 3)) != 0 ] || kind=editorial
	quiet hub guideline revise policy "$(revision "$n")" --revision $kind --note "step $n"
done
bodies() {
	local n
	for n in $(seq 37); do
		hub guideline show policy --rev "$n" | cmp - "$(revision "$n")" || { echo "revision $n"; return 1; }
	done
}
check "each of 37 revisions is shown byte for byte" bodies
check "the current one is the last" bash -c "casepack -C hub guideline show policy | cmp - '$(revision 37)'"
hub --json guideline log policy >log
check "the log has them all, in order" equal "$(jq -r .number log | tr '\n' ' ')" "$(seq -s ' ' 37) "
check "with what each one was" equal "$(jq -r 'select(.revision == "breaking") | .number' log)" 20
check "and why, and by whom" equal "$(jq -r 'select(.number == 7) | .note + " by " + .author' log)" 'step 7 by lead'
check "no two have one id" equal "$(jq -r .id log | sort -u | wc -l)" 37
check "one is current" equal "$(jq -r 'select(.current) | .number' log)" 37
check "for people the log has a line each and headings" equal "$(hub guideline log policy | wc -l)" 38
check "the list has its title from the text" equal "$(hub --json guideline list | jq -r 'select(.name == "policy") | .name + ": " + .title')" \
	"policy: $(sed -n 's/^title: //p' "$(revision 37)")"
patched() { # what diff says, patch understands: each revision from the one before
	local n
	cp "$(revision 1)" now
	for n in $(seq 2 37); do
		hub guideline diff policy --from $((n - 1)) --to "$n" >step.diff
		patch -s now step.diff && cmp now "$(revision "$n")" || { echo "to revision $n"; return 1; }
	done
}
check "patch makes each revision from the one before by what diff shows" patched
check "unless said, diff compares the newest two" bash -c \
	'casepack -C hub guideline diff policy >one && casepack -C hub guideline diff policy --from 36 --to 37 | cmp - one'
check "show tells of each revision for scripts too" equal \
	"$(hub --json guideline show policy --rev 7 | jq -c '[.number, .revision, .current, .note]') $(hub --json guideline show policy | jq -c '[.number, .current]')" \
	'[7,"clarifying",false,"step 7"] [37,true]'
like_diff() { # one line of twenty: what is shown around it is what diff -u shows
	seq 20 >plain.md && hub guideline add plain plain.md && sed 10s/0/x/ plain.md >changed.md && hub guideline revise plain changed.md &&
		hub guideline diff plain | tail -n +3 | diff - <(diff -u plain.md changed.md | tail -n +3)
}
check "a change stands in as many lines as diff -u shows" like_diff
check "of a revision with itself there is no difference" equal "$(hub guideline diff policy --from 5 --to 5)" ''

before=$(hash)
check "the same text again is no revision" status 0 hub guideline revise policy "$(revision 37)"
check "which is said" says already
check "a kind of revision that is none is wrong usage" status 2 hub guideline revise policy "$(revision 1)" --revision big
check "a revision that is not there fails" status 1 hub guideline show policy --rev 38
check "and so does a guideline that is not there" status 1 hub guideline show nothing
check "a name that is taken is refused" status 1 hub guideline add policy "$(revision 3)"
check "a name that is not there cannot be revised" status 1 hub guideline revise polity "$(revision 3)"
printf 'caf\351\n' >latin.md
check "a text that is not UTF-8 is refused" status 1 hub guideline revise policy latin.md
check "in one line that names the file" says latin.md
check "none of that changed anything" equal "$(hash)" "$before"
printf '# How to report\n\nTell the lead.\n' >report.md
check "an SOP is a guideline of another kind" status 0 hub guideline add reporting report.md --kind sop
printf '# How to report\n\nTell the lead by mail.\n' >report.md
quiet hub guideline revise reporting report.md
check "and stays one when it is revised" equal "$(hub --json guideline list | jq -r 'select(.name == "reporting").kind')" sop
plain() { # plain git has the same texts on the branch main, a commit each
	quiet hub pack --all -o .
	equal "$(git -C hub/history.git log --format=%h main -- guidelines/policy.md | wc -l)" 37 &&
		git -C hub/history.git show main:guidelines/policy.md | cmp - "$(revision 37)"
}
quiet hub person add ali --locale ar --key "$keys/ali.pub"
check "plain git has every revision on main" plain

# A rater's device that wrote one would have all its work refused with it.
raters() {
	quiet casepack -C ali open "$(ls texts-to-ali-*.casepack.age | tail -1)" --key ali
	status 1 casepack -C ali guideline revise policy report.md && says 'at the hub' &&
		status 1 casepack -C ali guideline add mine report.md && status 1 casepack -C ali form add mine --preset needs-met &&
		equal "$(sqlite3 ali/casepack.db 'SELECT count(*) FROM outbox')" 0
}
check "a rater's workspace writes no guideline and no form" raters

# ---- forms ------------------------------------------------------------------------------------

check "six forms come with casepack" equal "$(hub --json form presets | jq -r .preset | wc -l)" 6
presets() {
	local p
	for p in $(hub --json form presets | jq -r .preset); do
		hub form add "try-$p" --preset "$p" && hub form show "try-$p" | jq -e '.fields | length > 0' >/dev/null || return 1
	done
}
check "each of them makes a form" presets
check "a preset that is none is wrong usage" status 2 hub form add x --preset relevance-0-9
check "and the line says which there are" says 'form presets'
quiet hub form add relevance --preset relevance-0-3
hub form show relevance >v1.json
check "what is shown makes the same form again" bash -c \
	'casepack -C hub form add twin v1.json && casepack -C hub form show twin | cmp - v1.json'

revise() { jq "$1" v1.json >next.json && hub form revise relevance next.json --note "$2"; }
check "a further field is accepted" revise \
	'.fields += [{"name": "why", "type": "text", "label": "Why?", "scope": "page", "required": false}]' 'asks why'
check "and makes version 2" equal "$(hub --json form list | jq -r 'select(.name == "relevance").number')" 2
hub form show relevance >v1.json
check "a further choice is accepted" revise '.fields[0].choices += [{"value": "4", "label": "Vital", "key": "4"}]' 'vital'
hub form show relevance >v1.json
before=$(hash)
refused() { # JQ TEXT: refused with status 1, and the line says so
	jq "$1" v1.json >next.json
	status 1 hub form revise relevance next.json && says "$2"
}
check "another type is refused" refused '.fields[0].type = "choice"' 'make a new field'
check "another level is refused" refused '.fields[0].level = "interval"' 'make a new field'
check "another scope is refused" refused '.fields[0].scope = "page"' 'make a new field'
check "a field that goes is refused" refused 'del(.fields[1])' 'make a new field'
check "a choice that goes is refused" refused 'del(.fields[0].choices[0])' 'make a new field'
check "what is no JSON is refused" bash -c 'echo "{" >next.json; ! casepack -C hub form revise relevance next.json'
check "none of that changed anything" equal "$(hash)" "$before"
check "earlier versions are shown as they were" equal "$(hub form show relevance --rev 1 | jq '.fields | length')" 1
check "and compared" bash -c "casepack -C hub form diff relevance --from 1 --to 2 | grep -q '^+.*\"why\"'"

check "a guideline that is not there fails, and the line says where the list is" status 1 hub guideline show nothing
check "in these words" says 'guideline list'

# ---- who gets what ------------------------------------------------------------------------------

quiet hub person add amal --locale ar-EG,es-MX --key "$keys/amal.pub"
quiet hub person add sol --locale es --key "$keys/sol.pub"
quiet hub person add sara --locale es --key "$keys/sara.pub"
head -60 "$samples/miracl/topics-ar.tsv" >ar.tsv
head -90 "$samples/miracl/topics-es.tsv" >es.tsv
quiet hub import ar.tsv --no-header --map id=1,query=2 --locale ar
quiet hub import es.tsv --no-header --map id=1,query=2 --locale es
quiet hub form add page --preset page-quality
given() { # WORKSPACE: who got what, in which order
	sqlite3 "$1/casepack.db" "SELECT p.pseudonym, a.pass, a.position, c.name, c.locale, a.due FROM assignments a
		JOIN cases c ON c.id = a.case_id JOIN persons p ON p.id = a.person ORDER BY 1, 2, 3"
}

before=$(hash)
check "a dry run says what would be made" status 0 hub assign --form page --overlap 2 --seed 5 --dry-run
check "in the same words" says 'would make '
quiet hub assign --form page --overlap 2 --seed 5 -n
check "and changes nothing" equal "$(hash) $(given hub | wc -l)" "$before 0"
check "a day that is not in the calendar is wrong usage" status 2 hub assign --form page --due 2027-02-29
check "and so is one in another spelling" status 2 hub assign --form page --due 28.02.2027
check "a form that is not there fails" status 1 hub assign --form pages
check "a person who is not there fails" status 1 hub assign --form page --to ali,nobody
check "an overlap of more people than there are fails" status 1 hub assign --form page --overlap 9
check "and changed nothing" equal "$(hash)" "$before"

rm -rf twin other && cp -a hub twin && cp -a hub other
quiet hub assign --form page --guideline policy --overlap 2 --seed 5 --due 2028-02-29
given hub >hub.given
quiet casepack -C twin assign --form page --guideline policy --overlap 2 --seed 5 --due 2028-02-29
quiet casepack -C other assign --form page --guideline policy --overlap 2 --seed 6 --due 2028-02-29
check "each case is given to two" equal "$(cut -d'|' -f4 hub.given | sort | uniq -c | awk '{print $1}' | sort -u)" 2
check "all 150 of them" equal "$(cut -d'|' -f4 hub.given | sort -u | wc -l)" 150
check "who reads Arabic gets Arabic, who reads Spanish gets Spanish" equal "$(cut -d'|' -f1,5 hub.given | sort -u | tr '\n' ' ')" \
	'ali|ar amal|ar amal|es sara|es sol|es '
check "a leap day is a due date" equal "$(cut -d'|' -f6 hub.given | sort -u)" 2028-02-29
check "two who fit equally well differ by one case at most" bash -c \
	"a=\$(grep -c '^sol|' hub.given); b=\$(grep -c '^sara|' hub.given); [ \$((a - b)) -ge -1 ] && [ \$((a - b)) -le 1 ]"
check "the same seed gives the same order" bash -c "cmp hub.given <(sqlite3 -version >/dev/null; $(declare -f given); given twin)"
check "another seed another order" bash -c "! cmp -s hub.given <($(declare -f given); given other)"
check "of the same cases" bash -c "cmp <(cut -d'|' -f1,4 hub.given | sort) <($(declare -f given); given other | cut -d'|' -f1,4 | sort)"
check "one rater's order is not the other's" bash -c \
	"! cmp -s <(grep '^ali|' hub.given | cut -d'|' -f4) <(grep '^amal|.*|ar|' hub.given | cut -d'|' -f4)"
check "positions count from 1 without a gap" bash -c \
	"for w in ali amal sol sara; do cmp <(grep \"^\$w|\" hub.given | cut -d'|' -f3) <(seq \$(grep -c \"^\$w|\" hub.given)) || exit 1; done"
quiet hub pack --to ali -o .
quiet casepack -C ali open "$(ls texts-to-ali-*.casepack.age | tail -1)"
check "the rater's workspace has the same, and nothing of the others'" same <(grep '^ali|' hub.given) <(given ali)
check "with the cases of these alone" equal \
	"$(sqlite3 ali/casepack.db 'SELECT (SELECT count(*) FROM assignments), count(*) FROM cases') $(sqlite3 ali/content.db \
	'SELECT count(*) FROM contents')" "$(grep -c '^ali|' hub.given)|60 60"
check "and no other rater's name or device" equal "$(sqlite3 ali/casepack.db "SELECT group_concat(pseudonym, ' ') FROM
	(SELECT DISTINCT p.pseudonym FROM persons p UNION SELECT coalesce(p.pseudonym, 'nobody') FROM replicas r
	LEFT JOIN persons p ON p.id = r.person ORDER BY 1)")" 'ali lead'
check "the list says by when" equal "$(casepack -C ali --json rate --list | jq -r .due | sort | uniq -c | xargs)" '60 2028-02-29'
check "and so does main" same <(grep '^ali|' hub.given | awk -F'|' '{ print $3 "\t" $4 "\t" $2 "\tpage\tpolicy\t" $6 "\tgiven" }') \
	<(git -C hub/history.git show main:assignments/ali.tsv | tail -n +2)
before=$(hash)
check "the same call again makes nothing new" equal \
	"$(hub --json assign --form page --guideline policy --overlap 2 --seed 5 | jq -c '[.made, .there_already]')" '[0,300]'
check "and changes nothing" equal "$(hash)" "$before"
head -92 "$samples/miracl/topics-es.tsv" | tail -2 >more.tsv
quiet hub import more.tsv --no-header --map id=1,query=2 --locale es
check "after a further import only what is new is given" equal \
	"$(hub --json assign --form page --guideline policy --overlap 2 | jq .made)" 4
check "behind what was there" bash -c "cmp hub.given <($(declare -f given); given hub | grep -vF -f <(cut -f1 more.tsv | sed 's/.*/|&|/'))"
check "--locale and --to narrow it" equal "$(hub --json assign --form page --pass 2 --locale ar --to ali | jq -c '[.made, .people]')" '[60,1]'
printf 'query,result\nodd one,d1\nodd two,d1\nodd three,d1\n' >odd.csv
quiet hub import odd.csv --locale es --segment odd
check "so does --segment" equal "$(hub --json assign --form page --segment odd --to sara | jq -c '[.made, .cases]')" '[3,3]'
check "--case gives one case" equal "$(hub --json assign --form page --pass 3 --case "$(cut -f1 ar.tsv | head -1)" --to ali | jq .made)" 1
few() { # only ali and amal read Arabic
	hub --json assign --form page --pass 4 --overlap 3 --locale ar >few 2>few.words || return 1
	equal "$(jq -c '[.made, .without_rater]' few)" '[120,60]' && grep -q 'too few' few.words
}
check "cases that get fewer raters than the overlap are counted and said" few
quiet hub person add late --locale ar
quiet hub assign --form page --pass 5 --to late --locale ar
lost() { rm -rf empty && mkdir empty && hub "$@" >said 2>words && grep -q 'late has work, but no device' words; }
check "pack says that somebody has work and no device" lost pack --all -o empty
check "and so does sync" lost sync empty
finish
