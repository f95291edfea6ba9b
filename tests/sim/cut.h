/*
 * Power cuts in the course of a seed.
 *
 * A deed that writes is done in a child that is cut off at some point, or as soon as it
 * is done; the disk drops what it was not made to keep; the workspace is opened again,
 * where the power may fail once more. Then the deed is done again here, with the same
 * clock, choices and entropy, and that one is logged: what a person does who had no
 * answer. Nothing that the child changed in memory is needed for it.
 *
 * What must hold between is looked at here, and told in the world's `found`:
 *     durable  what was done to its end is there, a bundle that has its name is whole
 *     replay   what is there is what its history gives
 *     fsck     git and SQLite find nothing wrong
 */
#ifndef CASEPACK_SIM_CUT_H
#define CASEPACK_SIM_CUT_H

#include "tests/sim/deeds.h"

/* How often the power fails in that seed; never in half of them. */
void cut_choose(struct world *w);

/* The power may fail in this deed, which is then still to be done. Streams of chance and entropy are as before. */
void cut_before(struct world *w, deed *act);

/* Of the bundles in the folder of path, or in path itself, one that is for the same device: after a power cut there may
 * be another, which is as good. path is "" where none was written now; "" when there is none at all. */
void cut_pick_bundle(struct world *w, const char *folder, char *path, size_t size);

#endif
