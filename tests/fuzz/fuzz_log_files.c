/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log of somebody else's, as its server gives it out: a head and tiles.  A
 * head that this key did not sign is not verified; a walk comes to the root
 * that is asked for where hashes and entries are of one tree, and else to an
 * error.
 *
 *     u8 size of the tree, top bit: hashes are made of the entries |
 *     u16 length | checkpoint | u16 length | hashes | entries
 */
#include <string.h>

#include "log/walk.h"

#define INPUT_MAX 8192
#define HONEST 0x80u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct bytes checkpoint, hashes, entries;
static struct note_key key;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct note_signer signer;

	(void)argc;
	(void)argv;
	invariant(note_signer_generate(BYTES_LITERAL("log.example"),
				       NOTE_ED25519, &signer) == ERR_OK);
	key = signer.key;
	return 0;
}

/* In place of net/http.c. */
enum http_failure http_get(const struct http_server *server, const char *path,
			   struct writer *out, long *status)
{
	struct tlog_tile tile;
	struct bytes file = checkpoint;

	invariant(strcmp(server->url, "http://log.example") == 0);
	*status = 200;
	if (strcmp(path, "/checkpoint") != 0) {
		invariant(tlog_tile_parse(bytes_of_string(path + 1), &tile) ==
			  ERR_OK);
		file = tile.kind == TLOG_TILE_ENTRIES ? entries : hashes;
		if (tile.level > 0)
			*status = 404;
	}
	return bytes_put(out, file) == ERR_OK ? HTTP_FINE : HTTP_TOO_LARGE;
}

static void check_head(const struct source *source)
{
	struct tree_head head;

	if (tree_head_read(source, "checkpoint", &head) != ERR_OK)
		return;
	invariant(tree_head_verify(&head, &key) == ERR_UNAUTHENTIC);
	tree_head_free(&head);
}

static enum err count_entry(void *context, uint64_t index, struct bytes entry)
{
	uint64_t *count = context;

	invariant(index == *count && entry.len <= entries.len);
	*count += 1;
	return ERR_OK;
}

/* Hashes of the entries, and their root; false: there are not so many. */
static bool make_honest(unsigned size, struct writer *out,
			struct merkle_hash *root)
{
	struct bytes rest = entries;
	struct merkle tree;

	merkle_init(&tree);
	for (unsigned i = 0; i < size; i++) {
		struct bytes entry;
		uint8_t hash[MERKLE_HASH_BYTES];

		if (tlog_tile_take_entry(&rest, &entry) != ERR_OK)
			return false;
		merkle_leaf_hash(entry, hash);
		merkle_add_leaf(&tree, entry);
		invariant(bytes_put(out, BYTES_ARRAY(hash)) == ERR_OK);
	}
	merkle_root(&tree, root->bytes);
	hashes = bytes_written(out);
	return rest.len == 0;
}

static void check_walk(const struct source *source, unsigned size, bool honest)
{
	struct merkle_head head = { .size = size };
	struct merkle edge;
	uint64_t count = 0;
	const struct walk_visitor visitor = { count_entry, &count };
	uint8_t memory[TLOG_TILE_BYTES];
	struct writer out = WRITER_OVER(memory);
	bool sound = honest && make_honest(size, &out, &head.root);
	enum err err;

	merkle_init(&edge);
	err = walk(source, &edge, &head, &visitor);
	if (size > 0)
		invariant((err == ERR_OK) == sound);
	if (err == ERR_OK)
		invariant(count == size && edge.leaves == size);
}

static enum err take_file(struct bytes *in, struct bytes *out)
{
	uint16_t len;

	TRY(bytes_take_u16(in, &len));
	return bytes_take(in, len, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source source;
	uint8_t head;

	entries = (struct bytes){ data, size };
	if (size > INPUT_MAX || bytes_take_u8(&entries, &head) != ERR_OK ||
	    take_file(&entries, &checkpoint) != ERR_OK ||
	    take_file(&entries, &hashes) != ERR_OK)
		return 0;
	invariant(source_open("http://log.example/", &source) == ERR_OK);
	check_head(&source);
	check_walk(&source, head & ~HONEST, (head & HONEST) != 0);
	source_close(&source);
	return 0;
}
