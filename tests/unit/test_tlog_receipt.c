/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_receipt.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/cose.h"
#include "crypto/hash.h"
#include "tests/vector.h"
#include "wire/base64.h"

#define SIZE 13

static struct merkle_hash leaves[SIZE];
static struct merkle_head heads[SIZE + 1];
static struct sign_private_key private_key;
static struct signature_key key;

static enum err node(void *context, unsigned level, uint64_t index,
		     struct merkle_hash *out)
{
	struct merkle tree;

	(void)context;
	merkle_init(&tree);
	for (uint64_t i = index << level; i < (index + 1) << level; i++)
		merkle_add_leaf_hash(&tree, leaves[i].bytes);
	merkle_root(&tree, out->bytes);
	return ERR_OK;
}

static const struct merkle_source source = { node, NULL };

static void set_up(void)
{
	struct sign_public_key public_key;
	struct merkle tree;

	merkle_init(&tree);
	for (size_t i = 0; i <= SIZE; i++) {
		const uint8_t entry[1] = { (uint8_t)i };

		heads[i].size = i;
		merkle_root(&tree, heads[i].root.bytes);
		if (i == SIZE)
			break;
		merkle_leaf_hash(BYTES_ARRAY(entry), leaves[i].bytes);
		merkle_add_leaf_hash(&tree, leaves[i].bytes);
	}
	sign_key_generate(&private_key, &public_key);
	cr_assert_eq(
		signature_key_from_ed25519(BYTES_ARRAY(public_key.bytes), &key),
		ERR_OK);
}

static void tear_down(void)
{
	signature_key_close(&key);
}

TestSuite(tlog_receipt, .init = set_up, .fini = tear_down);

static struct bytes inclusion(uint64_t index, struct writer *out)
{
	struct merkle_proof path;

	cr_assert_eq(merkle_proof_make_inclusion(&source, index, SIZE, &path),
		     ERR_OK);
	cr_assert_eq(tlog_receipt_put_inclusion(out, &heads[SIZE], index, &path,
						&private_key),
		     ERR_OK);
	return bytes_written(out);
}

static struct bytes consistency(uint64_t older, struct writer *out)
{
	struct merkle_proof path;

	cr_assert_eq(merkle_proof_make_consistency(&source, older, SIZE, &path),
		     ERR_OK);
	cr_assert_eq(tlog_receipt_put_consistency(out, &heads[SIZE], older,
						  &path, &private_key),
		     ERR_OK);
	return bytes_written(out);
}

Test(tlog_receipt, every_leaf_has_one_and_for_no_other_leaf)
{
	for (uint64_t i = 0; i < SIZE; i++) {
		uint8_t memory[TLOG_RECEIPT_BYTES_MAX];
		struct writer out = WRITER_OVER(memory);
		struct bytes receipt = inclusion(i, &out);

		for (uint64_t k = 0; k < SIZE; k++) {
			struct merkle_hash root;
			enum err err = tlog_receipt_check_inclusion(
				receipt, &key, &leaves[k], &root);

			cr_assert_eq(err, i == k ? ERR_OK : ERR_UNAUTHENTIC);
			if (err == ERR_OK)
				cr_assert_arr_eq(root.bytes,
						 heads[SIZE].root.bytes,
						 MERKLE_HASH_BYTES);
		}
	}
}

Test(tlog_receipt, every_growth_has_one_and_from_no_other_tree)
{
	for (uint64_t i = 1; i <= SIZE; i++) {
		uint8_t memory[TLOG_RECEIPT_BYTES_MAX];
		struct writer out = WRITER_OVER(memory);
		struct bytes receipt = consistency(i, &out);
		struct merkle_head other = heads[i];
		struct merkle_hash root;

		cr_assert_eq(tlog_receipt_check_consistency(receipt, &key,
							    &heads[i], &root),
			     ERR_OK);
		cr_assert_arr_eq(root.bytes, heads[SIZE].root.bytes,
				 MERKLE_HASH_BYTES);
		other.root.bytes[7] ^= 1;
		cr_assert_eq(tlog_receipt_check_consistency(receipt, &key,
							    &other, &root),
			     ERR_UNAUTHENTIC);
		cr_assert_neq(tlog_receipt_check_inclusion(receipt, &key,
							   &leaves[0], &root),
			      ERR_OK);
	}
}

/* The size that a receipt names is nobody's word; all else is. */
Test(tlog_receipt, no_flipped_bit_cut_or_byte_more_gives_another_root)
{
	uint8_t memory[TLOG_RECEIPT_BYTES_MAX] = { 0 };
	struct writer out = WRITER_OVER(memory);
	struct bytes receipt = inclusion(5, &out);
	struct merkle_hash root = { { 0 } };
	size_t accepted = 0;

	for (size_t bit = 0; bit < 8 * receipt.len; bit++) {
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (tlog_receipt_check_inclusion(receipt, &key, &leaves[5],
						 &root) == ERR_OK) {
			accepted++;
			cr_assert_arr_eq(root.bytes, heads[SIZE].root.bytes,
					 MERKLE_HASH_BYTES);
			/* [ size, 5, ...: of 9 to 16, as 13 is. */
			cr_assert_eq(memory[bit / 8 - 1], 0x83);
			cr_assert_eq(memory[bit / 8 + 1], 5);
		}
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_eq(accepted, 3);
	for (size_t len = 0; len < receipt.len; len++)
		cr_assert_neq(tlog_receipt_check_inclusion(
				      (struct bytes){ memory, len }, &key,
				      &leaves[5], &root),
			      ERR_OK);
	cr_assert_neq(tlog_receipt_check_inclusion(
			      (struct bytes){ memory, receipt.len + 1 }, &key,
			      &leaves[5], &root),
		      ERR_OK);
}

/* --- samples of scitt-cose (Apache-2.0) and of CCF --- */

static struct bytes file_of(const char *sample, const char *name)
{
	const char *vectors = getenv("VECTORS");
	static uint8_t memory[1 << 16];
	struct writer out = WRITER_OVER(memory);
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/scitt/v1/%s/%s",
		 vectors == NULL ? "../shared/vectors" : vectors, sample, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		cr_skip_test("the vectors are not there: %s", path);
	cr_assert_eq(fd_read_all(fd, &out), ERR_OK);
	close(fd);
	return (struct bytes){ vector_copy(bytes_written(&out)), out.len };
}

/* The line between the two of a PEM file, or its lines joined. */
static void open_pem(struct bytes pem, struct signature_key *out)
{
	uint8_t letters_memory[512], der_memory[512];
	struct writer letters = WRITER_OVER(letters_memory);
	struct writer der = WRITER_OVER(der_memory);
	bool is_inside = false;

	while (pem.len > 0) {
		const uint8_t *end = memchr(pem.data, '\n', pem.len);
		size_t len = end == NULL ? pem.len : (size_t)(end - pem.data);
		struct bytes line, newline;

		cr_assert_eq(bytes_take(&pem, len, &line), ERR_OK);
		if (pem.len > 0)
			cr_assert_eq(bytes_take(&pem, 1, &newline), ERR_OK);
		if (line.len > 0 && line.data[0] == '-')
			is_inside = !is_inside;
		else if (is_inside)
			cr_assert_eq(bytes_put(&letters, line), ERR_OK);
	}
	cr_assert_eq(base64_decode_standard(bytes_written(&letters), &der),
		     ERR_OK);
	cr_assert_eq(signature_key_from_spki(bytes_written(&der), out), ERR_OK);
}

/* That registry's entries are SHA-256 of the statement. */
static enum err judge(const char *sample)
{
	struct bytes statement = file_of(sample, "statement.cose");
	struct bytes receipt = file_of(sample, "receipt.cose");
	struct signature_key log_key = { NULL };
	uint8_t digest[HASH_SHA256_BYTES];
	struct merkle_hash leaf;
	struct merkle_hash root;
	enum err err;

	open_pem(file_of(sample, "log-key.pub"), &log_key);
	hash_sha256(statement, digest);
	merkle_leaf_hash(BYTES_ARRAY(digest), leaf.bytes);
	err = tlog_receipt_check_inclusion(receipt, &log_key, &leaf, &root);
	signature_key_close(&log_key);
	return err;
}

static enum err judge_statement(const char *sample)
{
	struct bytes statement = file_of(sample, "statement.cose");
	struct signature_key issuer = { NULL };
	struct cose_sign1 message;
	enum err err;

	open_pem(file_of(sample, "issuer-key.pub"), &issuer);
	err = cose_sign1_parse(statement, COSE_TAG_NEEDED, &message);
	if (err == ERR_OK && message.kind == COSE_PAYLOAD_DETACHED)
		err = cose_sign1_attach(&message,
					file_of(sample, "payload.bin"));
	if (err == ERR_OK)
		err = cose_sign1_check(&message, &issuer,
				       (struct bytes){ NULL, 0 });
	signature_key_close(&issuer);
	return err;
}

Test(tlog_receipt, samples_of_scitt_have_their_verdicts)
{
	cr_assert_eq(judge("valid-eddsa"), ERR_OK);
	cr_assert_eq(judge_statement("valid-eddsa"), ERR_OK);
	/* The receipt is good; what it is for is not. */
	cr_assert_eq(judge("fail-bad-statement-sig"), ERR_OK);
	cr_assert_eq(judge_statement("fail-bad-statement-sig"),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(judge("fail-unsupported-vds"), ERR_UNSUPPORTED);
	cr_assert_eq(judge_statement("fail-unsupported-vds"), ERR_OK);
	cr_assert_eq(judge("valid-ccf-vds2"), ERR_UNSUPPORTED);
}
