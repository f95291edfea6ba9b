# rebuild with something missing: the rest is there again, what is not is listed, and the workspace goes on.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene
judge anna q1 && judge ben q1 1
take anna && take ben
state=$(hash hub)
judge anna q2
quiet casepack -C anna return -o in
late=$(last in from-anna)

fresh() { rm -rf t && cp -a hub t; }
works() { # merge, pack and export go through
	casepack -C t merge "$late" >"$work/.out" 2>&1 || [ $? = 3 ] || return 1
	rm -rf given && mkdir given && casepack -C t pack --all -o given && casepack -C t export --format csv -o - >labels.csv 2>/dev/null && [ -s labels.csv ] &&
		git -C t/history.git fsck --strict --no-dangling
}
rebuilt() { status "$1" casepack -C t rebuild --key lead; } # STATUS

fresh && rm t/casepack.db*
check "without the database: all of it is there again" rebuilt 0
check "in the same state" equal "$(hash t)" "$state"
check "and the hub goes on" works

fresh && rm t/casepack.db* t/content.db*
check "without content too: what is missing is listed" rebuilt 3
check "case by case" says 'missing: content of case ~'
check "the state is the same" equal "$(hash t)" "$state"
check "the hub goes on with what is there" works

fresh && rm -rf t/private.git
check "without private.git, with the old database: its rows are taken over" rebuilt 3
check "as is said" says 'missing: private.git'
check "the secret is there again" equal "$(sqlite3 t/casepack.db 'SELECT hex(value) FROM secrets')" "$(sqlite3 hub/casepack.db 'SELECT hex(value) FROM secrets')"
check "the hub goes on" works
check "and seals what it took over" bash -c 'casepack -C t verify && git -C t/private.git rev-parse "replica/$(sqlite3 t/casepack.db "SELECT lower(hex(value)) FROM meta WHERE key = '"'replica'"'")"'

fresh && rm -rf t/private.git t/casepack.db*
check "without private.git and the database: the public state" rebuilt 3
check "and the secret is named as missing" says "missing: the project's secret"
check "the hub goes on, but for imports" works

fresh && rm -rf t/casepack.db* t/history.git/refs/heads/* t/history.git/packed-refs
check "without any branch: they stand again" rebuilt 0
check "in the same state" equal "$(hash t)" "$state"
check "where they stood" equal "$(git -C t/history.git for-each-ref --format='%(refname) %(objectname)')" "$(git -C hub/history.git for-each-ref --format='%(refname) %(objectname)')"
check "the hub goes on" works

fresh && rm -rf t/casepack.db* t/content.db* t/private.git t/history.git/refs/heads/* t/history.git/packed-refs
check "without all of these: what is left" rebuilt 3
check "and the hub goes on" works

fresh && rm -rf t/history.git
check "without history.git there is nothing to rebuild from" rebuilt 1
check "which is said" says 'there is nothing else to rebuild from'
check "and the database is as it was" equal "$(sqlite3 t/casepack.db 'SELECT count(*) FROM ratings')" "$(sqlite3 hub/casepack.db 'SELECT count(*) FROM ratings')"

cp -a ben b && rm -rf b/casepack.db* b/content.db*
check "a rater's workspace without database and content" status 3 casepack -C b rebuild --key ben
check "says whose content is missing" says 'missing: content of case'
check "and takes the next bundle" bash -c 'casepack -C hub pack --to ben -o out && casepack -C b open "$(ls -t out/*-to-ben-* | head -1)"'
finish
