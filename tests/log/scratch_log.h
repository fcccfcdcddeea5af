/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch_log: logs of known entries in a folder of memory, made and judged.
 *
 * Entry number i of every such log is an entry whose name is that number, or
 * with a tail where a test wants another history.
 */
#ifndef TESTS_LOG_SCRATCH_LOG_H
#define TESTS_LOG_SCRATCH_LOG_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/store.h"
#include "log/walk.h"
#include "wire/log_entry.h"

#define SCRATCH_PATH 256
#define SCRATCH_BELOW 512
#define SCRATCH_ORIGIN "log.example/scratch"
#define SCRATCH_ENTRY_MAX 256

/* Everything is below one folder: log/, key, key.head, state and so on. */
struct scratch {
	char root[SCRATCH_PATH];
};

static inline const char *scratch_path(const struct scratch *scratch,
				       const char *name)
{
	static _Thread_local char paths[8][SCRATCH_BELOW];
	static _Thread_local unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", scratch->root, name);
	return path;
}

/* Memory if there is such a folder: a file's order of writes is the same. */
static inline struct scratch scratch_make(void)
{
	struct scratch scratch;
	const char *other = getenv("TMPDIR");

	snprintf(scratch.root, sizeof(scratch.root), "%s/pcc-log.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm"
		 : other != NULL	       ? other
					       : "/tmp");
	cr_assert_not_null(mkdtemp(scratch.root));
	return scratch;
}

static inline void scratch_remove(const struct scratch *scratch)
{
	char command[1024];

	snprintf(command, sizeof(command), "rm -rf '%s'", scratch->root);
	cr_assert_eq(system(command), 0, "%s", command);
}

/* Put a file or folder in place of what is there. */
static inline void scratch_put(const char *from, const char *to)
{
	char command[4 * SCRATCH_BELOW];

	snprintf(command, sizeof(command), "rm -rf '%s' && cp -a '%s' '%s'", to,
		 from, to);
	cr_assert_eq(system(command), 0, "%s", command);
}

/* Make `to` what `from` is. */
static inline void scratch_copy(const struct scratch *from,
				const struct scratch *to)
{
	scratch_put(from->root, to->root);
}

static inline struct bytes scratch_entry(uint64_t number, const char *tail,
					 uint8_t memory[SCRATCH_ENTRY_MAX])
{
	struct writer out = { memory, 0, SCRATCH_ENTRY_MAX };
	struct log_entry entry = { .kind = LOG_ENTRY_POLICY };
	char name[64];

	snprintf(name, sizeof(name), "%llu%s", (unsigned long long)number,
		 tail);
	entry.name = bytes_of_string(name);
	cr_assert_eq(log_entry_write(&entry, &out), ERR_OK);
	return bytes_written(&out);
}

static inline enum err scratch_try_append(const struct scratch *scratch,
					  size_t count, const char *tail)
{
	static uint8_t memory[1024][SCRATCH_ENTRY_MAX];
	static struct bytes entries[1024];
	struct keys keys;
	struct store store;
	enum err err = keys_open(scratch_path(scratch, "key"), &keys);

	if (err != ERR_OK)
		return err;
	err = store_open(scratch_path(scratch, "log"), &keys, &store);
	if (err == ERR_OK) {
		for (size_t i = 0; i < count; i++)
			entries[i] = scratch_entry(store.edge.leaves + i, tail,
						   memory[i]);
		err = store_append(&store, entries, count);
		store_close(&store);
	}
	keys_close(&keys);
	return err;
}

/* A new log with this many entries, of the main history. */
static inline void scratch_begin(const struct scratch *scratch, size_t count)
{
	struct keys keys;

	cr_assert_eq(keys_create(scratch_path(scratch, "key"),
				 bytes_of_string(SCRATCH_ORIGIN), NOTE_ED25519),
		     ERR_OK);
	cr_assert_eq(keys_open(scratch_path(scratch, "key"), &keys), ERR_OK);
	cr_assert_eq(store_create(scratch_path(scratch, "log"), &keys), ERR_OK);
	keys_close(&keys);
	for (size_t done = 0; done < count; done += 1000) {
		size_t some = count - done < 1000 ? count - done : 1000;

		cr_assert_eq(scratch_try_append(scratch, some, ""), ERR_OK);
	}
}

static inline struct note_key scratch_key(const struct scratch *scratch)
{
	struct note_key key;

	cr_assert_eq(keys_read_public(scratch_path(scratch, "log/key"), &key),
		     ERR_OK);
	return key;
}

static inline enum err scratch_visit(void *context, uint64_t index,
				     struct bytes entry)
{
	struct log_entry parsed;

	(void)context;
	(void)index;
	return log_entry_parse(entry, &parsed);
}

/* A head that is signed, in some file of the folder. */
static inline struct merkle_head scratch_head(const struct scratch *scratch,
					      const char *folder,
					      const char *name)
{
	struct note_key key = scratch_key(scratch);
	struct merkle_head found;
	struct source source;
	struct tree_head head;

	cr_assert_eq(source_open(scratch_path(scratch, folder), &source),
		     ERR_OK);
	cr_assert_eq(tree_head_read(&source, name, &head), ERR_OK, "%s", name);
	cr_assert_eq(tree_head_verify(&head, &key), ERR_OK, "%s", name);
	found = head.checkpoint.head;
	tree_head_free(&head);
	source_close(&source);
	return found;
}

/* Whether every file that a head covers is there and hashes to it. */
static inline enum err scratch_walk(const struct scratch *scratch,
				    const struct merkle_head *head)
{
	struct walk_visitor visitor = { scratch_visit, NULL };
	struct source source;
	struct merkle edge;
	enum err err;

	merkle_init(&edge);
	cr_assert_eq(source_open(scratch_path(scratch, "log"), &source),
		     ERR_OK);
	err = walk(&source, &edge, head, &visitor);
	source_close(&source);
	return err;
}

/* Whether `part` is how the tree of `whole` began. */
static inline bool scratch_grew(const struct scratch *scratch,
				const struct merkle_head *part,
				const struct merkle_head *whole)
{
	struct merkle_source nodes;
	struct merkle_hash root;
	struct source source;
	struct merkle edge;
	struct tree tree;

	cr_assert_eq(source_open(scratch_path(scratch, "log"), &source),
		     ERR_OK);
	cr_assert_eq(tree_open(&source, whole->size, &tree), ERR_OK);
	nodes = tree_source(&tree);
	cr_assert_eq(merkle_proof_edge(&nodes, part->size, &edge), ERR_OK);
	merkle_root(&edge, root.bytes);
	tree_close(&tree);
	source_close(&source);
	return part->size <= whole->size &&
	       memcmp(root.bytes, part->root.bytes, MERKLE_HASH_BYTES) == 0;
}

/* The root of the main history at this size, from its entries alone. */
static inline struct merkle_hash scratch_root(uint64_t from, uint64_t size,
					      const char *tail)
{
	uint8_t memory[SCRATCH_ENTRY_MAX];
	struct merkle_hash root;
	struct merkle tree;

	merkle_init(&tree);
	for (uint64_t i = 0; i < size; i++)
		merkle_add_leaf(&tree,
				scratch_entry(i, i < from ? "" : tail, memory));
	merkle_root(&tree, root.bytes);
	return root;
}

#endif
