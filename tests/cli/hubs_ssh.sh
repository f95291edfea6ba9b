#!/usr/bin/env bash
# Two hubs exchange through a git server behind ssh: a real sshd, unpacked into the build folder and never
# installed, run by an ordinary user on a loopback port with keys of its own.
. "$(dirname "$0")/lib.sh"
plain=--plain # the devices do not know the second hub yet, so it could not open what they return
. "$root/tests/tools/scene.sh"

skip() { echo "ok - hubs exchange over ssh # SKIP $1"; exit 0; }

# ---- a server ------------------------------------------------------------------------------------

unpacked=$(dirname "$casepack")/openssh
unpack() {
	mkdir -p "$unpacked" && cd "$unpacked" || return 1
	[ -x usr/sbin/sshd ] || { timeout 60 apt-get download openssh-server libwrap0 && for d in *.deb; do dpkg-deb -x "$d" . || return 1; done; }
	[ -x usr/sbin/sshd ]
}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "no apt-get here"
(unpack) >/dev/null 2>&1 || skip "openssh-server cannot be fetched"
unpacked=$(cd "$unpacked" && pwd)
LD_LIBRARY_PATH=$(dirname "$(find "$unpacked" -name 'libwrap.so.0' | head -1)")
export LD_LIBRARY_PATH
! ldd "$unpacked/usr/sbin/sshd" | grep -q 'not found' || skip "sshd misses a library"

server=$work/server
mkdir "$server"
ssh-keygen -q -t ed25519 -N '' -f "$server/host"
ssh-keygen -q -t ed25519 -N '' -f "$work/login"
cp "$work/login.pub" "$server/authorized"
git init -q --bare -b main "$server/eval's.git"
for try in 1 2 3 4 5; do
	port=$((20000 + RANDOM % 20000))
	(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
done
cat >"$server/config" <<CONF
Port $port
ListenAddress 127.0.0.1
HostKey $server/host
AuthorizedKeysFile $server/authorized
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
LogLevel ERROR
CONF
user=$(id -un)
if [ "$(id -u)" = 0 ]; then # as nobody, who gets a shell in a passwd file that only this server sees
	user=nobody
	sed 's|^nobody:[^:]*:\(.*:\)[^:]*$|nobody:NP:\1/bin/sh|' /etc/passwd >"$server/passwd" # with x or * the account counts as locked
	echo 'nobody:NP:20000:0:99999:7:::' >"$server/shadow"
	chmod a+rx "$work" && chown -R nobody "$server"
	unshare -m true 2>/dev/null || skip "no mount namespaces for root's sshd"
	timeout 300 unshare -m sh -c "mount --bind '$server/passwd' /etc/passwd && mount --bind '$server/shadow' /etc/shadow &&
		exec setpriv --reuid=nobody --regid=nogroup --clear-groups '$unpacked/usr/sbin/sshd' -D -e -f '$server/config'" >"$work/sshd.log" 2>&1 &
else
	timeout 300 "$unpacked/usr/sbin/sshd" -D -e -f "$server/config" >"$work/sshd.log" 2>&1 &
fi
sshd=$!
trap 'kill $sshd 2>/dev/null; wait $sshd 2>/dev/null; chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$server/host.pub")" >"$work/known"
cat >"$work/ssh.conf" <<CONF
Host judge
	HostName 127.0.0.1
	Port $port
Host *
	User $user
	IdentityFile $work/login
	IdentitiesOnly yes
	BatchMode yes
	StrictHostKeyChecking yes
	UserKnownHostsFile $work/known
	GlobalKnownHostsFile /dev/null
	ConnectTimeout 10
CONF
export GIT_SSH_COMMAND="ssh -F $work/ssh.conf"
for try in $(seq 50); do
	$GIT_SSH_COMMAND judge true 2>/dev/null && break
	kill -0 $sshd 2>/dev/null || break
	sleep 0.1
done
$GIT_SSH_COMMAND judge true 2>"$work/why" || skip "sshd does not run here: $(head -1 "$work/sshd.log" "$work/why" | tr '\n' ' ')"

# ---- two hubs --------------------------------------------------------------------------------------

scene
quiet casepack key new bea
quiet casepack -C hub person add bea --role lead --key "$keys/bea.pub" --hub
mkdir post
quiet casepack -C hub pack --plain --to bea -o post
quiet casepack -C bea open post/*-to-bea-0001.casepack --key bea
work() { quiet judge "$1" "$2"; quiet casepack -C "$1" return --plain -o in; quiet casepack -C "$3" merge "$(last in from-"$1")"; }
short="judge:$server/eval's.git"
long="ssh://$user@127.0.0.1:$port$server/eval's.git"
sync() { timeout 60 "$casepack" -C "$@"; }
work anna q1 hub
work ben q2 bea
check "a hub exchanges over ssh, the place spelled as git spells it" status 0 sync hub sync "$short"
check "another with a URL" status 0 sync bea sync "$long"
check "and the first again" status 0 sync hub sync "$short"
check "both hold the same state" equal "$(casepack -C hub status --hash)" "$(casepack -C bea status --hash)"
check "main has one tree" equal "$(git -C hub/history.git rev-parse 'main^{tree}')" "$(git -C bea/history.git rev-parse 'main^{tree}')"
check "real git clones the same over ssh" bash -c "git clone -q \"$short\" cloned && [ \$(git -C cloned rev-parse HEAD) = \$(git -C hub/history.git rev-parse main) ]"
check "and finds nothing wrong" git -C cloned fsck --strict
for w in hub bea; do quiet sync $w sync "$short"; done
before=$(git -C cloned ls-remote -q)
check "without news nothing is pushed" bash -c "timeout 60 '$casepack' -C hub sync \"$short\" 2>&1 | grep -q 'nothing new'"
check "and nothing moves" equal "$(git -C cloned ls-remote -q)" "$before"
work anna q3 hub
work ben q4 bea
both() { sync hub sync "$short" >a 2>&1 & local x=$!; sync bea sync "$long" >b 2>&1 & wait $x && wait $! || { cat a b; return 1; }; }
check "two at one moment both succeed" both
for w in hub bea hub; do quiet sync $w sync "$short"; done
check "and agree" equal "$(casepack -C hub status --hash)" "$(casepack -C bea status --hash)"
check "each equals its replay" bash -c 'casepack -C hub verify && casepack -C bea verify'

# ---- what goes wrong ----------------------------------------------------------------------------------

mv known known.good
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 login.pub)" >known
check "a server with another host key is not spoken to" status 1 sync hub sync "$short"
mv known.good known
check "a repository that is not there fails" status 1 sync hub sync "judge:$server/nothing.git"
check "and is named" says "nothing.git"
check "a host that would be an option to ssh is none" status 1 sync hub sync -- "-oProxyCommand=touch\${IFS}$work/pwned:x.git"
check "nor in a URL" status 1 sync hub sync "ssh://-oProxyCommand=touch\${IFS}$work/pwned/x.git"
check "nothing was run" [ ! -e pwned ]
unset GIT_SSH_COMMAND
printf '#!/bin/sh\nexec ssh -F "%s" "$@"\n' "$work/ssh.conf" >wrapped && chmod +x wrapped
check "\$GIT_SSH names another ssh" env GIT_SSH="$work/wrapped" timeout 60 "$casepack" -C hub sync "$short"
kill $sshd
wait $sshd 2>/dev/null
check "with the server gone it fails in one line, and soon" bash -c \
	"GIT_SSH='$work/wrapped' timeout 30 '$casepack' -C hub sync \"$short\" 2>&1 | grep -c '^casepack:' | grep -qx 1"
check "no service is left behind" bash -c "! (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null"
finish
