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
 * the median of the rounds (9), or of their differences and ratios.
 *
 *     start     from the fork of the node until it says that it serves, with
 *               the file in the page cache (warm) or not (cold), less the time
 *               that hashing it takes; of a file that is laid out anew, and of
 *               one that is used as it lies
 *     memory    the file's size, what the zygote has, and the whole node; what
 *               one worker more costs, keys and values included
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
#define ROUNDS 9
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

/* Starting. */

static struct bytes map_file(const char *path)
{
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *mapped;

	invariant(file >= 0 && fstat(file, &status) == 0);
	mapped = mmap(NULL, (size_t)status.st_size, PROT_READ,
		      MAP_PRIVATE | MAP_POPULATE, file, 0);
	invariant(mapped != MAP_FAILED);
	return (struct bytes){ mapped, (size_t)status.st_size };
}

/* As the node does it, of a file that is in memory. */
static double hash_ms(const char *path)
{
	struct bytes file = map_file(path), rest = file;
	uint8_t root[MERKLE_HASH_BYTES];
	double began = timed_now();
	struct merkle tree;

	merkle_init(&tree);
	while (rest.len > 0) {
		size_t len = rest.len < LIMIT_MODEL_PIECE ? rest.len
							  : LIMIT_MODEL_PIECE;
		struct bytes piece;

		timed_must(bytes_take(&rest, len, &piece));
		merkle_add_leaf(&tree, piece);
	}
	merkle_root(&tree, root);
	began = (timed_now() - began) * 1e3;
	munmap((void *)(uintptr_t)file.data, file.len);
	return began;
}

/* What is not dirty leaves the page cache; the next reader has to wait. */
static void forget(const char *path)
{
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);

	invariant(file >= 0 && fdatasync(file) == 0 &&
		  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
}

enum page_cache {
	COLD,
	WARM,
};

static void measure_start(const char *format, enum page_cache cache)
{
	const char *path = model_of(format);
	struct policy policy = policy_for(1);
	double ready[STARTS], hash[STARTS];

	for (size_t i = 0; i < STARTS; i++) {
		struct system system;

		hash[i] = hash_ms(path);
		if (cache == COLD)
			forget(path);
		start(path, &policy, &system);
		ready[i] = (double)system.ready_us[SYSTEM_NODE] * 1e-3;
		(void)system_stop(&system);
	}
	printf("node.start.%s.%s %.0f ms\n", format,
	       cache == COLD ? "cold" : "warm",
	       timed_median(ready, STARTS) - timed_median(hash, STARTS));
	if (cache == WARM)
		printf("node.start.%s.hash %.0f ms\n", format,
		       timed_median(hash, STARTS));
}

/* Memory. */

static double mib_of(pid_t pid, const char *what)
{
	return (double)process_memory_kib(pid, what) / 1024;
}

static double node_mib(const struct system *system)
{
	struct process_list all;
	double mib = 0;

	process_node(system->pids[SYSTEM_NODE], &all);
	for (size_t i = 0; i < all.count; i++)
		mib += mib_of(all.pids[i], "Pss");
	return mib;
}

/* A node of so many workers: what all of it has, and its zygote. */
static double measure_workers(const char *format, uint32_t workers,
			      double *zygote)
{
	struct policy policy = policy_for(1);
	struct process_list list;
	struct system system;
	double all;

	policy.workers = workers;
	policy.warm_workers = workers;
	start(model_of(format), &policy, &system);
	(void)process_await_node(system.pids[SYSTEM_NODE], workers, 5000);
	process_workers(system.pids[SYSTEM_NODE], &list);
	*zygote = mib_of(process_role(system.pids[SYSTEM_NODE], JAIL_ZYGOTE),
			 "Rss");
	if (workers == 1 && list.count == 1)
		printf("memory.%s.worker.private %.1f MiB\n", format,
		       mib_of(list.pids[0], "Private_Dirty") +
			       mib_of(list.pids[0], "Private_Clean"));
	all = node_mib(&system);
	(void)system_stop(&system);
	return all;
}

static void measure_memory(const char *format)
{
	struct bytes file = map_file(model_of(format));
	double zygote, more_zygote;
	double one = measure_workers(format, 1, &zygote);
	double two = measure_workers(format, 2, &more_zygote);

	printf("memory.%s.file %.1f MiB\n", format, (double)file.len / MIB);
	printf("memory.%s.zygote %.1f MiB\n", format, zygote);
	printf("memory.%s.node %.1f MiB\n", format, one);
	printf("memory.%s.further_worker %.1f MiB\n", format, two - one);
	munmap((void *)(uintptr_t)file.data, file.len);
}

static void measure_format(const char *format)
{
	measure_start(format, COLD);
	measure_start(format, WARM);
	measure_memory(format);
}

int main(int count, char **arguments)
{
	size_t rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : ROUNDS;

	if (rounds == 0 || rounds > ROUNDS_MAX)
		die("1 to 99 rounds");
	if (system_obstacle() != NULL)
		die(system_obstacle());
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	measure_answers(1, rounds);
	measure_answers(2, rounds);
	measure_format("q8_0");
	measure_format("p_q8");
	return EXIT_SUCCESS;
}
