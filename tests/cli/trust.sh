#!/usr/bin/env bash
# Whom a hub trusts: keys that are lost, handed over, invited, stolen; and what a lead says about each.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene
replica() { casepack -C "$1" --json status | jq -r .replica; }
graded() { casepack -C "$1" export --format csv --no-times -o - --field grade 2>/dev/null | python3 -c 'import csv, sys
print(" ".join(sorted(r["case"] + "=" + r["value"] for r in csv.DictReader(sys.stdin) if r["result"] == "d1" and r["rater"] == "'"$2"'")))'; }
kinds() { casepack -C hub quarantine "$@" --json 2>/dev/null | jq -r .kind | sort | uniq -c | awk '{printf "%s %s ", $1, $2}'; }
state() { casepack -C hub person devices "$1" --json | jq -r 'select(.device == "'"$2"'") | .state'; }
words() { casepack key show "$1" --json | jq -r .words; }
bundle() { quiet casepack -C "$1" return -o in; last in from-"${2:-$1}"; }

# ---- fingerprints -----------------------------------------------------------------------------------------

# the words as somebody else would make them of what ssh-keygen prints
proquints() { ssh-keygen -lf "$keys/$1.pub" | python3 -c 'import base64, sys
raw = base64.b64decode(sys.stdin.read().split()[1].split(":")[1] + "=")
c, v = "bdfghjklmnprstvz", "aiou"
print("-".join(c[n >> 12] + v[n >> 10 & 3] + c[n >> 6 & 15] + v[n >> 4 & 3] + c[n & 15] for n in (raw[i] << 8 | raw[i + 1] for i in range(0, 16, 2))))'; }
check "key show says the fingerprint in words that follow from ssh-keygen's" equal "$(words anna)" "$(proquints anna)"
check "eight of them" equal "$(words anna | tr - '\n' | grep -cE '^[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]$')" 8

# ---- a key that is replaced while it can still be opened ------------------------------------------------------

old=$(replica anna)
quiet judge anna q1 1
first=$(bundle anna)                # sealed with the old key, and never merged
quiet judge anna q2 2               # not sealed
quiet casepack key new anna2
casepack -C anna key replace anna2 >said 2>&1
check "the old key signs for the new one" grep -q 'the old key has signed for it' said
new=$(replica anna)
check "the device goes on under another id" test "$new" != "$old"
check "the same key once more is refused" complains 1 "is a device's already" casepack -C anna key replace anna
second=$(bundle anna)
check "the new line says whose it is" bash -c "git -C anna/history.git log -1 --format=%B replica/$new | grep -q '^Casepack-Successor-Of: $old '"
casepack -C hub merge "$second" >said 2>&1
check "the hub takes it in by itself" grep -q "goes on as ${new:0:8} with another key" said
check "status says so, there and here" bash -c "casepack -C hub status | grep -q \"anna's device ${old:0:8} goes on as ${new:0:8} with another key\" &&
	casepack -C anna status | grep -q 'goes on with another key' && ! casepack -C anna status | grep 'put back: it goes on'"
check "what was sealed with the old key came along, nothing was typed again" equal "$(graded hub anna)" "q1=1 q2=2"
check "the old device is retired" equal "$(state anna "$old")" retired
check "the new one is active" equal "$(state anna "$new")" active
check "the bundle of the old key is still taken, and changes nothing" bash -c "casepack -C hub merge '$first' >/dev/null && [ \"\$(casepack -C hub export --format csv -o - 2>/dev/null | grep -c ',anna,')\" = 4 ]"
git -C hub/history.git show main:trust/allowed_signers >signers
git -C hub/history.git log -1 --format=%B "replica/$new" | sed -n "s/^Casepack-Successor-Of: $old //p" >proof
{ echo '-----BEGIN SSH SIGNATURE-----'; fold -w 70 proof; echo '-----END SSH SIGNATURE-----'; } >proof.sig
project=$(git -C hub/history.git show main:project.json | jq -r .id)
printf 'device %s of project %s goes on with %s\n' "$old" "$project" "$(cut -d' ' -f1,2 "$keys/anna2.pub")" >text
check "ssh-keygen verifies what the old key signed" bash -c "ssh-keygen -Y verify -f signers -I $old@$project.invalid -n casepack-successor -s proof.sig <text"
check "git verifies the first commit of the new line" bash -c "git -C hub/history.git -c gpg.ssh.allowedSignersFile=$PWD/signers verify-commit replica/$new"
quiet casepack -C hub pack --to anna -o out
check "the next bundle is for the new device" status 0 casepack -C anna open "$(last out to-anna)"
check "nothing is owed then" equal "$(casepack -C anna --json status | jq .unsent)" 0
check "the workspace equals its replay" status 0 casepack -C anna verify
cp -a anna kept
check "made again from git it is the same" bash -c '[ "$(casepack -C anna status --hash)" = "$(casepack -C anna rebuild >/dev/null && casepack -C anna status --hash)" ]'
mv kept/casepack.db kept/gone
rm -f kept/casepack.db-*
check "from git alone too, and it knows its id" bash -c "casepack -C kept rebuild --key '$keys/anna2' >/dev/null && [ \"\$(casepack -C kept --json status | jq -r .replica)\" = $new ]"
check "the hub equals its replay" status 0 casepack -C hub verify

# a second one with the old key's word: one is enough
cp -a anna twin
sqlite3 twin/casepack.db "UPDATE meta SET value = x'$old' WHERE key = 'replica'; DELETE FROM meta WHERE key IN ('copy_of', 'nonce')"
quiet casepack -C twin key use anna
quiet casepack key new thief
quiet casepack -C twin key replace thief
quiet judge twin q3 3
third=$(bundle twin anna)
casepack -C hub merge "$third" >/dev/null 2>&1
check "who goes on for a device that somebody goes on for already waits" bash -c "casepack -C hub quarantine --json 2>/dev/null | jq -se 'any(.kind == \"stranger\")'"
check "nothing of it counts" equal "$(graded hub anna)" "q1=1 q2=2"
stranger=$(casepack -C hub quarantine --json 2>/dev/null | jq -r 'select(.kind == "stranger") | .device')
check "a lead drops it, with a reason" status 0 casepack -C hub quarantine drop "${stranger:0:12}" --reason "anna has one laptop only"
check "and is asked no more" bash -c "casepack -C hub quarantine --json 2>/dev/null | jq -se 'all(.kind != \"stranger\")'"

# ---- a key that is lost ----------------------------------------------------------------------------------------

old=$(replica ben)
quiet judge ben q1 0
lost=$(bundle ben)                  # on a stick that nobody has seen since
quiet judge ben q2 1
rm "$keys/ben" "$keys/ben.pub"
check "nothing can be returned without a key" complains 1 'key' casepack -C ben return -o in
quiet casepack key new ben2
casepack -C ben key replace ben2 >said 2>&1
check "the words to read to the lead are said" grep -q "read these words to her: $(words ben2)" said
fourth=$(bundle ben)
refs hub >before
check "the hub lets it wait" status 3 casepack -C hub merge "$fourth"
check "nothing of it counts yet" equal "$(graded hub ben)" ""
check "main says nothing of it" same <(grep -v '^$' before) <(refs hub)
check "the device is listed with those words" bash -c "casepack -C hub quarantine | grep stranger | grep -q '$(words ben2)'"
check "status says so" bash -c 'casepack -C hub status | grep -q "1 device has a new key"'
check "person trust shows which keys wait" status 3 casepack -C hub person trust ben
check "and what to say" says 'casepack person trust ben WORDS'
check "other words are refused" complains 1 'has that fingerprint' casepack -C hub person trust ben "$(words anna)"
check "of another person too" complains 1 'has that fingerprint' casepack -C hub person trust anna "$(words ben2)"
check "the right ones, read aloud in any way, let it in" status 0 casepack -C hub person trust ben $(words ben2 | tr 'a-z-' 'A-Z ')
check "nothing was typed again" equal "$(graded hub ben)" "q1=0 q2=1"
check "the balance holds" bash -c "casepack -C hub merge '$fourth' | grep -q 'the balance holds'"
check "that a lead decided it is history" bash -c "git -C hub/history.git show main:trust/rulings.tsv | grep -P '\ttrust\tlead\t'"
quiet casepack -C hub pack --to ben -o out
check "the device is given to again" status 0 casepack -C ben open "$(last out to-ben)"
check "the old bundle, found again, changes nothing" bash -c "h=\$(casepack -C hub export --format csv -o - 2>/dev/null | sha256sum); casepack -C hub merge '$lost' >/dev/null 2>&1; [ \"\$h\" = \"\$(casepack -C hub export --format csv -o - 2>/dev/null | sha256sum)\" ]"
check "the hub equals its replay" status 0 casepack -C hub verify
check "the workspace too" status 0 casepack -C ben verify

# ---- an invitation ----------------------------------------------------------------------------------------------

casepack -C hub person add eva --invite eva.invitation >said 2>&1
passphrase=$(grep -xE '([a-z]{5}-){4}[a-z]{5}' said)
check "an invitation is one file, with a passphrase that is told once" test -f eva.invitation -a -n "$passphrase" -a ! -e eva.invitation.pub
check "an OpenSSH key that ssh-keygen opens with it" bash -c "ssh-keygen -y -P '$passphrase' -f eva.invitation | grep -q '^ssh-ed25519 '"
check "and with no other" bash -c "! ssh-keygen -y -P wrong -f eva.invitation"
check "a hub cannot be invited" complains 1 'cannot be invited' casepack -C hub person add acme --role relay --invite acme.invitation
check "nothing is left of that" test ! -e acme.invitation -a ! -e acme.invitation.pub
quiet casepack -C hub assign --form relevance --guideline guide --to eva
quiet casepack -C hub pack --to eva -o out
export XDG_CONFIG_HOME=$work/eva-config
mkdir -p "$XDG_CONFIG_HOME/casepack" && : >"$XDG_CONFIG_HOME/casepack/workspaces"
export CASEPACK_PASSPHRASE=$passphrase
check "eva opens the first bundle with it" status 0 casepack -C eva open "$(last out to-eva)" --key ./eva.invitation
invited=$(replica eva)
printf '# Guide\n\nJudge the result.\nTake your time.\n' >longer.md
XDG_CONFIG_HOME=$work/config quiet casepack -C hub guideline revise guide longer.md --revision clarifying --note "take your time"
XDG_CONFIG_HOME=$work/config quiet casepack -C hub pack --to eva -o out
check "and the second one, before she has returned anything" status 0 casepack -C eva open "$(last out to-eva)"
quiet judge eva q1 2
casepack -C eva return -o in >said 2>&1
check "at the first return her device goes on with a key of her own" grep -q "goes on with $XDG_CONFIG_HOME/casepack/keys/default" said
export XDG_CONFIG_HOME=$work/config
casepack -C hub merge "$(last in from-eva)" >said 2>&1
check "which the hub takes in" grep -q 'with another key, for which the old one signed' said
check "with what she has judged" equal "$(graded hub eva)" "q1=2"
check "the invitation is used up" equal "$(state eva "$invited")" revoked
check "and leaves nothing to review" bash -c "casepack -C hub quarantine --json 2>/dev/null | jq -se 'all(.kind != \"review\")'"
unset CASEPACK_PASSPHRASE

# ---- a key that is stolen ------------------------------------------------------------------------------------------

anna=$(replica anna)
quiet judge anna q4 1
quiet casepack -C hub merge "$(bundle anna)"
quiet judge anna q5 1
late=$(bundle anna)
check "a revocation says why" complains 2 '--reason' casepack -C hub person revoke anna --device "${anna:0:8}"
check "a lead revokes that device" status 0 casepack -C hub person revoke anna --device "${anna:0:8}" --reason "stolen on the train"
revoked_key() { # the key whose device that was
	for key in anna anna2; do casepack -C hub person devices anna --json | jq -e --arg words "$(words $key)" 'select(.words == $words and .state == "revoked")' >/dev/null && echo "$keys/$key.pub"; done
}
check "its key does not come back by being added, and it says what can" complains 1 'person trust anna' casepack -C hub person add anna --key "$(revoked_key | head -1)"
check "it cannot revoke itself" complains 1 "own device" casepack -C hub person revoke lead --reason "no"
check "what was taken in before stays" bash -c "casepack -C hub export --format csv -o - 2>/dev/null | grep -q '^q4,.*,anna,'"
check "and is to be reviewed" bash -c "casepack -C hub quarantine --json 2>/dev/null | jq -se '[.[] | select(.kind == \"review\")] | length == 2'"
check "status asks for it" status 3 casepack -C hub status
casepack -C hub merge "$late" >/dev/null 2>&1
check "what comes behind it is refused, whatever its clock says" bash -c "casepack -C hub quarantine --json 2>/dev/null | jq -se 'any(.kind == \"refused\" and (.reason | contains(\"no longer trusted\")))'"
check "nothing of it counts" bash -c "! casepack -C hub export --format csv -o - 2>/dev/null | grep -q '^q5,.*,anna,'"
check "nothing is packed for that device" complains 1 'has no device' casepack -C hub pack --to anna -o out
one=$(casepack -C hub quarantine --json 2>/dev/null | jq -r 'select(.kind == "refused") | .name' | head -1)
casepack -C hub quarantine show "$one" >said 2>&1
check "show says why, and what it would write" bash -c "grep -q 'no longer trusted' said && grep -q 'grade@d1' said"
check "a decision needs a reason" complains 2 '--reason' casepack -C hub quarantine accept "$one"
check "keep is for what was taken in" complains 1 'accept or drop it' casepack -C hub quarantine keep "$one" --reason x
check "a lead accepts it" status 0 casepack -C hub quarantine accept "${one:0:10}" --reason "anna sent it the day before"
check "and it counts" bash -c "casepack -C hub export --format csv -o - 2>/dev/null | grep -q '^q5,.*,anna,'"
check "with its reason in history, by the lead" bash -c "git -C hub/history.git show main:trust/rulings.tsv | grep -P '^$one\taccept\tlead\t.*\tanna sent it the day before$'"
check "git blames that line on the lead's hub" bash -c "git -C hub/history.git -c gpg.ssh.allowedSignersFile=$PWD/signers log -1 --format=%G? main -- trust/rulings.tsv | grep -q G"
for name in $(casepack -C hub quarantine --json 2>/dev/null | jq -r 'select(.kind == "review") | .name'); do
	quiet casepack -C hub quarantine keep "$name" --reason "anna confirms it"
done
check "nothing is left to review" equal "$(kinds | grep -c review)" 0
check "what is decided is listed with --all" bash -c "casepack -C hub quarantine --all --json | jq -se '[.[] | select(.decision == \"keep\")] | length >= 2'"
check "the hub equals its replay, rights and all" status 0 casepack -C hub verify
before=$(casepack -C hub status --hash)
check "and is the same when it is rebuilt" bash -c "casepack -C hub rebuild >/dev/null 2>&1; [ \"\$(casepack -C hub status --hash)\" = '$before' ]"
check "its history is sound" sound hub

# ---- what nobody can accept ------------------------------------------------------------------------------------------

quiet judge ben q6 1
ben=$(sqlite3 hub/casepack.db "SELECT hex(id) FROM persons WHERE pseudonym = 'ben'")
given=$(sqlite3 ben/casepack.db "SELECT hex(id) FROM judgments ORDER BY clock DESC LIMIT 1")
sqlite3 hub/casepack.db "UPDATE assignments SET person = zeroblob(16) WHERE id = x'$given'" # as if it were another person's
casepack -C hub merge "$(bundle ben)" >/dev/null 2>&1
one=$(casepack -C hub quarantine --json 2>/dev/null | jq -r 'select(.kind == "refused") | .name')
refs hub >before; hash hub >>before
check "another person's work cannot be accepted" complains 1 "cannot be accepted: judgment" casepack -C hub quarantine accept "$one" --reason "let it in"
refs hub >after; hash hub >>after
check "and the try leaves nothing" same before after
sqlite3 hub/casepack.db "UPDATE assignments SET person = x'$ben' WHERE id = x'$given'"
quiet judge ben q7 2
casepack -C hub merge "$(bundle ben)" >/dev/null 2>&1
check "what is behind it waits" bash -c "casepack -C hub quarantine --json 2>/dev/null | jq -se 'any(.kind == \"waiting\")'"
check "a lead drops it" status 0 casepack -C hub quarantine drop "$one" --reason "made by mistake"
check "nothing waits for anybody then" status 0 casepack -C hub quarantine
quiet casepack -C hub pack --to ben -o out
casepack -C ben open "$(last out to-ben)" >said 2>&1
check "ben hears of it" grep -q 'refused by the hub' said
check "and why" bash -c "casepack -C ben log --refused --json 2>/dev/null | jq -se 'any(.reason | contains(\"made by mistake\"))'"
casepack -C hub merge "$(bundle ben)" >/dev/null 2>&1
check "what was behind it arrives all the same" bash -c "casepack -C hub export --format csv -o - 2>/dev/null | grep -q '^q7,.*,ben,'"

# ---- roles --------------------------------------------------------------------------------------------------------------

signers() { sqlite3 "$1/casepack.db" "SELECT DISTINCT pseudonym FROM persons p JOIN replicas r ON r.person = p.id ORDER BY 1" | tr '\n' ' '; }
check "a rater is told of the keys that she must verify, and of no other" equal "$(signers eva)" "eva lead "
check "neither is one of nobody else in her history" bash -c "! git -C eva/history.git cat-file --batch-all-objects --batch --unordered | grep -qa -e anna -e '[^a-z]ben[^a-z]'"
quiet judge ben q3 1
quiet casepack -C hub person add ben --role auditor
check "an auditor is given no case" status 1 casepack -C hub assign --form relevance --guideline guide --pass 2 --to ben
casepack -C hub merge "$(bundle ben)" >/dev/null 2>&1
check "and writes nothing" bash -c "casepack -C hub quarantine --json 2>/dev/null | jq -se 'any(.reason | contains(\"by an auditor, who reads\"))'"
quiet casepack -C hub person add ben --role rater
one=$(casepack -C hub quarantine --json 2>/dev/null | jq -r 'select(.kind == "refused") | .name')
check "who is a rater after all has it accepted" status 0 casepack -C hub quarantine accept "$one" --reason "the role was a slip"
check "and it counts too" bash -c "casepack -C hub export --format csv -o - 2>/dev/null | grep -q '^q3,.*,ben,'"
check "the hub equals its replay at the end" status 0 casepack -C hub verify

# ---- whoever has stolen a key may have named a successor ---------------------------------------------------------------

quiet casepack key new cal
quiet casepack -C hub person add cal --key "$keys/cal.pub"
quiet casepack -C hub assign --form relevance --guideline guide --to cal
quiet casepack -C hub pack --to cal -o out
quiet casepack -C cal open "$(last out to-cal)" --key cal
cal=$(replica cal)
cp -a cal stolen
quiet casepack key new fence
quiet casepack -C stolen key replace fence
quiet judge stolen q1 3
casepack -C hub merge "$(bundle stolen cal)" >said 2>&1
check "a stolen key can name a successor, and the lead is told" grep -q 'goes on as .* with another key' said
check "who revokes the stolen one" status 0 casepack -C hub person revoke cal --device "${cal:0:8}" --reason "stolen"
check "has revoked the successor too" equal "$(state cal "$cal") $(state cal "$(replica stolen)")" "revoked revoked"
check "what it brought is to be reviewed" bash -c "casepack -C hub quarantine --json 2>/dev/null | jq -se 'any(.kind == \"review\" and .who == \"cal\")'"

# ---- who goes on with another key leaves a stolen one revoked ----------------------------------------------------------------

quiet casepack key new dan
quiet casepack -C hub person add dan --key "$keys/dan.pub"
quiet casepack -C hub assign --form relevance --guideline guide --to dan
quiet casepack -C hub pack --to dan -o out
quiet casepack -C dan open "$(last out to-dan)" --key dan
dan=$(replica dan)
cp -a dan thief && mv "$keys/dan" dan.kept && rm "$keys/dan.pub"
quiet casepack key new dan2
quiet judge dan q1 2
quiet casepack -C dan key replace dan2
casepack -C hub merge "$(bundle dan)" >/dev/null 2>&1
quiet casepack -C hub person revoke dan --device "${dan:0:8}" --reason "the laptop was stolen"
check "the owner's new key is trusted after that" status 0 casepack -C hub person trust dan "$(words dan2)"
check "it brings its work" equal "$(graded hub dan)" "q1=2"
check "and the stolen one stays revoked" equal "$(state dan "$dan") $(state dan "$(replica dan)")" "revoked active"
cp -p dan.kept "$keys/dan"
quiet judge thief q2 3
casepack -C hub merge "$(bundle thief dan)" >/dev/null 2>&1
check "what the thief writes counts for nothing" equal "$(graded hub dan)" "q1=2"

# ---- only forward ------------------------------------------------------------------------------------------------------

check "the roster only goes forward: an older bundle changes nothing" bash -c 'h=$(casepack -C eva status --hash); for f in out/*-to-eva-*; do casepack -C eva open "$f" >/dev/null 2>&1; done; [ "$(casepack -C eva status --hash)" = "$h" ]'
finish
