# What an older casepack left opens, migrates and merges; what a newer one writes is refused with a word.
. "$(dirname "$0")/lib.sh"

key() { quiet casepack -C "$1" key use "$PWD/config/casepack/keys/$2"; }
version() { sqlite3 "$1/casepack.db" 'PRAGMA user_version'; }
tables() { sqlite3 "$1/casepack.db" 'SELECT name FROM pragma_table_list WHERE schema = "main" AND name NOT LIKE "sqlite%" ORDER BY 1'; }
columns() { for t in $(tables "$1"); do sqlite3 "$1/casepack.db" "SELECT '$t', name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('$t')"; done; }

frozen() { # N: the workspaces of schema N, in a folder of their own
	mkdir "$1" && cd "$1" || exit
	export XDG_CONFIG_HOME=$PWD/config HOME=$PWD
	quiet tar --zstd -xf "$root/tests/frozen/schema-$1.tar.zst"
	chmod 600 config/casepack/keys/*
	cp -a hub untouched

	check "the old hub is of schema $1" equal "$(version hub)" "$1"
	sqlite3 hub/casepack.db 'SELECT hex(id), hex(rev), state, note FROM judgments' >judgments.old
	sqlite3 hub/casepack.db 'SELECT hex(judgment), field, result, hex(rev), value FROM ratings' >ratings.old
	check "the old hub opens, and says that something waits" status 3 casepack -C hub status --json
	key hub lead
	quiet casepack key new other
	quiet casepack -C new init --project New --name Lead --key other
	check "it is of today's schema then" equal "$(version hub)" "$(version new)"
	check "with the tables of a new one, column by column" equal "$(columns hub)" "$(columns new)"
	sqlite3 hub/casepack.db 'SELECT hex(id), hex(rev), state, note FROM judgments' >judgments.new
	sqlite3 hub/casepack.db 'SELECT hex(judgment), field, result, hex(rev), value FROM ratings' >ratings.new
	check "every judgment is as it was" same judgments.old judgments.new
	check "every rating is as it was" same ratings.old ratings.new
	check "its conflict is there, with both candidates" bash -c "[ \$(casepack -C hub conflicts --json | grep -c 'grade@d1') = 2 ]"
	check "it equals its own replay" status 0 casepack -C hub verify
	check "it merges a bundle of the old version" status 3 casepack -C hub merge back/*
	check "and shows what that brought" bash -c "casepack -C hub export --format csv -o - | grep -E '^q2,.*,ada,' | grep -q ,3"
	check "its history is clean" git -C hub/history.git fsck --strict

	check "the old rater's workspace opens" status 0 casepack -C ada status
	key ada ada1
	check "work that was not sealed is still owed" bash -c "casepack -C ada status | grep -q 'not confirmed'"
	check "a draft is still there" bash -c "casepack -C ada status | grep -q '1 begun'"
	check "it takes in a bundle of the old version" bash -c 'for f in fresh/*; do casepack -C ada open "$f" && exit; done; exit 1'
	quiet casepack -C ada rate q4 grade@d5=2
	check "what was saved under two schemas returns" status 0 casepack -C ada return -o back
	check "as change commits of one schema each" equal "$(git -C ada/history.git log --format='%(trailers:key=Casepack-Schema,valueonly)' \
		--branches='replica/*' | grep . | sort | uniq -c | awk '{print $2}' | tr '\n' ' ')" "$1 4 "
	check "and merges" status 3 casepack -C hub merge back/*
	check "nothing of it is lost" equal "$(casepack -C hub export --format csv -o - | grep ',ada,' | cut -d, -f1,7,13 | grep -E '^q[34],' | sort | tr '\n' ' ')" 'q3,d4,1 q4,d5,2 '
	check "the hub equals its replay" status 0 casepack -C hub verify
	mv hub/casepack.db hub/casepack.db.gone
	rm -f hub/casepack.db-*
	before=$(git -C hub/history.git rev-parse main)
	check "and is made again from git alone" status 0 casepack -C hub rebuild --key config/casepack/keys/lead
	check "to the same history" equal "$(git -C hub/history.git rev-parse main)" "$before"

	cp -a untouched lost
	quiet casepack -C lost rebuild --key config/casepack/keys/lead
	check "an old workspace can be rebuilt at once" equal "$(version lost)" "$(version new)"

	sqlite3 new/casepack.db 'PRAGMA user_version = 99'
	check "a workspace of a newer casepack is refused" status 4 casepack -C new status
	check "with what to do" says "install the newer one"
	cd ..
}

frozen 1
frozen 2
frozen 3
finish
