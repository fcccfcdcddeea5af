/* SPDX-License-Identifier: Apache-2.0 */
#include "log/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "log/keys.h"
#include "log/options.h"
#include "log/prove.h"
#include "log/store.h"
#include "tlog/tlog_receipt.h"

static const char help[] =
	"usage: pcc-log receipt --log FOLDER --key FILE (--entry FILE | --old "
	"N) > RECEIPT\n"
	"\n"
	"Writes a COSE receipt (RFC 9942), signed by the log's key: that an "
	"entry is in\n"
	"the log, or that the log grew from its first N entries.\n"
	"  --log FOLDER      the log\n"
	"  --key FILE        its private key\n"
	"  --entry FILE      the entry\n"
	"  --old N           a size that somebody knows the head of\n";

static const char check_help[] =
	"usage: pcc-log check-receipt --receipt FILE --log-key FILE\n"
	"                             (--entry FILE | --old CHECKPOINT)\n"
	"\n"
	"Judges a COSE receipt.\n"
	"  --receipt FILE    as `pcc-log receipt` wrote it\n"
	"  --log-key FILE    the log's public key\n"
	"  --entry FILE      what should be in the log\n"
	"  --old CHECKPOINT  a head of the log that was kept\n"
	"Prints the root that the log signed.\n";

/* The proof is judged before the key signs anything. */
static enum err put_entry(struct tree *tree, const struct merkle_head *head,
			  struct bytes entry, const struct keys *keys,
			  struct writer *out)
{
	struct merkle_source source = tree_source(tree);
	struct merkle_proof path;
	struct merkle_hash leaf;
	uint64_t index;

	merkle_leaf_hash(entry, leaf.bytes);
	TRY(prove_find(tree, &leaf, &index));
	TRY(merkle_proof_make_inclusion(&source, index, head->size, &path));
	TRY(merkle_proof_inclusion(head, index, &leaf, &path));
	return tlog_receipt_put_inclusion(out, head, index, &path,
					  &keys->signer.private_key);
}

static enum err put_growth(struct tree *tree, const struct merkle_head *head,
			   uint64_t old_size, const struct keys *keys,
			   struct writer *out)
{
	struct merkle_source source = tree_source(tree);
	struct merkle_head older = { .size = old_size };
	struct merkle_proof path;
	struct merkle edge;

	TRY(merkle_proof_make_consistency(&source, old_size, head->size,
					  &path));
	TRY(merkle_proof_edge(&source, old_size, &edge));
	merkle_root(&edge, older.root.bytes);
	TRY(merkle_proof_consistency(&older, head, &path));
	return tlog_receipt_put_consistency(out, head, old_size, &path,
					    &keys->signer.private_key);
}

static enum err put(const struct options *options, const struct store *store,
		    struct bytes entry, struct writer *out)
{
	const struct merkle_head *head = &store->shown.checkpoint.head;
	uint64_t old_size = 0;
	struct tree tree;
	enum err err;

	if (!options_number(options, OPTIONS_OLD, INT64_MAX, &old_size))
		return ERR_MALFORMED;
	TRY(tree_open(&store->source, head->size, &tree));
	err = entry.data != NULL
		      ? put_entry(&tree, head, entry, store->keys, out)
		      : put_growth(&tree, head, old_size, store->keys, out);
	tree_close(&tree);
	return err;
}

static int run(const struct options *options, struct bytes entry)
{
	const char *folder = options->values[OPTIONS_LOG];
	SCOPED_WIPE(keys_close)
	struct keys keys = { .folder = -1, .lock = -1 };
	uint8_t memory[TLOG_RECEIPT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct store store;
	enum err err = keys_open(options->values[OPTIONS_KEY], &keys);

	if (err != ERR_OK)
		return options_complain("cannot use this key",
					options->values[OPTIONS_KEY], err);
	err = store_open(folder, &keys, &store);
	if (err != ERR_OK)
		return options_complain("this is not what the key signed last",
					folder, err);
	err = put(options, &store, entry, &out);
	store_close(&store);
	if (err == ERR_OK)
		err = fd_write_all(STDOUT_FILENO, bytes_written(&out));
	return err == ERR_OK
		       ? OPTIONS_OK
		       : options_complain("no receipt for this", folder, err);
}

/* Just one of the two says what a receipt is about. */
static bool has_one(const struct options *options)
{
	if ((options->values[OPTIONS_ENTRY] == NULL) !=
	    (options->values[OPTIONS_OLD] == NULL))
		return true;
	fputs("pcc-log: one of --entry and --old is needed\n", stderr);
	return false;
}

int export_run(int argc, char **argv)
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_LOG) | OPTIONS_BIT(OPTIONS_KEY),
		.allowed = OPTIONS_BIT(OPTIONS_LOG) | OPTIONS_BIT(OPTIONS_KEY) |
			   OPTIONS_BIT(OPTIONS_ENTRY) |
			   OPTIONS_BIT(OPTIONS_OLD),
		.help = help,
	};
	struct bytes entry = { NULL, 0 };
	struct options options;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code))
		return code;
	if (!has_one(&options))
		return OPTIONS_USAGE;
	if (options.values[OPTIONS_ENTRY] != NULL &&
	    !options_read_file(options.values[OPTIONS_ENTRY],
			       TLOG_ENTRY_BYTES_MAX, &entry))
		return OPTIONS_TROUBLE;
	code = run(&options, entry);
	free((void *)(uintptr_t)entry.data);
	return code;
}

/* The head of a checkpoint that was kept, which the log signed. */
static enum err read_older(const char *path, const struct note_key *log,
			   struct merkle_head *out)
{
	struct source here;
	struct tree_head head;
	const char *slash = strrchr(path, '/');
	char folder[1024] = ".";
	enum err err;

	if (slash != NULL)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path),
			 path);
	TRY(source_open(slash == path ? "/" : folder, &here));
	err = tree_head_read(&here, slash == NULL ? path : slash + 1, &head);
	source_close(&here);
	TRY(err);
	err = tree_head_verify(&head, log);
	*out = head.checkpoint.head;
	tree_head_free(&head);
	return err;
}

static enum err judge(const struct options *options, struct bytes receipt,
		      struct merkle_hash *root)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct bytes entry = { NULL, 0 };
	struct merkle_head older;
	struct merkle_hash leaf;
	struct note_key log;

	TRY(keys_read_public(options->values[OPTIONS_LOG_KEY], &log));
	TRY(signature_key_from_ed25519(BYTES_ARRAY(log.public_key.bytes),
				       &key));
	if (options->values[OPTIONS_OLD] != NULL) {
		TRY(read_older(options->values[OPTIONS_OLD], &log, &older));
		return tlog_receipt_check_consistency(receipt, &key, &older,
						      root);
	}
	if (!options_read_file(options->values[OPTIONS_ENTRY],
			       TLOG_ENTRY_BYTES_MAX, &entry))
		return ERR_UNAVAILABLE;
	merkle_leaf_hash(entry, leaf.bytes);
	free((void *)(uintptr_t)entry.data);
	return tlog_receipt_check_inclusion(receipt, &key, &leaf, root);
}

int export_run_check(int argc, char **argv)
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_RECEIPT) |
			  OPTIONS_BIT(OPTIONS_LOG_KEY),
		.allowed = OPTIONS_BIT(OPTIONS_RECEIPT) |
			   OPTIONS_BIT(OPTIONS_LOG_KEY) |
			   OPTIONS_BIT(OPTIONS_ENTRY) |
			   OPTIONS_BIT(OPTIONS_OLD),
		.help = check_help,
	};
	const char *path;
	struct merkle_hash root;
	struct options options;
	struct bytes receipt;
	enum err err;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code))
		return code;
	path = options.values[OPTIONS_RECEIPT];
	if (!has_one(&options))
		return OPTIONS_USAGE;
	if (!options_read_file(path, TLOG_RECEIPT_BYTES_MAX, &receipt))
		return OPTIONS_TROUBLE;
	err = judge(&options, receipt, &root);
	free((void *)(uintptr_t)receipt.data);
	if (err != ERR_OK)
		return options_complain("this receipt proves nothing", path,
					err);
	for (size_t i = 0; i < MERKLE_HASH_BYTES; i++)
		printf("%02x", root.bytes[i]);
	putchar('\n');
	return OPTIONS_OK;
}
