#!/usr/bin/env bash
# A whole round with the network denied: nothing is tried, but a remote that the user named.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"

# Each call of casepack under strace, which writes down every socket: $work/net.
real=$casepack
export ASAN_OPTIONS=detect_leaks=0 # leaks cannot be looked for in a process that is traced
mkdir "$work/bin"
cat >"$work/bin/casepack" <<END
#!/bin/sh
exec strace -f -qq -e signal=none -o '| cat >>$work/net' -e trace=socket,connect,bind,listen '$real' "\$@"
END
chmod +x "$work/bin/casepack"
PATH=$work/bin:$PATH
traced() { "$work/bin/casepack" version >/dev/null 2>&1 && strace -f -qq -e trace=socket,connect -o "$work/probe" python3 -c 'import socket; socket.socket()' && grep -q socket "$work/probe"; }
check "strace sees what a program asks of the network" traced
: >"$work/net"

scene
quiet judge anna q1 2
quiet judge ben q1 1
take anna
take ben
give anna
quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
mkdir post stick
quiet casepack -C hub pack --to bea -o post
quiet casepack -C bea open "$(last post to-bea)" --key bea
quiet judge anna q2 2
for w in anna hub bea hub anna ben; do casepack -C $w sync stick >"$work/.out" 2>&1 || [ $? = 3 ] || { echo "not ok - set-up: sync of $w"; cat "$work/.out"; exit 1; }; done
casepack -C hub conflicts >/dev/null 2>&1
casepack -C hub status >/dev/null 2>&1
casepack -C hub quarantine >/dev/null 2>&1
casepack -C hub log >/dev/null 2>&1
quiet casepack -C hub export --format csv -o labels.csv
quiet casepack -C hub export --format git -o audit.bundle
quiet casepack -C hub verify
quiet casepack -C hub rebuild
quiet casepack key new other
check "a whole round, from init to rebuild, opens no socket at all" equal "$(grep -c . "$work/net")" 0

# A git remote in a folder is no network either.
git init -q --bare -b main remote.git
casepack -C hub sync remote.git >/dev/null 2>&1
casepack -C bea sync remote.git >/dev/null 2>&1
check "nor does a git remote in a folder" equal "$(grep -c . "$work/net")" 0

# One that is far away is tried when, and only when, it is named.
casepack -C hub sync ssh://127.0.0.1:9/nothing.git >"$work/.words" 2>&1
check "a remote that is named and cannot be reached is one line" equal "$(grep -c '^casepack: ' "$work/.words")" 1
check "and no other machine was tried" equal "$(grep -E 'connect\(.*AF_INET' "$work/net" | grep -oE 'inet_addr\("[^"]*"\)|inet_pton\([^)]*\)' | sort -u)" 'inet_addr("127.0.0.1")'
: >"$work/net"
casepack -C hub status >/dev/null 2>&1
casepack -C hub sync stick >/dev/null 2>&1
check "it is not remembered" equal "$(grep -c . "$work/net")" 0

# And where there is no network to begin with everything is the same.
if unshare -rn true 2>/dev/null; then
	quiet judge anna q3 1
	check "in a namespace without a network a round goes through" unshare -rn sh -c "'$real' -C anna return -o in && { '$real' -C hub merge in/*-from-anna-* >/dev/null || [ \$? = 3 ]; } && '$real' -C hub verify"
fi
finish
