/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/sampler.h"

#include <math.h>
#include <string.h>

#include "base/secret.h"
#include "inference/reserve.h"

static uint32_t rotated(uint32_t word, unsigned int bits)
{
	return word << bits | word >> (32 - bits);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotated(*d ^ *a, 16);
	*c += *d;
	*b = rotated(*b ^ *c, 12);
	*a += *b;
	*d = rotated(*d ^ *a, 8);
	*c += *d;
	*b = rotated(*b ^ *c, 7);
}

/* Down the columns of the 4 x 4 words, then down the diagonals. */
static void double_round(uint32_t x[static 16])
{
	for (int j = 0; j < 4; j++)
		quarter_round(x + j, x + 4 + j, x + 8 + j, x + 12 + j);
	for (int j = 0; j < 4; j++) {
		quarter_round(x + j, x + 4 + (j + 1) % 4, x + 8 + (j + 2) % 4,
			      x + 12 + (j + 3) % 4);
	}
}

/* The first two words of a ChaCha20 block; not a cipher, a source of draws. */
static uint64_t chacha_start(const uint8_t key[static 32], uint32_t counter)
{
	uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	uint32_t x[16];
	uint64_t result;

	memcpy(start + 4, key, 32);
	start[12] = counter;
	memcpy(x, start, sizeof(x));
	for (int i = 0; i < 10; i++)
		double_round(x);
	result = (uint64_t)(x[1] + start[1]) << 32 | (x[0] + start[0]);
	secret_wipe(x, sizeof(x));
	secret_wipe(start, sizeof(start));
	return result;
}

/* 53 bits are what a double holds between 1/2 and 1. */
double sampler_draw(const uint8_t seed[static 32], uint32_t n)
{
	return (double)(chacha_start(seed, n) >> 11) * 0x1p-53;
}

size_t sampler_memory(size_t vocabulary)
{
	return reserve_bytes(vocabulary, sizeof(float)) +
	       reserve_bytes(vocabulary, sizeof(uint32_t));
}

enum err sampler_init(struct sampler *sampler,
		      const struct sampler_options *options,
		      const struct kernel *kernel, size_t vocabulary,
		      struct arena *arena)
{
	struct sampler made = { .options = *options,
				.kernel = kernel,
				.vocabulary = vocabulary };

	/* Said so that NaN is refused. */
	if (!(options->temperature >= 0 && isfinite(options->temperature)))
		return ERR_MALFORMED;
	if (!(options->top_p > 0 && options->top_p <= 1))
		return ERR_MALFORMED;
	made.probabilities = arena_alloc(arena, vocabulary, sizeof(float));
	made.order = arena_alloc(arena, vocabulary, sizeof(uint32_t));
	if (made.probabilities == NULL || made.order == NULL)
		return ERR_TOO_LARGE;
	*sampler = made;
	return ERR_OK;
}

/* Of those that tie, the first. */
static uint32_t most_probable(const float *logits, size_t count)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < count; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

/* The order of the heap: a total one. */
static bool comes_before(const float *probabilities, uint32_t a, uint32_t b)
{
	if (probabilities[a] != probabilities[b])
		return probabilities[a] > probabilities[b];
	return a < b;
}

/* Let the token at i sink to its place in the heap order[0..count). */
static void sink(struct sampler *sampler, size_t i, size_t count)
{
	uint32_t *heap = sampler->order;
	uint32_t token = heap[i];
	size_t child;

	while ((child = 2 * i + 1) < count) {
		if (child + 1 < count &&
		    comes_before(sampler->probabilities, heap[child + 1],
				 heap[child]))
			child++;
		if (!comes_before(sampler->probabilities, heap[child], token))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = token;
}

/* O(n), and what is taken from it O(log n) each: a sort of the whole
 * vocabulary would cost more than the draw. */
static void make_heap(struct sampler *sampler)
{
	size_t count = sampler->vocabulary;

	for (uint32_t i = 0; i < count; i++)
		sampler->order[i] = i;
	for (size_t i = count / 2; i > 0; i--)
		sink(sampler, i - 1, count);
}

/*
 * Move the best `most` tokens, or fewer once they reach `enough`, to the end
 * of the order, the best one last.  Returns how many; *sum is theirs.
 */
static size_t take_best(struct sampler *sampler, size_t most, double enough,
			double *sum)
{
	size_t left = sampler->vocabulary;
	size_t taken = 0;

	*sum = 0;
	while (taken < most && left > 0 && *sum < enough) {
		uint32_t best = sampler->order[0];

		left--;
		taken++;
		*sum += (double)sampler->probabilities[best];
		sampler->order[0] = sampler->order[left];
		sampler->order[left] = best;
		sink(sampler, 0, left);
	}
	return taken;
}

static double sum_of_all(const struct sampler *sampler)
{
	double sum = 0;

	for (size_t i = 0; i < sampler->vocabulary; i++)
		sum += (double)sampler->probabilities[i];
	return sum;
}

/* Of the first `count` tokens from the end, how many reach the share top_p. */
static size_t cut_to_share(const struct sampler *sampler, size_t count,
			   double *sum)
{
	double enough = (double)sampler->options.top_p * *sum;
	double reached = 0;
	size_t kept = 0;

	while (kept < count && reached < enough) {
		kept++;
		reached += (double)sampler->probabilities
				   [sampler->order[sampler->vocabulary - kept]];
	}
	*sum = reached;
	return kept;
}

/* Order the tokens that may be drawn from the end on.  Returns how many. */
static size_t keep_tokens(struct sampler *sampler, double *sum)
{
	const struct sampler_options *options = &sampler->options;
	size_t count = sampler->vocabulary;

	if (options->top_k == 0 && options->top_p >= 1.0f) {
		for (uint32_t i = 0; i < count; i++)
			sampler->order[count - 1 - i] = i;
		*sum = sum_of_all(sampler);
		return count;
	}
	make_heap(sampler);
	if (options->top_k == 0) {
		double enough = (double)options->top_p * sum_of_all(sampler);

		return take_best(sampler, count, enough, sum);
	}
	count = take_best(sampler, options->top_k, INFINITY, sum);
	return cut_to_share(sampler, count, sum);
}

/* Sums in double, in one order, so that rounding cannot depend on anything but
 * the logits. */
uint32_t sampler_pick(struct sampler *sampler, const float *logits)
{
	size_t last = sampler->vocabulary - 1;
	uint32_t best = most_probable(logits, sampler->vocabulary);
	float *p = sampler->probabilities;
	double sum, target, passed = 0;
	size_t kept;

	if (sampler->options.temperature == 0)
		return best;
	/* Taken off first, so that a tiny temperature overflows downwards. */
	for (size_t i = 0; i <= last; i++)
		p[i] = (logits[i] - logits[best]) /
		       sampler->options.temperature;
	sampler->kernel->softmax(p, 0, sampler->vocabulary);
	kept = keep_tokens(sampler, &sum);
	target = sampler_draw(sampler->options.seed, sampler->draws++) * sum;
	for (size_t i = 0; i < kept; i++) {
		uint32_t token = sampler->order[last - i];

		passed += (double)p[token];
		if (passed > target)
			return token;
	}
	return best; /* rounding left the target at the very end */
}
