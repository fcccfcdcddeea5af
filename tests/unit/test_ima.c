/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "attest/ima.h"
#include "tests/vector.h"

/*
 * Of test/data/create-runtime-policy/ima-log-sha256 of
 * github.com/keylime/keylime, 9b1f6e6a917f, Apache-2.0.
 */
#define AGGREGATE \
	"f4845392eca429a4c941a6a07fc32faf843a88c5c3dfa3b9329ab8f4171d9ce3"
#define FIRST                                                                  \
	"10 6309e2c83b7814367bb3912a55e5473454623535 ima-ng sha256:" AGGREGATE \
	" boot_aggregate\n"
#define SECOND                                                                 \
	"10 80255d9c7dad91ef5f21b18560a47642d6f4d653 ima-ng "                  \
	"sha256:96d7fae8adb7286a419a88f78c13d35fb782d63df654b7db56f154765698b" \
	"754 /data\n"

static enum err take(const char *text, struct ima_entry *out)
{
	struct bytes in = bytes_of_string(text);

	return ima_take(&in, IMA_TEXT, out);
}

Test(ima, an_entry_made_elsewhere_is_read)
{
	struct ima_entry entry;

	cr_assert_eq(take(FIRST, &entry), ERR_OK);
	cr_assert_eq(entry.pcr, 10);
	cr_assert_eq(entry.file_hash, HASH_SHA256);
	vector_expect((struct bytes){ entry.file_digest, 32 }, AGGREGATE);
	cr_assert(bytes_equal(entry.path, BYTES_LITERAL("boot_aggregate")));
	cr_assert_not(entry.is_violation);
}

Test(ima, no_bit_of_an_entry_can_be_changed_but_its_register)
{
	char text[] = SECOND;
	struct ima_entry entry;

	for (size_t bit = 0; bit < 8 * (sizeof(text) - 1); bit++) {
		enum err err;
		char before = text[bit / 8];

		text[bit / 8] ^= (char)(1u << bit % 8);
		err = take(text, &entry);
		/* Hexadecimal is the same number in both cases. */
		if (err == ERR_OK)
			cr_assert(bit / 8 < 2 || (before ^ text[bit / 8]) == 32,
				  "%zu", bit);
		text[bit / 8] = before;
	}
	cr_assert_eq(take(text, &entry), ERR_OK);
}

Test(ima, cut_anywhere_it_is_refused)
{
	struct ima_entry entry;

	for (size_t len = 0; len < sizeof(SECOND) - 1; len++) {
		struct bytes cut = { (const uint8_t *)SECOND, len };

		cr_assert_neq(ima_take(&cut, IMA_TEXT, &entry), ERR_OK);
		cr_assert_eq(cut.len, len);
	}
}

#define ZEROS "0000000000000000000000000000000000000000"

Test(ima, hashes_and_templates_that_are_unknown_are_refused)
{
	struct ima_entry entry;

	cr_assert_eq(
		take("10 " ZEROS " ima-ng unknown:" ZEROS " /data\n", &entry),
		ERR_UNSUPPORTED);
	cr_assert_eq(
		take("10 " ZEROS " ima-buf sha1:" ZEROS " /data\n", &entry),
		ERR_UNSUPPORTED);
	cr_assert_eq(
		take("10 " ZEROS " ima-ng sha1:00" ZEROS " /data\n", &entry),
		ERR_MALFORMED);
	cr_assert_eq(take("24 " ZEROS " ima-ng sha1:" ZEROS " /data\n", &entry),
		     ERR_TOO_LARGE);
}

Test(ima, a_violation_is_told_and_extends_by_ones)
{
	static const char log[] =
		"10 " ZEROS " ima-ng sha1:" ZEROS " /var/log/messages\n";
	struct ima_replay replay;
	uint8_t both[40] = { 0 };
	uint8_t wanted[20];

	memset(both + 20, 0xff, 20);
	hash_digest(HASH_SHA1, BYTES_ARRAY(both), wanted);
	cr_assert_eq(
		ima_replay(bytes_of_string(log), IMA_TEXT, HASH_SHA1, &replay),
		ERR_OK);
	cr_assert_eq(replay.violations, 1);
	cr_assert_eq(memcmp(replay.value, wanted, 20), 0);
}

/* The second entry as the kernel's binary list has it, by hand. */
#define BINARY                                                             \
	"0a000000"                                                         \
	"80255d9c7dad91ef5f21b18560a47642d6f4d653"                         \
	"06000000696d612d6e67"                                             \
	"36000000"                                                         \
	"280000007368613235363a00"                                         \
	"96d7fae8adb7286a419a88f78c13d35fb782d63df654b7db56f154765698b754" \
	"060000002f6461746100"

Test(ima, the_binary_list_says_the_same_as_the_text)
{
	struct bytes in = vector_hex(BINARY);
	struct ima_entry binary;
	struct ima_entry text;
	struct ima_replay from_binary;
	struct ima_replay from_text;

	cr_assert_eq(ima_take(&in, IMA_BINARY, &binary), ERR_OK);
	cr_assert_eq(in.len, 0);
	cr_assert_eq(take(SECOND, &text), ERR_OK);
	cr_assert(bytes_equal(binary.path, text.path));
	cr_assert_eq(memcmp(binary.file_digest, text.file_digest, 32), 0);
	cr_assert_eq(ima_replay(vector_hex(BINARY), IMA_BINARY, HASH_SHA256,
				&from_binary),
		     ERR_OK);
	cr_assert_eq(ima_replay(bytes_of_string(SECOND), IMA_TEXT, HASH_SHA256,
				&from_text),
		     ERR_OK);
	cr_assert_eq(memcmp(from_binary.value, from_text.value, 32), 0);
}

Test(ima, no_bit_of_a_binary_entry_can_be_changed_but_its_register)
{
	struct bytes whole = vector_hex(BINARY);
	uint8_t *copy = vector_copy(whole);

	for (size_t bit = 0; bit < 8 * whole.len; bit++) {
		struct bytes in = { copy, whole.len };
		struct ima_entry entry;

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (ima_take(&in, IMA_BINARY, &entry) == ERR_OK)
			cr_assert_lt(bit, 8, "%zu", bit);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < whole.len; len++) {
		struct bytes in = { whole.data, len };
		struct ima_entry entry;

		cr_assert_neq(ima_take(&in, IMA_BINARY, &entry), ERR_OK);
	}
}

/* Made by hand: "ima-sig" is ima-ng and one field more. */
Test(ima, signatures_are_part_of_what_is_measured)
{
	uint8_t data[128];
	struct writer out = WRITER_OVER(data);
	uint8_t digest[20];
	char text[512];
	char hex[41];
	struct ima_entry entry;

	cr_assert_eq(bytes_put(&out, vector_hex("1a000000736861313a00" ZEROS
						"050000002f61206200"
						"03000000030204")),
		     ERR_OK);
	hash_digest(HASH_SHA1, bytes_written(&out), digest);
	for (size_t i = 0; i < 20; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	snprintf(text, sizeof(text),
		 "10 %s ima-sig sha1:" ZEROS " /a b 030204\n", hex);
	cr_assert_eq(take(text, &entry), ERR_OK);
	cr_assert(bytes_equal(entry.path, BYTES_LITERAL("/a b")));
	cr_assert_eq(entry.signature_len, 3);
	text[strlen(text) - 2] = '5';
	cr_assert_eq(take(text, &entry), ERR_UNAUTHENTIC);
}

/* The values were computed by another implementation (Python's hashlib). */
Test(ima, the_log_of_a_machine_is_sound_entry_by_entry)
{
	struct bytes log =
		vector_file("eventlog/ima/ascii_runtime_measurements");
	struct ima_replay replay;

	cr_assert_eq(ima_replay(log, IMA_TEXT, HASH_SHA1, &replay), ERR_OK);
	cr_assert_eq(replay.entries, 826);
	cr_assert_eq(replay.violations, 0);
	cr_assert_eq(replay.pcr, 10);
	vector_expect((struct bytes){ replay.value, 20 },
		      "82231c67a69da98dc5b3aa10f6343d33109225fc");
	cr_assert_eq(ima_replay(log, IMA_TEXT, HASH_SHA256, &replay), ERR_OK);
	vector_expect((struct bytes){ replay.value, 32 },
		      "c4a065637fc6a7c55f2811dd06cb45dd037133be2b3dc5c3e6fbe6bf"
		      "061db724");
	cr_assert_eq(ima_replay(vector_file("eventlog/ima/neg-ima-log-unknown"),
				IMA_TEXT, HASH_SHA1, &replay),
		     ERR_UNSUPPORTED);
	cr_assert_eq(ima_replay(vector_file("eventlog/ima/ima-log-sha256"),
				IMA_TEXT, HASH_SHA1, &replay),
		     ERR_OK);
}

/* As computed by another implementation (Python's hashlib). */
Test(ima, the_boot_aggregate_is_of_ten_registers_or_by_sha_1_of_eight)
{
	uint8_t values[IMA_BOOT_PCRS][32];
	const uint8_t *pcrs[IMA_BOOT_PCRS];
	uint8_t digest[32];

	for (size_t i = 0; i < IMA_BOOT_PCRS; i++) {
		memset(values[i], (int)i, 32);
		pcrs[i] = values[i];
	}
	ima_boot_aggregate(HASH_SHA256, pcrs, digest);
	vector_expect(BYTES_ARRAY(digest), "a4cc7213a98bc92e113dad44ef63113826a"
					   "16c3a6ca551d2b76244a49ae043dd");
	ima_boot_aggregate(HASH_SHA1, pcrs, digest);
	vector_expect((struct bytes){ digest, 20 },
		      "59348202947a48bc93f8827c12eb3f1b24a072d2");
}
