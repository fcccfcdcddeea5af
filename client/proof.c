/* SPDX-License-Identifier: Apache-2.0 */
#include "client/proof.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "crypto/random.h"
#include "wire/receipt_file.h"

#define KEPT_MAX RECEIPT_FILE_BYTES_MAX
#define PATH_MAX_BYTES 4096

const char *proof_text(enum proof_verdict verdict)
{
	static const char *const texts[PROOF_VERDICTS] = {
		[PROOF_NOT_DUE] = "no receipt is due",
		[PROOF_ABSENT] = "no receipt came with the answer",
		[PROOF_FITS] = "the receipt fits the answer",
		[PROOF_DOES_NOT_FIT] = "the receipt does not fit the answer",
	};

	return texts[verdict];
}

static bool keeps(const struct proof *proof)
{
	return proof->book->folder != NULL;
}

enum err proof_begin(struct proof *proof, const struct proof_node *node,
		     const struct hpke_context *context, struct bytes request)
{
	proof->book = node->book;
	proof->stated = node->stated;
	request = commitment_unpadded(request);
	commitment_salt(context, &proof->salt);
	commitment_make(COMMITMENT_REQUEST, &proof->salt, request,
			proof->request);
	if (!keeps(proof))
		return ERR_OK;
	TRY(body_put(&proof->kept_bundle, node->bundle, KEPT_MAX));
	return body_put(&proof->kept_request, request, KEPT_MAX);
}

void proof_head(struct proof *proof, const char *method, uint16_t status,
		const char *media_type)
{
	bool is_events = strcmp(media_type, "text/event-stream") == 0;

	proof->is_due = status == 200 && strcmp(method, "POST") == 0;
	unpad_init(&proof->unpad, is_events ? UNPAD_EVENTS : UNPAD_JSON);
	commitment_begin(COMMITMENT_RESPONSE, &proof->salt, &proof->said);
}

enum err proof_add(struct proof *proof, struct bytes content)
{
	struct bytes run;

	while (unpad_next(&proof->unpad, &content, &run)) {
		hash_stream_add(&proof->said, run);
		if (keeps(proof))
			TRY(body_put(&proof->kept_response, run, KEPT_MAX));
	}
	return ERR_OK;
}

void proof_trailer(struct proof *proof, struct bytes value)
{
	struct writer text = WRITER_OVER(proof->text);

	proof->trailers++;
	if (bytes_put(&text, value) == ERR_OK)
		proof->text_len = text.len;
}

static enum err name_file(const struct proof *proof, uint64_t time,
			  char path[static PATH_MAX_BYTES])
{
	uint64_t number;
	int len;

	random_bytes(&number, sizeof(number));
	len = snprintf(path, PATH_MAX_BYTES,
		       "%s/%" PRIu64 "-%016" PRIx64 ".receipt",
		       proof->book->folder, time, number);
	return len > 0 && len < PATH_MAX_BYTES ? ERR_OK : ERR_TOO_LARGE;
}

/* Nobody else on this machine may read it, and no name is written over. */
static enum err write_file(const char *path, struct bytes data)
{
	SCOPED_FD file =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0)
		return ERR_UNAVAILABLE;
	if (fd_write_all(file, data) == ERR_OK)
		return ERR_OK;
	(void)unlink(path); /* half a proof is none */
	return ERR_UNAVAILABLE;
}

/* One that does not fit is kept as well: it shows what the node signed. */
static enum err keep(const struct proof *proof, struct bytes receipt,
		     uint64_t time)
{
	struct receipt_file file = {
		.bundle = body_bytes(&proof->kept_bundle),
		.receipt = receipt,
		.request = body_bytes(&proof->kept_request),
		.response = body_bytes(&proof->kept_response),
	};
	struct writer out = { .max = RECEIPT_FILE_AROUND + receipt.len +
				     file.bundle.len + file.request.len +
				     file.response.len };
	char path[PATH_MAX_BYTES];
	enum err err;

	memcpy(file.salt, proof->salt.bytes, sizeof(file.salt));
	TRY(name_file(proof, time, path));
	out.data = malloc(out.max);
	if (out.data == NULL)
		return ERR_UNAVAILABLE;
	err = receipt_file_write(&file, &out);
	secret_wipe(&file, sizeof(file));
	if (err == ERR_OK)
		err = write_file(path, bytes_written(&out));
	secret_wipe(out.data, out.max);
	free(out.data);
	return err;
}

/* The receipt's bytes, of the one trailer; ERR_MALFORMED else. */
static enum err decode(const struct proof *proof, struct writer *out)
{
	if (proof->trailers != 1)
		return ERR_MALFORMED;
	return base64_decode((struct bytes){ proof->text, proof->text_len },
			     out);
}

static enum proof_verdict judge(struct proof *proof)
{
	uint8_t memory[BASE64_BYTES(RECEIPT_FIELD_VALUE_MAX)];
	struct writer receipt = WRITER_OVER(memory);
	struct receipt_check_exchange exchange = { 0 };
	struct receipt_check check;

	memcpy(exchange.request, proof->request, sizeof(exchange.request));
	hash_stream_end(&proof->said, exchange.response);
	if (proof->trailers == 0)
		return proof->is_due ? PROOF_ABSENT : PROOF_NOT_DUE;
	if (decode(proof, &receipt) != ERR_OK)
		return PROOF_DOES_NOT_FIT;
	exchange.receipt = bytes_written(&receipt);
	receipt_check_run(&proof->stated, &exchange, &check);
	if (keeps(proof) &&
	    keep(proof, exchange.receipt, check.receipt.node.time) != ERR_OK)
		atomic_fetch_add(&proof->book->unsaved, 1);
	return receipt_check_holds(&check) ? PROOF_FITS : PROOF_DOES_NOT_FIT;
}

enum proof_verdict proof_end(struct proof *proof)
{
	enum proof_verdict verdict = judge(proof);

	atomic_fetch_add(&proof->book->counts[verdict], 1);
	return verdict;
}

void proof_close(struct proof *proof)
{
	hash_stream_wipe(&proof->said);
	body_wipe(&proof->kept_bundle);
	body_wipe(&proof->kept_request);
	body_wipe(&proof->kept_response);
	secret_wipe(proof, sizeof(*proof));
}
