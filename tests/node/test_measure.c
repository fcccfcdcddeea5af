/* SPDX-License-Identifier: Apache-2.0 */
#include "node/measure.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/release_match.h"
#include "base/fd.h"
#include "crypto/hash.h"
#include "inference/generate.h"
#include "inference/gguf.h"
#include "policy/limits.h"
#include "policy/policy.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/unit/gguf_builder.h"
#include "tests/unit/model_files.h"
#include "tests/unit/tiny_model.h"

/* More merges than a vocabulary has tokens: what a list of them may be. */
#define MERGES ((1u << 20) + 1)

/* An array as a file spells it: type, count, elements. */
static struct {
	uint32_t type;
	uint32_t count[2];
	uint8_t elements[MERGES];
} __attribute__((packed)) list = { GGUF_U8, { MERGES, 0 }, { 0 } };

/* A file with a long list, in which one element can be told. */
static struct bytes file_with(uint8_t last)
{
	struct gguf_builder builder = gguf_builder_start();

	list.elements[MERGES - 1] = last;
	gguf_builder_value(
		&builder, "tokenizer.list", GGUF_ARRAY,
		(struct bytes){ (const uint8_t *)&list, sizeof(list) });
	return gguf_builder_finish(&builder);
}

static void digest_of(uint8_t last, uint8_t digest[static HASH_SHA256_BYTES])
{
	struct bytes file = file_with(last);

	cr_assert_eq(measure_tokenizer(file, digest), ERR_OK);
	model_files_free(file);
}

Test(measure, what_a_model_may_hold_can_be_measured)
{
	uint8_t first[HASH_SHA256_BYTES], second[HASH_SHA256_BYTES];
	struct bytes file = file_with(0);
	struct gguf index;

	cr_assert_eq(gguf_open(file, &gguf_model_limits, &index), ERR_OK);
	gguf_close(&index);
	model_files_free(file);
	digest_of(0, first);
	digest_of(0, second);
	cr_expect_arr_eq(first, second, sizeof(first));
	digest_of(1, second);
	cr_expect_arr_neq(first, second, sizeof(first));
}

/* --- What is another file is measured as another --- */

static struct bytes small_model(void)
{
	struct tiny_model_shape shape = tiny_model_shape();

	shape.layers = 2;
	shape.experts = 0;
	shape.format = MATRIX_Q8_0;
	return tiny_model_build(&shape);
}

static void measure_bytes(struct bytes bytes, uint8_t root[static 32])
{
	SCOPED_FD file = memfd_create("measured", MFD_CLOEXEC);
	struct measure_result result;

	cr_assert_geq(file, 0);
	cr_assert_eq(fd_write_all(file, bytes), ERR_OK);
	cr_assert_eq(measure_file(file, &result), ERR_OK);
	cr_assert(bytes_equal(result.file, bytes));
	memcpy(root, result.root, MERKLE_HASH_BYTES);
	munmap((void *)(uintptr_t)result.file.data, result.mapped);
}

/* The same for very many: of a file of one piece the root is its leaf's hash,
 * as is asserted where this is used. */
static void root_of(struct bytes bytes, uint8_t root[static 32])
{
	cr_assert_leq(bytes.len, LIMIT_MODEL_PIECE);
	merkle_leaf_hash(bytes, root);
}

/* A release, and the statement of a node that measured itself. */
struct claim {
	struct log_entry release;
	struct statement statement;
};

static bool is_of_release(const struct claim *claim)
{
	enum log_entry_digest differs;

	return release_match(&claim->release, &claim->statement, &differs) ==
	       ERR_OK;
}

static void release_model(struct bytes file, struct claim *out)
{
	*out = (struct claim){ .release = { .kind = LOG_ENTRY_RELEASE } };
	root_of(file, out->release.digests[LOG_ENTRY_MODEL_ROOT]);
	measure_bytes(file, out->statement.model_root);
	cr_assert(is_of_release(out), "the root is not what was thought");
}

/* Whether a model with this bit flipped passes for the one released. */
static bool passes_with(uint8_t *copy, size_t len, size_t bit,
			struct claim *claim)
{
	copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	root_of((struct bytes){ copy, len }, claim->statement.model_root);
	copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	return is_of_release(claim);
}

#define SAMPLED 100000
#define INDEX_BYTES 4096 /* header, metadata and the table's beginning */

Test(measure, no_flipped_bit_of_a_model_passes_for_its_release)
{
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(SAMPLED);
	struct bytes file = small_model();
	uint8_t *copy = model_files_copy(file, 0);
	uint64_t tried = 0, passed = 0, control = 0;
	struct claim claim;

	release_model(file, &claim);
	for (size_t bit = 0; bit < (size_t)8 * INDEX_BYTES; bit++, tried++)
		passed += passes_with(copy, file.len, bit, &claim);
	while (effort_more(&effort)) {
		size_t bit = numbers_next(&numbers) % (8 * file.len);

		passed += passes_with(copy, file.len, bit, &claim);
		tried++;
	}
	root_of((struct bytes){ copy, file.len }, claim.statement.model_root);
	control = is_of_release(&claim);
	free(copy);
	model_files_free(file);
	figure_none("I1",
		    "models with a flipped bit that passed for the "
		    "released one",
		    passed, tried, control);
}

/* Of several pieces each counts, and so does their order. */
Test(measure, in_a_file_of_several_pieces_each_bit_counts_too)
{
	static uint8_t large[3 * LIMIT_MODEL_PIECE + 5];
	struct numbers numbers = { effort_seed() };
	uint8_t first[MERKLE_HASH_BYTES], second[MERKLE_HASH_BYTES];

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)numbers_next(&numbers);
	measure_bytes(BYTES_ARRAY(large), first);
	for (size_t i = 0; i < 4; i++) {
		size_t at = i * LIMIT_MODEL_PIECE + numbers_next(&numbers) % 5;

		large[at] ^= 0x10;
		measure_bytes(BYTES_ARRAY(large), second);
		large[at] ^= 0x10;
		cr_assert_arr_neq(first, second, sizeof(first));
	}
	for (size_t i = 0; i < LIMIT_MODEL_PIECE; i++) {
		uint8_t kept = large[i];

		large[i] = large[i + LIMIT_MODEL_PIECE];
		large[i + LIMIT_MODEL_PIECE] = kept;
	}
	measure_bytes(BYTES_ARRAY(large), second);
	cr_assert_arr_neq(first, second, sizeof(first));
}

/* A bit of the file's tokenizer is refused, or makes another tokenizer. */
Test(measure, no_flipped_bit_of_a_tokenizer_has_its_digest)
{
	struct bytes file = small_model();
	uint8_t *copy = model_files_copy(file, 0);
	uint8_t good[HASH_SHA256_BYTES], now[HASH_SHA256_BYTES];
	uint64_t tried = 0, same = 0, control = 0;
	const uint8_t *begin =
		memmem(file.data, file.len, "tokenizer.ggml.tokens", 21);
	/* The last name of the metadata that a tokenizer is made of. */
	const uint8_t *end = memmem(file.data, file.len, "token_embd", 10);

	cr_assert(begin != NULL && end != NULL && begin < end);
	cr_assert_eq(measure_tokenizer(file, good), ERR_OK);
	for (size_t bit = 8 * (size_t)(begin - file.data);
	     bit < 8 * (size_t)(end - 8 - file.data); bit += 3) {
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		tried++;
		same += measure_tokenizer((struct bytes){ copy, file.len },
					  now) == ERR_OK &&
			memcmp(good, now, sizeof(good)) == 0;
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_eq(measure_tokenizer((struct bytes){ copy, file.len }, now),
		     ERR_OK);
	control = memcmp(good, now, sizeof(good)) == 0;
	free(copy);
	model_files_free(file);
	figure_none("I1", "tokenizers with a flipped bit and the same digest",
		    same, tried, control);
}

/* What digests.c does, whatever the text was like: the canonical form. */
static bool policy_digest(struct bytes text, uint8_t digest[static 32])
{
	uint8_t memory[POLICY_TEXT_MAX];
	struct writer canonical = WRITER_OVER(memory);
	struct policy_fault fault;
	struct policy policy;

	if (policy_parse(text, &policy, &fault) != ERR_OK)
		return false;
	cr_assert_eq(policy_write(&policy, &canonical), ERR_OK);
	hash_sha256(bytes_written(&canonical), digest);
	return true;
}

Test(measure, no_flipped_bit_of_a_policy_passes_for_its_release)
{
	uint8_t memory[POLICY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);
	uint64_t tried = 0, passed = 0, control = 0;
	struct claim claim = { .release = { .kind = LOG_ENTRY_RELEASE } };
	struct policy policy;

	policy_default(&policy);
	cr_assert_eq(policy_write(&policy, &text), ERR_OK);
	cr_assert(
		policy_digest(bytes_written(&text),
			      claim.release.digests[LOG_ENTRY_POLICY_DIGEST]));
	for (size_t bit = 0; bit < 8 * text.len; bit++, tried++) {
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		passed += policy_digest(bytes_written(&text),
					claim.statement.policy_digest) &&
			  is_of_release(&claim);
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert(policy_digest(bytes_written(&text),
				claim.statement.policy_digest));
	control = is_of_release(&claim);
	figure_none("I1",
		    "policies with a flipped bit that passed for the "
		    "released one",
		    passed, tried, control);
}

/* --- A file that changes while it is read --- */

#define RACES 1000
#define RACED_BYTES ((size_t)64 << 10)

/* Somebody who writes it anew, and puts another in its place, without end. */
struct racer {
	pthread_t thread;
	char path[64], spare[64];
	volatile bool is_over;
	volatile uint64_t writes;
};

static void fill(const char *path, uint8_t value)
{
	uint8_t bytes[RACED_BYTES];
	SCOPED_FD file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	memset(bytes, value, sizeof(bytes));
	cr_assert_geq(file, 0);
	cr_assert_eq(pwrite(file, bytes, sizeof(bytes), 0),
		     (ssize_t)sizeof(bytes));
}

static void *race(void *argument)
{
	struct racer *racer = argument;

	while (!racer->is_over) {
		uint8_t value = (uint8_t)++racer->writes;

		/* In place, while it may be read, and then another file. */
		for (uint8_t i = 0; i < 4; i++)
			fill(racer->path, (uint8_t)(value + 16 * i));
		fill(racer->spare, (uint8_t)~value);
		cr_assert_eq(rename(racer->spare, racer->path), 0);
	}
	return NULL;
}

static void begin_race(struct racer *racer)
{
	*racer = (struct racer){ .path = "/tmp/pcc-raced-XXXXXX" };
	close(mkstemp(racer->path));
	snprintf(racer->spare, sizeof(racer->spare), "%.50s.new", racer->path);
	fill(racer->path, 1);
	cr_assert_eq(pthread_create(&racer->thread, NULL, race, racer), 0);
}

static void end_race(struct racer *racer)
{
	racer->is_over = true;
	pthread_join(racer->thread, NULL);
	unlink(racer->path);
	unlink(racer->spare);
}

/* Whether what is used, now and a little later, is what was measured. */
static bool is_what_was_measured(int file, struct racer *racer)
{
	struct measure_result result;
	uint8_t root[MERKLE_HASH_BYTES];
	uint64_t writes = racer->writes;
	bool same;

	cr_assert_eq(measure_file(file, &result), ERR_OK);
	root_of(result.file, root);
	same = memcmp(root, result.root, sizeof(root)) == 0;
	while (racer->writes < writes + 2)
		usleep(10);
	root_of(result.file, root);
	same = same && memcmp(root, result.root, sizeof(root)) == 0;
	munmap((void *)(uintptr_t)result.file.data, result.mapped);
	return same;
}

/* The control: one who reads to measure, and opens it again to use it. */
static bool is_what_was_read(struct racer *racer)
{
	static uint8_t first[RACED_BYTES], second[RACED_BYTES];
	uint64_t writes = racer->writes;
	SCOPED_FD measured = open(racer->path, O_RDONLY | O_CLOEXEC);
	SCOPED_FD used = -1;

	cr_assert_gt(pread(measured, first, sizeof(first), 0), 0);
	while (racer->writes < writes + 2)
		usleep(10);
	used = open(racer->path, O_RDONLY | O_CLOEXEC);
	cr_assert_gt(pread(used, second, sizeof(second), 0), 0);
	return memcmp(first, second, sizeof(first)) == 0;
}

Test(measure, a_file_that_changes_while_it_is_read_is_used_as_it_was_measured,
     .timeout = 7200)
{
	struct effort effort = effort_of(RACES);
	uint64_t swapped = 0, naive = 0;
	struct racer racer;

	begin_race(&racer);
	while (effort_more(&effort)) {
		SCOPED_FD file = open(racer.path, O_RDONLY | O_CLOEXEC);

		cr_assert_geq(file, 0);
		swapped += !is_what_was_measured(file, &racer);
		naive += !is_what_was_read(&racer);
	}
	end_race(&racer);
	figure_none("I3", "races in which other bytes were used than measured",
		    swapped, effort.done, naive);
}

/* --- Files that somebody made for us --- */

#define MUTANTS 3000

static const struct model_limits limits = LIMITS_MODEL_SHAPE;

/* Flip, overwrite, move or cut, one to four times; the new length. */
static size_t mutate(struct numbers *numbers, uint8_t *copy, size_t len,
		     size_t index)
{
	size_t changes = 1 + numbers_next(numbers) % 4;

	for (size_t i = 0; i < changes; i++) {
		/* Mostly where the format is, sometimes among the weights. */
		size_t end = numbers_next(numbers) % 8 == 0 ? len : index;
		size_t at = numbers_next(numbers) % (end - 8);
		size_t from = numbers_next(numbers) % (end - 8);
		uint64_t value = (uint64_t)numbers_next(numbers)
				 << numbers_next(numbers) % 33;

		switch (numbers_next(numbers) % 5) {
		case 0:
			copy[at] ^= (uint8_t)(1u << value % 8);
			break;
		case 1:
			copy[at] = (uint8_t)value;
			break;
		case 2:
			memcpy(copy + at, &value, sizeof(value));
			break;
		case 3:
			memmove(copy + at, copy + from, 8);
			break;
		default:
			if (value % 16 == 0 && len > 2 * index)
				len -= numbers_next(numbers) % (len - index);
			break;
		}
	}
	return len;
}

Test(measure, of_mutated_models_none_passes_and_each_gets_a_verdict,
     .timeout = 7200)
{
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(MUTANTS);
	struct bytes file = small_model();
	uint64_t passed = 0, refused = 0, opened = 0, same = 0;
	struct model *model;
	struct claim claim;

	release_model(file, &claim);
	cr_assert_eq(model_open(file, &limits, NULL, &model), ERR_OK);
	model_close(model);
	while (effort_more(&effort)) {
		uint8_t *copy = model_files_copy(file, 0);
		struct bytes mutant = { copy, 0 };

		mutant.len = mutate(&numbers, copy, file.len, 8192);
		if (bytes_equal(mutant, file)) {
			same++;
		} else if (model_open(mutant, &limits, NULL, &model) ==
			   ERR_OK) {
			opened++;
			model_close(model);
			root_of(mutant, claim.statement.model_root);
			passed += is_of_release(&claim);
		} else {
			refused++;
		}
		free(copy);
	}
	model_files_free(file);
	cr_assert_gt(opened, 0, "nothing but broken files");
	/* What would be worse ends this very process. */
	figure_of("I4", "mutated models that a reader lived through",
		  (double)(opened + refused + same), "");
	figure_none("I4", "mutated models that passed for the released one",
		    passed, opened + refused, opened);
}
