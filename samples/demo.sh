#!/usr/bin/env bash
# A whole round: a lead, three raters on three machines that share nothing but bundle
# files, and an auditor who has only git. Every line behind "$" is run as it is printed.
set -eu
cd "$(dirname "$0")/.."
rm -rf build/demo/round
mkdir -p build/demo/round

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$1"; eval "$1"; }
[ -t 1 ] || say() { printf '\n# %s\n' "$*"; } # no bold in a file or a pipe

say "casepack works from any folder. This round plays in build/demo/round, with keys of its own."
run 'cd build/demo/round'
run 'export PATH="$PWD/../installed/bin:$PATH" XDG_CONFIG_HOME="$PWD/config" samples=../../../samples'

say "Everyone makes a key once: an ordinary OpenSSH key, readable by ssh-keygen."
run 'for who in lena ada ben eve; do casepack key new $who </dev/null 2>/dev/null; done'
run 'ssh-keygen -l -f config/casepack/keys/ada'

say "THE LEAD makes a hub, adds raters by their public keys, and brings in cases."
run 'casepack -C hub init --project "Product search 2026" --name "Lena Lead" --pseudonym lena --key lena'
run 'for who in ada ben eve; do casepack -C hub person add $who --locale en --vendor acme --key config/casepack/keys/$who.pub; done'
run 'head -451 $samples/chorus/ratings.csv > cases.csv'
run 'casepack -C hub import cases.csv --map query=query,result=docid,title=name,snippet=description --locale en-US --dry-run'
run 'casepack -C hub import cases.csv --map query=query,result=docid,title=name,snippet=description --locale en-US'

say "The rules people judge by, and the questions they answer. Every revision is history."
run 'casepack -C hub guideline add policy $samples/guidelines/rev-0001.md'
run 'casepack -C hub guideline revise policy $samples/guidelines/rev-0003.md --revision clarifying --note "autumn update"'
run 'casepack -C hub form add relevance --preset relevance-0-3'
run 'casepack -C hub assign --form relevance --guideline policy --shuffle --seed 1 --due 2027-03-31'

say "One bundle for each rater: one file, for a stick, a share or a mail."
run 'mkdir stick'
run 'casepack -C hub pack --all -o stick'
run 'casepack inspect stick/product-search-2026-to-ada-0001.casepack.age'

say "ADA, on her own machine with no network, opens hers and judges. Nothing needs her key until she sends it back."
run 'casepack -C ada open stick/product-search-2026-to-ada-0001.casepack.age --key ada'
run 'casepack -C ada rate --list | head -5'
run 'casepack -C ada rate "usb stick" grade@1234567=2 || echo "(bad input changes nothing: exit status $?)"'
say "Her judgments are in a sheet here; without arguments, rate asks for them one by one in a terminal."
run 'python3 $samples/sheet.py agent_1_rating cases.csv > ada.csv; head -3 ada.csv'
run 'casepack -C ada rate --from ada.csv --dry-run'
run 'casepack -C ada rate --from ada.csv'
run 'casepack -C ada status'
run 'casepack -C ada return -o stick'

say "BEN and EVE use the everyday verb instead: sync takes in what is theirs and leaves what they owe."
run 'casepack -C ben init --rater --key ben; casepack -C eve init --rater --key eve'
run 'casepack -C ben sync stick; casepack -C eve sync stick'
run 'python3 $samples/sheet.py agent_2_rating cases.csv > ben.csv; casepack -C ben rate --from ben.csv; casepack -C ben sync stick'
run 'python3 $samples/sheet.py agent_3_rating cases.csv > eve.csv; casepack -C eve rate --from eve.csv; casepack -C eve sync stick'

say "THE LEAD takes in what has come back, in any order, any number of times. The balance must hold."
run 'casepack -C hub merge stick/*-from-*.casepack.age'
run 'casepack -C hub merge stick/*-from-ben-*.casepack.age'
run 'casepack -C hub status'

say "The labels, with a data dictionary beside them; and qrels for an evaluator."
run 'casepack -C hub export --format csv -o labels.csv'
run 'head -4 labels.csv | cut -c1-150'
run 'casepack -C hub export --format qrels --aggregate median -o labels.qrels && head -3 labels.qrels'

say "What happened to one case, and why."
run 'casepack -C hub log "$(sed -n 2p cases.csv | cut -d, -f1)" | cut -c1-120 | head -8'

say "THE AUDITOR needs only git and ssh-keygen."
run 'casepack -C hub export --format git -o audit.bundle'
run 'git clone -q audit.bundle audit'
run 'git -C audit fsck --strict'
run 'git -C audit config gpg.ssh.allowedSignersFile trust/allowed_signers'
run 'git -C audit log --show-signature -1 | cat'
run 'git -C audit log --oneline | head -8'
run 'git -C audit blame -s $(cd audit && ls judgments/*/*.tsv | head -1) | head -6 | cut -c1-100'

say "The database is derived: lose it, and it is made again from history."
run 'casepack -C hub status --hash'
run 'rm hub/casepack.db; casepack -C hub rebuild --key lena'
run 'casepack -C hub status --hash'

say "That was a whole round. Where to look next:"
cat <<'END'
  casepack help                every command; casepack help rate, help export, ...
  casepack -C ben rate         in a terminal: judge by keyboard (in build/demo/round)
  README.md                    five lines for each role
  formats/bundle.md            what is inside a bundle; formats/ has a page for each format
  sync/README.md               how it works inside
END
