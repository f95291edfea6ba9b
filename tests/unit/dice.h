/* Chance that is the same in every run. */
#ifndef CASEPACK_TESTS_DICE_H
#define CASEPACK_TESTS_DICE_H

#include <stdint.h>

static uint64_t dice_state = 11; /* set anew by a test that others must not disturb */

/* 0 .. n - 1 */
static inline unsigned dice(unsigned n)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice_state >> 33) % n;
}

#endif
