/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/verify_print.h"

#include <inttypes.h>

#include "wire/hex.h"

#define HEX_BYTES (2 * STATEMENT_DIGEST_BYTES + 1)

/* The node's id, the digests, and the key of receipts. */
#define DIGESTS (STATEMENT_DIGESTS + 2)

/* The name that options and JSON use. */
static const char *digest_name(size_t index)
{
	if (index == 0)
		return "id";
	return index <= STATEMENT_DIGESTS
		       ? statement_digest_name(
				 (enum statement_digest)(index - 1))
		       : "receipt-key";
}

static const uint8_t *digest_of(const struct statement *statement, size_t index)
{
	if (index == 0)
		return statement->node_id;
	return index <= STATEMENT_DIGESTS
		       ? statement_digest(statement,
					  (enum statement_digest)(index - 1))
		       : statement->receipt_key;
}

static const char *digest_hex(const struct verify_result *result, size_t index,
			      char text[static HEX_BYTES])
{
	struct writer out = { (uint8_t *)text, 0, HEX_BYTES - 1 };
	struct bytes digest = { digest_of(&result->statement, index),
				STATEMENT_DIGEST_BYTES };

	invariant(hex_put(&out, digest) == ERR_OK);
	text[out.len] = '\0';
	return text;
}

/* True as well when it passed for want of anything better. */
static bool rests_on_software(const struct verify_result *result)
{
	return verify_passed(result, VERIFY_EVIDENCE_SOFTWARE);
}

const char *verify_print_summary(const struct verify_result *result)
{
	if (result->verdict != VERIFY_VERIFIED)
		return verify_verdict_name(result->verdict);
	if (result->booted_anything)
		return "verified: whatever was booted was accepted "
		       "(development), proves nothing about what runs";
	return rests_on_software(result)
		       ? "verified: software evidence (development), proves "
			 "nothing about hardware"
		       : "verified";
}

/* A parser let printable ASCII through alone, so a name cannot move a cursor.
 */
enum err verify_print_fact(const struct verify_result *result, size_t index,
			   struct verify_print_fact *out)
{
	static const char *const others[] = { "model name", "shape",
					      "assurance" };
	const struct statement *statement = &result->statement;
	char hex[HEX_BYTES];

	if (index >= DIGESTS + sizeof(others) / sizeof(others[0]))
		return ERR_UNSUPPORTED;
	if (index < DIGESTS) {
		out->name = digest_name(index);
		(void)snprintf(out->value, sizeof(out->value), "%s",
			       digest_hex(result, index, hex));
		return ERR_OK;
	}
	index -= DIGESTS;
	out->name = others[index];
	if (index == 0)
		(void)snprintf(out->value, sizeof(out->value), "%.*s",
			       (int)statement->model_name.len,
			       (const char *)statement->model_name.data);
	else if (index == 1)
		(void)snprintf(out->value, sizeof(out->value),
			       "%s, %" PRIu32 " bytes, %" PRIu32 " ms",
			       statement_mode_name(statement->shape.mode),
			       statement->shape.frame_bytes,
			       statement->shape.tick_ms);
	else
		(void)snprintf(out->value, sizeof(out->value), "%s",
			       statement_assurance_name(statement->assurance));
	return ERR_OK;
}

static void print_node(const struct verify_result *result, FILE *out)
{
	struct verify_print_fact fact;

	fprintf(out, "\n");
	for (size_t i = 0; verify_print_fact(result, i, &fact) == ERR_OK; i++)
		fprintf(out, "      %-20s %s\n", fact.name, fact.value);
}

void verify_print_table(const struct verify_result *result, FILE *out)
{
	for (enum verify_code i = 0; i < VERIFY_CODES; i++) {
		fprintf(out, "%s  %-20s %s\n",
			record_mark_name(result->records[i].mark),
			verify_code_name(i), result->records[i].text);
	}
	if (verify_passed(result, VERIFY_STATEMENT))
		print_node(result, out);
	fprintf(out, "\n%s\n", verify_print_summary(result));
}

/* Only the quote and the backslash of printable ASCII need an escape. */
static void print_string(struct bytes text, FILE *out)
{
	fputc('"', out);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			fputc('\\', out);
		fputc(text.data[i], out);
	}
	fputc('"', out);
}

static void print_node_json(const struct verify_result *result, FILE *out)
{
	const struct statement *statement = &result->statement;
	char hex[HEX_BYTES];

	fprintf(out, ",\"node\":{");
	for (size_t i = 0; i < DIGESTS; i++)
		fprintf(out, "\"%s\":\"%s\",", digest_name(i),
			digest_hex(result, i, hex));
	fprintf(out, "\"model_name\":");
	print_string(statement->model_name, out);
	fprintf(out,
		",\"shape\":{\"mode\":\"%s\",\"frame_bytes\":%" PRIu32
		",\"tick_ms\":%" PRIu32 "},\"key_expiry\":%" PRIu64
		",\"assurance\":\"%s\"}",
		statement_mode_name(statement->shape.mode),
		statement->shape.frame_bytes, statement->shape.tick_ms,
		statement->key_expiry,
		statement_assurance_name(statement->assurance));
}

void verify_print_json(const struct verify_result *result, FILE *out)
{
	fprintf(out, "{\"verdict\":\"%s\",\"exit_code\":%d,\"summary\":\"%s\"",
		verify_verdict_name(result->verdict),
		verify_exit_code(result->verdict),
		verify_print_summary(result));
	if (verify_passed(result, VERIFY_STATEMENT))
		print_node_json(result, out);
	else
		fprintf(out, ",\"node\":null");
	fprintf(out, ",\"checks\":[");
	for (enum verify_code i = 0; i < VERIFY_CODES; i++) {
		const struct record *record = &result->records[i];

		fprintf(out, "%s{\"code\":\"%s\",\"mark\":\"%s\",\"text\":",
			i == 0 ? "" : ",", verify_code_name(i),
			record_mark_name(record->mark));
		print_string(bytes_of_string(record->text), out);
		fputc('}', out);
	}
	fprintf(out, "]}\n");
}
