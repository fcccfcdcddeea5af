/* SPDX-License-Identifier: Apache-2.0 */
#include "log/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "log/durable.h"
#include "log/trust.h"
#include "log/walk.h"
#include "wire/log_entry.h"

static const char help[] =
	"usage: pcc-log audit --log PLACE --log-key FILE --state FILE "
	"[...]\n"
	"\n"
	"Reads what is new in a log since the last time: the new head has to "
	"continue\n"
	"the one that was seen last, every entry has to be one, and every tile "
	"and\n"
	"bundle has to hash to it.  The first time that is the whole log.\n"
	"  --log PLACE        a folder, or the URL of one\n" TRUST_HELP
	"  --state FILE       the head that was seen last; made the first "
	"time\n"
	"  --evidence FOLDER  where both heads go when the log shows two "
	"histories\n"
	"                     (the state's folder)\n"
	"  --continuous S     again every so many seconds, until something is "
	"wrong;\n"
	"                     a log that cannot be reached is tried again\n"
	"Prints one line each time.  A log with two histories ends it with "
	"10, and the\n"
	"evidence is kept; so does anything else that is not as it was "
	"signed.\n";

static const char show_help[] =
	"usage: pcc-log show --log PLACE --log-key FILE [--from N]\n"
	"\n"
	"Prints the entries of a log, verified against its head.\n"
	"  --log PLACE       a folder, or the URL of one\n" TRUST_HELP
	"  --from N          begin with entry N\n";

/* One log and what is remembered of it. */
struct audit {
	const struct options *options;
	struct trust trust;
	struct source source; /* the log */
	struct source beside; /* the folder of the state */
	const char *state;    /* its name there */
	struct tree_head seen;
	struct tree_head served;
};

static enum err visit_parsed(void *context, uint64_t index, struct bytes entry)
{
	struct log_entry parsed;
	enum err err = log_entry_parse(entry, &parsed);

	(void)context;
	if (err == ERR_OK)
		return ERR_OK;
	fprintf(stderr, "pcc-log: entry %llu is no entry: %s\n",
		(unsigned long long)index, err_name(err));
	return ERR_MALFORMED;
}

static const struct walk_visitor parser = { visit_parsed, NULL };

/* The right edge of a part of the served tree; it has to have this root. */
static enum err edge_of(struct audit *audit, const struct merkle_head *within,
			const struct merkle_head *part, struct merkle *out)
{
	struct merkle_source source;
	struct merkle_hash root;
	struct merkle edge;
	struct tree tree;
	enum err err;

	TRY(tree_open(&audit->source, within->size, &tree));
	source = tree_source(&tree);
	err = merkle_proof_edge(&source, part->size, &edge);
	tree_close(&tree);
	TRY(err);
	merkle_root(&edge, root.bytes);
	if (memcmp(root.bytes, part->root.bytes, MERKLE_HASH_BYTES) != 0)
		return ERR_UNAUTHENTIC;
	*out = edge;
	return ERR_OK;
}

/* From the edge that was seen, if the tiles still have it; or from nothing. */
static enum err walk_on(struct audit *audit)
{
	const struct merkle_head *to = &audit->served.checkpoint.head;
	struct merkle edge;

	merkle_init(&edge);
	if (audit->seen.memory != NULL)
		TRY(edge_of(audit, to, &audit->seen.checkpoint.head, &edge));
	return walk(&audit->source, &edge, to, &parser);
}

static enum err walk_all(struct audit *audit)
{
	struct merkle edge;

	merkle_init(&edge);
	return walk(&audit->source, &edge, &audit->served.checkpoint.head,
		    &parser);
}

static void say(const struct audit *audit, const char *what)
{
	printf("%llu %s\n",
	       (unsigned long long)audit->served.checkpoint.head.size, what);
	(void)fflush(stdout);
}

/* Both heads, each as it was signed: whoever has the log's key can judge. */
static int write_evidence(const struct audit *audit)
{
	const char *place = audit->options->values[OPTIONS_EVIDENCE];
	SCOPED_FD folder = place == NULL ? dup(audit->beside.folder)
					 : durable_folder(place);
	char name[128];
	enum err err = ERR_UNAVAILABLE;

	snprintf(name, sizeof(name), "fork-%llu-%llu.seen",
		 (unsigned long long)audit->seen.checkpoint.head.size,
		 (unsigned long long)audit->served.checkpoint.head.size);
	if (folder >= 0)
		err = durable_put(folder, name, audit->seen.bytes,
				  DURABLE_PUBLIC);
	strcpy(strrchr(name, '.'), ".served");
	if (err == ERR_OK)
		err = durable_put(folder, name, audit->served.bytes,
				  DURABLE_PUBLIC);
	if (err != ERR_OK)
		return options_complain("the evidence cannot be kept", name,
					err);
	return OPTIONS_NOT_VERIFIED;
}

static int tell_fork(const struct audit *audit)
{
	say(audit, "FORK: the log signed two histories");
	return write_evidence(audit);
}

/*
 * The new head does not follow from the old one.  If it is sound by itself then
 * there are two histories; if not, the files are not what was signed.
 */
static int tell_why(struct audit *audit, enum err err)
{
	if (err == ERR_UNAVAILABLE)
		return options_complain("cannot read",
					audit->options->values[OPTIONS_LOG],
					err);
	if (audit->seen.memory != NULL && walk_all(audit) == ERR_OK)
		return tell_fork(audit);
	say(audit, err == ERR_MALFORMED ? "DAMAGED: it holds no entries"
					: "DAMAGED: files are not as signed");
	return OPTIONS_NOT_VERIFIED;
}

/*
 * A smaller head that was signed is a copy that lags behind, if it is a part of
 * the one that was seen.  Where the files of that one are gone nobody can tell,
 * and a log does not lose what it showed.
 */
static int judge_smaller(struct audit *audit)
{
	struct merkle edge;
	enum err err = edge_of(audit, &audit->seen.checkpoint.head,
			       &audit->served.checkpoint.head, &edge);

	if (err == ERR_OK) {
		say(audit, "STALE: an older head than the one seen");
		return OPTIONS_STALE;
	}
	if (err != ERR_UNAVAILABLE)
		return tell_fork(audit);
	say(audit, "SHRUNK: entries that were there are gone");
	return write_evidence(audit);
}

static int keep_seen(const struct audit *audit)
{
	enum err err = durable_put(audit->beside.folder, audit->state,
				   audit->served.bytes, DURABLE_PUBLIC);

	return err == ERR_OK ? OPTIONS_OK
			     : options_complain("cannot keep the state",
						audit->state, err);
}

static int judge_heads(struct audit *audit)
{
	const struct merkle_head *seen = &audit->seen.checkpoint.head;
	const struct merkle_head *served = &audit->served.checkpoint.head;
	enum tlog_verdict verdict = tlog_proof_judge_head(
		&audit->served.note, &audit->served.checkpoint,
		&audit->trust.policy);
	enum err err;

	if (verdict != TLOG_PROVEN) {
		say(audit, tlog_proof_verdict_text(verdict));
		return options_of_verdict(verdict);
	}
	if (audit->seen.memory != NULL && served->size < seen->size)
		return judge_smaller(audit);
	if (audit->seen.memory != NULL && served->size == seen->size &&
	    memcmp(served->root.bytes, seen->root.bytes, MERKLE_HASH_BYTES))
		return tell_fork(audit);
	err = walk_on(audit);
	if (err != ERR_OK)
		return tell_why(audit, err);
	say(audit, "entries, all as signed");
	return keep_seen(audit);
}

/* A state that is there has to be sound: it is what forks are told by. */
static int read_seen(struct audit *audit)
{
	enum err err =
		tree_head_read(&audit->beside, audit->state, &audit->seen);

	if (err == ERR_UNAVAILABLE && errno == ENOENT)
		return OPTIONS_OK;
	if (err == ERR_OK)
		err = tree_head_verify(&audit->seen, &audit->trust.log);
	return err == ERR_OK ? OPTIONS_OK
			     : options_complain("the state is of no use",
						audit->state, err);
}

static int audit_once(struct audit *audit)
{
	int code = read_seen(audit);
	enum err err;

	if (code == OPTIONS_OK) {
		err = tree_head_read(&audit->source, "checkpoint",
				     &audit->served);
		code = err == ERR_OK
			       ? judge_heads(audit)
			       : options_complain(
					 "cannot read the checkpoint of",
					 audit->options->values[OPTIONS_LOG],
					 err);
	}
	tree_head_free(&audit->seen);
	tree_head_free(&audit->served);
	return code;
}

static int audit_often(struct audit *audit)
{
	uint64_t every_s = 0;
	int code;

	if (!options_number(audit->options, OPTIONS_CONTINUOUS, 86400,
			    &every_s))
		return OPTIONS_USAGE;
	for (;;) {
		code = audit_once(audit);
		if (every_s == 0 ||
		    (code != OPTIONS_OK && code != OPTIONS_TROUBLE))
			return code;
		sleep((unsigned)every_s);
		if (!options_now(audit->options, &audit->trust.policy.now))
			return OPTIONS_USAGE;
	}
}

static void close_audit(struct audit *audit)
{
	source_close(&audit->beside);
	source_close(&audit->source);
}

int audit_run(int argc, char **argv)
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_LOG) |
			  OPTIONS_BIT(OPTIONS_LOG_KEY) |
			  OPTIONS_BIT(OPTIONS_STATE),
		.allowed = TRUST_OPTIONS | OPTIONS_BIT(OPTIONS_LOG) |
			   OPTIONS_BIT(OPTIONS_STATE) |
			   OPTIONS_BIT(OPTIONS_EVIDENCE) |
			   OPTIONS_BIT(OPTIONS_CONTINUOUS),
		.help = help,
	};
	SCOPED_WIPE(close_audit)
	struct audit audit = { .source = { .folder = -1 },
			       .beside = { .folder = -1 } };
	struct options options;
	enum err err;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code) ||
	    !trust_read(&options, &audit.trust, &code))
		return code;
	audit.options = &options;
	audit.beside.folder =
		durable_parent(options.values[OPTIONS_STATE], &audit.state);
	if (audit.beside.folder < 0)
		return options_complain("no such folder",
					options.values[OPTIONS_STATE],
					ERR_UNAVAILABLE);
	err = source_open(options.values[OPTIONS_LOG], &audit.source);
	if (err != ERR_OK)
		return options_complain("cannot open",
					options.values[OPTIONS_LOG], err);
	return audit_often(&audit);
}

static enum err visit_shown(void *context, uint64_t index, struct bytes entry)
{
	const uint64_t *from = context;
	struct merkle_hash hash;
	struct log_entry parsed;

	if (index < *from)
		return ERR_OK;
	merkle_leaf_hash(entry, hash.bytes);
	printf("%sentry: %llu\nhash: ", index == *from ? "" : "\n",
	       (unsigned long long)index);
	for (size_t i = 0; i < MERKLE_HASH_BYTES; i++)
		printf("%02x", hash.bytes[i]);
	putchar('\n');
	if (log_entry_parse(entry, &parsed) == ERR_OK)
		log_entry_print(&parsed, stdout);
	else
		printf("kind: unknown, of %zu bytes\n", entry.len);
	return ERR_OK;
}

static int show(const struct source *source, const struct trust *trust,
		uint64_t from)
{
	struct walk_visitor visitor = { visit_shown, &from };
	enum tlog_verdict verdict;
	struct tree_head head;
	struct merkle edge;
	enum err err = tree_head_read(source, "checkpoint", &head);

	if (err != ERR_OK)
		return options_complain("cannot read", "checkpoint", err);
	verdict = tlog_proof_judge_head(&head.note, &head.checkpoint,
					&trust->policy);
	merkle_init(&edge);
	if (verdict == TLOG_PROVEN)
		err = walk(source, &edge, &head.checkpoint.head, &visitor);
	tree_head_free(&head);
	if (verdict != TLOG_PROVEN) {
		fprintf(stderr, "pcc-log: %s\n",
			tlog_proof_verdict_text(verdict));
		return options_of_verdict(verdict);
	}
	return err == ERR_OK ? OPTIONS_OK
			     : options_complain("the log is not as signed",
						"its files", err);
}

int audit_run_show(int argc, char **argv)
{
	const struct options_form form = {
		.needed =
			OPTIONS_BIT(OPTIONS_LOG) | OPTIONS_BIT(OPTIONS_LOG_KEY),
		.allowed = TRUST_OPTIONS | OPTIONS_BIT(OPTIONS_LOG) |
			   OPTIONS_BIT(OPTIONS_FROM),
		.help = show_help,
	};
	struct options options;
	struct source source;
	struct trust trust;
	uint64_t from = 0;
	enum err err;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code) ||
	    !trust_read(&options, &trust, &code))
		return code;
	if (!options_number(&options, OPTIONS_FROM, INT64_MAX, &from))
		return OPTIONS_USAGE;
	err = source_open(options.values[OPTIONS_LOG], &source);
	if (err != ERR_OK)
		return options_complain("cannot open",
					options.values[OPTIONS_LOG], err);
	code = show(&source, &trust, from);
	source_close(&source);
	return code;
}
