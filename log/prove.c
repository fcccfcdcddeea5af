/* SPDX-License-Identifier: Apache-2.0 */
#include "log/prove.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "log/proven.h"

static const char help[] =
	"usage: pcc-log prove --log PLACE --log-key FILE --entry FILE [...] > "
	"PROOF\n"
	"\n"
	"Writes the proof that an entry is in the log (C2SP tlog-proof), once "
	"it passes\n"
	"the same checks as `pcc-log check` would make.\n"
	"  --log PLACE       a folder, or the URL of one\n" TRUST_HELP
	"  --entry FILE      the entry\n"
	"  --index N         its place, if known: saves looking for it\n";

static const char check_help[] =
	"usage: pcc-log check --proof FILE --entry FILE --log-key FILE [...]\n"
	"\n"
	"Judges a proof, without any log at hand.\n"
	"  --proof FILE      as `pcc-log prove` wrote it\n"
	"  --entry FILE      what it is about\n" TRUST_HELP
	"Prints one line: a word, such as proven, wrong-origin, not-included,\n"
	"below-quorum or stale, and a sentence.\n";

enum err prove_find(struct tree *tree, const struct merkle_hash *leaf,
		    uint64_t *index)
{
	for (uint64_t i = tree->size; i > 0; i--) {
		struct merkle_hash hash;

		TRY(tree_hash(tree, 0, i - 1, &hash));
		if (memcmp(hash.bytes, leaf->bytes, MERKLE_HASH_BYTES) == 0) {
			*index = i - 1;
			return ERR_OK;
		}
	}
	return ERR_DENIED;
}

/* What was made is judged before it goes out. */
static enum err make(struct tree *tree, const struct tree_head *head,
		     struct bytes entry, uint64_t index, struct writer *out)
{
	struct merkle_source source = tree_source(tree);
	struct merkle_proof path;
	struct merkle_hash leaf;

	merkle_leaf_hash(entry, leaf.bytes);
	if (index == UINT64_MAX)
		TRY(prove_find(tree, &leaf, &index));
	TRY(merkle_proof_make_inclusion(&source, index, tree->size, &path));
	return tlog_proof_put(out, index, &path, head->bytes);
}

static int prove(const struct source *source, struct bytes entry,
		 uint64_t index, const struct trust *trust)
{
	static uint8_t memory[TLOG_PROOF_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct tree_head head;
	struct tree tree;
	enum err err = tree_head_read(source, "checkpoint", &head);
	int code;

	if (err != ERR_OK)
		return options_complain("cannot read", "checkpoint", err);
	err = tree_open(source, head.checkpoint.head.size, &tree);
	if (err == ERR_OK) {
		err = make(&tree, &head, entry, index, &out);
		tree_close(&tree);
	}
	tree_head_free(&head);
	if (err == ERR_DENIED) {
		fprintf(stderr, "pcc-log: the log has no such entry\n");
		return OPTIONS_NOT_VERIFIED;
	}
	if (err != ERR_OK)
		return options_complain("cannot prove", "this entry", err);
	code = proven_judge(bytes_written(&out), entry, &trust->policy);
	if (code == OPTIONS_OK &&
	    fd_write_all(STDOUT_FILENO, bytes_written(&out)) != ERR_OK)
		code = OPTIONS_TROUBLE;
	return code;
}

int prove_run(int argc, char **argv)
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_LOG) |
			  OPTIONS_BIT(OPTIONS_LOG_KEY) |
			  OPTIONS_BIT(OPTIONS_ENTRY),
		.allowed = TRUST_OPTIONS | OPTIONS_BIT(OPTIONS_LOG) |
			   OPTIONS_BIT(OPTIONS_ENTRY) |
			   OPTIONS_BIT(OPTIONS_INDEX),
		.help = help,
	};
	uint64_t index = UINT64_MAX;
	struct options options;
	struct source source;
	struct trust trust;
	struct bytes entry;
	enum err err;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code) ||
	    !trust_read(&options, &trust, &code))
		return code;
	if (!options_number(&options, OPTIONS_INDEX, INT64_MAX, &index))
		return OPTIONS_USAGE;
	if (!options_read_file(options.values[OPTIONS_ENTRY],
			       TLOG_ENTRY_BYTES_MAX, &entry))
		return OPTIONS_TROUBLE;
	err = source_open(options.values[OPTIONS_LOG], &source);
	code = err == ERR_OK
		       ? prove(&source, entry, index, &trust)
		       : options_complain("cannot open",
					  options.values[OPTIONS_LOG], err);
	if (err == ERR_OK)
		source_close(&source);
	free((void *)(uintptr_t)entry.data);
	return code;
}

static int check(struct bytes proof, struct bytes entry,
		 const struct tlog_policy *policy)
{
	enum tlog_verdict verdict = tlog_proof_verify(proof, entry, policy);

	printf("%s: %s\n", tlog_proof_verdict_name(verdict),
	       tlog_proof_verdict_text(verdict));
	return options_of_verdict(verdict);
}

int prove_run_check(int argc, char **argv)
{
	return proven_run(argc, argv, check_help, check);
}
