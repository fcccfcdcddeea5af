/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node that serves has of the machine's memory: the weights once, in
 * whichever order their file has them, and little for a further worker.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "inference/model.h"
#include "policy/limits.h"
#include "tests/random_model.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define SHAPE "qwen3-100m"
#define CONTEXT 2048
#define CHUNK 128 /* tokens of a prompt that go in at once */
#define MIB ((uint64_t)1 << 20)
#define SMALL (24 * MIB) /* libraries, heap, what an arena holds beside */
#define WORKER (30 * MIB)

static struct system pcc;

/* What is known of a file without a node. */
struct sizes {
	uint64_t file;
	uint64_t cache; /* keys and values of a context */
};

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(footprint, .fini = stop, .timeout = 120);

static struct sizes sizes_of(const char *path)
{
	static const struct model_limits limits = { LIMIT_MODEL_LAYERS,
						    LIMIT_MODEL_WIDTH,
						    LIMIT_MODEL_VOCABULARY,
						    LIMIT_CONTEXT_TOKENS };
	const struct session_shape session = { CONTEXT, CHUNK, KERNEL_F16 };
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);
	struct sizes sizes;
	struct model *model;
	struct stat status;
	void *mapped;

	cr_assert(file >= 0 && fstat(file, &status) == 0);
	sizes.file = (uint64_t)status.st_size;
	mapped = mmap(NULL, sizes.file, PROT_READ, MAP_PRIVATE, file, 0);
	cr_assert_neq(mapped, MAP_FAILED);
	cr_assert_eq(model_open((struct bytes){ mapped, sizes.file }, &limits,
				NULL, &model),
		     ERR_OK);
	sizes.cache = session_memory(&model->config, &session);
	model_close(model);
	munmap(mapped, sizes.file);
	return sizes;
}

/* A node of so many workers, all warm, that has worked. */
static struct sizes start(const char *format, uint32_t workers)
{
	struct policy policy = system_policy();
	const char *path;

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	path = random_model(SHAPE, format);
	cr_assert_not_null(path, "no model could be made");
	cr_assert_eq(setenv("PCC_MODEL", path, 1), 0);
	policy.context_tokens = CONTEXT;
	policy.workers = workers;
	policy.warm_workers = workers;
	system_start_or_skip(&policy, &pcc);
	cr_assert_geq(openai_await_answer(pcc.client, 10000), 0);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], workers, 5000));
	return sizes_of(path);
}

/* RssAnon, RssFile and RssShmem together. */
static uint64_t zygote_bytes(void)
{
	pid_t zygote = process_role(pcc.pids[SYSTEM_NODE], JAIL_ZYGOTE);
	char value[PROCESS_VALUE_MAX];

	process_status(zygote, "VmRSS", value);
	return strtoull(value, NULL, 10) * 1024;
}

/* Of all processes of the node: each page counted once. */
static uint64_t node_bytes(void)
{
	struct process_list all;
	uint64_t bytes = 0;

	process_node(pcc.pids[SYSTEM_NODE], &all);
	for (size_t i = 0; i < all.count; i++)
		bytes += process_memory_kib(all.pids[i], "Pss") * 1024;
	return bytes;
}

static void expect_weights_once(const char *format)
{
	struct sizes sizes = start(format, 1);
	uint64_t has = zygote_bytes();

	cr_log_info("%s: zygote %zu MiB, file %zu, cache %zu", format,
		    (size_t)(has / MIB), (size_t)(sizes.file / MIB),
		    (size_t)(sizes.cache / MIB));
	cr_expect_geq(has, sizes.file);
	cr_expect_leq(has, sizes.file / 10 * 11 + sizes.cache + SMALL,
		      "%zu MiB for a file of %zu", (size_t)(has / MIB),
		      (size_t)(sizes.file / MIB));
}

Test(footprint, weights_that_are_laid_out_anew_are_in_memory_once)
{
	expect_weights_once("q8_0");
}

Test(footprint, weights_that_are_used_as_they_lie_are_in_memory_once)
{
	expect_weights_once("f16");
}

Test(footprint, weights_in_panels_are_in_memory_once)
{
	expect_weights_once("p_q8");
}

Test(footprint, a_further_worker_costs_its_cache_and_little_more)
{
	struct sizes sizes = start("q8_0", 1);
	uint64_t one = node_bytes(), two;

	stop();
	(void)start("q8_0", 2);
	two = node_bytes();
	cr_log_info("one %zu MiB, two %zu, cache %zu", (size_t)(one / MIB),
		    (size_t)(two / MIB), (size_t)(sizes.cache / MIB));
	cr_expect_gt(two, one);
	cr_expect_leq(two - one, sizes.cache + WORKER, "%zu MiB",
		      (size_t)((two - one) / MIB));
}
