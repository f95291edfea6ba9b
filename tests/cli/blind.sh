# What raters and relays must not see is nowhere in what they hold, whatever it is wrapped in; and a bundle that would
# bring it is not written.
. "$(dirname "$0")/lib.sh"

canary() { python3 "$root/tests/tools/canary.py" "$@"; }
# Everybody has a home, a configuration and a temporary folder of their own: as WHO COMMAND... works in WHO/ws.
as() {
	local who=$1
	shift
	env HOME="$work/$who" XDG_CONFIG_HOME="$work/$who/config" TMPDIR="$work/$who/tmp" casepack -C "$work/$who/ws" "$@"
}
for who in lead second ana ben cem acme; do
	mkdir -p $who/tmp $who/config
	quiet as $who key new $who
done
pub() { echo "$work/$1/config/casepack/keys/$1.pub"; }
sql() { sqlite3 "$work/lead/ws/casepack.db" "$@"; }

# ---- a project full of canaries ---------------------------------------------------------------------
quiet as lead init --project "Blind" --name "Canary Lena 6b1f" --key lead
quiet as lead person add second --role lead --hub --name "Canary Sec 77aa" --key "$(pub second)"
quiet as lead person add acme --role relay --vendor "vendor acme 51c2" --name "Canary Acme 9d20" --key "$(pub acme)"
quiet as lead person add ana --vendor "vendor ana 8e4d" --name "Canary Ana 41e7" --key "$(pub ana)"
quiet as lead person add ben --vendor "vendor ben 30b9" --name "Canary Ben c03d" --key "$(pub ben)"
quiet as lead person add cem --relay acme --vendor "vendor acme 51c2" --name "Canary Cem 12f8" --key "$(pub cem)"
python3 - >cases.csv <<'PY'
print("case,query,doc,title,clicks,left")
for i in range(60):
    for d in range(3):
        print(f"q{i:02},query number {i},d{i}-{d},title {i} {d},canary-metric-{i}-{d}-5c7e,canary-left-{i}-93da")
PY
quiet as lead import cases.csv --map id=case,query=query,result=doc,title=title,metric.canary_clicks_d81b=clicks,case-metric.canary_left_0c6f=left
cat >form.json <<'JSON'
{ "title": "Relevance", "fields": [
  { "name": "grade", "type": "scale", "scope": "result", "required": true,
    "choices": [ { "value": "0", "label": "No", "key": "0" }, { "value": "1", "label": "Yes", "key": "1" } ] },
  { "name": "why", "type": "text", "scope": "page" } ] }
JSON
quiet as lead form add rel form.json
quiet as lead gold set q05 grade@d5-0=1 why="canary-gold-value-27ab" --reason "canary-gold-reason-e410"
python3 -c "
print('case,field,result,value,reason')
for i in range(50, 60): print(f'q{i},grade,d{i}-1,1,canary-gold-reason-{i}-b6d2')" >gold.csv
quiet as lead gold import gold.csv
sql "UPDATE names SET contact = 'canary-contact-' || lower(hex(substr(id, 1, 4))); INSERT INTO side_keys VALUES(randomblob(16), randomblob(8), 1, 'canary-side-a-f2c4', 'canary-side-b-80e1')"
quiet as lead assign --form rel --to ana,ben,cem --gold 10
mkdir out back relay

judge() { # WHO N: the first N of what is to be judged, with answers and notes of one's own
	as "$1" status >/dev/null 2>&1
	sqlite3 "$1/ws/casepack.db" "SELECT name, results FROM cases c JOIN assignments a ON a.case_id = c.id WHERE a.state = 'given' ORDER BY position LIMIT $2" |
		while IFS='|' read -r id results; do
			# shellcheck disable=SC2046
			as "$1" rate "$id" $(jq -r '.[] | "grade@\(.)=1"' <<<"$results") why="canary-$1-why-$id-a17c" --note "canary-$1-note-$id-4d9f" >/dev/null 2>&1 </dev/null || exit 1
		done
}
take() { # WHO: what lies there for them
	local file
	for file in out/*-to-"$1"-* relay/*-to-"$1"-*; do
		[ -e "$file" ] || continue
		env HOME="$work/$1" XDG_CONFIG_HOME="$work/$1/config" TMPDIR="$work/$1/tmp" casepack -C "$work/$1/ws" open "$file" --key "$1" || return 1
	done
}
round() { # N: everybody judges N, and what they did comes to the hub
	as lead pack --all -o out && take ana && take ben && take acme && as acme pack --all -o relay && take cem || return 1
	for who in ana ben cem; do judge $who "$1" || return 1; done
	as ana return -o back && as ben return -o back && as cem return -o relay && as acme merge relay/*-from-cem-* &&
		as acme return -o back && as lead merge back/*-from-*
}
quiet round 12
quiet as lead gold withdraw q50
quiet as lead gold set q06 grade@d6-0=0 --reason "canary-gold-reason-late-6612"
quiet as lead assign withdraw --from ana --case q07 --judged
quiet as lead adjudicate q08 grade@d8-0=1 --cause other --reason "canary-final-reason-99e0"
quiet as lead assign --form rel --to ana,ben,cem --pass 2 --gold 10
quiet round 20
check "gold cases are among what was given" test "$(sql "SELECT count(*) FROM assignments a JOIN gold g ON g.case_id = a.case_id JOIN persons p ON p.id = a.person WHERE p.pseudonym = 'ana'")" -gt 5

# ---- what is looked for ------------------------------------------------------------------------------
everyone() { # canaries that are for leads alone
	sql "SELECT 'name-' || pseudonym || char(9) || name FROM names n JOIN persons p ON p.id = n.id" \
		"SELECT 'contact-' || pseudonym || char(9) || contact FROM names n JOIN persons p ON p.id = n.id WHERE contact <> ''" \
		"SELECT 'side' || char(9) || side_a FROM side_keys UNION SELECT 'side-b' || char(9) || side_b FROM side_keys" \
		"SELECT 'gold-reason' || char(9) || reason FROM gold WHERE reason <> ''" "SELECT 'gold-value' || char(9) || value FROM gold WHERE length(value) > 8" \
		"SELECT DISTINCT 'metric-name' || char(9) || name FROM metrics" "SELECT 'metric' || char(9) || value FROM metrics LIMIT 4" \
		"SELECT 'final' || char(9) || reason FROM adjudications" "SELECT 'secret' || char(9) || 'hex:' || lower(hex(value)) FROM secrets"
}
work_of() { # WHO...: what they wrote
	for who in "$@"; do
		sql "SELECT 'note-$who' || char(9) || note FROM judgments j JOIN assignments a ON a.id = j.id JOIN persons p ON p.id = a.person WHERE pseudonym = '$who' AND note <> '' LIMIT 4" \
			"SELECT 'why-$who' || char(9) || value FROM ratings r JOIN assignments a ON a.id = r.judgment JOIN persons p ON p.id = a.person WHERE pseudonym = '$who' AND field = 'why' LIMIT 4"
	done
}
opened() { # every bundle, by whichever key opens it: beside it, for the search
	local file key
	for file in out/*.age back/*.age relay/*.age; do
		[ -e "$file" ] || continue
		for key in "$work"/*/config/casepack/keys/*; do
			case $key in *.pub) continue ;; esac
			age -d -i "$key" -o "${file%.casepack.age}.opened" "$file" 2>/dev/null && continue 2
		done
		echo "nobody opens $file" && return 1
	done
}
check "every bundle opens with age and somebody's key" opened
everyone >private.list
{ cat private.list; work_of ben cem; printf 'vendor-ben\tvendor ben 30b9\nvendor-acme\tvendor acme 51c2\n'; } >ana.list
{ cat private.list; work_of ana ben; printf 'vendor-ben\tvendor ben 30b9\nvendor-ana\tvendor ana 8e4d\n'; } >acme.list
{ cat ana.list acme.list; } | sort -u >all.list

found() { cut -d' ' -f1 | sort -u; }
canary all.list lead/ws >lead.found
check "the search finds every one of them in the lead's hub" same <(cut -f1 all.list | sort -u) <(found <lead.found)
canary ana.list ana out/*-to-ana-* back/*-from-ana-* >ana.found
check "and none in what ana holds, was sent and sent" equal "$(cat ana.found)" ""
work_of ana >mine.list
check "where it finds all that is her own" same <(cut -f1 mine.list | sort -u) <(canary mine.list ana | found)
canary acme.list acme relay cem out/*-to-acme-* back/*-from-acme-* >acme.found
check "none in what the relay and its rater hold, were sent and sent" equal "$(cat acme.found)" ""
work_of cem >cem.list
check "where it finds what the relay's rater wrote" same <(cut -f1 cem.list | sort -u) <(canary cem.list acme/ws | found)

# ---- the search itself ---------------------------------------------------------------------------------
plant() { # HOW: one canary, wrapped, in a copy of her workspace
	rm -rf planted && cp -a ana planted && python3 - "$1" <<'PY'
import base64, hashlib, os, sqlite3, subprocess, sys
text = b"canary-side-a-f2c4"
how = sys.argv[1]
def write(data, name="planted/tmp/left"):
    open(name, "ab").write(data)
if how == "utf16": write(b"x" + text.decode().encode("utf-16-le"))
elif how.startswith("base64"): write(b"{\"a\":\"" + base64.b64encode(b"y" * int(how[6:]) + text + b"zz") + b"\"}")
elif how == "hex": write(text.hex().upper().encode())
elif how == "sha1": write(hashlib.sha1(text).hexdigest().encode())
elif how == "blake2b": write(b"\0" + hashlib.blake2b(text, digest_size=32).digest())
elif how == "git": subprocess.run(["git", "-C", "planted/ws/history.git", "hash-object", "-w", "--stdin"], input=b"a page of " + text, check=True, stdout=subprocess.DEVNULL)
elif how == "zstd": write(b"head" + subprocess.run(["zstd", "-cq"], input=b"lines " * 9999 + text, stdout=subprocess.PIPE, check=True).stdout + b"tail")
elif how in ("cell", "freed"):
    db = sqlite3.connect("planted/ws/casepack.db")
    db.execute("PRAGMA secure_delete = OFF")
    db.execute("CREATE TABLE x(a)")
    inner = subprocess.run(["zstd", "-cq"], input=os.urandom(90000) + text, stdout=subprocess.PIPE, check=True).stdout if how == "cell" else text
    db.execute("INSERT INTO x VALUES(?)", (inner,))
    if how == "freed":
        db.commit()
        db.execute("DROP TABLE x")
    db.commit()
PY
	canary <(grep ^side private.list) planted | grep -q '^side '
}
for how in utf16 base640 base641 base642 hex sha1 blake2b git zstd cell freed; do
	check "the search finds one that is planted: $how" plant $how
done

# ---- a leak on purpose, at the hub -----------------------------------------------------------------------
refs() { git -C lead/ws/history.git for-each-ref | grep outbound; }
cp -a lead/ws clean
# leak SENTENCE SQL WORDS: pack is refused with 4 and those words, nothing is there afterwards, and nothing was given
leak() {
	rm -rf lead/ws out leaked && cp -a clean lead/ws && mkdir out
	sql "$2" || return 1
	local before after
	before=$(refs)
	status 4 as lead pack --to ana -o out && says "$3" && says "nothing was written" && equal "$(ls -A out)" "" || return 1
	after=$(refs)
	equal "$after" "$before" || return 1
	status 4 as lead sync "$work/out" && equal "$(ls -A out | grep -- -ana-)" ""
}
check "a real name as somebody's vendor is refused, and where it stands is said" leak vendor \
	"UPDATE persons SET vendor = 'c/o Canary Ben c03d', rev = randomblob(8) WHERE pseudonym = 'ana'" "vendor of persons, ana holds what only leads may know, names.name of ben: \"Canary Ben c03d\""
check "so is the project's secret, in hex" leak hex \
	"UPDATE persons SET vendor = (SELECT hex(value) FROM secrets), rev = randomblob(8) WHERE pseudonym = 'ana'" "vendor of persons, ana holds the project's secret"
check "in base64, inside a longer text" leak base64 \
	"UPDATE persons SET vendor = 'k=$(printf 'ab%s' "$(sql 'SELECT hex(value) FROM secrets')" | python3 -c 'import base64, sys; t = sys.stdin.read(); print(base64.b64encode(t[:2].encode() + bytes.fromhex(t[2:])).decode())')', rev = randomblob(8) WHERE pseudonym = 'ana'" "holds the project's secret"
check "and as it is" leak raw \
	"UPDATE assignments SET guideline = (SELECT value FROM secrets), rev = randomblob(8) WHERE person = (SELECT id FROM persons WHERE pseudonym = 'ana') AND position = 3" "guideline of assignments"
check "what a product measured, as a due day" leak metric \
	"UPDATE assignments SET due = 'canary-left-5-93da', rev = randomblob(8) WHERE person = (SELECT id FROM persons WHERE pseudonym = 'ana') AND position = 3" "metrics.value of q05"
check "why an answer is gold, in a form" leak reason \
	"UPDATE form_versions SET body = replace(body, 'Relevance', 'canary-gold-reason-e410'), rev = randomblob(8)" "gold.reason of q05"
check "another's assignment is not for her to see" leak scope \
	"UPDATE assignments SET person = (SELECT id FROM persons WHERE pseudonym = 'ana'), rev = randomblob(8) WHERE person = (SELECT id FROM persons WHERE pseudonym = 'ben') AND position = 1" "is not for ana to see"
check "a name that a longer one only begins with is another" bash -c "rm -rf lead/ws out && cp -a clean lead/ws && mkdir out &&
	sqlite3 lead/ws/casepack.db \"UPDATE persons SET vendor = 'Canary Ben c03dx', rev = randomblob(8) WHERE pseudonym = 'ana'\""
check "and passes" status 0 as lead pack --to ana -o out

# ---- and in what a case shows -------------------------------------------------------------------------------
rm -rf lead/ws out && cp -a clean lead/ws && mkdir out
printf 'case,query,doc,title\nq90,who is Canary Ben c03d,d90,a page\n' >q90.csv
quiet as lead import q90.csv --map id=case,query=query,result=doc,title=title
quiet as lead assign --form rel --to ana --case q90
before=$(ls -A out)
check "a name in a query is refused, and the case is said" status 4 as lead pack --to ana -o out
check "with its place" says "content of case q90 holds what only leads may know, names.name of ben"
check "nothing was written" equal "$(ls -A out)" "$before"
cp -a lead/ws refused
check "another text is not what the lead allows" status 4 as lead pack --to ana -o out --may-hold "Canary Ben"
check "who says that it stands there on purpose may send it" status 0 as lead pack --to ana -o out --may-hold "Canary Ben c03d"
rm -rf lead/ws && cp -a refused lead/ws
check "a folder is synced with the same words" status 0 as lead sync "$work/out" --may-hold "Canary Ben c03d"
rm -rf lead/ws out && cp -a refused lead/ws && mkdir out
sed -i 's/who is Canary Ben c03d/who is he/' q90.csv
quiet as lead import q90.csv --map id=case,query=query,result=doc,title=title
check "once the case shows something else it can be sent" status 0 as lead pack --to ana -o out
quiet take ana
quiet opened
check "and what it showed before is not sent along" equal "$(canary ana.list ana out/*-to-ana-*)" ""
check "the case is there" bash -c "$(declare -f as); work=$work; as ana show q90 2>&1 | grep -q 'who is he'"

# ---- hubs ------------------------------------------------------------------------------------------------
mkdir hubs
check "a bundle for another lead's hub may hold what leads know" status 0 as lead pack --plain --to second -o hubs
check "but no public part of it the secret" bash -c "python3 $root/tests/tools/bundle.py unpack hubs/* unpacked && rm -rf unpacked/private* &&
	[ -z \"\$(python3 $root/tests/tools/canary.py <(grep ^secret private.list) unpacked)\" ]"
check "which is refused there, too" bash -c "rm -rf hubs && mkdir hubs && sqlite3 lead/ws/casepack.db \"UPDATE project SET name = (SELECT hex(value) FROM secrets)\""
check "with status 4" status 4 as lead pack --to second -o hubs
finish
