/* SPDX-License-Identifier: Apache-2.0 */
#include "log/witness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "crypto/hash.h"
#include "log/durable.h"
#include "log/tree.h"
#include "tlog/tlog_witness.h"
#include "wire/hex.h"

#define NAME_MAX_BYTES 128
#define ANSWER_MAX 1024

static const char help[] =
	"usage: pcc-log witness --key FILE --state FOLDER --log-key FILE... "
	"[...]\n"
	"\n"
	"Answers POST /add-checkpoint: cosigns a head of a log that it knows "
	"if that log\n"
	"did nothing but grow since the head it cosigned last.\n"
	"  --key FILE        the witness's private key (pcc-log key)\n"
	"  --state FOLDER    the heads cosigned last: who loses them, or goes "
	"back to a\n"
	"                    copy, must make a new key\n"
	"  --log-key FILE    the public key of a log; any number\n" LISTEN_HELP;

static const struct note_key *find_log(const struct witness *witness,
				       struct bytes origin)
{
	for (size_t i = 0; i < witness->log_count; i++)
		if (bytes_equal(origin, bytes_of_string(witness->logs[i].name)))
			return &witness->logs[i];
	return NULL;
}

/* Origins may hold what a file's name may not. */
static void name_of(struct bytes origin, char name[static NAME_MAX_BYTES])
{
	uint8_t digest[HASH_SHA256_BYTES];
	struct writer out = { (uint8_t *)name, 0, NAME_MAX_BYTES - 1 };

	hash_sha256(origin, digest);
	invariant(hex_put(&out, BYTES_ARRAY(digest)) == ERR_OK);
	name[out.len] = '\0';
}

/*
 * What was cosigned last, which our own signature proves.  None is there only
 * before the first: a file that cannot be read is not none.
 */
static enum err read_last(const struct witness *witness, const char *name,
			  struct merkle_head *out)
{
	struct note_finding finding;
	struct tree_head head;
	enum err err = tree_head_read(&witness->state, name, &head);

	if (err == ERR_UNAVAILABLE && errno == ENOENT) {
		*out = (struct merkle_head){ .size = 0 };
		return ERR_OK;
	}
	TRY(err);
	err = note_verify(&head.note, &witness->keys->signer.key, 1, &finding);
	if (err == ERR_OK && finding.mark != NOTE_SIGNED)
		err = ERR_UNAUTHENTIC;
	if (err == ERR_OK)
		*out = head.checkpoint.head;
	tree_head_free(&head);
	return err;
}

/* The text, the log's own line, and whatever line is `more`. */
static enum err put_note(const struct tlog_witness_request *request,
			 const struct note_key *log, struct bytes more,
			 struct writer *out)
{
	TRY(bytes_put(out, request->note.text));
	TRY(bytes_put_u8(out, '\n'));
	for (size_t i = 0; i < request->note.count; i++) {
		const struct note_signature *line =
			&request->note.signatures[i];

		if (line->id == log->id &&
		    bytes_equal(line->name, bytes_of_string(log->name))) {
			TRY(note_put_signature(out, line));
			break;
		}
	}
	return bytes_put(out, more);
}

static enum err keep(const struct witness *witness,
		     const struct tlog_witness_request *request,
		     const char *name, struct bytes more)
{
	const struct note_key *log =
		find_log(witness, request->checkpoint.origin);
	struct writer file = { malloc(TLOG_CHECKPOINT_BYTES_MAX), 0,
			       TLOG_CHECKPOINT_BYTES_MAX };
	enum err err = ERR_UNAVAILABLE;

	if (file.data != NULL)
		err = put_note(request, log, more, &file);
	if (err == ERR_OK)
		err = durable_put(witness->state.folder, name,
				  bytes_written(&file), DURABLE_PUBLIC);
	free(file.data);
	return err;
}

/* First on the disk, then in the answer. */
static enum err cosign(const struct witness *witness,
		       const struct tlog_witness_request *request,
		       const char *name, struct writer *out)
{
	uint8_t memory[NOTE_LINE_MAX + NOTE_NAME_MAX];
	struct writer line = WRITER_OVER(memory);

	TRY(note_sign(&witness->keys->signer, request->note.text,
		      witness->now(), &line));
	TRY(keep(witness, request, name, bytes_written(&line)));
	return bytes_put(out, bytes_written(&line));
}

/* Two heads of one size, both signed by the log, need no more proof. */
static void keep_fork(const struct witness *witness,
		      const struct tlog_witness_request *request,
		      const char *name)
{
	char path[NAME_MAX_BYTES + 32];

	snprintf(path, sizeof(path), "%s.fork-%llu", name,
		 (unsigned long long)request->checkpoint.head.size);
	if (keep(witness, request, path, (struct bytes){ NULL, 0 }) != ERR_OK)
		fputs("pcc-log: the evidence of a fork cannot be kept\n",
		      stderr);
}

static enum err put_size(uint64_t size, struct writer *out)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)size);
	return bytes_put(out, bytes_of_string(text));
}

static void decide(const struct witness *witness,
		   const struct tlog_witness_request *request,
		   struct listen_answer *out)
{
	const struct note_key *log =
		find_log(witness, request->checkpoint.origin);
	struct merkle_head last = { .size = 0 };
	char name[NAME_MAX_BYTES];
	enum err err = ERR_OK;

	name_of(request->checkpoint.origin, name);
	if (log != NULL)
		err = read_last(witness, name, &last);
	out->status = (unsigned)tlog_witness_judge(request, log, &last);
	if (err == ERR_OK && out->status == TLOG_WITNESS_SIGN)
		err = cosign(witness, request, name, &out->body);
	if (err == ERR_OK && out->status == TLOG_WITNESS_CONFLICT) {
		out->type = "text/x.tlog.size";
		err = put_size(last.size, &out->body);
		if (request->checkpoint.head.size == last.size &&
		    memcmp(request->checkpoint.head.root.bytes, last.root.bytes,
			   MERKLE_HASH_BYTES) != 0)
			keep_fork(witness, request, name);
	}
	if (err != ERR_OK) {
		out->status = 500;
		out->body.len = 0;
		(void)options_complain("the state is of no use", name, err);
	}
}

void witness_answer(const struct witness *witness,
		    const struct listen_request *request,
		    struct listen_answer *out)
{
	struct tlog_witness_request parsed;

	*out = (struct listen_answer){ .type = "text/plain; charset=utf-8" };
	if (strcmp(request->path, "/add-checkpoint") != 0) {
		out->status = 404;
		return;
	}
	if (strcmp(request->method, "POST") != 0) {
		out->status = 405;
		return;
	}
	out->status = TLOG_WITNESS_MALFORMED;
	if (tlog_witness_parse(request->body, &parsed) != ERR_OK)
		return;
	out->status = 500;
	out->body = (struct writer){ malloc(ANSWER_MAX), 0, ANSWER_MAX };
	if (out->body.data == NULL)
		out->body.max = 0;
	else
		decide(witness, &parsed, out);
}

static void answer(void *context, const struct listen_request *request,
		   struct listen_answer *out)
{
	witness_answer(context, request, out);
}

static uint64_t clock_now(void)
{
	return (uint64_t)time(NULL);
}

static int run(const struct options *options, struct note_key *logs,
	       const struct keys *keys)
{
	struct witness witness = { .keys = keys,
				   .logs = logs,
				   .log_count = options->log_key_count,
				   .now = clock_now };
	struct listen_handler handler = { TLOG_WITNESS_REQUEST_MAX, answer,
					  &witness };
	const char *state = options->values[OPTIONS_STATE];
	int code;

	witness.state.folder = durable_folder(state);
	if (witness.state.folder < 0)
		return options_complain("cannot open", state, ERR_UNAVAILABLE);
	code = listen_run(options, &handler);
	source_close(&witness.state);
	return code;
}

int witness_run(int argc, char **argv)
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_KEY) |
			  OPTIONS_BIT(OPTIONS_STATE) |
			  OPTIONS_BIT(OPTIONS_LOG_KEY),
		.allowed = OPTIONS_BIT(OPTIONS_KEY) |
			   OPTIONS_BIT(OPTIONS_STATE) |
			   OPTIONS_BIT(OPTIONS_LOG_KEY) | LISTEN_OPTIONS,
		.help = help,
	};
	struct note_key logs[OPTIONS_MANY];
	SCOPED_WIPE(keys_close)
	struct keys keys = { .folder = -1, .lock = -1 };
	struct options options;
	enum err err;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code))
		return code;
	for (size_t i = 0; i < options.log_key_count; i++) {
		err = keys_read_public(options.log_keys[i], &logs[i]);
		if (err != ERR_OK)
			return options_complain("no public key of a log",
						options.log_keys[i], err);
	}
	err = keys_open(options.values[OPTIONS_KEY], &keys);
	if (err == ERR_OK && keys.signer.key.type != NOTE_COSIGNATURE)
		err = ERR_UNSUPPORTED;
	if (err != ERR_OK)
		return options_complain("cannot use this key",
					options.values[OPTIONS_KEY], err);
	return run(&options, logs, &keys);
}
