/* SPDX-License-Identifier: Apache-2.0 */
#include "log/append.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "log/options.h"
#include "log/store.h"
#include "wire/log_entry.h"

static const char help[] =
	"usage: pcc-log append --log FOLDER --key FILE [--expect-size N] "
	"ENTRY...\n"
	"\n"
	"Adds each file as one entry, all of them under one new head.  Entries "
	"are\n"
	"made by `pcc-log entry`; anything else is refused.\n"
	"  --log FOLDER       the log\n"
	"  --key FILE         its private key\n"
	"  --expect-size N    refuse unless the log has N entries now\n"
	"Prints a line \"INDEX HASH\" for each entry.  When it has ended with "
	"0 "
	"they are\n"
	"on the disk and signed; when it ended otherwise, however that was, "
	"the log\n"
	"is as it was or has all of them, and the next append goes on from "
	"there.\n";

struct batch {
	struct bytes entries[OPTIONS_FILES_MAX];
	size_t count;
};

static void free_batch(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free((void *)(uintptr_t)batch->entries[i].data);
}

/* What no auditor could read does not get in. */
static int read_batch(const struct options *options, struct batch *batch)
{
	struct log_entry entry;

	if (options->file_count == 0 ||
	    options->file_count > OPTIONS_FILES_MAX) {
		fprintf(stderr, "pcc-log append: 1 to %d entries at once\n",
			OPTIONS_FILES_MAX);
		return OPTIONS_USAGE;
	}
	for (size_t i = 0; i < options->file_count; i++) {
		enum err err;

		if (!options_read_file(options->files[i], TLOG_ENTRY_BYTES_MAX,
				       &batch->entries[i]))
			return OPTIONS_TROUBLE;
		batch->count++;
		err = log_entry_parse(batch->entries[i], &entry);
		if (err != ERR_OK)
			return options_complain("this is no entry",
						options->files[i], err);
	}
	return OPTIONS_OK;
}

static void print_batch(uint64_t first, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct merkle_hash hash;

		merkle_leaf_hash(batch->entries[i], hash.bytes);
		printf("%llu ", (unsigned long long)(first + i));
		for (size_t k = 0; k < MERKLE_HASH_BYTES; k++)
			printf("%02x", hash.bytes[k]);
		putchar('\n');
	}
}

static int append_to(struct store *store, const struct options *options,
		     const struct batch *batch)
{
	uint64_t size = store->edge.leaves;
	uint64_t expected = size;
	enum err err;

	if (!options_number(options, OPTIONS_EXPECT_SIZE, UINT64_MAX,
			    &expected))
		return OPTIONS_USAGE;
	if (expected != size) {
		fprintf(stderr, "pcc-log append: the log has %llu entries\n",
			(unsigned long long)size);
		return OPTIONS_NOT_VERIFIED;
	}
	err = store_append(store, batch->entries, batch->count);
	if (err != ERR_OK)
		return options_complain("cannot append",
					options->values[OPTIONS_LOG], err);
	print_batch(size, batch);
	return OPTIONS_OK;
}

static int run(const struct options *options, const struct batch *batch)
{
	SCOPED_WIPE(keys_close)
	struct keys keys = { .folder = -1, .lock = -1 };
	struct store store;
	enum err err = keys_open(options->values[OPTIONS_KEY], &keys);
	int code;

	if (err != ERR_OK)
		return options_complain("cannot use this key",
					options->values[OPTIONS_KEY], err);
	err = store_open(options->values[OPTIONS_LOG], &keys, &store);
	if (err != ERR_OK)
		return options_complain("this is not what the key signed last",
					options->values[OPTIONS_LOG], err);
	code = append_to(&store, options, batch);
	store_close(&store);
	return code;
}

int append_run(int argc, char **argv)
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_LOG) | OPTIONS_BIT(OPTIONS_KEY),
		.allowed = OPTIONS_BIT(OPTIONS_LOG) | OPTIONS_BIT(OPTIONS_KEY) |
			   OPTIONS_BIT(OPTIONS_EXPECT_SIZE),
		.help = help,
	};
	struct batch batch = { .count = 0 };
	struct options options;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code))
		return code;
	code = read_batch(&options, &batch);
	if (code == OPTIONS_OK)
		code = run(&options, &batch);
	free_batch(&batch);
	return code;
}
