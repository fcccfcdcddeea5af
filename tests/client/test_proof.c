/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/signed_receipt.h"
#include "base/fd.h"
#include "client/proof.h"
#include "tests/support/receipts.h"
#include "wire/receipt_file.h"

#define REQUEST BYTES_LITERAL("a request\0\0\0")
#define SAID BYTES_LITERAL("{\"a\":1}")

static struct proof_book book;
static struct sign_private_key key;
static struct hpke_context context;
static struct receipt receipt;
static struct proof_node node;
static struct proof proof;
static char folder[64];

/* A node that signs what fits, until a test changes something. */
static void begin(void)
{
	struct sign_public_key public_key;
	struct commitment_salt salt;
	struct statement *stated = &node.stated.statement;

	memset(context.exporter_secret, 5, sizeof(context.exporter_secret));
	context.suite = (struct hpke_suite){ 0x20, 1, 1 };
	receipt = receipts_sample();
	commitment_salt(&context, &salt);
	commitment_make(COMMITMENT_REQUEST, &salt, BYTES_LITERAL("a request"),
			receipt.answer.request);
	commitment_make(COMMITMENT_RESPONSE, &salt, SAID,
			receipt.answer.response);
	sign_key_generate(&key, &public_key);
	memcpy(stated->receipt_key, public_key.bytes, SIGN_PUBLIC_BYTES);
	memcpy(stated->node_id, receipt.node.node_id, 32);
	memcpy(stated->model_root, receipt.node.model_root, 32);
	memcpy(stated->tokenizer_digest, receipt.node.tokenizer_digest, 32);
	memcpy(stated->policy_digest, receipt.node.policy_digest, 32);
	memcpy(stated->jail_digest, receipt.node.jail_digest, 32);
	stated->shape = receipt.node.shape;
	stated->assurance = receipt.node.assurance;
	stated->key_expiry = receipt.node.time + 3600;
	memcpy(node.stated.bundle_digest, receipt.node.evidence_digest, 32);
	node.stated.evidence_kinds = receipt.node.evidence_kinds;
	node.stated.key_id = receipt.node.key_id;
	node.book = &book;
	node.bundle = BYTES_LITERAL("the bundle");
	snprintf(folder, sizeof(folder), "/tmp/pcc-proofs.XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static size_t files(char path[static 512])
{
	DIR *open = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(open);
	while ((entry = readdir(open)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, 512, "%s/%s", folder, entry->d_name);
		count++;
	}
	closedir(open);
	return count;
}

static void end(void)
{
	char path[512];

	proof_close(&proof);
	while (files(path) > 0)
		cr_assert_eq(unlink(path), 0);
	rmdir(folder);
}

TestSuite(proof, .init = begin, .fini = end);

static void send_and_hear(struct bytes body)
{
	cr_assert_eq(proof_begin(&proof, &node, &context, REQUEST), ERR_OK);
	proof_head(&proof, "POST", 200, "application/json");
	cr_assert_eq(proof_add(&proof, body), ERR_OK);
}

static void hear_receipt(void)
{
	uint8_t memory[RECEIPT_SIGNED_MAX], text[RECEIPT_FIELD_VALUE_MAX];
	struct writer sealed = WRITER_OVER(memory);
	struct writer letters = WRITER_OVER(text);

	cr_assert_eq(signed_receipt_write(&receipt, &key, &sealed), ERR_OK);
	cr_assert_eq(base64_put(&letters, bytes_written(&sealed)), ERR_OK);
	proof_trailer(&proof, bytes_written(&letters));
}

static void expect(enum proof_verdict verdict)
{
	cr_assert_eq(proof_end(&proof), verdict);
	for (size_t i = 0; i < PROOF_VERDICTS; i++)
		cr_assert_eq(atomic_load(&book.counts[i]), i == verdict);
}

Test(proof, a_receipt_that_fits_is_counted_and_without_a_folder_not_kept)
{
	char path[512];

	send_and_hear(BYTES_LITERAL("    {\"a\":1}   "));
	hear_receipt();
	expect(PROOF_FITS);
	cr_assert_eq(files(path), 0);
}

Test(proof, a_body_that_was_changed_does_not_fit)
{
	send_and_hear(BYTES_LITERAL("{\"a\":2}"));
	hear_receipt();
	expect(PROOF_DOES_NOT_FIT);
}

Test(proof, a_receipt_for_another_request_does_not_fit)
{
	receipt.answer.request[0] ^= 1;
	send_and_hear(SAID);
	hear_receipt();
	expect(PROOF_DOES_NOT_FIT);
}

Test(proof, a_receipt_by_another_key_does_not_fit)
{
	node.stated.statement.receipt_key[7] ^= 1;
	send_and_hear(SAID);
	hear_receipt();
	expect(PROOF_DOES_NOT_FIT);
}

Test(proof, an_answer_without_a_receipt_is_told_apart)
{
	send_and_hear(SAID);
	expect(PROOF_ABSENT);
}

Test(proof, a_refusal_needs_no_receipt)
{
	cr_assert_eq(proof_begin(&proof, &node, &context, REQUEST), ERR_OK);
	proof_head(&proof, "POST", 400, "application/json");
	cr_assert_eq(proof_add(&proof, SAID), ERR_OK);
	expect(PROOF_NOT_DUE);
}

Test(proof, two_receipts_fit_nothing)
{
	send_and_hear(SAID);
	hear_receipt();
	hear_receipt();
	expect(PROOF_DOES_NOT_FIT);
}

Test(proof, letters_that_are_no_receipt_fit_nothing)
{
	static uint8_t endless[2 * RECEIPT_FIELD_VALUE_MAX];

	send_and_hear(SAID);
	memset(endless, 'A', sizeof(endless));
	proof_trailer(&proof, BYTES_ARRAY(endless));
	expect(PROOF_DOES_NOT_FIT);
}

Test(proof, with_a_folder_everything_is_kept_for_its_user_alone)
{
	static uint8_t memory[4096];
	struct writer all = WRITER_OVER(memory);
	struct receipt_file file;
	struct stat status;
	char path[512];
	SCOPED_FD open_file = -1;

	book.folder = folder;
	send_and_hear(SAID);
	hear_receipt();
	expect(PROOF_FITS);
	cr_assert_eq(files(path), 1);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0600);
	open_file = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(fd_read_all(open_file, &all), ERR_OK);
	cr_assert_eq(receipt_file_parse(bytes_written(&all), &file), ERR_OK);
	cr_assert(bytes_equal(file.bundle, BYTES_LITERAL("the bundle")));
	cr_assert(bytes_equal(file.request, BYTES_LITERAL("a request")));
	cr_assert(bytes_equal(file.response, SAID));
}

/* What a node signed falsely is the one thing to show to others. */
Test(proof, one_that_does_not_fit_is_kept_as_well)
{
	char path[512];

	book.folder = folder;
	send_and_hear(BYTES_LITERAL("{\"a\":3}"));
	hear_receipt();
	expect(PROOF_DOES_NOT_FIT);
	cr_assert_eq(files(path), 1);
}

Test(proof, a_folder_that_went_away_is_counted)
{
	book.folder = "/nonexistent/folder";
	send_and_hear(SAID);
	hear_receipt();
	expect(PROOF_FITS);
	cr_assert_eq(atomic_load(&book.unsaved), 1);
}
