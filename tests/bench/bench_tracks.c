/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tracks are worth: the same engine on two threads, dealing tracks to them
 * (one meeting a block) or sharing tensors among them (five a layer), in turn:
 * A B A B.
 *
 *     bench_tracks [ROUNDS]
 *
 * A line of name, value and unit for each figure: medians of the rounds (9),
 * the spread of their middle half, how often the threads met, and the gain, the
 * median of the rounds' ratios.  `whole` is a model of one track that reads as
 * many weights a token, cut in the usual way.
 *
 * On one machine a meeting takes about a microsecond.  So that a slower link
 * can be seen, all members wait for so long after each meeting's work, as if
 * what they tell each other were on its way: 0us to 100us.  This is an
 * imitation, of latency alone.  `busy` is without delay, beside another thread
 * that never rests; `lone` is one thread, which meets nobody: what a file costs
 * by its shape.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "inference/team.h"
#include "tests/bench/random_file.h"

#define HOME_MODEL "models/home.gguf"
#define THREADS 2
#define ROUNDS 9
#define ROUNDS_MAX 99
#define ROUND_SECONDS 0.06 /* a round, of each way to decode */
#define PREFILL_ROUNDS 3
#define CONDITION_SECONDS 4 /* after which no round begins */
#define PROMPT 512
#define WAYS_MAX 5

enum condition {
	LINK_0,
	LINK_5,
	LINK_20,
	LINK_100,
	BUSY,
	LONE,
	CONDITIONS
};

static const struct {
	const char *name;
	double delay; /* seconds a meeting */
} conditions[CONDITIONS] = {
	[LINK_0] = { "0us", 0 },       [LINK_5] = { "5us", 5e-6 },
	[LINK_20] = { "20us", 20e-6 }, [LINK_100] = { "100us", 100e-6 },
	[BUSY] = { "busy", 0 },	       [LONE] = { "lone", 0 },
};

#define ALL ((1u << CONDITIONS) - 1)

struct way {
	const char *name;
	struct timed *timed;
	struct timed *lone;
	double rates[ROUNDS_MAX]; /* tokens a second */
};

/* The first way is the one that is measured by the others. */
struct contest {
	const char *name;
	struct team *team;
	struct way ways[WAYS_MAX];
	size_t way_count;
	size_t rounds;
	unsigned decode; /* under which conditions, a bit for each */
	unsigned prefill;
};

static double link_delay; /* seconds */

struct delayed {
	void (*work)(void *context, size_t member);
	void *context;
};

static void work_and_wait(void *context, size_t member)
{
	const struct delayed *delayed = context;
	double end;

	delayed->work(delayed->context, member);
	end = timed_now() + link_delay;
	while (timed_now() < end)
		;
}

/* The linker puts the first in the place of team_run() in this program, and
 * calls that the second: the engine itself knows of no delay. */
void __wrap_team_run(struct team *team,
		     void (*work)(void *context, size_t member), void *context);
void __real_team_run(struct team *team,
		     void (*work)(void *context, size_t member), void *context);

void __wrap_team_run(struct team *team,
		     void (*work)(void *context, size_t member), void *context)
{
	struct delayed delayed = { work, context };

	if (link_delay > 0 && team_size(team) > 1)
		__real_team_run(team, work_and_wait, &delayed);
	else
		__real_team_run(team, work, context);
}

static atomic_int is_restless;

static void *never_rest(void *context)
{
	while (atomic_load(&is_restless))
		;
	return context;
}

static void add_way(struct contest *contest, const char *name,
		    const struct model *model, enum engine_deal deal)
{
	struct timed_how how = { model->config, contest->team, deal, PROMPT };
	struct way *way = &contest->ways[contest->way_count++];

	way->name = name;
	way->timed = timed_open(model, &how);
	how.team = NULL;
	way->lone = timed_open(model, &how);
}

/* Also touches all memory once, before time counts. */
static void count_meetings(struct contest *contest)
{
	for (size_t w = 0; w < contest->way_count; w++) {
		struct way *way = &contest->ways[w];
		size_t before = team_meetings(contest->team);

		(void)timed_decode(way->lone, 0);
		(void)timed_decode(way->timed, 0);
		printf("tracks.%s.meetings.%s %zu meetings/token\n",
		       contest->name, way->name,
		       team_meetings(contest->team) - before);
		if (contest->prefill == 0)
			continue;
		before = team_meetings(contest->team);
		(void)timed_prefill(way->timed, PROMPT);
		printf("tracks.%s.meetings_of_prompt.%s %zu meetings\n",
		       contest->name, way->name,
		       team_meetings(contest->team) - before);
	}
}

/* The median of how many times faster the first way was, round by round. */
static double gain(const struct contest *contest, const struct way *other,
		   size_t rounds)
{
	double ratios[ROUNDS_MAX];

	for (size_t i = 0; i < rounds; i++)
		ratios[i] = contest->ways[0].rates[i] / other->rates[i];
	return timed_median(ratios, rounds);
}

/* Gains first: what is in order afterwards is no longer in that of rounds. */
static void print(struct contest *contest, const char *what,
		  enum condition condition, size_t rounds)
{
	const char *first = contest->ways[0].name;
	char name[64];

	(void)snprintf(name, sizeof(name), "tracks.%s.%s.%s", contest->name,
		       what, conditions[condition].name);
	for (size_t w = 1; w < contest->way_count; w++)
		printf("%s.%s_over_%s %.3f times\n", name, first,
		       contest->ways[w].name,
		       gain(contest, &contest->ways[w], rounds));
	for (size_t w = 0; w < contest->way_count; w++) {
		struct way *way = &contest->ways[w];

		printf("%s.%s %.1f tokens/s\n", name, way->name,
		       timed_median(way->rates, rounds));
		printf("%s.%s.spread %.1f %%\n", name, way->name,
		       timed_spread(way->rates, rounds));
	}
}

static double decode(struct timed *timed)
{
	return timed_decode(timed, ROUND_SECONDS);
}

static double prefill(struct timed *timed)
{
	return timed_prefill(timed, PROMPT);
}

/* Rounds there are as many as there is time for: where the machine is busy,
 * threads that meet often take many times as long. */
static void run_rounds(struct contest *contest, const char *what,
		       enum condition condition, size_t rounds,
		       double (*measure)(struct timed *timed))
{
	double end = timed_now() + CONDITION_SECONDS;
	size_t round = 0;

	do {
		for (size_t w = 0; w < contest->way_count; w++) {
			struct way *way = &contest->ways[w];

			way->rates[round] = measure(
				condition == LONE ? way->lone : way->timed);
		}
		round++;
	} while (round < rounds && timed_now() < end);
	print(contest, what, condition, round);
}

static void run_condition(struct contest *contest, enum condition condition)
{
	pthread_t other;

	link_delay = conditions[condition].delay;
	atomic_store(&is_restless, condition == BUSY);
	if (condition == BUSY &&
	    pthread_create(&other, NULL, never_rest, NULL) != 0)
		die("no thread to be had");
	if (contest->decode >> condition & 1)
		run_rounds(contest, "decode", condition, contest->rounds,
			   decode);
	if (contest->prefill >> condition & 1)
		run_rounds(contest, "prefill", condition, PREFILL_ROUNDS,
			   prefill);
	link_delay = 0;
	atomic_store(&is_restless, 0);
	if (condition == BUSY)
		pthread_join(other, NULL);
}

static void run_contest(struct contest *contest)
{
	count_meetings(contest);
	for (enum condition i = 0; i < CONDITIONS; i++)
		run_condition(contest, i);
}

/* 0.6 B of weights, of which a token reads as many from each file. */
static void compare_large(struct team *team, size_t rounds)
{
	const struct model *tracks =
		random_file_open(shape_named("ptmoe-0.6b-t2"));
	const struct model *whole =
		random_file_open(shape_named("ptmoe-0.6b-t1"));
	struct contest contest = {
		.name = "600m",
		.team = team,
		.rounds = rounds,
		.decode = ALL,
		.prefill = 1u << LINK_0 | 1u << LINK_100,
	};

	add_way(&contest, "tracks", tracks, ENGINE_TRACKS);
	add_way(&contest, "tensors", tracks, ENGINE_TENSORS);
	add_way(&contest, "whole", whole, ENGINE_TENSORS);
	/* What is counted elsewhere: one after attention and one after the
	 * feed-forward of each layer, and one over the logits. */
	printf("tracks.600m.meetings.two_a_layer %u meetings/token\n",
	       2 * tracks->config.layers + 1);
	run_contest(&contest);
}

static void compare_home(struct team *team, size_t rounds)
{
	struct contest contest = {
		.name = "home", .team = team, .rounds = rounds, .decode = ALL
	};
	const struct model *model;

	if (access(HOME_MODEL, R_OK) != 0)
		return;
	model = timed_model(HOME_MODEL);
	add_way(&contest, "tracks", model, ENGINE_TRACKS);
	add_way(&contest, "tensors", model, ENGINE_TENSORS);
	run_contest(&contest);
}

/* The same weights of sixteen layers, in blocks of other depths: other models,
 * at the same cost but for the meetings. */
static void compare_depths(struct team *team, size_t rounds)
{
	static const struct {
		const char *name;
		uint32_t layers;
	} depths[] = { { "depth8", 8 },
		       { "depth4", 4 },
		       { "depth2", 2 },
		       { "depth1", 1 } };
	struct shape shape = *shape_named("ptmoe-100m");
	struct contest contest = { .name = "100m",
				   .team = team,
				   .rounds = rounds,
				   .decode = 1u << LINK_0 | 1u << LINK_20 };
	struct model *model;

	shape.name = "ptmoe-100m-16-layers";
	shape.layers = 16;
	model = random_file_open(&shape);
	for (size_t i = 0; i < 4; i++) {
		model->config.block_depth = depths[i].layers;
		add_way(&contest, depths[i].name, model, ENGINE_TRACKS);
	}
	add_way(&contest, "tensors", model, ENGINE_TENSORS);
	run_contest(&contest);
}

int main(int count, char **arguments)
{
	size_t rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : ROUNDS;
	struct team *team;

	if (rounds < PREFILL_ROUNDS || rounds > ROUNDS_MAX)
		die("3 to 99 rounds");
	/* What is done counts, should the whole take too long. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	timed_must(team_open(THREADS, &team));
	compare_home(team, rounds);
	compare_depths(team, rounds);
	compare_large(team, rounds);
	team_close(team);
	return EXIT_SUCCESS;
}
