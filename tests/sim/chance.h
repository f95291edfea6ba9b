/*
 * Everything that is left to chance, from one seed: the course of a run, the bytes
 * that the product draws from libsodium (keys, revs, salts), and the clocks.
 */
#ifndef CASEPACK_SIM_CHANCE_H
#define CASEPACK_SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance { uint64_t state; };

/* A stream of its own for each (seed, step): leaving out a step changes no other one's choices. */
struct chance chance_of(uint64_t seed, uint64_t step);
uint64_t chance_next(struct chance *c);
/* 0 .. n - 1; n > 0. */
size_t chance_below(struct chance *c, size_t n);
/* True in percent of 100 cases. */
bool chance_is(struct chance *c, int percent);

/* Replaces libsodium's source of random bytes; before anything of libsodium is called. */
void chance_take_over_entropy(void);
void chance_seed_entropy(uint64_t seed, uint64_t step);

/* What the product's clock shows from now on, microseconds since 1970. */
void chance_set_clock(int64_t now_us);

#endif
