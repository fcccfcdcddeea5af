/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What experts cost: a token chooses two of them, however many there are.
 *
 *     bench_experts [ROUNDS]
 *
 * Random models that differ in the number of their experts, on two threads, in
 * turn.  A line of name, value and unit for each figure, medians of the rounds
 * (9): microseconds a token with two experts chosen, how that compares with the
 * fewest experts, its spread, and how large its weights are.  And the opposite, so
 * that it is seen that experts would cost: the same files with all experts
 * chosen.
 *
 * What does grow is the router, a row for each expert, and what the caches
 * have to hold.
 */
#include <stdio.h>
#include <stdlib.h>

#include "inference/team.h"
#include "tests/bench/random_file.h"

#define THREADS 2
#define ROUNDS 9
#define ROUNDS_MAX 99
#define ROUND_SECONDS 0.06
#define MODELS 4
#define CONTEXT 64

static const uint32_t counts[MODELS] = { 8, 16, 32, 64 };

/* Two tracks of one block; a token reads 25 million weights. */
static const struct shape shape = {
	.architecture = "ptmoe",
	.tracks = 2,
	.block_depth = 4,
	.window = 4096,
	.hidden = 1024,
	.layers = 4,
	.heads = 4,
	.kv_heads = 2,
	.head_width = 128,
	.feed_forward = 1024,
	.experts_used = 2,
	.expert_width = 512,
	.vocabulary = 4096,
	.context = 4096,
	.rope_base = 5e5f,
	.epsilon = 1e-5f,
	.head_norm = SHAPE_HEADS_EACH,
};

enum choice {
	SOME,
	ALL,
	CHOICES
};

struct model_of {
	uint32_t experts;
	const struct model *model;
	struct timed *timed[CHOICES];
	double rates[CHOICES][ROUNDS_MAX];
};

static void open_one(struct model_of *one, uint32_t experts, struct team *team)
{
	struct shape made = shape;
	struct timed_how how = { .team = team, .context = CONTEXT };
	char name[32];

	(void)snprintf(name, sizeof(name), "ptmoe-%u-experts", experts);
	made.name = name;
	made.experts = experts;
	one->experts = experts;
	one->model = random_file_open(&made);
	how.config = one->model->config;
	one->timed[SOME] = timed_open(one->model, &how);
	how.config.experts_used = experts;
	one->timed[ALL] = timed_open(one->model, &how);
	for (enum choice c = 0; c < CHOICES; c++)
		(void)timed_decode(one->timed[c], 0);
}

static void print(struct model_of *one, size_t rounds, double ratio)
{
	const char *const names[CHOICES] = { "two", "all" };

	printf("experts.%u.weights %.0f MiB\n", one->experts,
	       (double)one->model->memory.size / (1 << 20));
	for (enum choice c = 0; c < CHOICES; c++) {
		printf("experts.%u.%s %.1f us/token\n", one->experts, names[c],
		       1e6 / timed_median(one->rates[c], rounds));
		printf("experts.%u.%s.spread %.1f %%\n", one->experts, names[c],
		       timed_spread(one->rates[c], rounds));
	}
	printf("experts.%u.two_over_%u %.3f times\n", one->experts, counts[0],
	       ratio);
}

/* The median of how many times slower one was than another, round by round. */
static double ratio(const double *one, const double *other, size_t rounds)
{
	double ratios[ROUNDS_MAX];

	for (size_t i = 0; i < rounds; i++)
		ratios[i] = other[i] / one[i];
	return timed_median(ratios, rounds);
}

static void compare(struct model_of *models, size_t rounds)
{
	double ratios[MODELS];

	for (size_t i = 0; i < rounds; i++)
		for (enum choice c = 0; c < CHOICES; c++)
			for (size_t m = 0; m < MODELS; m++)
				models[m].rates[c][i] = timed_decode(
					models[m].timed[c], ROUND_SECONDS);
	for (size_t m = 0; m < MODELS; m++)
		ratios[m] = ratio(models[m].rates[SOME], models[0].rates[SOME],
				  rounds);
	for (size_t m = 0; m < MODELS; m++)
		print(&models[m], rounds, ratios[m]);
}

int main(int count, char **arguments)
{
	static struct model_of models[MODELS];
	size_t rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : ROUNDS;
	struct team *team;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		die("1 to 99 rounds");
	timed_must(team_open(THREADS, &team));
	for (size_t m = 0; m < MODELS; m++)
		open_one(&models[m], counts[m], team);
	compare(models, rounds);
	team_close(team);
	return EXIT_SUCCESS;
}
