# rebuild with something missing: the rest is there again, what is not is listed, and the workspace goes on.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene
judge anna q1 && judge ben q1 1
take anna && returned_anna=$returned && take ben
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
# ---- objects that are missing or damaged: taken from whoever has them, by their names -----------------------------

export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # libgit2 forgets some bytes of a walk that ends at what is missing
branch() { git -C t/history.git rev-parse "replica/$(sqlite3 anna/casepack.db "SELECT lower(hex(value)) FROM meta WHERE key = 'replica'")"; }
loose() { # every object of t a file of its own, so that one can be taken out
	mkdir t/packs && mv t/history.git/objects/pack/* t/packs/
	for f in t/packs/*.pack; do git -C t/history.git unpack-objects -q <"$f" || return 1; done
}
object() { echo "t/history.git/objects/${1:0:2}/${1:2}"; }
damage() { chmod u+w "$(object "$1")" && printf 'damaged' | dd of="$(object "$1")" bs=1 seek=10 conv=notrunc status=none; }
whole() { rebuilt 0 "$@" && equal "$(hash t)" "$state" && works && git -C t/history.git fsck --strict --no-dangling; }
refused() { # what is missing is named, and the database is as it was
	local was=$(md5sum <t/casepack.db)
	rebuilt 4 && says "missing or damaged here, first $1" && says 'casepack.db is as it was' && equal "$was" "$(md5sum <t/casepack.db)"
}
rebuilt() { local want=$1; shift; status "$want" casepack -C t rebuild --key lead "$@"; }

fresh && loose
lost=$(branch)
rm "$(object "$lost")"
check "without a rater's change commit: its name is said, and nothing changes" refused "$lost"
check "her own workspace brings it" whole anna
fresh && loose && rm "$(object "$lost")" "$(object "$(git -C t/history.git rev-parse "$lost^{tree}")")" 2>/dev/null
check "so does the bundle that brought it once, whatever else is given" whole out/*-to-ben-0001* "$returned_anna"
fresh && loose && damage "$lost"
check "a damaged one is named, too" refused "$lost"
check "and comes from a clone" bash -c "git clone -q --mirror hub/history.git clone.git && casepack -C t rebuild --key lead clone.git"
check "the state is the same" equal "$(hash t)" "$state"
check "the damaged copy can go, as git does it" bash -c 'git -C t/history.git prune-packed && git -C t/history.git fsck --strict --no-dangling'
fresh && rm -rf t/casepack.db* t/history.git/objects && mkdir t/history.git/objects && cp -a hub/history.git/objects/pack t/history.git/objects/ &&
	for f in $(ls t/history.git/objects/pack/*.pack | head -2); do rm -f "${f%.pack}".*; done
check "without two packs and the database: another hub's folder brings all of them" whole hub
fresh && loose
page=$(git -C t/history.git rev-parse main:judgments/"$(git -C t/history.git ls-tree -r --name-only main judgments | head -1 | cut -d/ -f2-)")
rm "$(object "$page")"
check "without a page of main: the database is there again" rebuilt 3
check "and the page is listed" says "missing: object $page, which is named by"
check "a clone brings it" whole clone.git
fresh && loose && rm "$(object "$lost")"
check "a source that is nothing changes nothing" rebuilt 1 nowhere
check "and is named" says 'nowhere'
fresh && rm -rf t/private.git/objects/pack/* t/casepack.db*
check "objects of private.git come from another hub's folder" whole hub
fresh && loose && rm "$(object "$lost")"
check "nothing of private.git comes into history.git" bash -c "casepack -C t rebuild --key lead hub && ! git -C t/history.git cat-file -e $(git -C hub/private.git for-each-ref --format='%(objectname)' | head -1) 2>/dev/null"

cp -a ben b2 && rm -f b2/casepack.db* b2/history.git/objects/pack/*
check "a rater's device without any object" status 4 casepack -C b2 rebuild --key ben
check "is whole again from the bundle that it opened and the hub's folder" bash -c "casepack -C b2 rebuild --key ben out/*-to-ben-0001* hub && git -C b2/history.git fsck --strict --no-dangling"
check "in its state" equal "$(hash b2)" "$(hash ben)"

finish
