# A small project for command-line tests: source this behind tests/cli/lib.sh.
#
#     scene [FOLDER]         in FOLDER: keys lead, anna, ben; the hub `hub` with eight cases, a guideline
#                            and a form, each case given to both; folders in/ and out/; their bundles
#                            out/*-to-anna-0001.casepack.age and -to-ben-; the workspaces anna and ben
#     judge PERSON CASE [N]  submit that case with grade N (3 unless said)
#     give PERSON            pack for PERSON and open it there
#     take PERSON            a return of PERSON, merged; $returned is its path
#     hash WORKSPACE         the canonical hash
#     refs WORKSPACE         every branch of its history, and of its private one, and where it stands
#     sound WORKSPACE        SQLite and git find nothing wrong in it

# Bundles are encrypted; a test that looks into them or forges them says plain=--plain before it sources this.
plain=${plain-} ending=.casepack.age
[ -z "$plain" ] || ending=.casepack

casesfile() { # N: that many cases of two results each
	echo 'query,result,title'
	for ((i = 1; i <= $1; i++)); do
		printf 'q%d,d1,First of %d\nq%d,d2,"Second, of %d"\n' "$i" "$i" "$i" "$i"
	done
}

hub_of() { # FOLDER PROJECT: a hub in FOLDER with eight cases, given to anna and ben
	quiet casepack init "$1" --project "$2" --name 'Lea D' --key lead
	quiet casepack -C "$1" person add anna --locale en-US --key "$keys/anna.pub"
	quiet casepack -C "$1" person add ben --locale en-US --key "$keys/ben.pub"
	casesfile 8 >"$1.csv"
	quiet casepack -C "$1" import "$1.csv" --locale en-US
	printf '# Guide\n\nJudge the result.\n' >"$1.md"
	quiet casepack -C "$1" guideline add guide "$1.md"
	quiet casepack -C "$1" form add relevance --preset relevance-0-3
	quiet casepack -C "$1" assign --form relevance --guideline guide
}

scene() {
	keys=$XDG_CONFIG_HOME/casepack/keys
	for name in lead anna ben; do
		[ -e "$keys/$name" ] || quiet casepack key new "$name"
	done
	mkdir -p "${1:-.}" && cd "${1:-.}" || exit 1
	mkdir in out
	hub_of hub Chorus
	quiet casepack -C hub pack --all $plain -o out
	for name in anna ben; do
		quiet casepack -C "$name" open out/chorus-to-"$name"-0001$ending --key "$name"
	done
}

judge() { casepack -C "$1" rate "$2" "grade@d1=${3:-3}" grade@d2=0; }

last() { ls "$1"/*-"$2"-*"$ending" | tail -1; } # FOLDER from-PERSON

give() {
	local file
	ls out >.given
	quiet casepack -C hub pack --to "$1" $plain -o out
	for file in $(ls out | grep -vxFf .given); do # a person's devices get a bundle each, in the order of their ids
		casepack -C "$1" open "out/$file" >"$work/.out" 2>&1 && return
	done
	quiet casepack -C "$1" open "out/$file"
}

take() {
	quiet casepack -C "$1" return $plain -o in
	returned=$(last in from-"$1")
	quiet casepack -C hub merge "$returned"
}

hash() { casepack -C "$1" status --hash; }

refs() {
	for repo in history private; do
		[ ! -d "$1/$repo.git" ] || git -C "$1/$repo.git" for-each-ref --format="$repo %(refname) %(objectname)"
	done
}

sound() {
	for db in casepack content; do
		equal "$(sqlite3 "$1/$db.db" 'PRAGMA integrity_check')" ok || return 1
	done
	for repo in history private; do
		[ ! -d "$1/$repo.git" ] || git -C "$1/$repo.git" fsck --strict --no-dangling || return 1
	done
}

# Every file under these folders by name and content: what must not have changed.
picture() { find "$@" -type f ! -name '*-wal' ! -name '*-shm' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; find "$@" -type d | LC_ALL=C sort; }

# complains STATUS TEXT COMMAND...: ends with that status, says one line that begins "casepack: " and holds TEXT.
complains() {
	local want=$1 text=$2 got
	shift 2
	"$@" >"$work/.said" 2>"$work/.words" </dev/null
	got=$?
	cat "$work/.words"
	[ "$got" = "$want" ] || { echo "exit $got, wanted $want"; return 1; }
	[ "$(grep -c '^casepack: ' "$work/.words")" = 1 ] || { echo 'not exactly one line begins casepack:'; return 1; }
	tail -1 "$work/.words" | grep '^casepack: ' >"$work/.line" || { echo 'the last line is another'; return 1; }
	grep -qF -- "$text" "$work/.line" || { echo "does not say: $text"; return 1; }
}

# the same, and nothing else at all is said
only_complains() {
	complains "$@" || return 1
	[ "$(wc -l <"$work/.words")" = 1 ] || { echo 'says more than one line'; return 1; }
	[ ! -s "$work/.said" ] || { cat "$work/.said"; echo 'and wrote results'; return 1; }
}
