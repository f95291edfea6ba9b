# The world that is altered: source this behind tests/cli/lib.sh and tests/tools/scene.sh.
#
#     world    in the present folder, by real commands: keys lead, bea, acme, anna, anna2, ben, cem, dan; the hub `hub`, a second
#              lead's hub `bea`, the relay `acme`, raters anna (two devices, `anna` and `anna2`), ben, cem (through the relay)
#              and dan, whose device is revoked; their bundles at rest in post/; `earlier`, the hub before its last decisions, and
#              `forged`, that one where the lead decided otherwise; and in the file `checkpoint` where the hub's main stands
#
# The hub holds whatever can stand in one: cases with media and metrics, two sides, gold, names; forks settled and open, a hard
# conflict that is resolved, two heads of a guideline merged, a breaking revision with what it made stale, final answers,
# work that was refused, ruled on, or waits, a case forgotten, one taken back, one that is late; nothing that is not sealed.
# anna has answers that she has not returned, and a draft.

world() {
	keys=$XDG_CONFIG_HOME/casepack/keys
	for name in lead bea acme anna anna2 ben cem dan; do quiet casepack key new "$name"; done
	mkdir post
	begun
	for name in anna anna2 ben dan acme; do quiet opened "$name"; done
	quiet casepack -C acme pack $plain --all -o post
	quiet opened cem
	quiet casepack -C hub pack $plain --to bea -o post
	quiet opened bea
	judged
	leads
	decided
	cp -a hub earlier
	last_words
	forged
	echo "main $(git -C hub/history.git rev-parse main)" >checkpoint
}

hub() { casepack -C hub "$@"; }

begun() {
	quiet casepack init hub --project Chorus --name 'Lea D' --key lead
	quiet hub person add bea --role lead --name 'Bea K' --key "$keys/bea.pub" --hub
	quiet hub person add acme --role relay --vendor acme --key "$keys/acme.pub"
	quiet hub person add anna --name 'Anna Sorensen' --locale en-US --key "$keys/anna.pub"
	quiet hub person add anna --key "$keys/anna2.pub"
	for name in ben dan; do quiet hub person add "$name" --locale en-US --key "$keys/$name.pub"; done
	quiet hub person add cem --relay acme --vendor acme --locale en-US --key "$keys/cem.pub"
	printf 'What the page of q1 looked like' >picture
	media=$(b2sum -l 256 picture | cut -c1-64)
	mkdir -p "hub/media/${media:0:2}" && cp picture "hub/media/${media:0:2}/$media"
	listed 1 9 >cases.csv
	quiet hub import cases.csv --locale en-US --map id=id,query=query,result=result,title=title,url=url,metric.ctr=ctr
	printf 'id,query,result,title,side\ns1,sides,d1,Left,a\ns1,sides,d2,Right,b\n' >sides.csv
	quiet hub import sides.csv --kind sxs --locale en-US
	printf '# Guide\n\nJudge the result.\n\nPictures do not count.\n\nMaps do.\n' >guide.md
	quiet hub guideline add guide guide.md
	quiet hub form add relevance --preset relevance-0-3
	quiet hub form add sides --preset sxs-7
	quiet hub gold set q2 grade@d1=3 --reason 'leads agreed on it'
	for i in 1 2 3 4 5 6 7 8; do cases="${cases-} --case q$i"; done
	quiet hub assign --form relevance --guideline guide --to anna,ben,cem,dan $cases
	quiet hub assign --form sides --to anna --case s1
	quiet hub pack $plain --all -o post
}

listed() { # FROM TO: cases of two results each
	echo id,query,result,title,url,ctr
	for ((i = $1; i <= $2; i++)); do
		printf 'q%d,query %d,d1,First of %d,https://example.org/%s,0.%d\n' $i $i $i "$media" $i
		printf 'q%d,query %d,d2,Second of %d,,0.0%d\n' $i $i $i $i
	done
}

opened() { # WORKSPACE: whichever bundle is for its key
	for file in $(ls -r post/*-to-"${1%2}"-*"$ending"); do
		casepack -C "$1" open "$file" --key "$1" && return
	done
}

handed() { quiet casepack -C "$1" return $plain -o post; quiet took "$2" "$(last post "from-${1%2}")"; } # FROM HUB

took() { # HUB BUNDLE: taken in, also where something waits for a person then
	casepack -C "$1" merge "$2"
	case $? in 0 | 3 | 4) ;; *) return 1 ;; esac
}

# What raters did: two devices that disagree, one behind a relay, one that is trusted no longer.
judged() {
	for case in q1 q2 q3 q4; do quiet judge anna $case 1; done
	quiet casepack -C anna rate s1 preference=0 --note 'the left one is tidier'
	quiet casepack -C anna rate q5 --skip --note 'does not load'
	handed anna hub
	quiet judge anna q4 2
	handed anna hub
	quiet judge anna2 q1 3
	quiet judge anna2 q2 0
	quiet judge anna2 q3 1
	handed anna2 hub
	quiet casepack -C ben rate q1 grade@d1=2 grade@d2=2 --note 'both are near'
	quiet judge ben q6 0
	handed ben hub
	quiet judge cem q1 1
	handed cem acme
	handed acme hub
	quiet judge dan q1 0
	handed dan hub
	quiet judge dan q2 0
	quiet hub person revoke dan --reason 'the laptop was stolen'
	handed dan hub
	quiet judge dan q3 0
	handed dan hub
	refused=$(hub log --refused --json 2>/dev/null | jq -r .commit | head -1)
	quiet hub quarantine drop "$refused" --reason 'nobody knows who typed that'
}

exchange() {
	quiet casepack -C hub pack $plain --to bea -o post
	quiet took bea "$(last post to-bea)"
	quiet casepack -C bea pack $plain --to lead -o post
	quiet took hub "$(last post to-lead)"
}

# Two leads who do not know of each other.
leads() {
	exchange
	sed 's/Pictures do not count/Pictures count/' guide.md >ours.md
	sed 's/Maps do/Maps do too/' guide.md >theirs.md
	quiet hub guideline revise guide ours.md --note 'of pictures' --revision breaking
	quiet casepack -C bea guideline revise guide theirs.md --note 'of maps'
	quiet hub person add ben --vendor north
	quiet casepack -C bea person add ben --vendor south
	exchange
	quiet hub guideline merge guide --note 'both'
	conflict=$(hub conflicts --json --class hard 2>/dev/null | jq -r .conflict | head -1)
	quiet hub resolve "$conflict" --value west --reason 'asked him'
}

fork() { hub conflicts --json --case "$1" --class fork 2>/dev/null | jq -r .conflict | head -1; }

# What the lead decided: one fork of two, what is stale, what is final.
decided() {
	quiet hub resolve "$(fork q1)" --take 1 --reason 'the first device was hers that day'
	quiet hub adjudicate q1 grade@d1=2 --cause disagreement --reason 'section 3'
	quiet hub stale keep --case q4 --reason 'has no pictures'
	quiet hub assign withdraw --from ben --case q6 --judged
	quiet hub assign withdraw --from cem --case q7
	quiet hub export -o labels.csv
	quiet hub forget q8 --reason 'a person asked for it'
	exchange
	quiet casepack -C hub pack $plain --all -o post
	quiet opened anna
}

# What a holder of the lead's key might wish otherwise.
last_words() {
	quiet hub adjudicate q3 grade@d1=3 --cause error --reason 'seen too late'
	sed 's/Judge the result/Judge the whole page/' ours.md >last.md
	quiet hub guideline revise guide last.md --note 'the whole page' --revision clarifying
	quiet casepack -C anna rate q6 grade@d1=3 grade@d2=1 --note 'on the train'
	handed anna hub
	exchange
	quiet casepack -C hub pack $plain --to anna -o post
	quiet judge anna q2 2
	quiet casepack -C anna rate q7 grade@d1=2 # a draft: the other result is not judged
}

# Another past, by who holds the lead's key: all of it is signed as it must be.
forged() {
	cp -a earlier forged
	quiet casepack -C forged adjudicate q3 grade@d1=0 --cause error --reason 'seen too late'
	quiet took forged "$(last post from-anna)"
}
