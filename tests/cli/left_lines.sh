#!/usr/bin/env bash
# What a device did under an id, with a key or for a hub that it has left since is owed until the hub that it returns to says that
# it is there, and no longer.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
unsent() { casepack -C "$1" --json status 2>/dev/null | jq .unsent; }
grades() { casepack -C hub export --format csv -o - --field grade 2>/dev/null | grep ',anna,' | grep ',d1,' | cut -d, -f1 | sort | tr '\n' ' '; }
hand_in() { # WORKSPACE: one return, merged
	quiet casepack -C "$1" return -o in
	quiet casepack -C hub merge "$(ls -t in/* | head -1)"
}
get() { # WORKSPACE: of what the hub gives now, what is for it
	local file
	rm -f out/*
	quiet casepack -C hub pack --to anna -o out
	for file in out/*; do casepack -C "$1" open "$file" >"$work/.out" 2>&1 && return; done
	echo "not ok - set-up: nothing is for $1"
}
whole() { # WORKSPACE...
	for w in "$@"; do status 0 casepack -C "$w" verify || return 1; done
	rm -rf clone.git
	git clone -q --mirror hub/history.git clone.git
	python3 "$root/samples/audit/verify.py" clone.git
}
for key in anna2 anna3 anna4 acme; do quiet casepack key new $key; done

# ---- another key -------------------------------------------------------------------------------------------------
scene "$work/key"
cp -a hub before
quiet judge anna q1 1
hand_in anna
get anna
quiet judge anna q2 2
rm -rf hub && mv before hub
quiet casepack -C anna key replace anna2
hand_in anna
get anna
check "a hub put back says that it does not hold what was done before another key" equal "$(unsent anna) $(grades)" "1 q2 "
hand_in anna
get anna
check "and is given it with the next return" equal "$(unsent anna) $(grades)" "0 q1 q2 "
check "all is proven, by an auditor too" whole hub anna
check "then nothing is owed" bash -c 'casepack -C anna return -o in; casepack -C anna return -o in 2>&1 | grep -q "nothing to return"'
quiet casepack -C anna key replace anna3
quiet judge anna q3 2
cp -a anna once
hand_in anna
casepack -C once key replace anna4 >said 2>&1 # behind one that nothing was sealed with there
check "a key that the hub cannot know of signs for no other one" grep -q 'read these words to her' said
quiet judge once q4 2
check "a device that replaced its key twice is sound" status 0 casepack -C once verify
quiet casepack -C once return -o in
check "the second one waits" status 3 casepack -C hub merge "$(ls -t in/* | head -1)"
quiet casepack -C hub person trust anna "$(casepack key show anna4 --json | jq -r .words)"
get once
check "until it is trusted, and what was sealed again is not sent twice" equal "$(unsent once) $(grades)" "0 q1 q2 q3 q4 "
check "all of that is proven" whole hub anna once

# ---- another id --------------------------------------------------------------------------------------------------
tokens_on
scene "$work/id"
for w in hub anna; do casepack -C $w status >/dev/null 2>&1; done
cp -a hub before
quiet judge anna q1 1
hand_in anna
get anna
cp -a anna backup
quiet judge anna q3 2
quiet casepack -C anna return -o in # and lost, so that the folder is behind its token
rm -rf anna hub && mv backup anna && mv before hub
quiet judge anna q2 2
hand_in anna
get anna
check "the same where a folder and the hub were put back" equal "$(unsent anna) $(grades)" "1 q2 "
hand_in anna
get anna
check "nothing is lost" equal "$(unsent anna) $(grades)" "0 q1 q2 "
cp -a anna twin
quiet judge twin q4 1
quiet judge anna q5 1
hand_in anna
hand_in twin
quiet judge anna q6 1
hand_in anna
get twin
check "what the hub holds of the one that was copied, which went on, is enough" equal "$(unsent twin)" 0
check "all is proven where there are two" whole hub anna twin

# ---- another hub -------------------------------------------------------------------------------------------------
scene "$work/hub"
mkdir to
quiet casepack -C hub person add acme --role relay --key "$keys/acme.pub"
quiet judge anna q1 1
hand_in anna
quiet casepack -C hub person add anna --relay acme
get anna
rm -f out/*
quiet casepack -C hub pack --to acme -o out
quiet casepack -C acme open out/* --key acme
of_relay() { rm -f to/*; quiet casepack -C acme pack --all -o to; quiet casepack -C anna open to/*; }
of_relay
quiet judge anna q2 2
quiet casepack -C anna return -o in
quiet casepack -C acme merge "$(last in from-anna)"
of_relay
check "what the relay holds is confirmed while it is the rater's hub" equal "$(unsent anna)" 0
rm -rf acme in/* # nothing of it has gone on
quiet casepack -C hub person revoke acme --reason "the office has burnt down"
quiet casepack -C hub person home anna lead
get anna
check "where that is lost, the next hub has confirmed only what it holds" equal "$(unsent anna)" 1
hand_in anna
get anna
check "and gets the rest" equal "$(unsent anna) $(grades)" "0 q1 q2 "
check "all is proven behind it" whole hub anna
finish
