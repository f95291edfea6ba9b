#!/usr/bin/env bash
# Everything that goes wrong around a command: wrong usage, a full disk, a folder that may not be
# written, a workspace that is in use. Each is one line that begins `casepack: ` and one of the exit
# statuses 1 failed, 2 wrong usage, 5 busy (3 and 4: bundles.sh); nothing is half done, and the same
# command works once what stood in its way is gone.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
scene

# ---- wrong usage ----------------------------------------------------------------------------

check "without a command the exit status is 2" complains 2 "a command is missing" casepack
check "an unknown command is wrong usage" only_complains 2 'frobnicate' casepack frobnicate
check "the line says where help is" grep -qF '`casepack help' "$work/.words"

every_command() { casepack help | sed -n 's/^  \([a-z]*\)  .*/\1/p'; }
unknown_option() {
	local n=0
	for command in $(every_command); do
		only_complains 2 "--frobnicate" casepack -C hub "$command" --frobnicate || { echo "in $command"; return 1; }
		n=$((n + 1))
	done
	[ $n -ge 20 ] || { echo "only $n commands"; return 1; }
}
check "an option that a command does not have is wrong usage, in every command" unknown_option

check "a missing folder for the bundles is wrong usage" only_complains 2 "-o DIR" casepack -C anna return
check "pack needs somebody" only_complains 2 "--to" casepack -C hub pack -o out
check "an option without its value is wrong usage" only_complains 2 "-o" casepack -C anna return -o
check "a word too many is wrong usage" only_complains 2 "surplus" casepack -C anna return -o in surplus
check "a locale that is none is wrong usage" only_complains 2 "en-US" casepack -C hub import hub.csv --locale 'en_US!'
check "a mapping that is none is wrong usage" only_complains 2 "TARGET=COLUMN" casepack -C hub import hub.csv --map query

# ---- things that are not there --------------------------------------------------------------

check "a folder without a workspace fails" only_complains 1 "no workspace here" casepack -C nowhere status
check "a missing file to import fails" only_complains 1 "absent.csv" casepack -C hub import absent.csv
check "a missing bundle to open fails" only_complains 1 "absent.casepack" casepack -C anna open absent.casepack
check "a missing bundle to merge fails" complains 1 "absent.casepack" casepack -C hub merge absent.casepack
check "a missing folder to return into fails" only_complains 1 "no such folder" casepack -C anna return -o absent
check "a case that is not there fails" only_complains 1 "no such case" casepack -C anna rate q99 grade@d1=3
check "a person who is not there fails" only_complains 1 "carl" casepack -C hub pack --to carl -o out
check "a grade off the scale fails" only_complains 1 "7" casepack -C anna rate q1 grade@d1=7 grade@d2=0
check "a rater cannot merge" only_complains 1 "rater's workspace" casepack -C anna merge out
check "a hub cannot return" only_complains 1 "is a hub" casepack -C hub return -o in
check "init in a folder that holds something else fails" only_complains 1 "not empty" \
	casepack init in/.. --project P --name N --key lead
check "results that cannot be written are a failure" bash -c '
	casepack -C hub status >/dev/full 2>said; [ $? = 1 ] && grep -q "^casepack: standard output: " said'

# ---- in use ---------------------------------------------------------------------------------

busy() { flock hub casepack -C hub "$@"; }
check "a workspace in use is exit status 5" only_complains 5 "at work in this workspace" busy status
check "also for a merge" only_complains 5 "at work" busy merge in
check "and it is free afterwards" status 0 casepack -C hub status
two_at_once() {
	casesfile 400 >many.csv
	cp -a hub twice
	casepack -C twice import many.csv --locale en-US >one 2>&1 &
	local one=$!
	casepack -C twice import many.csv --locale en-US >two 2>&1
	local b=$?
	wait "$one"
	local a=$?
	echo "$a $b"
	case "$a $b" in '0 5' | '5 0' | '0 0') ;; *) cat one two; return 1 ;; esac
	quiet casepack -C twice import many.csv --locale en-US
	equal "$(casepack -C twice --json import many.csv --locale en-US | jq -c '[.new, .changed, .same]')" '[0,0,400]' &&
		sound twice
}
check "of two at once one works and the other says busy" two_at_once

# ---- a full disk ----------------------------------------------------------------------------

# small SIZE FUNCTION: run it with a tmpfs of that size at `small`
mkdir small
export work keys root casepack failures
small() {
	export -f $(declare -F | awk '{ print $3 }')
	unshare -rm bash -c "mount -t tmpfs -o size=$1 none small && $2"
}

# fill KIB: only that much room is left in small
fill() {
	rm -f small/fill
	dd if=/dev/zero of=small/fill bs=4k status=none 2>/dev/null
	truncate -s $(($(stat -c %s small/fill) - $1 * 1024)) small/fill
}

# fails_for_room WORKSPACE KIB COMMAND...: with so little room it fails in one clear line and changes nothing
fails_for_room() {
	local workspace=$1 before after
	before=$(hash "$workspace" && refs "$workspace")
	fill "$2"
	shift 2
	complains 1 '' "$@" || return 1
	grep -qiE 'full|no space|are needed' "$work/.line" || { echo "does not say why"; return 1; }
	[ ! -s "$work/.said" ] || [ "$EXPECT_RESULTS" ] || { cat "$work/.said"; echo 'and wrote results'; return 1; }
	rm small/fill
	after=$(hash "$workspace" && refs "$workspace")
	equal "$after" "$before"
}
EXPECT_RESULTS=
export EXPECT_RESULTS

full_pack() {
	fails_for_room hub 8 casepack -C hub pack --to anna -o small || return 1
	grep -q 'MB are needed' "$work/.line" || { echo "tried it without looking for room"; return 1; }
	equal "$(ls -A small)" '' || return 1
	casepack -C hub pack --to anna -o small && casepack inspect small/*.casepack.age
}
quiet casepack -C hub pack --to anna -o out # what is given is recorded now
check "pack onto a full disk fails whole, and works with room" small 2m full_pack

full_return() {
	judge anna q1 || return 1
	casepack -C anna return -o in || return 1
	fails_for_room anna 0 casepack -C anna return -o small || return 1
	fails_for_room anna 4 casepack -C anna return -o small || return 1
	equal "$(ls -A small)" '' || return 1
	casepack -C anna return -o small && casepack inspect small/*.casepack.age
}
check "return onto a full disk fails whole, and works with room" small 2m full_return

short_files() { # a limit of the shell's, of KiB a file
	for kib in 1 4 8 16; do
		before=$(hash anna && refs anna)
		(ulimit -f $kib && exec casepack -C anna rate q8 grade@d1=1 grade@d2=1) 2>"$work/.words"
		equal "$?" 1 || return 1
		grep -q '^casepack: .*full' "$work/.words" || { cat "$work/.words"; return 1; }
		equal "$(hash anna && refs anna)" "$before" || return 1
	done
}
check "where files may grow no further it is said like a full disk" short_files

full_rate() {
	cp -a anna small/
	for room in 0 4 16 32 64; do
		fails_for_room small/anna "$room" judge small/anna q2 || { echo "with $room KiB"; return 1; }
	done
	judge small/anna q2 && sound small/anna &&
		equal "$(casepack -C small/anna --json rate --list | jq -r 'select(.case == "q2").state')" submitted
}
check "rating on a full disk fails whole, and works with room" small 2m full_rate

full_import() {
	cp -a hub small/
	python3 "$root/tests/tools/bulk.py" 3 1 1 >more.jsonl
	for room in 0 16 64 200 400 800; do
		fails_for_room small/hub "$room" casepack -C small/hub import more.jsonl --locale en-US ||
			{ echo "with $room KiB"; return 1; }
	done
	casepack -C small/hub import more.jsonl --locale en-US && sound small/hub &&
		equal "$(casepack -C small/hub --json show bulk-1 | jq .has_content)" true
}
check "import on a full disk fails whole, and works with room" small 12m full_import

full_merge() {
	cp -a hub small/
	EXPECT_RESULTS=1
	for room in 0 16 48; do
		fails_for_room small/hub "$room" casepack -C small/hub merge in || { echo "with $room KiB"; return 1; }
	done
	casepack -C small/hub merge in && sound small/hub && casepack -C small/hub export -o small/labels.csv &&
		[ "$(grep -c ',anna,' small/labels.csv)" = 2 ]
}
check "merge on a full disk fails whole, and works with room" small 2m full_merge

# However little room is left, the state is the one before or the one after; the same merge then finishes it.
merge_at_any_room() {
	cp -a hub twin && casepack -C twin merge in || return 1
	local room=48 got=1 before after now
	before=$(hash hub) after=$(hash twin)
	while [ $got != 0 ] && [ $room -lt 400 ]; do
		rm -rf small/hub && cp -a hub small/
		fill $room
		casepack -C small/hub merge in >/dev/null 2>"$work/.words"
		got=$?
		rm small/fill
		echo "with $room KiB: $got $(tail -1 "$work/.words")"
		now=$(hash small/hub)
		[ "$now" = "$after" ] || equal "$now" "$before" || return 1
		casepack -C small/hub merge in >/dev/null 2>&1 && sound small/hub >/dev/null || return 1
		equal "$(hash small/hub)" "$after" || return 1
		room=$((room + 8))
	done
	[ $got = 0 ]
}
check "merge with any room left is done whole or not at all" small 4m merge_at_any_room

full_open() {
	fill 64
	complains 1 '' casepack -C small/new open out/chorus-to-ben-0001.casepack.age --key ben || return 1
	rm small/fill
	equal "$(ls -A small)" '' || return 1
	casepack -C small/new open out/chorus-to-ben-0001.casepack.age --key ben && sound small/new
}
check "a new workspace on a full disk leaves nothing behind, and works with room" small 2m full_open

# ---- a folder that may not be written -------------------------------------------------------

# Done as an ordinary user, since nothing is read-only to root.
as_user() {
	if [ "$(id -u)" != 0 ]; then
		"$@"
	else
		HOME=$work/theirs setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
}
theirs() { chown -R --no-dereference "$([ "$(id -u)" = 0 ] && echo 65534:65534 || id -u)" theirs; }

chmod 755 "$work"
mkdir theirs
cp "$casepack" theirs/casepack
cp -a anna hub config out theirs/
mkdir theirs/locked
theirs
chmod 500 theirs/locked
mine=$work/theirs/casepack
export XDG_CONFIG_HOME=$work/theirs/config
quiet as_user "$mine" -C theirs/anna key use anna
quiet as_user "$mine" -C theirs/hub key use lead

judge_there() { as_user "$mine" -C theirs/anna rate "$1" grade@d1=2 grade@d2=1; }
check "an ordinary user works in a workspace of its own" judge_there q5
check "a return into a read-only folder fails" only_complains 1 "ermission denied" \
	as_user "$mine" -C theirs/anna return -o theirs/locked
check "a pack into a read-only folder fails" only_complains 1 "ermission denied" \
	as_user "$mine" -C theirs/hub pack --to anna -o theirs/locked
check "a new workspace in a read-only folder fails" only_complains 1 "ermission denied" \
	as_user "$mine" -C theirs/locked/new open theirs/out/chorus-to-anna-0001.casepack.age --key anna
check "an export into a read-only folder fails" only_complains 1 "ermission denied" \
	as_user "$mine" -C theirs/hub export -o theirs/locked/labels.csv
check "nothing was written there" equal "$(ls -A theirs/locked)" ""
chmod 700 theirs/locked
check "once it may be written, the return works" as_user "$mine" -C theirs/anna return -o theirs/locked

before=$(picture theirs/anna)
chmod -R a-w theirs/anna
check "rating in a read-only workspace fails" only_complains 1 "theirs/anna" judge_there q6
check "so does returning" only_complains 1 "theirs/anna" as_user "$mine" -C theirs/anna return -o theirs/locked
chmod -R u+w theirs/anna
check "and nothing in it has changed" equal "$(picture theirs/anna)" "$before"
check "once it may be written, rating works" judge_there q6

chmod 000 theirs/config/casepack/keys/anna
check "a key that may not be read fails" only_complains 1 "keys/anna" \
	as_user "$mine" -C theirs/anna return -o theirs/locked
check "while rating goes on" judge_there q7
chmod 600 theirs/config/casepack/keys/anna
chmod 000 theirs/out/chorus-to-anna-0001.casepack.age
check "a bundle that may not be read fails" only_complains 1 "ermission denied" \
	as_user "$mine" -C theirs/anna open theirs/out/chorus-to-anna-0001.casepack.age
finish
