/* SPDX-License-Identifier: Apache-2.0 */
#include "log/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "log/durable.h"
#include "log/grow.h"

#define LOCK ".lock"
#define HEAD_MAX 4096 /* a head that is signed by one key */

/* The text of a head and the key's signature. */
static enum err sign_head(const struct keys *keys, const struct merkle *edge,
			  struct writer *out)
{
	struct tlog_checkpoint head = {
		.origin = bytes_of_string(keys->signer.key.name),
		.head.size = edge->leaves,
	};
	struct bytes text;

	merkle_root(edge, head.head.root.bytes);
	TRY(tlog_checkpoint_put(out, &head));
	text = bytes_written(out);
	TRY(bytes_put_u8(out, '\n'));
	return note_sign(&keys->signer, text, 0, out);
}

/* Steps 4 and 5. */
static enum err publish(const struct keys *keys, int folder, struct bytes head)
{
	TRY(durable_put(keys->folder, keys->head_name, head, DURABLE_PUBLIC));
	return durable_put(folder, STORE_CHECKPOINT, head, DURABLE_PUBLIC);
}

static bool is_there(int folder, const char *path)
{
	return faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum err put_public_key(const struct keys *keys, int folder)
{
	uint8_t memory[NOTE_KEY_TEXT_MAX + 1];
	struct writer text = WRITER_OVER(memory);

	TRY(note_key_put(&text, &keys->signer.key));
	TRY(bytes_put_u8(&text, '\n'));
	return durable_put(folder, STORE_KEY, bytes_written(&text),
			   DURABLE_PUBLIC);
}

enum err store_create(const char *folder, const struct keys *keys)
{
	SCOPED_FD place = durable_folder(folder);
	uint8_t memory[HEAD_MAX];
	struct writer head = WRITER_OVER(memory);
	struct merkle nothing;

	if (place < 0)
		return ERR_UNAVAILABLE;
	if (is_there(place, STORE_CHECKPOINT) || is_there(place, "tile") ||
	    is_there(keys->folder, keys->head_name))
		return ERR_DENIED;
	merkle_init(&nothing);
	TRY(put_public_key(keys, place));
	TRY(sign_head(keys, &nothing, &head));
	return publish(keys, place, bytes_written(&head));
}

/* What the key signed last; without it nobody knows what must not be undone. */
static enum err read_signed(const struct keys *keys, struct tree_head *out)
{
	struct source beside = { .folder = keys->folder };
	struct tree_head head;
	enum err err;

	TRY(tree_head_read(&beside, keys->head_name, &head));
	err = tree_head_verify(&head, &keys->signer.key);
	if (err == ERR_OK)
		*out = head;
	else
		tree_head_free(&head);
	return err;
}

/* The tiles have to give the root, and the edge of bundles their hashes. */
static enum err verify_edge(struct store *store, const struct merkle_head *head)
{
	struct tree tree;
	enum err err;

	TRY(tree_open(&store->source, head->size, &tree));
	err = tree_edge(&tree, &head->root, &store->edge);
	tree_close(&tree);
	if (err == ERR_OK)
		err = grow_check_bundle(&store->source, head->size);
	/* A tile that cannot be had is not what was signed. */
	return err == ERR_OK || err == ERR_UNAVAILABLE ? err : ERR_UNAUTHENTIC;
}

static bool same_text(const struct tree_head *a, const struct tree_head *b)
{
	return bytes_equal(a->note.text, b->note.text);
}

/*
 * The checkpoint is the head that was signed last; or it is an older one, or
 * not there yet, after a crash between steps 4 and 5.
 */
static enum err reconcile(struct store *store,
			  const struct tree_head *last_signed)
{
	const struct keys *keys = store->keys;
	int folder = store->source.folder;

	if (is_there(folder, STORE_CHECKPOINT)) {
		TRY(tree_head_read(&store->source, STORE_CHECKPOINT,
				   &store->shown));
		TRY(tree_head_verify(&store->shown, &keys->signer.key));
		if (same_text(&store->shown, last_signed))
			return ERR_OK;
		if (store->shown.checkpoint.head.size >=
		    last_signed->checkpoint.head.size)
			return ERR_UNAUTHENTIC;
		tree_head_free(&store->shown);
	}
	TRY(publish(keys, folder, last_signed->bytes));
	return tree_head_read(&store->source, STORE_CHECKPOINT, &store->shown);
}

static enum err open_locked(struct store *store)
{
	struct tree_head last_signed;
	enum err err;

	TRY(read_signed(store->keys, &last_signed));
	err = verify_edge(store, &last_signed.checkpoint.head);
	if (err == ERR_OK)
		err = reconcile(store, &last_signed);
	tree_head_free(&last_signed);
	return err;
}

enum err store_open(const char *folder, const struct keys *keys,
		    struct store *out)
{
	struct store store = { .keys = keys, .lock = -1 };
	enum err err = source_open(folder, &store.source);

	if (err == ERR_OK && store.source.folder < 0)
		err = ERR_UNSUPPORTED;
	if (err == ERR_OK) {
		store.lock = durable_lock(store.source.folder, LOCK);
		err = store.lock < 0 ? ERR_UNAVAILABLE : open_locked(&store);
	}
	if (err != ERR_OK) {
		int kept = errno;

		store_close(&store);
		errno = kept;
		return err;
	}
	*out = store;
	return ERR_OK;
}

void store_close(struct store *store)
{
	tree_head_free(&store->shown);
	fd_close(&store->lock);
	source_close(&store->source);
}

/* Whether the checkpoint is still, byte for byte, what it was. */
static enum err compare_and(int folder, struct bytes before)
{
	struct writer now = { malloc(TLOG_CHECKPOINT_BYTES_MAX), 0,
			      TLOG_CHECKPOINT_BYTES_MAX };
	enum err err = ERR_UNAVAILABLE;

	if (now.data == NULL)
		return err;
	err = durable_read(folder, STORE_CHECKPOINT, &now);
	if (err == ERR_OK && !bytes_equal(bytes_written(&now), before))
		err = ERR_DENIED;
	free(now.data);
	return err;
}

/* Only what reads back as one more step of this key's history is published. */
static enum err swap(struct store *store, const struct merkle *edge)
{
	uint8_t memory[HEAD_MAX];
	struct writer head = WRITER_OVER(memory);

	TRY(sign_head(store->keys, edge, &head));
	TRY(publish(store->keys, store->source.folder, bytes_written(&head)));
	store->edge = *edge;
	tree_head_free(&store->shown);
	return tree_head_read(&store->source, STORE_CHECKPOINT, &store->shown);
}

enum err store_append(struct store *store, const struct bytes *entries,
		      size_t count)
{
	struct merkle edge = store->edge;
	struct merkle_head grown;

	if (count == 0)
		return ERR_OK;
	for (size_t i = 0; i < count; i++)
		if (entries[i].len > TLOG_ENTRY_BYTES_MAX)
			return ERR_TOO_LARGE;
	TRY(grow(&store->source, &edge, entries, count));
	grown.size = edge.leaves;
	merkle_root(&edge, grown.root.bytes);
	/* As whoever reads the log will: from its files. */
	TRY(verify_edge(store, &grown));
	TRY(compare_and(store->source.folder, store->shown.bytes));
	return swap(store, &edge);
}

enum err store_show(const char *folder, struct bytes before, struct bytes after)
{
	SCOPED_FD place = durable_folder(folder);
	SCOPED_FD lock = place < 0 ? -1 : durable_lock(place, LOCK);

	if (lock < 0)
		return ERR_UNAVAILABLE;
	TRY(compare_and(place, before));
	return durable_put(place, STORE_CHECKPOINT, after, DURABLE_PUBLIC);
}
