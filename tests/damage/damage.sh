# Damage that is made on purpose: changesets, and whole bundles. The long runs of the same are in `make campaign`.
cd "$(dirname "$0")/../.." || exit 1
tools=$(dirname "${CASEPACK:-build/plain/casepack}")/tests/damage
inputs=10000
[[ $tools != *address* ]] || inputs=2000 # five times slower there
for run in "killers $(echo tests/damage/killers/*)" "changesets 1 $inputs" "bits quick"; do
	"$tools"/$run || echo "not ok - $run ended with status $?"
done
