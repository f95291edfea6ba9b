#!/usr/bin/env bash
# Bringing cases in: what fits is taken whole and exactly, what does not fit is named by file, line and
# column, and then nothing is taken.
. "$(dirname "$0")/lib.sh"
. "$root/tests/tools/scene.sh"
keys=$XDG_CONFIG_HOME/casepack/keys
quiet casepack key new lead
quiet casepack key new anna
quiet casepack init hub --project Import --name 'Lea D' --key lead

imports() { casepack -C hub --json import "$@"; }
# effect NEW CHANGED SAME RESULTS FILE...: what an import says that it did
effect() {
	local want="$1 $2 $3 $4"
	shift 4
	imports "$@" >said || return 1
	equal "$(jq -r '"\(.new) \(.changed) \(.same) \(.results)"' said)" "$want"
}
shown() { equal "$(casepack -C hub --json show "$1" | jq -r "$2")" "$3"; }

# ---- what does not fit ----------------------------------------------------------------------

before=$(hash hub && refs hub)

# bad LINE:COLUMN TEXT NAME [OPTION...]: the file NAME, from standard input, is refused with this place and reason
bad() {
	local place=$1 text=$2 name=$3
	shift 3
	complains 1 'not fit; nothing was imported' casepack -C hub import "$name" "$@" || return 1
	grep -qF "$name:$place: " "$work/.words" || { echo "does not name $name:$place"; return 1; }
	grep -F "$name:$place: " "$work/.words" | grep -qF "$text" || { echo "does not say: $text"; return 1; }
	equal "$(hash hub && refs hub)" "$before"
}
# the same for what already the header tells
bad_file() {
	local text=$1 name=$2
	shift 2
	only_complains 1 "$name" casepack -C hub import "$name" "$@" && grep -qF "$text" "$work/.line" &&
		equal "$(hash hub && refs hub)" "$before"
}

head='query,result,title,rank,locale'
row() { printf '%s\n' "$head" 'good,d1,Good,1,en-US' "$@"; } # good rows stand before and behind the bad one
row 'bad,d1,"Not closed,1,en-US' 'q,d,t,1,en-US' >quote.csv
check "a quote that nobody closed is named by line and column" bad 3:3 "quote" quote.csv
row 'bad,d1,Say "hi",1,en-US' >inner.csv
check "a quote inside a bare cell is named" bad 3:3 "unbalanced quotes" inner.csv
row 'bad,d1,T,1,en-US,surplus' >wide.csv
check "a row with a cell too many is named" bad 3:6 "6 cells where the first row has 5" wide.csv
row 'bad,d1' 'q,d,t,1,en-US' >narrow.csv
check "a row with cells too few is named" bad 3:3 "2 cells where the first row has 5" narrow.csv
row $'bad,d1,caf\xe9,1,en-US' >latin1.csv
check "a cell that is not UTF-8 is named" bad 3:3 "UTF-8" latin1.csv
{ row 'bad,d1,T,1,en-US'; printf 'q,d,a\0b,1,en-US\n'; } >nul.csv
check "a NUL byte is named" bad 4:3 "NUL" nul.csv
row ',d1,T,1,en-US' >nobody.csv
check "a row of no case is named" bad 3:1 "neither an id nor a query" nobody.csv --map query=query,result=result
row 'bad,,T,1,en-US' >noresult.csv
check "a row without a result is named" bad 3:2 "no result" noresult.csv
row 'bad,d1,T,0,en-US' >rank0.csv
check "a rank of 0 is named" bad 3:4 "a rank is a whole number from 1" rank0.csv
row 'bad,d1,T,first,en-US' >rank.csv
check "a rank in words is named" bad 3:4 "first" rank.csv
row 'bad,d1,T,1,en_US' >locale.csv
check "a locale that is none is named" bad 3:5 "en_US" locale.csv
row 'good,d1,Again,2,en-US' >twice.csv
check "a result that its case has already is named" bad 3:2 "has this result already" twice.csv
row 'good,d2,T,2,fr' >disagree.csv
check "a row that disagrees with its case is named" bad 3:5 "began in line 2 with another locale" disagree.csv
printf 'query,result,side\nq,d1,a\nq,d2,left\n' >side.csv
check "a side that is none is named" bad 3:3 "side a or b" side.csv --map query=query,result=result,side=side
printf 'query,result,side\nq,d1,a\n' >notsxs.csv
check "a side of a page that stands alone is named" bad 2:3 "only a result of an sxs case" \
	notsxs.csv --kind serp --map query=query,result=result,side=side
printf 'query\tresult\nq\td1\nq\td2\tx\n' >wide.tsv
check "a row of TSV with a cell too many is named" bad 3:3 "3 cells" wide.tsv
printf 'query\tresult\nq\t\xff\n' >latin1.tsv
check "a cell of TSV that is not UTF-8 is named" bad 2:2 "UTF-8" latin1.tsv
printf '%s\n' '{"query":"q","result":"d1"}' '{"query":"q","result":' >cut.jsonl
check "a line of JSON that is cut is named" bad 2:22 "" cut.jsonl
printf '%s\n' '[{"query":"q","result":"d1"}]' >array.jsonl
check "a JSON array is named, with what to do" bad 1:1 "jq -c" array.jsonl
printf '%s\n' '{"query":"q","query":"r","result":"d1"}' >double.jsonl
check "a member that is there twice is named" bad 1:20 "duplicate" double.jsonl
printf '%s\n' '{"query":"a\u0000b","result":"d1"}' >nul.jsonl
check "a NUL in JSON is named" bad 1:19 "u0000" nul.jsonl
printf '%s\n' '{"id":"c","query":"q","results":[{"id":"d1"},{"title":"T"}]}' >noid.jsonl
check "a result without an id is named by its number" bad 1:3 "results[1]: no id" noid.jsonl
printf '%s\n' '{"id":"c","query":"q","results":[{"id":"d1","rank":-1}]}' >neg.jsonl
check "a rank below 1 in JSON is named" bad 1:3 "results[0]: a rank" neg.jsonl
printf '%s\n' '{"id":"c","query":"q","results":[{"id":"d1"},{"id":"d1"}]}' >same.jsonl
check "a result that is there twice in JSON is named" bad 1:3 "results[1]: the case has this result already" same.jsonl

check "a column of --map that is not there is said, with those that are" \
	bad_file "query, result, title, rank, locale" twice.csv --map query=query,result=docid
printf 'a,b\n1,2\n' >other.csv
check "columns that mean nothing are said" bad_file "a, b" other.csv
printf 'query,result,query\nq,d1,r\n' >header.csv
check "a column that is there twice is said" bad_file "query" header.csv
cp twice.csv table.txt
check "a file of no known format is wrong usage" only_complains 2 "--format" casepack -C hub import table.txt
check "columns by number need --map" only_complains 2 "--map" casepack -C hub import twice.csv --no-header

many() { # each bad row is counted, and not all are shown
	{ echo "$head"; for ((i = 1; i <= 500; i++)); do echo "q$i,d,t,x,en-US"; done; } >many.csv
	complains 1 '500 rows do not fit; nothing was imported' casepack -C hub import many.csv &&
		[ "$(wc -l <"$work/.words")" -lt 100 ] && grep -q 'and [0-9]* more' "$work/.words" &&
		equal "$(hash hub && refs hub)" "$before"
}
check "of many bad rows some are shown and all are counted" many
row >good.csv
two_files() { complains 1 'nothing was imported' casepack -C hub import good.csv rank.csv && equal "$(hash hub && refs hub)" "$before"; }
check "one bad file of several, and none is taken" two_files
several_bad() { # every bad row of every file, not the first alone
	for n in 1 2 3; do printf 'query,result,rank\nq%d,d1,1\nq%d,d2,x\n' $n $n >several$n.csv; done
	complains 1 '3 rows do not fit' casepack -C hub import several1.csv several2.csv several3.csv &&
		equal "$(grep -c '^several[123].csv:3:3: ' "$work/.words")" 3
}
check "the bad rows of all files are named" several_bad

# ---- what fits ------------------------------------------------------------------------------

check "a dry run says what would be" effect 1 0 0 1 good.csv -n
check "and changes nothing" equal "$(hash hub && refs hub)" "$before"
check "what fits is taken" effect 1 0 0 1 good.csv
check "once: the same again changes nothing" effect 0 0 1 1 good.csv
after=$(hash hub && refs hub)
quiet imports good.csv
check "and writes no history" equal "$(hash hub && refs hub)" "$after"

printf '\xef\xbb\xbfquery,result,title\r\nbom,d1,"Two\r\nlines, one cell"\r\n' >bom.csv
check "a byte order mark and CRLF are no part of a case" effect 1 0 0 1 bom.csv --locale en-US
check "a cell over two lines stays as it is" shown bom '.results[0].title' $'Two\r\nlines, one cell'
check "the first column has its right name" shown bom '.query' bom
printf 'query,result,title\rmac,d1,T\r' >mac.csv
check "lines that end in CR alone are lines" effect 1 0 0 1 mac.csv
printf 'query,result\nlast,d1' >last.csv
check "a last line without its end is a row" effect 1 0 0 1 last.csv
printf 'query\tresult\ttitle\nكم عدد سكان مصر؟\td1\tجمهورية "مصر" العربية\n' >arabic.tsv
check "TSV in Arabic is taken" effect 1 0 0 1 arabic.tsv --locale ar
check "exactly, quotes included" shown 'كم عدد سكان مصر؟' '.results[0].title' 'جمهورية "مصر" العربية'
printf '%s\n' '{"id":"j1","query":"red shoes","locale":"en-US","need":"to buy","results":[{"id":7,"title":"Seven","rank":1},{"id":"d2","url":"https://example.org/?a=1&b=2"}]}' \
	'' '{"id":"j2","query":"x","result":"d1","rank":1}' '{"id":"j2","query":"x","result":"d2","rank":null}' >cases.jsonl
check "JSON lines are taken, whole cases and single results" effect 2 0 0 4 cases.jsonl
check "an id that is a number is text" shown j1 '.results[0].id' 7
check "a URL stays as it is" shown j1 '.results[1].url' 'https://example.org/?a=1&b=2'
from_stdin() { printf 'query,result\npiped,d1\n' | casepack -C hub import - --format csv && shown piped .query piped; }
check "standard input is taken" from_stdin
printf 'query,result,rank\nranked,third,3\nranked,first,1\nranked,second,2\n' >ranked.csv
check "ranks are taken" effect 1 0 0 3 ranked.csv
check "and results stand in their order" shown ranked '[.results[].id] | join(" ")' 'first second third'
cat >every.csv <<'C'
case,q,doc,name,text,link,sort,pos,lang,where,why,part
e1,red shoes,d1,Shoes,They are red.,https://example.org/1,web,2,fr-CA,ca,to buy,odd
e1,red shoes,d2,Boots,,,image,1,fr-CA,ca,to buy,odd
C
check "every column of a table is taken" effect 1 0 0 2 every.csv --map \
	id=case,query=q,result=doc,title=name,snippet=text,url=link,type=sort,rank=pos,locale=lang,market=where,need=why,segment=part
check "each to its own place in the case" shown e1 '[.query, .need, .locale, .market, .segment, .kind] | join("|")' \
	'red shoes|to buy|fr-CA|ca|odd|serp'
check "and in its results" shown e1 '[.results[] | "\(.id) \(.title) \(.snippet) \(.url) \(.type) \(.rank)"] | join("|")' \
	'd2 Boots   image 1|d1 Shoes They are red. https://example.org/1 web 2'
printf 'query,result\nsaid,d1\n' >said.csv
check "what no row says is said by options" effect 1 0 0 1 said.csv --locale de-AT --market at --segment rest
check "for the whole file" shown said '[.locale, .market, .segment] | join("|")' 'de-AT|at|rest'
printf 'query,result,title\nitems,d1,One\nitems,d2,Two\n' >items.csv
check "each row of items is a case" effect 2 0 0 2 items.csv --kind item
check "called by its query and its result" shown 'items / d2' '[.kind, .query, (.results[] | .id, .title)] | join("|")' 'item|items|d2|Two'

{ echo query,result,side; for ((i = 1; i <= 40; i++)); do printf 'pair%d,old,a\npair%d,new,b\n' $i $i; done; } >pairs.csv
sides() { # how often system a is shown left and right; the hub's private key of every pair names the same
	for ((i = 1; i <= 40; i++)); do
		casepack -C hub --json show pair$i | jq -r '"\(.key) \(.results[] | select(.id == "old").side)"'
	done >seen
	sqlite3 -separator ' ' hub/casepack.db "SELECT lower(hex(id)), CASE WHEN side_a = 'a' THEN 'a' ELSE 'b' END FROM side_keys" |
		sort | diff - <(sort seen) || return 1
	equal "$(cut -d' ' -f2 seen | sort -u | xargs)" 'a b'
}
check "pairs of pages are taken" effect 40 0 0 80 pairs.csv --kind sxs --map query=query,result=result,side=side
check "system a is left in some and right in others, as the hub's key says" sides
check "the same again changes nothing, and swaps nothing" effect 0 0 40 80 pairs.csv --kind sxs --map query=query,result=result,side=side

printf 'id,query,result\ncaf\xc3\xa9,q,d1\ncafe\xcc\x81,q,d2\n' >nfc.csv
check "ids that are the same in NFC are one case" effect 1 0 0 2 nfc.csv
printf 'id,query,result\ncafe\xcc\x81,q,d1\ncafe\xcc\x81,q,d2\n' >nfd.csv
count() { sqlite3 hub/casepack.db 'SELECT count(*) FROM cases'; }
one_more() { local n; n=$(count); imports nfd.csv && equal "$(count)" "$n"; }
check "also from one import to the next" one_more

content() { casepack -C hub --json show good | jq -r .content; }
first=$(content)
printf '%s\n' "$head" 'good,d1,Better,1,en-US' >good.csv
check "a changed row changes its case" effect 0 1 0 1 good.csv
second=$(content)
check "under a new version of its content" [ "$first" != "$second" ]
check "which is named by its BLAKE2b" [ "$(echo "$second" | grep -cE '^[0-9a-f]{64}$')" = 1 ]
check "and the same again changes nothing" effect 0 0 1 1 good.csv
check "the columns that are not taken are named" bash -c "
	printf 'query,result,secret\nq,d,x\n' >unused.csv; casepack -C hub import unused.csv 2>&1 | grep -q 'not imported: column secret'"
check "everything is sound" sound hub

# ---- real topics ----------------------------------------------------------------------------

# Through import, bundle and a rater's workspace the text must be that of the file, byte for byte.
topics() {
	local language=$1 file=$samples/miracl/topics-$1.tsv
	casepack init "hub-$1" --project "MIRACL $1" --name 'Lea D' --key lead &&
		casepack -C "hub-$1" person add anna --locale "$1" --key "$keys/anna.pub" &&
		casepack -C "hub-$1" import "$file" --no-header --map id=1,query=2 --locale "$1" >said || return 1
	equal "$(cut -d' ' -f1 said)" "$(wc -l <"$file")" || return 1
	casepack -C "hub-$1" form add quality --preset page-quality &&
		casepack -C "hub-$1" assign --form quality && mkdir "out-$1" &&
		casepack -C "hub-$1" pack --all -o "out-$1" && casepack -C "anna-$1" open "out-$1"/*.casepack.age --key anna || return 1
	casepack -C "anna-$1" --json rate --list | jq -r '.case + "\t" + .query' | LC_ALL=C sort >"got-$1"
	LC_ALL=C sort "$file" | cmp - "got-$1"
}
for language in ar fa hi zh; do
	check "the topics of MIRACL in $language pass through unchanged" topics "$language"
done
finish
