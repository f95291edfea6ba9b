# The revision tree against its rules restated in Python: random histories, every answer compared.
cd "$(dirname "$0")/../.." || exit 1
driver=$(dirname "${CASEPACK:-build/plain/casepack}")/tests/tree/driver
if python3 tests/tree/crosscheck.py --driver "$driver" --runs 300 --seed 1; then
	echo "ok - 300 random histories give the same state as the rules restated"
else
	echo "not ok - 300 random histories give the same state as the rules restated"
fi
