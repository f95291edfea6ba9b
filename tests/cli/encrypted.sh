#!/usr/bin/env bash
# A whole round in encryption, with protected keys: pack, open, rate, return, merge, a shared folder, a relay. age and
# ssh-keygen are the judges; nothing plain lies outside the workspaces after any step.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"

keys=$XDG_CONFIG_HOME/casepack/keys
word='correct horse'
without_terminal() { timeout 20 setsid -w "$@"; }
with_word() { env CASEPACK_PASSPHRASE="$word" "$@"; }
open_with_age() { # KEY FILE: the tar, by a copy of the key without its passphrase
	[ -e "bare-$1" ] || { cp "$keys/$1" "bare-$1" && chmod 600 "bare-$1" && ssh-keygen -q -p -P "$word" -N '' -f "bare-$1" >/dev/null; } || return 1
	age -d -i "bare-$1" "$2"
}
kind() { open_with_age "$1" "$2" | tar -xO manifest.json | jq -r .kind; } # KEY FILE
# Neither a tar, nor a zstd frame, nor what cases show, in any file of these folders
closed() {
	local found
	found=$(find "$@" -type f -exec grep -laE 'manifest\.json|ustar|zebrafinch|casepack-bundle' {} +; find "$@" -type f -exec grep -laP '\x28\xb5\x2f\xfd' {} +)
	equal "$found" ""
}

# ---- keys, as ssh-keygen makes them -------------------------------------------------------------

mkdir -p "$keys" && chmod 700 "$keys"
make_key() { ssh-keygen -q -t ed25519 -N "$word" -C "$1" -Z "$2" -a "${3:-16}" -f "$keys/$1" </dev/null; } # NAME CIPHER ROUNDS
quiet make_key lead aes256-ctr
quiet make_key anna aes256-cbc
quiet make_key ben aes256-ctr
quiet make_key acme aes256-ctr
for cipher in aes256-gcm@openssh.com chacha20-poly1305@openssh.com; do quiet make_key "${cipher%%@*}" $cipher; done
quiet make_key slow aes256-ctr 257

hub=hub
quiet with_word casepack init $hub --project Chorus --name 'Lea D' --key lead
for who in anna ben; do quiet with_word casepack -C hub person add $who --locale en-US --key "$keys/$who.pub"; done
printf 'query,result,title\n' >cases.csv
for i in 1 2 3 4 5 6; do printf 'q%d,d1,zebrafinch %d\nq%d,d2,other zebrafinch\n' $i $i $i; done >>cases.csv
printf '# Guide\n\nzebrafinch\n' >guide.md
quiet with_word casepack -C hub import cases.csv --locale en-US
quiet with_word casepack -C hub guideline add guide guide.md
quiet with_word casepack -C hub form add relevance --preset relevance-0-3
quiet with_word casepack -C hub assign --form relevance --guideline guide
mkdir stick

# ---- a round ----------------------------------------------------------------------------------------

check "without its passphrase a hub writes nothing" only_complains 1 CASEPACK_PASSPHRASE without_terminal casepack -C hub pack --all -o stick
check "not even an empty file" equal "$(ls stick)" ""
check "with it, it packs" with_word casepack -C hub pack --all -o stick
annas=stick/chorus-to-anna-0001.casepack.age bens=stick/chorus-to-ben-0001.casepack.age
check "the files say that they are encrypted" [ -e $annas -a -e $bens ]
check "nothing plain is on the stick" closed stick
check "age opens it with the rater's key" equal "$(kind anna $annas)" cases
check "and with nobody else's" bash -c "! age -d -i bare-anna '$bens' >/dev/null 2>&1"
check "what is inside is signed, as ssh-keygen finds" bash -c "
	age -d -i bare-anna $annas | tar x manifest.json manifest.json.sig
	echo \"lead namespaces=\\\"casepack-bundle\\\" \$(cut -d' ' -f1,2 '$keys/lead.pub')\" >signers
	ssh-keygen -Y verify -f signers -I lead -n casepack-bundle -s manifest.json.sig <manifest.json; got=\$?; rm manifest.json*; exit \$got"
check "cases are there" bash -c "age -d -i bare-anna $annas | tar -xO cases.jsonl.zst | zstd -dc | grep -q zebrafinch"
rm bare-*

mkdir abroad
check "who has no key sees for how many it is" env XDG_CONFIG_HOME="$work/abroad" casepack inspect $annas
inspected() { env XDG_CONFIG_HOME="$work/abroad" casepack inspect "$@"; }
check "in words" bash -c "env XDG_CONFIG_HOME='$work/abroad' casepack inspect $annas | grep -q 'encrypted  to 1 recipient;'"
check "and for scripts" equal "$(inspected --json $annas | jq -c '[.encrypted, .recipients, .holds]')" '[true,1,null]'
check "who has it sees all" equal "$(with_word casepack inspect --json $annas | jq -c '[.kind, .encrypted, .holds]')" '["cases",true,true]'
check "--key names it" equal "$(XDG_CONFIG_HOME=$work/abroad CASEPACK_PASSPHRASE=$word casepack inspect --json $annas --key "$keys/anna" | jq -r .kind)" cases
check "its sender cannot look into it" bash -c "casepack inspect $bens --key lead 2>&1 | grep -q 'not to this key' ||
	CASEPACK_PASSPHRASE='$word' casepack inspect $bens --key lead 2>&1 | grep -q 'not to this key'"

check "opening asks for the passphrase" only_complains 1 CASEPACK_PASSPHRASE without_terminal casepack -C anna open $annas
check "a wrong one opens nothing" only_complains 1 passphrase env CASEPACK_PASSPHRASE=wrong casepack -C anna open $annas
check "no workspace was begun" [ ! -e anna -a ! -e anna.new ]
check "another's bundle does not open" only_complains 1 'not to the key' with_word casepack -C anna open $bens --key anna
check "a descriptor gives the passphrase" bash -c "casepack -C anna open $annas --passphrase-fd 3 3<<<'$word'"
check "it is preferred to the environment" bash -c "CASEPACK_PASSPHRASE=wrong casepack --passphrase-fd 0 -C ben open $bens <<<'$word'"
check "one that is not open is wrong usage" only_complains 2 'passphrase-fd 9' casepack --passphrase-fd 9 -C anna status
check "neither is a word" only_complains 2 'needs the number' casepack --passphrase-fd three -C anna status
check "rating needs no passphrase" bash -c 'for q in q1 q2 q3; do setsid -w casepack -C anna rate $q grade@d1=3 grade@d2=0 || exit 1; done'
quiet casepack -C ben rate q1 grade@d1=1 grade@d2=0
check "returning does" only_complains 1 CASEPACK_PASSPHRASE without_terminal casepack -C anna return -o stick
check "a return is encrypted to the hub" bash -c "casepack --passphrase-fd 3 -C anna return -o stick 3<<<'$word'"
check "age opens it with the hub's key" equal "$(kind lead stick/chorus-from-anna-0001.casepack.age)" return
rm bare-*
check "nothing plain is on the stick still" closed stick
check "the hub takes it in" with_word casepack -C hub merge stick/chorus-from-anna-0001.casepack.age
check "and finds its own passed over in a folder" with_word casepack -C hub merge stick
check "with every answer" equal "$(with_word casepack -C hub export --format csv -o - --field grade --no-times 2>/dev/null | grep -c ,anna,)" 6

# ---- in a terminal ----------------------------------------------------------------------------------

# The passphrase is typed once, though opening and sealing both need the key.
typed() { # COMMAND
	(sleep 2; printf '%s\n' "$word"; sleep 3) | timeout 30 script -qec "$1" typescript >/dev/null || return 1
	equal "$(grep -c 'passphrase of' typescript)" 1 && ! grep -q "$word" typescript
}
quiet with_word casepack -C hub pack --all -o stick
quiet casepack -C ben rate q2 grade@d1=2 grade@d2=0
check "a terminal asks once, and does not show it" typed "casepack -C ben sync stick"
check "what was typed for sealed it" [ -e stick/chorus-from-ben-0001.casepack.age ]

# ---- a shared folder ------------------------------------------------------------------------------------

mkdir share
quiet casepack -C anna rate q4 grade@d1=2 grade@d2=0
quiet with_word casepack -C anna return -o stick
quiet with_word casepack -C hub merge "$(ls stick/chorus-from-anna-* | tail -1)"
quiet with_word casepack -C hub assign --form relevance --guideline guide --case q1 --case q2 --pass 2
check "a hub leaves bundles in a folder" with_word casepack -C hub sync share
check "once" bash -c "CASEPACK_PASSPHRASE='$word' casepack -C hub sync share 2>&1 | grep -q 'nothing new'"
check "a moved file is known again" bash -c "mv share/chorus-to-ben-*.age share/renamed.casepack.age; CASEPACK_PASSPHRASE='$word' casepack -C hub sync share 2>&1 | grep -q 'nothing new'"
mkdir other && quiet with_word casepack -C hub sync other
check "another folder gets its own, and the first none again" bash -c "[ \$(ls other | wc -l) = 2 ] && n=\$(ls share) && CASEPACK_PASSPHRASE='$word' casepack -C hub sync share && [ \"\$(ls share)\" = \"\$n\" ]"
damaged=$(ls share/chorus-to-anna-*)
printf x | dd of="$damaged" bs=1 seek=900 conv=notrunc status=none
check "one that was damaged is refused" status 4 with_word casepack -C anna sync share
check "and the hub writes another" bash -c "CASEPACK_PASSPHRASE='$word' casepack -C hub sync share && [ \$(ls share/chorus-to-anna-* | wc -l) = 2 ]"
rm "$damaged"
check "which arrives" with_word casepack -C anna sync share
mkdir none && cp $bens stick/chorus-from-anna-* none/
check "where nothing is for a device, and it owes nothing, no passphrase is asked for" without_terminal casepack -C anna sync none
check "and nothing is written" equal "$(ls none | grep -c from-anna)" "$(ls stick | grep -c from-anna)"
check "all that is exchanged is closed" closed share other none stick

# ---- by hand ----------------------------------------------------------------------------------------------

quiet casepack -C anna rate q5 grade@d1=2 grade@d2=0
mkdir plain
check "--plain writes what it says" bash -c "CASEPACK_PASSPHRASE='$word' casepack -C anna return --plain -o plain && tar -tf plain/*.casepack | grep -qx manifest.json"
check "age encrypts it for the hub" age -R "$keys/lead.pub" -o plain/hand.casepack.age plain/*.casepack
check "made by tar, ssh-keygen and age it is the same" bash -c "mkdir made && cd made && tar xf ../plain/*.casepack && rm manifest.json.sig &&
	cp '$keys/anna' k && ssh-keygen -q -p -P '$word' -N '' -f k && ssh-keygen -q -Y sign -n casepack-bundle -f k manifest.json && rm k &&
	python3 '$root/tests/tools/bundle.py' unpack ../plain/*.casepack u && cmp manifest.json.sig u/manifest.json.sig"
check "the hub takes in what was encrypted by hand" with_word casepack -C hub merge plain/hand.casepack.age
check "whatever its name" bash -c "cp plain/hand.casepack.age x.casepack && CASEPACK_PASSPHRASE='$word' casepack -C hub merge x.casepack | grep -q known"
check "age's armoured form is refused, and told how to take it off" bash -c "age -a -R '$keys/lead.pub' -o armoured.casepack.age plain/*.casepack
	CASEPACK_PASSPHRASE='$word' casepack -C hub merge armoured.casepack.age | grep -q 'base64 -d'"
rm -rf plain made *.casepack *.age

# ---- keys that are refused -------------------------------------------------------------------------------------

for key in aes256-gcm chacha20-poly1305 slow; do
	quiet with_word casepack -C hub person add "$key" --locale en-US --key "$keys/$key.pub"
	quiet with_word casepack -C hub assign --form relevance --guideline guide --to "$key"
	quiet with_word casepack -C hub pack --to "$key" -o stick
	file=$(ls stick/chorus-to-"$key"-*)
	check "a key locked as $key is refused with the line that mends it" only_complains 4 "ssh-keygen -p -Z aes256-ctr" with_word casepack -C new open "$file" --key $key
	check "also where nobody names it" only_complains 4 "ssh-keygen -p -Z aes256-ctr" with_word casepack -C new open "$file"
done
gus=$(ls stick/chorus-to-aes256-gcm-*)
quiet ssh-keygen -q -p -Z aes256-ctr -P "$word" -N "$word" -f "$keys/aes256-gcm"
check "mended so, it opens" with_word casepack -C gus open "$gus"

# ---- what the project demands ------------------------------------------------------------------------------------

mkdir demand
quiet casepack -C ben rate q3 grade@d1=2 grade@d2=0
quiet with_word casepack -C ben return --plain -o demand
quiet with_word casepack -C hub pack --to anna --plain -o demand
check "a lead demands encryption" with_word casepack -C hub project encryption required
check "a rater may not" only_complains 1 "only a lead" casepack -C anna project encryption required
check "the project says so" equal "$(casepack -C hub --json project | jq -r .encryption)" required
check "a plain return is refused" status 4 with_word casepack -C hub merge demand/chorus-from-ben-*.casepack
check "with what to do" says "without --plain"
check "a plain bundle is written no more" only_complains 1 "leave --plain out" with_word casepack -C hub pack --to anna --plain -o demand
check "nor left in a folder" only_complains 1 "leave --plain out" with_word casepack -C hub sync --plain share
quiet with_word casepack -C hub pack --all -o stick
quiet with_word casepack -C anna open "$(ls stick/chorus-to-anna-* | tail -1)"
check "a device that knows refuses a plain bundle" only_complains 4 "without --plain" with_word casepack -C anna open demand/chorus-to-anna-*.casepack
check "and writes none" only_complains 1 "leave --plain out" with_word casepack -C anna return --plain -o demand
quiet make_key dora aes256-ctr
quiet with_word casepack -C hub person add dora --locale en-US --key "$keys/dora.pub"
quiet with_word casepack -C hub pack --to dora -o stick
open_with_age dora "$(ls stick/chorus-to-dora-*)" >all.casepack
check "a new device refuses a first bundle that is plain" only_complains 4 "without --plain" with_word casepack -C fresh open all.casepack --key dora
check "and is not begun" [ ! -e fresh ]
rm -f bare-* all.casepack
check "what is encrypted goes on" bash -c "CASEPACK_PASSPHRASE='$word' casepack -C ben return -o stick && CASEPACK_PASSPHRASE='$word' casepack -C hub merge stick/chorus-from-ben-*.age"
check "the lead takes it back" with_word casepack -C hub project encryption default
check "then plain ones are taken in again" with_word casepack -C hub merge demand/chorus-from-ben-*.casepack
rm -rf demand

# ---- a relay -------------------------------------------------------------------------------------------------------

quiet make_key carl aes256-ctr
quiet with_word casepack -C hub person add acme --role relay --key "$keys/acme.pub"
quiet with_word casepack -C hub person add carl --relay acme --locale en-US --key "$keys/carl.pub"
quiet with_word casepack -C hub assign --form relevance --guideline guide --to carl
quiet with_word casepack -C hub pack --to acme -o stick
check "a relay opens what is for it" with_word casepack -C acme open "$(ls stick/chorus-to-acme-*)"
check "and packs for its raters" with_word casepack -C acme pack --all -o stick
quiet with_word casepack -C carl open "$(ls stick/chorus-to-carl-*)"
quiet casepack -C carl rate q1 grade@d1=2 grade@d2=1
quiet with_word casepack -C carl return -o stick
check "takes in what they return" with_word casepack -C acme merge "$(ls stick/chorus-from-carl-*)"
check "and passes it on" with_word casepack -C acme return -o stick
check "to the hub, which reads it" with_word casepack -C hub merge "$(ls stick/chorus-from-acme-*)"
quiet casepack -C carl rate q2 grade@d1=2 grade@d2=1
quiet with_word casepack -C carl return -o stick
check "what is encrypted to others keeps nothing else out, wherever it stands" status 1 with_word casepack -C hub merge "$(ls stick/chorus-to-carl-* | head -1)" "$(ls stick/chorus-from-carl-* | tail -1)"
check "it is named, and the other is taken" bash -c "grep -q 'to-carl.*: not taken: is encrypted' $work/.words && grep -q 'from-carl.*: taken, 1 edit' $work/.words"
check "whose labels have the answer" bash -c "CASEPACK_PASSPHRASE='$word' casepack -C hub export --format csv -o - --field grade --no-times 2>/dev/null | grep -q ,carl,"
check "a rater's return the hub can read as well: work is every lead's" equal "$(kind lead "$(ls stick/chorus-from-carl-* | tail -1)")" return
rm bare-*
check "to the end nothing plain was on the stick" closed stick share
check "nor was anything left in a workspace that is none of its files" equal "$(find . -name 'bundle.*' -o -name '*.new')" ""
check "every workspace is sound" bash -c 'for w in hub anna ben acme carl; do [ "$(sqlite3 $w/casepack.db "PRAGMA integrity_check")" = ok ] || exit 1; done; casepack -C hub verify'
finish
