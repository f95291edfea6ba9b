# A stranger's bundle cannot make the stranger a hub, though it goes on with the true chain and says so itself.
. "$(dirname "$0")/lib.sh"
plain=--plain
. "$root/tests/tools/scene.sh"
scene
tool() { python3 "$root/tests/tools/bundle.py" "$@"; }

# A true hub would name the stranger a lead's hub, in its next bundle for anna ...
judge anna q1 >/dev/null 2>&1
take anna # the hub knows what anna has applied, so the next bundle brings only what follows
quiet casepack key new thief
cp -a hub fancied
quiet casepack -C fancied person add thief --role lead --hub --key "$keys/thief.pub"
mkdir fancy
quiet casepack -C fancied pack --plain --to anna -o fancy
bundle=$(last fancy to-anna)
hub=$(sqlite3 fancied/casepack.db "SELECT lower(hex(id)) FROM replicas WHERE is_hub = 1 AND person = (SELECT id FROM persons WHERE pseudonym = 'lea')")
[ -n "$hub" ] || hub=$(sqlite3 hub/casepack.db 'SELECT lower(hex(id)) FROM replicas WHERE is_hub = 1')
thief=$(sqlite3 fancied/casepack.db "SELECT lower(hex(id)) FROM replicas WHERE person = (SELECT id FROM persons WHERE pseudonym = 'thief')")
cp -a anna honest
check "the row itself is good: from the hub it is taken" status 0 casepack -C honest open "$bundle"
check "and names another hub" equal "$(sqlite3 honest/casepack.db 'SELECT count(*) FROM replicas WHERE is_hub = 1')" 2

# ... and the stranger signs the same in its own name.
quiet tool unpack "$bundle" u
quiet tool resign u "$keys/thief" "$hub" "$thief"
quiet tool set u sender "\"$thief\""
quiet tool pack u forged.casepack "$keys/thief"
before=$(hash anna; refs anna)
check "signed by the stranger it is refused" status 4 casepack -C anna open forged.casepack
check "as not the hub's" says 'did not sign'
check "and nothing was changed" equal "$(hash anna; refs anna)" "$before"
check "the true hub's next bundle is taken after it" bash -c 'casepack -C hub assign --form relevance --guideline guide --to anna --case q1 --pass 2 && casepack -C hub pack --plain --to anna -o out && casepack -C anna open "$(ls out/*-to-anna-* | tail -1)"'
finish
