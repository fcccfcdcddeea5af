/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a transparency log costs: appends that are on the disk, each under a
 * head of its own, and proofs from a log of a million entries, each read from
 * the files and verified.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/store.h"
#include "tests/support/timed.h"

#define APPENDS_S 3.0
#define PROOFS 2000
#define ENTRIES 1000000
#define PIECE 250000
#define ENTRY_BYTES 16

struct place {
	char root[256], key[512], log[512];
	struct keys keys;
	struct store store;
};

static void open_place(const char *parent, struct place *out)
{
	snprintf(out->root, sizeof(out->root), "%s/bench-log.XXXXXX", parent);
	invariant(mkdtemp(out->root) != NULL);
	snprintf(out->key, sizeof(out->key), "%s/key", out->root);
	snprintf(out->log, sizeof(out->log), "%s/log", out->root);
	timed_must(keys_create(out->key, BYTES_LITERAL("bench.example"),
			       NOTE_ED25519));
	timed_must(keys_open(out->key, &out->keys));
	timed_must(store_create(out->log, &out->keys));
	timed_must(store_open(out->log, &out->keys, &out->store));
}

static void close_place(struct place *place)
{
	char command[512];

	store_close(&place->store);
	keys_close(&place->keys);
	snprintf(command, sizeof(command), "rm -rf '%s'", place->root);
	invariant(system(command) == 0);
}

static void append(struct place *place, size_t from, size_t count)
{
	uint8_t *memory = malloc(count * ENTRY_BYTES);
	struct bytes *entries = malloc(count * sizeof(*entries));

	invariant(memory != NULL && entries != NULL);
	for (size_t i = 0; i < count; i++) {
		uint8_t *entry = memory + i * ENTRY_BYTES;

		snprintf((char *)entry, ENTRY_BYTES, "%zu", from + i);
		entries[i] = (struct bytes){ entry, ENTRY_BYTES };
	}
	timed_must(store_append(&place->store, entries, count));
	free(entries);
	free(memory);
}

static void bench_appends(void)
{
	const char *parent = getenv("TMPDIR");
	struct place place;
	double begin;
	size_t count = 0;

	open_place(parent == NULL ? "/tmp" : parent, &place);
	begin = timed_now();
	while (timed_now() - begin < APPENDS_S)
		append(&place, count++, 1);
	printf("log_appends_durable %.0f /s\n",
	       (double)count / (timed_now() - begin));
	close_place(&place);
}

/* One proof, as `pcc-log prove` makes it, but that the index is known. */
static void prove(struct tree *tree, const struct merkle_head *head,
		  uint64_t index)
{
	struct merkle_source source = tree_source(tree);
	struct merkle_proof path;
	struct merkle_hash leaf;

	timed_must(tree_hash(tree, 0, index, &leaf));
	timed_must(
		merkle_proof_make_inclusion(&source, index, head->size, &path));
	timed_must(merkle_proof_inclusion(head, index, &leaf, &path));
}

static void bench_proofs(void)
{
	bool has_memory = access("/dev/shm", W_OK) == 0;
	struct place place;
	struct merkle_head head;
	struct tree tree;
	double begin;

	open_place(has_memory ? "/dev/shm" : "/tmp", &place);
	begin = timed_now();
	for (size_t done = 0; done < ENTRIES; done += PIECE)
		append(&place, done, PIECE);
	printf("log_entries_in_bulk %.0f /s\n",
	       ENTRIES / (timed_now() - begin));
	head = place.store.shown.checkpoint.head;
	timed_must(tree_open(&place.store.source, head.size, &tree));
	begin = timed_now();
	for (uint64_t i = 0; i < PROOFS; i++)
		prove(&tree, &head, i * 7919 * 65537 % ENTRIES);
	printf("log_proofs_of_a_million %.0f /s\n",
	       PROOFS / (timed_now() - begin));
	tree_close(&tree);
	close_place(&place);
}

int main(void)
{
	bench_appends();
	bench_proofs();
	return 0;
}
