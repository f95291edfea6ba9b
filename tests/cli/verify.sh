# verify: what it counts, what it names, what it remembers, and checkpoints that somebody outside kept.
. "$(dirname "$0")/lib.sh"
tokens_on
. "$root/tests/tools/scene.sh"
scene
judge anna q1 && judge anna q2 2 && judge ben q1 1
take anna && take ben
names() { status 4 casepack -C "$1" verify --full && says "$2"; } # WORKSPACE WORDS: altered, and said where
fresh() { rm -rf t && cp -a hub t && rm -f t/verified.db; } # a copy in the same state, whose token is another matter

# ---- what is there ------------------------------------------------------------------------------
check "a hub is proven" status 0 casepack -C hub verify
check "every git object is counted" says "$(($(git -C hub/history.git count-objects -v | awk '/^count|^in-pack/ {n += $2} END {print n}') +
	$(git -C hub/private.git count-objects -v | awk '/^count|^in-pack/ {n += $2} END {print n}'))) git objects hashed"
check "every commit of main" says "$(git -C hub/history.git rev-list --count main) commits of main"
check "every rating" says "$(sqlite3 hub/casepack.db 'SELECT count(*) FROM ratings') ratings"
check "what it cannot exclude is said" says "not excluded"
check "the hash is that of the state" equal "$(casepack -C hub verify 2>/dev/null)" "$(hash hub)"
check "the same for scripts" bash -c 'casepack -C hub verify --json | jq -e ".holds and .findings == [] and .ratings > 0 and .excludes_rewriting == false"'
check "a rater's workspace is proven" status 0 casepack -C anna verify
check "with no key to be had" bash -c 'mv config/casepack/keys/lead . && casepack -C hub verify --full; got=$?; mv lead config/casepack/keys/; exit $got'
refs hub >before
quiet casepack -C hub verify --full
refs hub >after
check "nothing that others see is written" same before after

# ---- what is remembered -----------------------------------------------------------------------------
check "the next time it says what it relied on" bash -c 'casepack -C hub verify 2>&1 | grep -q "relied on what was proven"'
check "and reads none of it again" equal "$(casepack -C hub verify --json | jq '.objects, .main_commits' | xargs)" '0 0'
judge ben q2 && take ben
check "only what is new" bash -c '[ "$(casepack -C hub verify --json | jq .main_commits)" = 1 ]'
check "with --full everything" equal "$(casepack -C hub verify --full --json | jq .main_commits)" "$(git -C hub/history.git rev-list --count main)"
cp -a hub/casepack.db kept.db
sqlite3 hub/casepack.db "UPDATE ratings SET value = '1' WHERE value = '3'"
check "a row altered behind what was proven is found all the same" status 4 casepack -C hub verify
check "with table, field, and both values" says 'value is "1", and history says "3"'
cp -a kept.db hub/casepack.db
check "put back it holds" status 0 casepack -C hub verify
sqlite3 hub/verified.db "UPDATE ratings SET value = '1' WHERE value = '3'"
check "a memory that was altered is not believed" equal "$(casepack -C hub verify --json | jq '.holds, .relied_on' | xargs)" 'true null'
pack=$(ls -S hub/history.git/objects/pack/*.pack | head -1)
cp -p "$pack" pack.kept && chmod u+w "$pack"
printf 'x' | dd of="$pack" bs=1 seek=$(($(stat -c %s "$pack") / 2)) conv=notrunc 2>/dev/null
check "a flipped byte in an old pack is found without --full" bash -c 'casepack -C hub verify >said 2>&1; [ $? = 4 ] && grep -q "pack-" said'
cp -p pack.kept "$pack"
check "put back it holds again" status 0 casepack -C hub verify

# ---- what is found, and where: copies without a token are the hub's twins --------------------------------
rm -rf "$XDG_CONFIG_HOME/casepack/workspaces" && : >"$XDG_CONFIG_HOME/casepack/workspaces"
altered() { fresh && sqlite3 t/casepack.db "$1" && names t "$2"; } # SQL WORDS
check "an answer" altered "UPDATE ratings SET value = '2' WHERE value = '3'" 'casepack.db: ratings'
check "a note" altered "UPDATE judgments SET note = 'made up'" 'note is "made up"'
check "a row that is gone" altered "DELETE FROM assignments WHERE position = 1" 'is missing, and history has it'
check "a verdict" altered "UPDATE commits SET verdict = 'refused' WHERE no = 2" 'casepack.db: commits'
check "a conflict that is none" altered "INSERT INTO conflicts SELECT id, 11, '', 'fork', 1, 'latest', rev, '' FROM judgments LIMIT 1" 'casepack.db: conflicts'
check "a fate in the index of edits" altered "UPDATE edits SET fate = fate + 1" 'casepack.db: edits'
check "who signed a change commit" altered "UPDATE commit_objects SET bytes = (SELECT bytes FROM commit_objects ORDER BY no DESC LIMIT 1) WHERE no = 1" 'casepack.db: commit_objects'
config() { fresh && sed -i "$1" t/history.git/config && names t "$2"; } # SED WORDS
check "a line of git's configuration that git ends at" config 's/filemode = true/filemode = tree/' 'config: core.filemode'
index() { # every offset of the largest pack's index in the table for large ones, which is not there
	fresh && python3 - "$(ls -S t/history.git/objects/pack/*.idx | head -1)" <<-'P' && (
		import os, struct, sys
		os.chmod(sys.argv[1], 0o644)
		b = bytearray(open(sys.argv[1], "rb").read())
		n, = struct.unpack(">I", b[1028:1032])
		for at in range(1032 + 24 * n, 1032 + 28 * n, 4):
		    b[at] ^= 0x40
		open(sys.argv[1], "wb").write(b)
	P
		export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # libgit2 forgets some bytes of a walk that ends at what is damaged
		names t 'is damaged'
	)
}
check "an index that asks for more memory than there is" index
ref() { fresh && git -C t/history.git update-ref "$1" "$2" && names t "$3"; } # REF COMMIT WORDS
check "a ref that casepack does not make" ref refs/tags/v1 "$(git -C hub/history.git rev-parse main)" 'refs/tags/v1: casepack makes no such ref'
check "a replaced object" ref "refs/replace/$(git -C hub/history.git rev-parse main)" "$(git -C hub/history.git rev-parse main~1)" 'refs/replace/'
device=refs/heads/replica/$(sqlite3 hub/casepack.db "SELECT lower(hex(r.id)) FROM replicas r JOIN persons p ON p.id = r.person WHERE p.pseudonym = 'ben'")
check "a branch that went back" ref "$device" "$(git -C hub/history.git rev-list --max-parents=0 "$device")" "${device#refs/heads/}"
lost() { fresh && git -C t/history.git update-ref -d "$device" && names t 'is missing; it held'; }
check "a branch that is gone" lost
own() { device=refs/heads/$(git -C hub/history.git log -1 --format=%ce main | sed 's/^/replica\//; s/@.*//') && fresh && git -C t/history.git update-ref -d "$device" && status 4 casepack -C t verify; }
check "the hub's own, without which the workspace does not open" own
unsigned() { # a commit of main by the lead's name, which nobody signed
	fresh && new=$(git -C t/history.git cat-file commit main | sed '/^gpgsig/,/^ *-----END/d' | git -C t/history.git hash-object -t commit -w --stdin) &&
		git -C t/history.git update-ref refs/heads/main "$new" && status 4 casepack -C t verify
}
check "a commit of main that nobody signed" unsigned
document() { fresh && sqlite3 t/content.db "UPDATE contents SET frame = (SELECT frame FROM contents ORDER BY hash DESC LIMIT 1), size = (SELECT size FROM contents ORDER BY hash DESC LIMIT 1) WHERE hash = (SELECT min(hash) FROM contents)" &&
	names t 'does not hash to its name'; }
check "a content that was exchanged" document
media() { fresh && name=$(printf pixels | b2sum -l 256 | cut -d' ' -f1) && mkdir -p "t/media/${name:0:2}" && printf other >"t/media/${name:0:2}/$name" && names t "media/${name:0:2}/$name"; }
check "a media file that was replaced" media
torn() { fresh && dd if=/dev/urandom of=t/casepack.db bs=1 seek=40000 count=2000 conv=notrunc 2>/dev/null && status 4 casepack -C t verify; }
check "a database whose pages are garbage" torn
private() { fresh && git -C t/history.git update-ref refs/heads/replica/00000000000000000000000000000000 "$(cd t/private.git && git rev-parse "$(git for-each-ref --format='%(refname)' refs/heads/replica | head -1)")" 2>/dev/null
	cp t/private.git/objects/pack/* t/history.git/objects/pack/ && names t 'is of private.git'; }
check "objects of private.git among what everybody sees" private

# ---- checkpoints ---------------------------------------------------------------------------------------------
tip=$(git -C hub/history.git rev-parse main~1)
check "a commit that somebody wrote down" status 0 casepack -C hub verify --against "$tip"
check "nothing is left to exclude then" bash -c '! casepack -C hub verify --against "$1" 2>&1 | grep -q "not excluded"' _ "$tip"
printf 'main %s\n' "$tip" >note.txt
check "in a file" status 0 casepack -C hub verify --against note.txt
check "a bundle that was given out names main's tip" bash -c 'casepack inspect --json --key anna "$(ls out/*-to-anna-0001*)" | jq -e .have.main'
check "and is a checkpoint" status 0 casepack -C hub verify --key anna --against "$(ls out/*-to-anna-0001*)"
check "for the rater whose it is too" status 0 casepack -C anna verify --key anna --against "$(ls out/*-to-anna-0001*)"
quiet casepack -C hub export --format git -o audit.bundle
check "what an auditor was given is a checkpoint" bash -c 'casepack -C hub verify --against audit.bundle 2>&1 | grep -q "^compared with [0-9]* checkpoints"'
for v in 2 3; do
	git -C hub/history.git bundle create -q --version=$v "$work/v$v.bundle" main
	check "so is any git bundle of version $v" status 0 casepack -C hub verify --against v$v.bundle
	sed "1,/^\$/s/^[0-9a-f]\{8\}\(.* refs.heads.main\)/01234567\1/" v$v.bundle >other.bundle
	check "with a commit that is not here it is found" status 4 casepack -C hub verify --against other.bundle
done
head -c 30 audit.bundle >cut.bundle
check "one that is cut in its head is refused" status 4 casepack -C hub verify --against cut.bundle
check "and said to be" says 'cut.bundle: begins like a git bundle, and its head is none'
printf '# v2 git bundle\n%s refs/heads/other\n\n' "$tip" >strange.bundle
check "one of something else proves nothing" status 1 casepack -C hub verify --against "$tip" --against strange.bundle
: >empty.txt
check "nor does an empty file beside a good one" status 1 casepack -C hub verify --against "$tip" --against empty.txt
check "one that history does not hold" status 4 casepack -C hub verify --against 0123456789abcdef0123456789abcdef01234567
check "is named" says 'commit 0123456789abcdef0123456789abcdef01234567 is gone'
check "what is no checkpoint is wrong input" status 1 casepack -C hub verify --against yesterday
give ben
finish
