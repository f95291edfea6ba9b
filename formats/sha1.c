#include "formats/sha1.h"

#include <string.h>

static uint32_t rol(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static void block(uint32_t h[5], const uint8_t in[64])
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (size_t i = 0; i < 16; i++)
		w[i] = (uint32_t)in[4 * i] << 24 | (uint32_t)in[4 * i + 1] << 16 | (uint32_t)in[4 * i + 2] << 8 | in[4 * i + 3];
	for (size_t i = 16; i < 80; i++)
		w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (size_t i = 0; i < 80; i++) {
		uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
		uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
		uint32_t t = rol(a, 5) + f + e + k + w[i];

		e = d;
		d = c;
		c = rol(b, 30);
		b = a;
		a = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void cp_sha1_begin(struct cp_sha1 *s)
{
	*s = (struct cp_sha1){ .h = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 } };
}

void cp_sha1_add(struct cp_sha1 *s, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;

	while (len > 0) {
		size_t at = s->len % 64, n = 64 - at < len ? 64 - at : len;

		if (at == 0 && n == 64) {
			block(s->h, in);
		} else {
			memcpy(s->block + at, in, n);
			if (at + n == 64)
				block(s->h, s->block);
		}
		s->len += n;
		in += n;
		len -= n;
	}
}

void cp_sha1_end(struct cp_sha1 *s, uint8_t out[CP_SHA1])
{
	static const uint8_t pad[64] = { 0x80 };
	uint64_t bits = s->len * 8;
	uint8_t end[8];

	for (size_t i = 0; i < 8; i++)
		end[i] = (uint8_t)(bits >> (56 - 8 * i));
	cp_sha1_add(s, pad, 1 + (119 - s->len % 64) % 64);
	cp_sha1_add(s, end, sizeof end);
	for (size_t i = 0; i < CP_SHA1; i++)
		out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}
