/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole bundle of a stranger's, judged and told: verified only where every
 * check that was made has passed, software by name alone, and printed as the
 * same JSON in whatever words.
 *
 *     u8 what is accepted | bundle
 */
#include <stdlib.h>
#include <string.h>

#include "attest/verify_print.h"
#include "wire/json.h"
#include "wire/json_memory.h"

#define NOW 1800000000u
#define JSON_DEPTH 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(JSON_ALIGNMENT) uint8_t json_bytes[1 << 18];

static void check(const struct verify_result *result, uint8_t accepted)
{
	bool all = true;

	for (int code = 0; code < VERIFY_CODES; code++)
		all = all && result->records[code].mark != RECORD_FAIL;
	invariant(all || result->verdict != VERIFY_VERIFIED);
	if ((accepted & 1) == 0)
		invariant(result->verdict != VERIFY_VERIFIED);
	if (result->verdict == VERIFY_VERIFIED)
		invariant(verify_passed(result, VERIFY_STATEMENT) &&
			  verify_passed(result, VERIFY_KEYS) &&
			  verify_passed(result, VERIFY_BINDING) &&
			  verify_good_until(result, NOW) > NOW);
}

static void print(const struct verify_result *result, FILE *nowhere)
{
	const struct json *document;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	invariant(out != NULL);
	verify_print_json(result, out);
	(void)fclose(out);
	json_warm(json_bytes, sizeof(json_bytes), 7);
	invariant(json_parse((struct bytes){ (uint8_t *)text, len }, JSON_DEPTH,
			     &document) == ERR_OK);
	json_wipe();
	free(text);
	verify_print_table(result, nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verify_result result;
	static FILE *nowhere;
	struct bytes in = { data, size };
	struct verify_policy policy = { .registers = VERIFY_REGISTERS_ANY };
	uint8_t accepted;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	invariant(nowhere != NULL);
	if (bytes_take_u8(&in, &accepted) != ERR_OK)
		return 0;
	if ((accepted & 1) != 0)
		policy.evidence = 1u << BUNDLE_EVIDENCE_SOFTWARE;
	if ((accepted & 2) != 0) /* no root of any is trusted */
		policy.evidence |= ~(1u << BUNDLE_EVIDENCE_SOFTWARE);
	verify_bundle(in, &policy, NOW, NULL, &result);
	check(&result, accepted);
	if ((accepted & 0x40) != 0)
		print(&result, nowhere);
	return 0;
}
