# Real people, two devices each, who judged some items twice: those that disagree are forks, in any order of arrival.
cd "$(dirname "$0")/../.." || exit 1
python3 tests/forks/forks.py "$(dirname "${CASEPACK:-build/plain/casepack}")/tests/forks/driver" "$@"
