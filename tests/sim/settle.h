/*
 * The end of a run: everything is delivered everywhere, and what every workspace
 * then holds is written down for the model to compare.
 */
#ifndef CASEPACK_SIM_SETTLE_H
#define CASEPACK_SIM_SETTLE_H

#include "tests/sim/world.h"

/* A copy of the hub, which will merge every return from now on in an order of its own. */
void settle_make_mirror(struct world *w);
/* The hubs exchange until nothing is new: through the bare repository, and contents by bundles. */
void settle_exchange(struct world *w);
/* What is under way arrives; then each workspace sends, its hub merges and answers. */
void settle_deliver(struct world *w);
/* The copy merges too; *out is its canonical hash. */
void settle_mirror_merges(struct world *w, struct cp_hash *out);

/* The hubs exchange once more, with nothing to say: the first file of their histories that this wrote, "" for none. */
const char *settle_quietly(struct world *w);

/* Writes DIR/state.json (dump.c); mirror NULL: there are other hubs. */
void settle_dump(struct world *w, const struct cp_hash *mirror, const char *news);

#endif
