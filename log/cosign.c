/* SPDX-License-Identifier: Apache-2.0 */
#include "log/cosign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/keys.h"
#include "log/options.h"
#include "log/store.h"
#include "net/http.h"
#include "tlog/tlog_witness.h"

#define TIMEOUT_MS 15000
#define ANSWER_MAX 8192
#define ROUNDS 3 /* to learn what the witness has, ask, and ask once more */

static const char help[] =
	"usage: pcc-log cosign --log FOLDER --witness URL=FILE... [--quorum "
	"N]\n"
	"\n"
	"Asks witnesses to cosign the log's head, verifies what they answer, "
	"and puts\n"
	"their lines into the checkpoint if there are enough.\n"
	"  --log FOLDER        the log\n"
	"  --witness URL=FILE  where a witness answers, and its public key; "
	"any number\n"
	"  --quorum N          how many have to (all)\n";

/* One head on its way to its witnesses. */
struct round {
	const struct source *source;
	const struct tree_head *head;
	struct writer note; /* the checkpoint, growing */
};

/* What one witness answered, and what that means. */
struct reply {
	long status;
	uint8_t memory[ANSWER_MAX];
	struct writer body;
};

static enum err ask(const char *url, struct bytes request, struct reply *reply)
{
	static const char *const header[] = { "Content-Type: text/plain",
					      NULL };
	struct http_server server = { .url = url };
	struct http_request post = { .path = "/add-checkpoint",
				     .body = request,
				     .header = header,
				     .timeout_ms = TIMEOUT_MS };

	reply->body = (struct writer)WRITER_OVER(reply->memory);
	return http_exchange(&server, &post, &reply->body, &reply->status) ==
			       HTTP_FINE
		       ? ERR_OK
		       : ERR_UNAVAILABLE;
}

static enum err put_request(const struct round *round, uint64_t old,
			    struct writer *out)
{
	uint64_t size = round->head->checkpoint.head.size;
	struct merkle_proof growth = { .count = 0 };
	struct merkle_source source;
	struct tree tree;
	enum err err = ERR_OK;

	if (old > 0 && old < size) {
		TRY(tree_open(round->source, size, &tree));
		source = tree_source(&tree);
		err = merkle_proof_make_consistency(&source, old, size,
						    &growth);
		tree_close(&tree);
	}
	TRY(err);
	return tlog_witness_put(out, old, &growth, round->head->bytes);
}

/* 409: a line with the size that the witness has. */
static enum err read_size(const struct reply *reply, uint64_t size,
			  uint64_t *out)
{
	struct bytes line = bytes_written(&reply->body);

	if (line.len == 0 || line.data[line.len - 1] != '\n')
		return ERR_MALFORMED;
	line.len--;
	TRY(tlog_checkpoint_number(line, out));
	return *out <= size ? ERR_OK : ERR_DENIED;
}

/*
 * The answer's lines under the text that was sent: only those of the key that
 * is known, once they verify, go any further.
 */
static enum err adopt(struct round *round, const struct reply *reply,
		      const struct note_key *key)
{
	uint8_t *memory = malloc(TLOG_CHECKPOINT_BYTES_MAX);
	struct writer joined = { memory, 0, TLOG_CHECKPOINT_BYTES_MAX };
	struct note_finding finding;
	struct note note = { .count = 0 };
	enum err err = ERR_UNAVAILABLE;

	if (memory != NULL)
		err = bytes_put(&joined, round->head->note.text);
	if (err == ERR_OK)
		err = bytes_put_u8(&joined, '\n');
	if (err == ERR_OK)
		err = bytes_put(&joined, bytes_written(&reply->body));
	if (err == ERR_OK)
		err = note_parse(bytes_written(&joined), &note);
	if (err == ERR_OK && !bytes_equal(note.text, round->head->note.text))
		err = ERR_MALFORMED;
	if (err == ERR_OK)
		err = note_verify(&note, key, 1, &finding);
	if (err == ERR_OK && finding.mark != NOTE_SIGNED)
		err = ERR_UNAUTHENTIC;
	for (size_t i = 0; err == ERR_OK && i < note.count; i++)
		if (note.signatures[i].id == key->id &&
		    bytes_equal(note.signatures[i].name,
				bytes_of_string(key->name)))
			err = note_put_signature(&round->note,
						 &note.signatures[i]);
	free(memory);
	return err;
}

static enum err ask_one(struct round *round, const char *url,
			const struct note_key *key, struct reply *reply)
{
	static uint8_t memory[TLOG_WITNESS_REQUEST_MAX];
	uint64_t size = round->head->checkpoint.head.size;
	uint64_t old = size;

	for (int i = 0; i < ROUNDS; i++) {
		struct writer request = WRITER_OVER(memory);

		TRY(put_request(round, old, &request));
		TRY(ask(url, bytes_written(&request), reply));
		if (reply->status == TLOG_WITNESS_SIGN)
			return adopt(round, reply, key);
		if (reply->status != TLOG_WITNESS_CONFLICT)
			return ERR_DENIED;
		TRY(read_size(reply, size, &old));
	}
	return ERR_DENIED;
}

/* URL=FILE; the file's name has no equals sign. */
static enum err split(const char *word, char url[static 1024],
		      struct note_key *key)
{
	const char *equals = strrchr(word, '=');

	if (equals == NULL || equals - word >= 1024 || equals == word)
		return ERR_MALFORMED;
	memcpy(url, word, (size_t)(equals - word));
	url[equals - word] = '\0';
	return keys_read_public(equals + 1, key);
}

static size_t ask_all(struct round *round, const struct options *options)
{
	size_t signed_by = 0;

	for (size_t i = 0; i < options->witness_count; i++) {
		struct reply reply = { .status = 0 };
		struct note_key key;
		char url[1024];
		enum err err = split(options->witnesses[i], url, &key);

		if (err == ERR_OK)
			err = ask_one(round, url, &key, &reply);
		if (err == ERR_OK)
			signed_by++;
		else
			fprintf(stderr,
				"pcc-log: %s did not cosign: %s (%ld)\n",
				options->witnesses[i], err_name(err),
				reply.status);
	}
	return signed_by;
}

/* Cosignatures that were there already would be there twice: they go. */
static enum err begin(struct round *round, const struct note_key *log)
{
	const struct note *note = &round->head->note;

	TRY(bytes_put(&round->note, note->text));
	TRY(bytes_put_u8(&round->note, '\n'));
	for (size_t i = 0; i < note->count; i++)
		if (note->signatures[i].id == log->id &&
		    bytes_equal(note->signatures[i].name,
				bytes_of_string(log->name)))
			TRY(note_put_signature(&round->note,
					       &note->signatures[i]));
	return ERR_OK;
}

static int cosign(const struct options *options, const struct source *source,
		  const struct note_key *log, struct tree_head *head)
{
	static uint8_t memory[TLOG_CHECKPOINT_BYTES_MAX];
	struct round round = { source, head, WRITER_OVER(memory) };
	const char *folder = options->values[OPTIONS_LOG];
	uint64_t quorum = options->witness_count;
	size_t found;
	enum err err = begin(&round, log);

	if (!options_number(options, OPTIONS_QUORUM, options->witness_count,
			    &quorum))
		return OPTIONS_USAGE;
	if (err != ERR_OK)
		return options_complain("cannot cosign", folder, err);
	found = ask_all(&round, options);
	printf("%zu of %zu witnesses\n", found, options->witness_count);
	if (found < quorum)
		return OPTIONS_NOT_VERIFIED;
	err = store_show(folder, head->bytes, bytes_written(&round.note));
	return err == ERR_OK ? OPTIONS_OK
			     : options_complain("cannot put the checkpoint",
						folder, err);
}

static int run(const struct options *options, const struct source *source)
{
	const char *folder = options->values[OPTIONS_LOG];
	struct tree_head head;
	struct note_key log;
	char path[1024];
	enum err err;
	int code;

	snprintf(path, sizeof(path), "%s/%s", folder, STORE_KEY);
	err = keys_read_public(path, &log);
	if (err == ERR_OK)
		err = tree_head_read(source, STORE_CHECKPOINT, &head);
	if (err != ERR_OK)
		return options_complain("cannot read", folder, err);
	err = tree_head_verify(&head, &log);
	code = err == ERR_OK ? cosign(options, source, &log, &head)
			     : options_complain("the head is not signed",
						folder, err);
	tree_head_free(&head);
	return code;
}

int cosign_run(int argc, char **argv)
{
	const struct options_form form = {
		.needed =
			OPTIONS_BIT(OPTIONS_LOG) | OPTIONS_BIT(OPTIONS_WITNESS),
		.allowed = OPTIONS_BIT(OPTIONS_LOG) |
			   OPTIONS_BIT(OPTIONS_WITNESS) |
			   OPTIONS_BIT(OPTIONS_QUORUM),
		.help = help,
	};
	struct options options;
	struct source source;
	enum err err;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code))
		return code;
	err = source_open(options.values[OPTIONS_LOG], &source);
	if (err != ERR_OK)
		return options_complain("cannot open",
					options.values[OPTIONS_LOG], err);
	code = run(&options, &source);
	source_close(&source);
	return code;
}
