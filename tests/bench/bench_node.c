/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node makes of its engine, with a model that is large enough for it to
 * matter: one line of name, value and unit for each figure.
 *
 *     bench_node [ROUNDS]
 *
 *     engine    inference/ alone, in this process
 *     sealed    the same text from a jailed worker, sealed, unshaped, as one
 *               who calls the node has it: no gateway, no client
 *
 * The two take turns, since machines have moods, and what is told of both is
 * the median of the rounds (15), or of their differences and ratios.
 *
 *     start     from the start of the node until it serves, with the file in
 *               the page cache (warm) or not (cold), less the time that
 *               hashing it takes
 *     memory    of the zygote over that of the file; of one worker more
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "inference/team.h"
#include "policy/limits.h"
#include "tests/random_model.h"
#include "tests/scenarios/call.h"
#include "tests/scenarios/process.h"
#include "tests/support/timed.h"
#include "tests/system.h"

#define SHAPE "qwen3-100m"
#define ROUNDS 15
#define ROUNDS_MAX 99
#define STARTS 3
#define TOKENS 96
#define CONTEXT 256
#define SEED 1
#define ANSWER_MS 30000
#define PROMPT "Once upon a time"
#define MIB 1048576.0

/* Until the first of an answer, and from there on for each token of it. */
struct cost {
	double first_ms;
	double token_ms;
};

static struct cost cost_of(double first, double all, size_t tokens)
{
	invariant(tokens > 1);
	return (struct cost){ first * 1e3,
			      (all - first) * 1e3 / (double)(tokens - 1) };
}

static const char *model_of(const char *format)
{
	const char *path = random_model(SHAPE, format);

	if (path == NULL)
		die("no model could be made");
	return path;
}

static struct policy policy_for(uint32_t threads)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	policy.context_tokens = CONTEXT;
	policy.output_tokens_max = TOKENS;
	policy.threads = threads;
	return policy;
}

static void start(const char *model, const struct policy *policy,
		  struct system *out)
{
	const char *wrong;

	invariant(setenv("PCC_MODEL", model, 1) == 0);
	wrong = system_start(policy, SYSTEM_AS_CALLER, out);
	if (wrong == NULL)
		return;
	fprintf(stderr, "bench_node: %s\n", wrong);
	exit(EXIT_FAILURE);
}

/* The engine alone. */

struct bare {
	struct model *model;
	struct team *team;
	struct arena arena;
};

static struct bare bare_open(const char *path, size_t threads)
{
	struct bare bare = { .model = timed_model(path) };

	timed_must(team_open(threads, &bare.team));
	bare.arena.size = generate_memory(
		bare.model, &(struct generate_room){ .context_max = CONTEXT,
						     .threads = threads });
	bare.arena.base = timed_memory(bare.arena.size);
	return bare;
}

/* What a worker makes of a request's number. */
static void seed_for(uint64_t number, uint8_t seed[static 32])
{
	uint8_t bytes[8];
	struct writer out = WRITER_OVER(bytes);

	timed_must(bytes_put_u64(&out, number));
	hash_sha256(bytes_written(&out), seed);
}

static struct cost time_bare(struct bare *bare, size_t *tokens)
{
	struct generate_options options = { .temperature = 1,
					    .top_p = 1,
					    .tokens_max = TOKENS,
					    .context_max = CONTEXT,
					    .team = bare->team };
	enum generate_state state = GENERATE_RUNNING;
	struct generation *generation;
	double began, first = 0;
	struct bytes text;

	seed_for(SEED, options.seed);
	arena_wipe(&bare->arena);
	began = timed_now();
	timed_must(generate_start_text(bare->model, &bare->arena,
				       BYTES_LITERAL(PROMPT), &options,
				       &generation));
	while (state == GENERATE_RUNNING) {
		timed_must(generate_step(generation, &text, &state));
		if (first == 0 && text.len > 0)
			first = timed_now() - began;
	}
	*tokens = generate_usage(generation).answer_tokens;
	return cost_of(first, timed_now() - began, *tokens);
}

/* The same through the node. */

static const char body[] =
	"{\"model\":\"" SYSTEM_MODEL_NAME "\",\"prompt\":\"" PROMPT
	"\",\"max_tokens\":96,\"seed\":1,\"stream\":true,"
	"\"stream_options\":{\"include_usage\":true}}";

static size_t tokens_of(const struct sealed_answer *answer)
{
	static const char name[] = "\"completion_tokens\":";
	const char *usage = strstr(answer->content, name);

	return usage == NULL ? 0 : strtoul(usage + sizeof(name) - 1, NULL, 10);
}

/* Who asks, and what came. */
struct asker {
	struct call_line line;
	struct sealed_target target;
	struct fetch_response *response; /* as if a gateway had brought it */
};

static struct asker asker_open(const struct system *system)
{
	struct asker asker = { .line = call_dial(system, 0),
			       .response = fetch_response_new() };

	invariant(sealed_find(system->gateway, &asker.target));
	asker.response->status = 200;
	return asker;
}

/* Chunk by chunk: when the first came, and when all had. */
static void receive(struct call *call, struct fetch_response *out,
		    double *first, double *all)
{
	struct writer wire = { (uint8_t *)out->body, 0, FETCH_BODY_MAX };

	*first = 0;
	while (call_hear(call, &wire)) {
		*all = timed_now();
		if (*first == 0 && wire.len > 0)
			*first = *all;
	}
	out->len = wire.len;
}

static struct cost time_sealed(const struct asker *asker, size_t expected)
{
	struct sealed_request request;
	struct sealed_answer answer;
	uint8_t memory[1024];
	struct writer inner = WRITER_OVER(memory);
	struct call call;
	double began, first = 0, all = 0;

	sealed_inner("POST", "/v1/completions", body, &inner);
	sealed_make(&asker->target, OHTTP_CHUNKED, bytes_written(&inner),
		    &request);
	began = timed_now();
	call_open(&asker->line, ANSWER_MS, &call);
	call_ask(&call, &asker->target, &request);
	receive(&call, asker->response, &first, &all);
	invariant(call_await_end(&call, ANSWER_MS));
	call_close(&call);
	timed_must(sealed_open(&request, asker->response, &answer));
	invariant(answer.status == 200 && tokens_of(&answer) == expected);
	free(answer.content);
	sealed_free(&request);
	return cost_of(first - began, all - began, expected);
}

struct rounds {
	double bare_first[ROUNDS_MAX], bare_token[ROUNDS_MAX];
	double sealed_first[ROUNDS_MAX], sealed_token[ROUNDS_MAX];
	double over_first[ROUNDS_MAX], rate[ROUNDS_MAX];
};

static void run_round(struct bare *bare, const struct asker *asker,
		      struct rounds *rounds, size_t i)
{
	size_t tokens;
	struct cost alone = time_bare(bare, &tokens);
	struct cost sealed = time_sealed(asker, tokens);

	rounds->bare_first[i] = alone.first_ms;
	rounds->bare_token[i] = alone.token_ms;
	rounds->sealed_first[i] = sealed.first_ms;
	rounds->sealed_token[i] = sealed.token_ms;
	rounds->over_first[i] = sealed.first_ms - alone.first_ms;
	rounds->rate[i] = 100 * alone.token_ms / sealed.token_ms;
	system_sleep_ms(20); /* the next worker is forked */
}

static void tell(uint32_t threads, const char *name, double *values,
		 size_t count, const char *unit)
{
	printf("node.%u.%s %.3f %s\n", threads, name,
	       timed_median(values, count), unit);
}

static void measure_answers(uint32_t threads, size_t count)
{
	static struct rounds rounds;
	const char *path = model_of("q8_0");
	struct bare bare = bare_open(path, threads);
	struct policy policy = policy_for(threads);
	struct system system;
	struct asker asker;

	start(path, &policy, &system);
	asker = asker_open(&system);
	for (size_t i = 0; i < count; i++)
		run_round(&bare, &asker, &rounds, i);
	free(asker.response);
	(void)system_stop(&system);
	team_close(bare.team);

	tell(threads, "engine.first", rounds.bare_first, count, "ms");
	tell(threads, "engine.token", rounds.bare_token, count, "ms");
	tell(threads, "sealed.first", rounds.sealed_first, count, "ms");
	tell(threads, "sealed.token", rounds.sealed_token, count, "ms");
	tell(threads, "over_engine.first", rounds.over_first, count, "ms");
	tell(threads, "of_engine.rate", rounds.rate, count, "percent");
}

int main(int count, char **arguments)
{
	size_t rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : ROUNDS;

	if (rounds == 0 || rounds > ROUNDS_MAX)
		die("1 to 99 rounds");
	if (system_obstacle() != NULL)
		die(system_obstacle());
	measure_answers(1, rounds);
	measure_answers(2, rounds);
	return EXIT_SUCCESS;
}
