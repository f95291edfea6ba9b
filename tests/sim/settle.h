/*
 * The end of a run: everything is delivered everywhere, and what every workspace
 * then holds is written down for the model to compare.
 */
#ifndef CASEPACK_SIM_SETTLE_H
#define CASEPACK_SIM_SETTLE_H

#include "tests/sim/world.h"

/* A copy of the hub, which will merge every return from now on in an order of its own. */
void settle_make_mirror(struct world *w);
/* What is under way arrives; then each workspace sends, the hub merges and answers. */
void settle_deliver(struct world *w);
/* The copy merges too; *out is its canonical hash. */
void settle_mirror_merges(struct world *w, struct cp_hash *out);

/* Writes DIR/state.json (dump.c). */
void settle_dump(struct world *w, const struct cp_hash *mirror);

#endif
