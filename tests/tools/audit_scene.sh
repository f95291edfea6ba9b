# A project for auditors: source this behind tests/cli/lib.sh. audit_scene makes it by real commands on days gone by
# (faketime), so that what is told of days and weeks can be checked:
#
#     12 days ago  the hub `hub`; cases q1 to q4 given to anna, ben and cid, and to anna's second device, anna2
#     10 days ago  anna: q1 3, q2 1; ben: q1 0; cid: q1 1
#      9 days ago  guideline guide, revision 2, breaking
#      3 days ago  anna, under revision 2: q1 changed to 2, q3 2
#      2 days ago  cid is revoked; what cid returns of q2 is refused
#      1 day ago   anna and anna2 disagree on q4 (3, 0); the lead takes 3, and sets q1 to 2 for good
#
# audit.bundle is what an auditor is given then, first.bundle what one was given 4 days ago.

ago() { # DAYS COMMAND...: run that long ago
	local days=$1
	shift
	faketime -f "-${days}d" "$@"
}

at() { # DAYS WORKSPACE COMMAND...: casepack there, that long ago
	local days=$1 where=$2
	shift 2
	quiet ago "$days" casepack -C "$where" "$@"
}

grade() { # DAYS WORKSPACE CASE N
	at "$1" "$2" rate "$3" grade@d1="$4" grade@d2=0 --note "as I read it"
}

taken() { # DAYS WORKSPACE: it returns, and the hub merges
	local days=$1
	at "$days" "$2" return --plain -o in
	ago "$days" casepack -C hub merge "$(ls -t in/* | head -1)" >"$work/.out" 2>&1 || [ $? -ge 3 ] || { echo "not ok - set-up"; cat "$work/.out"; exit 1; }
}

given() { # DAYS: all that is new goes to the devices
	local f
	rm -f out/*
	at "$1" hub pack --all --plain -o out
	for f in out/*; do
		for w in anna anna2 ben cid; do
			ago "$1" casepack -C $w open "$f" --key $w >/dev/null 2>&1 && break
		done
	done
}

audit_scene() {
	local keys=$XDG_CONFIG_HOME/casepack/keys
	for w in lead anna anna2 ben cid; do quiet casepack key new $w; done
	mkdir in out
	quiet ago 12 casepack init hub --project 'Audit 2026' --name 'Lea D' --key lead
	for w in anna ben cid; do at 12 hub person add $w --locale en-US --key "$keys/$w.pub"; done
	at 12 hub person add anna --key "$keys/anna2.pub"
	printf 'id,query,result,title\n' >cases.csv
	for i in 1 2 3 4; do printf 'q%d,query %d,d1,first\nq%d,query %d,d2,second\n' $i $i $i $i; done >>cases.csv
	at 12 hub import cases.csv --locale en-US
	printf '# Guide\n\nJudge the result.\n' >guide.md
	at 12 hub guideline add guide guide.md
	at 12 hub form add relevance --preset relevance-0-3
	at 12 hub assign --form relevance --guideline guide
	given 12
	grade 10 anna q1 3; grade 10 anna q2 1; grade 10 ben q1 0; grade 10 cid q1 1
	taken 10 anna; taken 10 ben; taken 10 cid
	printf '# Guide\n\nJudge the result, not the page.\n' >guide.md
	at 9 hub guideline revise guide guide.md --revision breaking --note 'not the page'
	given 9
	quiet ago 4 casepack -C hub export --format git -o first.bundle
	grade 3 anna q1 2; grade 3 anna q3 2
	taken 3 anna
	at 2 hub person revoke cid --reason 'laptop stolen'
	grade 2 cid q2 3
	taken 2 cid
	grade 1.2 anna q4 3; grade 1.1 anna2 q4 0
	taken 1 anna; taken 1 anna2
	at 1 hub resolve "$(casepack -C hub conflicts --case q4 --json 2>/dev/null | jq -r .conflict | head -1)" --take 1 --reason 'the first reading holds'
	at 1 hub adjudicate q1 grade@d1=2 --cause disagreement --reason 'section 1'
	quiet casepack -C hub export --format git -o audit.bundle
}
