#!/usr/bin/env bash
# Made tests/frozen/schema-N.tar.zst once, with the casepack that was current then; it is never made again.
#     tests/frozen/make.sh CASEPACK FILE.tar.zst
# A hub with a fork, two revisions of a guideline and a retired case; a rater's workspace with work returned, work sealed, work not
# sealed and a draft; a return bundle that the hub has not merged, and a cases bundle that the rater has not opened.
set -eu
casepack=$(realpath "$1") out=$(realpath -m "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_CONFIG_HOME=$work/config HOME=$work LC_ALL=C.UTF-8 TZ=UTC
c() { "$casepack" "$@" >&2 || [ $? = 3 ]; }
for who in lead ada1 ada2 ben; do c key new $who; done
c -C hub init --project Frozen --name Lead --key lead
c -C hub person add ada --key config/casepack/keys/ada1.pub --locale en,de
c -C hub person add ada --key config/casepack/keys/ada2.pub
c -C hub person add ben --key config/casepack/keys/ben.pub --vendor acme
printf 'id,query,locale,result,title\n' >cases.csv
printf 'q1,red shoes,en,d1,one\nq1,red shoes,en,d2,two\nq2,blue shoes,en,d3,three\nq3,Hüte,de,d4,vier\nq4,socks,en,d5,five\n' >>cases.csv
c -C hub import cases.csv
printf '# Guide\n\nBe fair.\n' >guide.md
c -C hub guideline add guide guide.md
printf '# Guide\n\nBe fair.\nRead twice.\n' >guide.md
c -C hub guideline revise guide guide.md --revision clarifying --note "read twice"
c -C hub form add rel --preset relevance-0-3
c -C hub assign --form rel --guideline guide --to ada --due 2026-12-24
c -C hub assign --form rel --guideline guide --to ben --locale en
mkdir out back
c -C hub pack --all -o out
for f in out/*-ada-*; do
	"$casepack" -C one open "$f" --key ada1 >&2 || "$casepack" -C two open "$f" --key ada2 >&2
done
c -C ben open out/*-ben-* --key ben
c -C one rate q1 grade@d1=1 grade@d2=1
c -C two rate q1 grade@d1=3 grade@d2=1
c -C ben rate q1 grade@d1=0 grade@d2=0
for who in one two ben; do c -C $who return -o back; done
c -C hub merge back/*
rm back/*
c -C one rate q2 grade@d3=2
c -C one rate q2 grade@d3=3
c -C one return -o back
c -C one rate q3 grade@d4=1                # not sealed
"$casepack" -C one rate q4 grade@d5=0 --draft >&2 || true
mkdir fresh
printf '# Guide\n\nBe fair.\nRead twice.\nTake your time.\n' >guide.md
c -C hub guideline revise guide guide.md --revision editorial --note "time"
c -C hub pack --to ada -o fresh
mv one ada
tar -C "$work" --sort=name --owner=0 --group=0 --mtime=@0 -cf - hub ada back fresh config | zstd -19 -q -o "$out"
