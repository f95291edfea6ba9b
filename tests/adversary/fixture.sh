# The world in which the attacks are played: source this behind tests/cli/lib.sh and tests/tools/scene.sh.
#
#     world    in the present folder: keys lead, bea, lou, acme, anna, ben, cem, dan, mallory; the hub `hub`, a second lead's hub
#              `bea`, lou, a lead without a hub, the relay `acme`, whose rater is cem; the hub's own raters anna, ben; dan, who has opened nothing yet;
#              mallory, whom nobody knows; and in honest/ bundles that their receivers have not seen:
#
#     return     anna to the hub: one change commit, a judgment with two answers
#     known      anna to the hub, which has taken it in; `revoked` is that hub, where her device is revoked since
#     returns    anna to the hub: that one and another behind it
#     other      ben to the hub, one change commit
#     material   the hub to anna, behind what she has opened
#     older      the hub to anna, which she has opened
#     first      the hub to dan, who has no workspace
#     relay      acme to the hub, with a commit of cem's
#     relayed    acme to cem, behind what he has opened
#     hub        bea's hub to the hub, with work that ben handed in there, and with a private part
#     far        a return of anna's, in another project with the same keys; far-material: what its hub gave her

world() {
	keys=$XDG_CONFIG_HOME/casepack/keys
	for name in lead bea lou acme anna ben cem dan mallory; do quiet casepack key new "$name"; done
	mkdir honest post other
	quiet casepack init hub --project Chorus --name 'Lea D' --key lead
	quiet casepack -C hub person add bea --role lead --name 'Bea K' --key "$keys/bea.pub" --hub
	quiet casepack -C hub person add lou --role lead --key "$keys/lou.pub"
	quiet casepack -C hub person add acme --role relay --vendor acme --key "$keys/acme.pub"
	for name in anna ben dan; do quiet casepack -C hub person add "$name" --locale en-US --key "$keys/$name.pub"; done
	quiet casepack -C hub person add cem --relay acme --vendor acme --locale en-US --key "$keys/cem.pub"
	casesnamed 1 8 >cases.csv
	quiet casepack -C hub import cases.csv --locale en-US
	printf '# Guide\n\nJudge the result.\n' >guide.md
	quiet casepack -C hub guideline add guide guide.md
	quiet casepack -C hub form add relevance --preset relevance-0-3
	quiet casepack -C hub assign --form relevance --guideline guide --to anna,ben,cem,dan,bea
	quiet casepack -C hub pack --plain --all -o post
	opened anna && opened ben && opened acme
	quiet casepack -C acme pack --plain --all -o post
	opened cem
	keep "$(last post to-dan)" first
	keep "$(last post to-anna)" older
	quiet casepack -C hub pack --plain --to bea -o post
	opened bea
	handed anna q1 hub && handed ben q1 hub
	quiet casepack -C hub pack --plain --to anna -o post # which tells her that it has arrived
	quiet casepack -C anna open "$(last post to-anna)"
	keep "$(ls post/*-from-anna-0001.casepack)" known
	news
	work
	cp -a hub revoked
	quiet casepack -C revoked person revoke anna --reason 'the laptop was stolen'
	elsewhere
}

casesnamed() { # FROM TO: cases of two results each, with plain ids
	echo id,query,result,title
	for ((i = $1; i <= $2; i++)); do
		printf 'q%d,query %d,d1,First of %d\nq%d,query %d,d2,Second of %d\n' "$i" "$i" "$i" "$i" "$i" "$i"
	done
}

opened() { quiet casepack -C "$1" open "$(last post "to-$1")" --key "$1"; }
keep() { cp "$1" "honest/$2.casepack"; }
handed() { quiet judge "$1" "$2"; quiet casepack -C "$1" return --plain -o post; quiet casepack -C "$3" merge "$(last post "from-$1")"; } # PERSON CASE HUB

# What was given and nobody has opened.
news() {
	casesnamed 9 9 >nine.csv
	quiet casepack -C hub import nine.csv --locale en-US
	quiet casepack -C hub assign --form relevance --guideline guide --to anna,cem --case q9
	quiet casepack -C hub pack --plain --to anna -o post
	keep "$(last post to-anna)" material
	quiet casepack -C hub pack --plain --to acme -o post
	quiet casepack -C acme open "$(last post to-acme)"
	quiet casepack -C acme pack --plain --to cem -o post
	keep "$(last post to-cem)" relayed
}

# What was handed in and nobody has merged.
work() {
	quiet judge anna q2 2
	quiet casepack -C anna return --plain -o post
	keep "$(last post from-anna)" return
	quiet judge anna q3 1
	quiet casepack -C anna return --plain -o post
	keep "$(last post from-anna)" returns
	quiet judge cem q1 1
	quiet casepack -C cem return --plain -o post
	quiet casepack -C acme merge "$(last post from-cem)"
	quiet casepack -C acme return --plain -o post
	keep "$(last post from-acme)" relay
	quiet judge ben q2 0
	quiet casepack -C ben return --plain -o post
	keep "$(last post from-ben)" other
	quiet casepack -C bea merge "$(last post from-ben)"
	quiet casepack -C bea person add eve --name 'Eve S'
	quiet casepack -C bea pack --plain --to lead -o post
	keep "$(last post to-lead)" hub
}

elsewhere() {
	quiet casepack init other/hub --project Other --name 'Lea D' --key lead
	quiet casepack -C other/hub person add anna --locale en-US --key "$keys/anna.pub"
	quiet casepack -C other/hub import cases.csv --locale en-US
	quiet casepack -C other/hub form add relevance --preset relevance-0-3
	quiet casepack -C other/hub assign --form relevance --to anna
	quiet casepack -C other/hub pack --plain --all -o other
	quiet casepack -C other/anna open other/*-to-anna-0001.casepack --key anna
	quiet judge other/anna q1
	quiet casepack -C other/anna return --plain -o other
	keep "$(last other from-anna)" far
	keep "$(last other to-anna)" far-material
}
