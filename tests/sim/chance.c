#include "tests/sim/chance.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

/* SplitMix64. */
uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct chance chance_of(uint64_t seed, uint64_t step)
{
	struct chance c = { seed };

	c.state = chance_next(&c) ^ step * 0xd1342543de82ef95u;
	chance_next(&c);
	return c;
}

size_t chance_below(struct chance *c, size_t n)
{
	return (size_t)(chance_next(c) % n);
}

bool chance_is(struct chance *c, int percent)
{
	return chance_below(c, 100) < (size_t)percent;
}

/* ---- random bytes ------------------------------------------------------------------- */

static struct chance entropy;

static const char *entropy_name(void)
{
	return "simulated";
}

static uint32_t entropy_word(void)
{
	return (uint32_t)(chance_next(&entropy) >> 32);
}

static void entropy_bytes(void *out, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = chance_next(&entropy);

		memcpy((uint8_t *)out + i, &word, len - i < 8 ? len - i : 8);
	}
}

void chance_take_over_entropy(void)
{
	static randombytes_implementation mine = { .implementation_name = entropy_name, .random = entropy_word,
		.buf = entropy_bytes };

	randombytes_set_implementation(&mine);
}

void chance_seed_entropy(uint64_t seed, uint64_t step)
{
	entropy = chance_of(seed ^ 0x5eed, step);
}

/* ---- the clock ---------------------------------------------------------------------- */

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);

static int64_t shown_us;

/* The linker sends the product's calls here (-Wl,--wrap=clock_gettime). */
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
	if (id != CLOCK_REALTIME)
		return __real_clock_gettime(id, out);
	out->tv_sec = (time_t)(shown_us / 1000000);
	out->tv_nsec = (long)(shown_us % 1000000) * 1000;
	return 0;
}

void chance_set_clock(int64_t now_us)
{
	shown_us = now_us;
}
