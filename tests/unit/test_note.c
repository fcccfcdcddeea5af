/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/note.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* The note that the specification of C2SP signed-note prints (CC BY 4.0). */
#define EXAMPLE                                                           \
	"This is an example message.\n\n"                                 \
	"\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6T" \
	"fXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
#define EXAMPLE_KEY    \
	"example.com/" \
	"foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

/* A checkpoint with a cosignature of witness2 (sunlight's test data, ISC). */
#define COSIGNED                                                           \
	"milan2026h1.example.org\n300\n"                                   \
	"lCkHUpkmVBEms2r2T1K6Og69+wUuuN3MIEW1/ezu2v0=\n\n"                 \
	"\xe2\x80\x94 witness2.example.org LlW4lgAAAABpVGeAN/uFWqfjdU94rr" \
	"KxFycCggM0Sa1L5tOJCJdYBwJ41CQsgKWA6B0+vywok3cPI3JIzuPeR+VotuYe/"  \
	"eNy0+30Dw==\n"
#define COSIGNED_KEY                     \
	"witness2.example.org+2e55b896+" \
	"BIZ7fpceQWd60IfqQeS9IAnmNOCZjMDne8lZuguz/bi9"

static struct note_key key_of(const char *text)
{
	struct note_key key;

	cr_assert_eq(note_key_parse(bytes_of_string(text), &key), ERR_OK);
	return key;
}

static enum err judge(struct bytes text, const struct note_key *key,
		      struct note_finding *finding)
{
	struct note note;

	TRY(note_parse(text, &note));
	return note_verify(&note, key, 1, finding);
}

Test(note, the_example_of_the_specification_verifies)
{
	struct note_key key = key_of(EXAMPLE_KEY);
	struct note_finding finding;
	struct note note;

	cr_assert_eq(note_parse(BYTES_LITERAL(EXAMPLE), &note), ERR_OK);
	cr_assert(bytes_equal(note.text,
			      BYTES_LITERAL("This is an example message.\n")));
	cr_assert_eq(note_verify(&note, &key, 1, &finding), ERR_OK);
	cr_assert_eq(finding.mark, NOTE_SIGNED);
	cr_assert_eq(finding.time, 0);
}

Test(note, a_witness_s_cosignature_verifies_and_tells_its_time)
{
	struct note_key key = key_of(COSIGNED_KEY);
	struct note_finding finding;

	cr_assert_eq(key.type, NOTE_COSIGNATURE);
	cr_assert_eq(judge(BYTES_LITERAL(COSIGNED), &key, &finding), ERR_OK);
	cr_assert_eq(finding.mark, NOTE_SIGNED);
	cr_assert_eq(finding.time, 0x69546780);
}

Test(note, keys_are_written_as_they_were_read)
{
	static const char *const texts[] = { EXAMPLE_KEY, COSIGNED_KEY };

	for (size_t i = 0; i < 2; i++) {
		uint8_t memory[NOTE_KEY_TEXT_MAX];
		struct writer out = WRITER_OVER(memory);
		struct note_key key = key_of(texts[i]);

		cr_assert_eq(note_key_put(&out, &key), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&out),
				      bytes_of_string(texts[i])));
	}
}

/* Every input that is one bit, one byte or one cut away is no such note. */
static size_t accepted_changes(struct bytes sound, const struct note_key *key,
			       size_t *tried)
{
	static uint8_t memory[NOTE_BYTES_MAX];
	struct note_finding finding;
	size_t accepted = 0;

	memcpy(memory, sound.data, sound.len);
	for (size_t bit = 0; bit < 8 * sound.len; bit++, ++*tried) {
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (judge((struct bytes){ memory, sound.len }, key, &finding) ==
			    ERR_OK &&
		    finding.mark == NOTE_SIGNED)
			accepted++;
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < sound.len; len++, ++*tried)
		if (judge((struct bytes){ memory, len }, key, &finding) ==
			    ERR_OK &&
		    finding.mark == NOTE_SIGNED)
			accepted++;
	for (unsigned more = 0; more < 256; more++, ++*tried) {
		memory[sound.len] = (uint8_t)more;
		if (judge((struct bytes){ memory, sound.len + 1 }, key,
			  &finding) == ERR_OK &&
		    finding.mark == NOTE_SIGNED)
			accepted++;
	}
	cr_assert_eq(judge(sound, key, &finding), ERR_OK); /* the control */
	cr_assert_eq(finding.mark, NOTE_SIGNED);
	return accepted;
}

Test(note, no_flipped_bit_no_cut_and_no_byte_more_verifies)
{
	struct note_key key = key_of(EXAMPLE_KEY);
	struct note_key witness = key_of(COSIGNED_KEY);
	size_t tried = 0;

	cr_assert_eq(accepted_changes(BYTES_LITERAL(EXAMPLE), &key, &tried), 0);
	cr_assert_eq(
		accepted_changes(BYTES_LITERAL(COSIGNED), &witness, &tried), 0);
	cr_assert_gt(tried, 2000);
}

static void make(const char *name, enum note_type type, struct note_signer *out)
{
	cr_assert_eq(note_signer_generate(bytes_of_string(name), type, out),
		     ERR_OK);
}

/* A note of this text with the lines of these signers. */
static struct bytes note_of(const char *text, const struct note_signer *signers,
			    size_t count, struct writer *out)
{
	cr_assert_eq(bytes_put(out, bytes_of_string(text)), ERR_OK);
	cr_assert_eq(bytes_put_u8(out, '\n'), ERR_OK);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(note_sign(&signers[i], bytes_of_string(text),
				       1700000000 + i, out),
			     ERR_OK);
	return bytes_written(out);
}

Test(note, what_a_key_signs_its_public_half_verifies)
{
	struct note_signer signers[2];
	uint8_t memory[4096], key_memory[NOTE_KEY_TEXT_MAX];
	struct writer out = WRITER_OVER(memory);
	struct writer key_text = WRITER_OVER(key_memory);
	struct note_signer back;
	struct note_finding findings[2];
	struct note_key keys[2];
	struct note note;

	make("log.example", NOTE_ED25519, &signers[0]);
	make("witness.example/w\xc3\xbc", NOTE_COSIGNATURE, &signers[1]);
	cr_assert_eq(note_signer_put(&key_text, &signers[1]), ERR_OK);
	cr_assert_eq(note_signer_parse(bytes_written(&key_text), &back),
		     ERR_OK);
	cr_assert_eq(memcmp(&back, &signers[1], sizeof(back)), 0);
	note_of("a\n\nb\n", signers, 2, &out);
	keys[0] = signers[0].key;
	keys[1] = signers[1].key;
	cr_assert_eq(note_parse(bytes_written(&out), &note), ERR_OK);
	cr_assert(bytes_equal(note.text, BYTES_LITERAL("a\n\nb\n")));
	cr_assert_eq(note_verify(&note, keys, 2, findings), ERR_OK);
	cr_assert_eq(findings[0].mark, NOTE_SIGNED);
	cr_assert_eq(findings[1].mark, NOTE_SIGNED);
	cr_assert_eq(findings[1].time, 1700000001);
}

Test(note, signatures_of_unknown_keys_are_passed_over_to_sixteen)
{
	static struct note_signer signers[NOTE_SIGNATURES_MAX + 1];
	static uint8_t memory[8192];
	struct note_finding finding;

	for (size_t i = 0; i <= NOTE_SIGNATURES_MAX; i++)
		make("same.example", NOTE_ED25519, &signers[i]);
	for (size_t count = 1; count <= NOTE_SIGNATURES_MAX; count++) {
		struct writer out = WRITER_OVER(memory);
		struct bytes text = note_of("t\n", signers, count, &out);

		cr_assert_eq(judge(text, &signers[count - 1].key, &finding),
			     ERR_OK);
		cr_assert_eq(finding.mark, NOTE_SIGNED);
		cr_assert_eq(judge(text, &signers[count].key, &finding),
			     ERR_OK);
		cr_assert_eq(finding.mark, NOTE_ABSENT);
	}

	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(
		judge(note_of("t\n", signers, NOTE_SIGNATURES_MAX + 1, &out),
		      &signers[0].key, &finding),
		ERR_TOO_LARGE);
}

Test(note, one_false_signature_of_a_known_key_condemns_the_note)
{
	struct note_signer signers[2];
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct note_finding finding;

	make("log.example", NOTE_ED25519, &signers[0]);
	/* Names and ids as the first one's: an attacker can make such a key. */
	make("log.example", NOTE_ED25519, &signers[1]);
	signers[1].key = signers[0].key;
	cr_assert_eq(judge(note_of("t\n", signers, 1, &out), &signers[0].key,
			   &finding),
		     ERR_OK);
	out.len = 0;
	cr_assert_eq(judge(note_of("t\n", signers, 2, &out), &signers[0].key,
			   &finding),
		     ERR_UNAUTHENTIC);
}

Test(note, one_key_cannot_sign_in_the_other_type_s_place)
{
	struct note_signer log, witness;
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct note_finding finding;

	make("one.example", NOTE_ED25519, &log);
	witness = log;
	cr_assert_eq(note_key_make(bytes_of_string("one.example"),
				   NOTE_COSIGNATURE, &log.key.public_key,
				   &witness.key),
		     ERR_OK);
	cr_assert_neq(log.key.id, witness.key.id);
	cr_assert_eq(
		judge(note_of("t\n", &log, 1, &out), &witness.key, &finding),
		ERR_OK);
	cr_assert_eq(finding.mark, NOTE_ABSENT);
}

Test(note, what_is_no_note_is_malformed)
{
	static const char *const bad[] = {
		"",
		"\n",
		"\n\n",
		"text\n",
		"text\n\n",
		"text\n\n\n",
		"text\n\nno signature\n",
		"text\n\n\xe2\x80\x94 name\n",
		"text\n\n\xe2\x80\x94 name \n",
		"text\n\n\xe2\x80\x94 name AAAA\n",
		"text\n\n\xe2\x80\x94 name AAAAAA==\n", /* an id alone */
		"text\n\n\xe2\x80\x94 name AAAAAAA\n",
		"text\n\n\xe2\x80\x94 na+me AAAAAAA=\n",
		"text\n\n\xe2\x80\x94  AAAAAAA=\n",
		"text\n\n\xe2\x80\x94 na\xc2\xa0me AAAAAAA=\n",
		"text\n\n\xe2\x80\x94 na\xe3\x80\x80me AAAAAAA=\n",
		"text\n\n\xe2\x80\x94 name AAAAAAA=",
		"text\n\n\xe2\x80\x94 name AAAAAAA= \n",
		"te\tt\n\n\xe2\x80\x94 name AAAAAAA=\n",
		"te\rt\n\n\xe2\x80\x94 name AAAAAAA=\n",
		"te\xfft\n\n\xe2\x80\x94 name AAAAAAA=\n",
	};
	struct note note;

	cr_assert_eq(note_parse(BYTES_LITERAL(
					"text\n\n\xe2\x80\x94 name AAAAAAA=\n"),
				&note),
		     ERR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(note_parse(bytes_of_string(bad[i]), &note),
			     ERR_MALFORMED, "%s", bad[i]);
}

Test(note, what_is_no_key_is_malformed)
{
	static const char *const bad[] = {
		"",
		"name",
		"name+530d903a",
		"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903b+"
		"AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/fop+530d903a+"
		"AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		EXAMPLE_KEY "\n",
		EXAMPLE_KEY "A===",
		"PRIVATE+KEY+name+00000000+AAAA",
	};
	struct note_signer signer;
	struct note_key key;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(note_key_parse(bytes_of_string(bad[i]), &key),
			     ERR_MALFORMED, "%s", bad[i]);
		cr_assert_neq(
			note_signer_parse(bytes_of_string(bad[i]), &signer),
			ERR_OK, "%s", bad[i]);
	}
	/* A type that is not known, with an id that fits it. */
	cr_assert_eq(note_key_parse(
			     BYTES_LITERAL("a+00000000+AukyeRrm56hApGFkyQR4ZCb"
					   "V54Id2LKaANYcrnKv3U2k"),
			     &key),
		     ERR_UNSUPPORTED);
}
