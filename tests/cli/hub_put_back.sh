# A hub put back from an old backup, or rebuilt: what raters hold comes back with their returns.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"

id() { casepack -C "$1" --json status | jq -r 'select(.replica).replica'; }
graded() { casepack -C "$1" export --format csv -o - --field grade --no-times 2>/dev/null | tr -d '\r' | cut -d, -f1,7,9,13 | grep -v '^case,' | sort; }
whole() { sound "$1" && status 0 casepack -C "$1" verify; }
waits() { casepack -C hub --json status | jq 'select(.replica).waiting'; }
unsent() { casepack -C "$1" --json status | jq .unsent; }

# A hub, a backup of it, and a week's work behind it: cases imported and given, judgments merged and confirmed.
week() { # FOLDER
	scene "$work/$1"
	quiet judge anna q1 1
	take anna
	give anna
	cp -a hub backup
	printf 'query,result,title\nq9,d1,Ninth\nq9,d2,"Ninth, too"\n' >more.csv
	quiet casepack -C hub import more.csv --locale en-US
	quiet casepack -C hub assign --form relevance --guideline guide
	give anna
	give ben
	for c in q2 q9; do quiet judge anna $c 2; quiet judge ben $c 0; done
	take anna
	take ben
	give anna
	give ben
	check "raters know that all of it arrived ($1)" equal "$(unsent anna)$(unsent ben)" 00
	graded hub >labels.before
	rm -rf hub && mv backup hub
}
ended() { # SENTENCE-PART
	graded hub >labels.after; check "the labels are what they were ($1)" same labels.before labels.after
	check "nothing waits ($1)" equal "$(waits)" 0
	check "the assignments are there again ($1)" equal "$(sqlite3 hub/casepack.db 'SELECT count(*) FROM assignments')" 18
	check "the hub is sound and equals its replay ($1)" whole hub
	check "and what the lost cases showed ($1)" equal "$(casepack -C hub export --format csv -o - | grep -c '^q9,')" 4
	check "importing them again is no news ($1)" bash -c "casepack -C hub import more.csv --locale en-US | grep -q '0 cases new, 0 changed'"
	for who in anna ben; do give $who; done
	quiet judge anna q3 3
	quiet judge ben q3 3
	take anna
	take ben
	check "the round goes on ($1)" equal "$(graded hub | grep -c '^q3,d1,.*,3$')" 2
	give anna
	give ben
	check "and is confirmed ($1)" equal "$(unsent anna)$(unsent ben)" 00
	check "then nothing is owed ($1)" bash -c 'for w in anna ben; do casepack -C $w return -o in >/dev/null; casepack -C hub merge $(ls in/*-from-$w-* | tail -1) >/dev/null
		mkdir -p o; rm -f o/*; casepack -C hub pack --to $w -o o >/dev/null; casepack -C $w open o/* >/dev/null
		casepack -C $w return -o in 2>&1 | grep -q "nothing to return" || exit 1; done'
	check "a rater's workspace equals its own replay ($1)" bash -c 'casepack -C anna verify && casepack -C ben verify'
	check "it still does when its database is made again ($1)" bash -c 'h=$(casepack -C anna status --hash); casepack -C anna rebuild --key anna && [ $(casepack -C anna status --hash) = $h ]'
	check "rebuilt, the hub is the same ($1)" bash -c 'i=$(casepack -C hub status --hash); casepack -C hub rebuild --key lead && [ $(casepack -C hub status --hash) = $i ]'
}

for way in token noticed-by-nobody; do
	[ $way = noticed-by-nobody ] && { rm -rf "$XDG_CONFIG_HOME/casepack/workspaces"; : >"$XDG_CONFIG_HOME/casepack/workspaces"; } || tokens_on
	week "$way-full"
	[ $way = token ] && check "a hub put back is noticed, and takes a new id" bash -c \
		"[ \$(casepack -C hub --json status | jq -r 'select(.replica).replica') != \$(sqlite3 anna/casepack.db 'SELECT lower(hex(id)) FROM replicas WHERE is_hub = 1') ]"
	for who in anna ben; do
		check "everything of $who comes back at once with return --full ($way)" status 0 casepack -C $who return --full -o in
		check "it is merged ($way)" status 0 casepack -C hub merge "$(last in from-$who)"
		check "what the hub had given is proof ($way)" says 'no longer knew'
	done
	ended "$way, --full"

	week "$way-ordinary"
	for who in anna ben; do
		quiet judge $who q4 1
		quiet casepack -C $who return -o in # it believes that the rest is there
		status 0 casepack -C hub merge "$(last in from-$who)" >/dev/null
	done
	graded hub | grep -q '^q9' && echo "not ok - the scene"
	quiet casepack -C hub pack --all -o out
	for who in anna ben; do
		check "$who opens what the hub sends ($way)" status 0 casepack -C $who open "$(last out to-$who)"
		check "and returns what it lacks ($way)" status 0 casepack -C $who return -o in
		status 3 casepack -C hub merge "$(last in from-$who)" >/dev/null
	done
	{ cat labels.before; printf 'q4,d1,anna,1\nq4,d2,anna,0\nq4,d1,ben,1\nq4,d2,ben,0\n'; } | sort >labels.now && mv labels.now labels.before
	ended "$way, ordinary returns"
done

# ---- rebuilt ------------------------------------------------------------------------------------------
tokens_on
week rebuilt
rm hub/casepack.db*
check "an old history alone is made into a hub again" status 0 casepack -C hub rebuild --key lead
for who in anna ben; do
	quiet casepack -C $who return --full -o in
	status 0 casepack -C hub merge "$(last in from-$who)" >/dev/null
done
ended rebuilt

# ---- what was settled --------------------------------------------------------------------------------
tokens_on
scene "$work/settled"
quiet casepack key new second
quiet casepack -C hub person add anna --key "$keys/second.pub"
quiet casepack -C hub pack --to anna -o out
for f in out/*-to-anna-*; do casepack -C second open "$f" --key second >/dev/null 2>&1; done
quiet judge anna q1 1
quiet judge second q1 3
for w in anna second; do quiet casepack -C $w return -o in; done
casepack -C hub merge in/* >/dev/null 2>&1
cp -a hub backup
quiet casepack -C hub resolve --rule latest --reason "second thoughts count"
quiet casepack -C hub pack --to anna -o out
for f in out/*-to-anna-*; do for w in anna second; do casepack -C $w open "$f" >/dev/null 2>&1; done; done
check "both devices are told what was settled" equal "$(sqlite3 anna/casepack.db 'SELECT reason FROM settlements')$(sqlite3 second/casepack.db 'SELECT reason FROM settlements')" "second thoughts countsecond thoughts count"
rm -rf hub && mv backup hub
check "a hub put back has the question open again" status 3 casepack -C hub status
rm in/*
for w in anna second; do quiet casepack -C $w return --full -o in; done
check "what it gave is taken back" status 0 casepack -C hub merge in/*
check "the settlement with it: nothing is open" status 0 casepack -C hub status
check "with the one who decided" equal "$(sqlite3 hub/casepack.db 'SELECT p.role || t.reason FROM settlements t JOIN persons p ON p.id = t.person')" "leadsecond thoughts count"
check "the hub equals its replay (settled)" whole hub

# ---- whose raters' home it is -----------------------------------------------------------------------------
scene "$work/homes"
home() { sqlite3 hub/casepack.db "SELECT lower(hex(home)) FROM replicas r JOIN persons p ON p.id = r.person WHERE p.pseudonym = '$1'"; }
[ -e "$keys/bea" ] || quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
mkdir post
meet() { # HUB HUB PERSON: what the first owes, by all of its bundles for that person
	rm -f post/*
	quiet casepack -C "$1" pack --to "$3" -o post
	casepack -C "$2" merge post >"$work/.out" 2>&1 || [ $? = 3 ] || echo "not ok - set-up: $(cat "$work/.out")"
}
quiet casepack -C hub pack --to bea -o post
quiet casepack -C bea open post/* --key bea
quiet casepack -C hub person home anna lead
give anna
before=$(id hub)
check "the roster names the hub as a rater's home" equal "$(home anna)" "$before"
cp -a hub backup
quiet casepack -C hub person home ben lead # lost with what follows; the other lead has heard of it
give ben
meet hub bea bea
give anna
quiet judge anna q1 2
take anna
rm -rf hub && mv backup hub
check "the hub is put back, and goes on under another id" [ "$(id hub)" != "$before" ]
check "which is the rater's home now" equal "$(home anna)" "$(id hub)"
check "so that it gives to her" give anna
quiet casepack -C anna return --full -o in
quiet casepack -C hub merge "$(last in from-anna)"
give anna
check "and hears that what she did is there" equal "$(unsent anna) $(graded hub | grep -c '^q1,')" "0 2"
check "the other's is lost" equal "$(home ben)" ""
meet hub bea bea
meet bea hub lead
quiet casepack -C hub status
check "a home that was lost with the rest, and came back, is moved too" equal "$(home ben)" "$(id hub)"
check "he is given to" give ben
meet hub bea bea
check "the other lead's hub knows it" equal "$(sqlite3 bea/casepack.db "SELECT count(*) FROM replicas WHERE lower(hex(home)) = '$(id hub)'")" 2
check "and both hold one state" equal "$(hash bea)" "$(hash hub)"
check "a lead can name herself as home" bash -c 'casepack -C hub person home ben lead'
check "the hub is sound and equals its replay (homes)" whole hub
check "and its rebuild" bash -c 'i=$(casepack -C hub status --hash); casepack -C hub rebuild --key lead && [ $(casepack -C hub status --hash) = $i ]'
check "after which homes are where they were" equal "$(home anna) $(home ben)" "$(id hub) $(id hub)"
# of a hub that was copied two go on: the raters stay with the one that they know
cp -a hub copy
id copy >/dev/null 2>&1
check "a copy of a hub takes nobody's raters along" equal "$(sqlite3 copy/casepack.db "SELECT count(*) FROM replicas WHERE lower(hex(home)) = '$(id copy)'")" 0
check "which keeps theirs" equal "$(home anna)" "$(id hub)"

# ---- from before its rater went to another hub -----------------------------------------------------------------
scene "$work/gone"
mkdir post
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
quiet casepack -C hub pack --to bea -o post
quiet casepack -C bea open post/* --key bea
cp -a hub backup
quiet casepack -C hub person home anna bea
meet hub bea bea
rm -f post/*
quiet casepack -C bea import ../rebuilt/more.csv --locale en-US
quiet casepack -C bea assign --form relevance --guideline guide --to anna
quiet casepack -C bea pack --to anna -o post
quiet casepack -C anna open post/*
rm -rf hub && mv backup hub
quiet casepack -C hub assign --form relevance --guideline guide --to anna --pass 2
quiet casepack -C hub pack --to anna -o out
check "a hub that was put back from before does not take its rater back unknowing" complains 4 "bea's does" casepack -C anna open "$(last out to-anna)"
check "who goes on with the other" bash -c "casepack -C anna rate q9 grade@d1=1 grade@d2=1 && rm -f in/* && casepack -C anna return -o in && casepack -C bea merge in/*"
meet hub bea bea
meet bea hub lead
rm -f post/*
quiet casepack -C bea pack --to anna -o post
check "gets from that what the first one assigned" bash -c "casepack -C anna open post/* && casepack -C anna rate --list | grep -c ' todo ' | grep -q '^16$'"
check "and is sound" status 0 casepack -C anna verify
quiet casepack -C hub person home anna lead
quiet casepack -C hub pack --to anna -o out
check "a lead takes her back by saying so" status 0 casepack -C anna open "$(last out to-anna)"
check "and she is sound still" status 0 casepack -C anna verify
meet hub bea bea
check "both hubs are of one mind" equal "$(hash hub)" "$(hash bea)"
finish
