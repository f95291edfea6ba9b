#!/usr/bin/env bash
# Keys that are missing, protected, of another kind or of somebody else: sealing fails at once and
# in one line, nothing is lost, and rating goes on. ssh-keygen is the judge of every key.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene

without_terminal() { timeout 10 setsid -w "$@"; }
answers() { casepack -C "$1" --json rate --list | jq -rc 'select(.state == "submitted").case' | sort | paste -sd' '; }

# ---- making ---------------------------------------------------------------------------------

derived() { equal "$(ssh-keygen -y -P "$2" -f "$1" | cut -d' ' -f1,2)" "$(cut -d' ' -f1,2 "$1.pub")"; }
check "ssh-keygen reads a new key" derived "$keys/anna" ''
check "and sees the fingerprint that casepack shows" \
	equal "$(ssh-keygen -lf "$keys/anna.pub" | cut -d' ' -f2)" "$(casepack key show anna | sed -n 2p)"
check "only its owner may read it" equal "$(stat -c %a "$keys/anna")" 600
before=$(picture "$keys")
check "a key is never made over another" only_complains 1 "there is a key already" casepack key new anna
check "nor over a public half alone" bash -c "cp '$keys/anna.pub' '$keys/half.pub'; ! casepack key new half; rm '$keys/half.pub'"
check "and nothing was changed" equal "$(picture "$keys")" "$before"
check "a name that is a path out of the folder is none" only_complains 2 "no name for a key" casepack key new '..'
check "a key that is not there is said to be missing" only_complains 1 "no such key" casepack key show nobody

check "a key that is somebody else's is refused" only_complains 1 "somebody else's" \
	casepack -C hub person add ben --key "$keys/anna.pub"
check "and stays whose it was" equal "$(casepack -C hub --json person list | jq -c '[.pseudonym, .devices]' | xargs)" \
	'[anna,1] [ben,1] [lead,1]'

# ---- missing --------------------------------------------------------------------------------

judge anna q1 >/dev/null 2>&1
mv "$keys/anna" away
check "without its key a return fails" only_complains 1 "keys/anna" casepack -C anna return -o in
check "nothing is written" equal "$(ls in)" ""
check "rating goes on" judge anna q2
check "and the answers are there" equal "$(answers anna)" "q1 q2"
mv away "$keys/anna"
check "with the key back, the return works" casepack -C anna return -o in
check "and brings both answers" bash -c "casepack -C hub merge in >/dev/null && casepack -C hub export -o labels.csv &&
	[ \$(grep -c ',anna,' labels.csv) = 4 ]"
mv "$keys/anna.pub" away
judge anna q3 >/dev/null 2>&1
check "without the public half a return still works" casepack -C anna return -o in
mv away "$keys/anna.pub"
check "opening without a key that fits fails" only_complains 1 "none of your keys" \
	env XDG_CONFIG_HOME="$work/elsewhere" casepack -C new open out/chorus-to-anna-0001.casepack.age
check "opening with a key that is not there fails" only_complains 1 "no such key" \
	casepack -C new open out/chorus-to-anna-0001.casepack.age --key nobody
check "opening with somebody else's key is refused" only_complains 1 "not to the key" \
	casepack -C new open out/chorus-to-anna-0001.casepack.age --key ben
check "none of them made a workspace" equal "$(ls -d new* 2>/dev/null)" ""

# ---- another key ----------------------------------------------------------------------------

judge anna q4 >/dev/null 2>&1
cp -a anna other
quiet casepack -C other key use ben
check "another person's key does not seal" only_complains 1 "not the key of this workspace" casepack -C other return -o in
check "rating goes on there" judge other q5
quiet casepack -C other key use anna
check "the right key, named again, does" casepack -C other return -o in
bad_key() { # FILE TEXT: what cannot be a key is said in one line
	cp -a anna "bad-$1"
	casepack -C "bad-$1" key use "./$1" || return 1
	only_complains 4 "$2" casepack -C "bad-$1" return -o in && judge "bad-$1" q6
}
ssh-keygen -q -t rsa -b 2048 -N '' -f rsa
head -c 200 "$keys/anna" >cut
: >empty
head -c 3000 /dev/urandom >noise
check "an RSA key is refused in one line" bad_key rsa "ed25519"
check "a key file that is cut is refused in one line" bad_key cut "not an OpenSSH private key"
check "an empty key file is refused in one line" bad_key empty "not an OpenSSH private key"
check "noise is refused in one line" bad_key noise "not an OpenSSH private key"

# ---- protected ------------------------------------------------------------------------------

export CASEPACK_PASSPHRASE='correct horse'
quiet casepack key new carl
unset CASEPACK_PASSPHRASE
check "ssh-keygen reads a protected key with its passphrase" derived "$keys/carl" 'correct horse'
check "and not with another" bash -c "! ssh-keygen -y -P wrong -f '$keys/carl' >/dev/null"
quiet casepack -C hub person add carl --locale en-US --key "$keys/carl.pub"
quiet casepack -C hub assign --form relevance --guideline guide --to carl
quiet casepack -C hub pack --to carl -o out
carls=out/chorus-to-carl-0001.casepack.age
check "without passphrase and terminal what is encrypted does not open" \
	only_complains 1 "CASEPACK_PASSPHRASE" without_terminal casepack -C carl open $carls --key carl
check "and no workspace is begun" [ ! -e carl ]
quiet casepack -C hub pack --to carl --plain -o out
check "opening what is plain needs no passphrase" without_terminal casepack -C carl open out/chorus-to-carl-0002.casepack --key carl
check "opening what is encrypted works with it" env CASEPACK_PASSPHRASE='correct horse' casepack -C carl open $carls
check "rating needs none" without_terminal casepack -C carl rate q1 grade@d1=3 grade@d2=0
check "without passphrase and terminal a return fails" \
	only_complains 1 "CASEPACK_PASSPHRASE" without_terminal casepack -C carl return -o in
check "nothing is written" equal "$(ls in | grep carl)" ""
check "rating goes on" without_terminal casepack -C carl rate q2 grade@d1=3 grade@d2=0
check "nothing is lost" equal "$(answers carl)" "q1 q2"
check "a wrong passphrase fails in one line" only_complains 1 "passphrase" \
	env CASEPACK_PASSPHRASE=wrong timeout 10 casepack -C carl return -o in
check "an empty one too" only_complains 1 "passphrase" env CASEPACK_PASSPHRASE= timeout 10 casepack -C carl return -o in
check "rating goes on under a wrong one" env CASEPACK_PASSPHRASE=wrong casepack -C carl rate q3 grade@d1=1 grade@d2=1
check "the right one seals" env CASEPACK_PASSPHRASE='correct horse' casepack -C carl return -o in
check "and everything arrives" bash -c "casepack -C hub merge '$(last in from-carl)' >/dev/null &&
	casepack -C hub export -o labels.csv && [ \$(grep -c ',carl,' labels.csv) = 6 ]"
check "the passphrase stands in no file" bash -c "! grep -rqF 'correct horse' carl hub in config"

# ---- a hub whose key is protected -----------------------------------------------------------

CASEPACK_PASSPHRASE=s3cret quiet casepack key new chief
quiet without_terminal casepack init vault --project Vault --name 'Chief' --key chief
check "a hub's import works without a passphrase" without_terminal casepack -C vault import hub.csv --locale en-US
quiet casepack -C vault person add anna --locale en-US --key "$keys/anna.pub"
quiet casepack -C vault form add relevance --preset relevance-0-3
quiet casepack -C vault assign --form relevance
check "pack fails at once" only_complains 1 "CASEPACK_PASSPHRASE" without_terminal casepack -C vault pack --all -o out
check "writes nothing" equal "$(ls out | grep vault)" ""
check "and works with the passphrase" env CASEPACK_PASSPHRASE=s3cret casepack -C vault pack --all -o out
check "all that was done meanwhile is sealed" \
	bash -c "git -C vault/history.git log --format=%B main | grep -q '8 cases imported'"
check "and sound" sound vault
finish
