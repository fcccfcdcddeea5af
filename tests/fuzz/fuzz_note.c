/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A note that parses lies within its input; what a key signs is found again
 * under any text, and never verifies under a changed one.  Keys that parse are
 * written as they were read, but for the case of their id.
 */
#include <stdbool.h>
#include <string.h>

#include "tlog/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct note_signer signers[2];

static void prepare(void)
{
	static bool is_ready;

	if (is_ready)
		return;
	is_ready = true;
	invariant(note_signer_generate(BYTES_LITERAL("log"), NOTE_ED25519,
				       &signers[0]) == ERR_OK &&
		  note_signer_generate(BYTES_LITERAL("wit"), NOTE_COSIGNATURE,
				       &signers[1]) == ERR_OK);
}

/* Nobody guesses a signature. */
static void judge(const struct note *note)
{
	struct note_finding findings[2];
	struct note_key keys[2] = { signers[0].key, signers[1].key };

	if (note_verify(note, keys, 2, findings) == ERR_OK)
		invariant(findings[0].mark == NOTE_ABSENT &&
			  findings[1].mark == NOTE_ABSENT);
}

static void sign_again(struct bytes text)
{
	static uint8_t memory[NOTE_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct note_key keys[2] = { signers[0].key, signers[1].key };
	struct note_finding findings[2];
	struct note note;

	if (text.len > NOTE_BYTES_MAX / 2)
		return;
	invariant(bytes_put(&out, text) == ERR_OK &&
		  bytes_put_u8(&out, '\n') == ERR_OK);
	for (size_t i = 0; i < 2; i++)
		invariant(note_sign(&signers[i], text, 7, &out) == ERR_OK);
	invariant(note_parse(bytes_written(&out), &note) == ERR_OK);
	invariant(bytes_equal(note.text, text));
	invariant(note_verify(&note, keys, 2, findings) == ERR_OK);
	invariant(findings[0].mark == NOTE_SIGNED &&
		  findings[1].mark == NOTE_SIGNED && findings[1].time == 7);
	memory[0] ^= 1;
	invariant(note_verify(&note, keys, 2, findings) == ERR_UNAUTHENTIC);
}

static void check_signer(const struct note_signer *signer, size_t size)
{
	uint8_t memory[NOTE_KEY_TEXT_MAX];
	struct writer out = WRITER_OVER(memory);

	invariant(note_signer_put(&out, signer) == ERR_OK);
	invariant(out.len == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct note_key key;
	struct note_signer signer;
	struct note note;

	prepare();
	if (note_signer_parse(in, &signer) == ERR_OK)
		check_signer(&signer, size);
	if (note_parse(in, &note) == ERR_OK) {
		invariant(note.count >= 1 && note.count <= NOTE_SIGNATURES_MAX);
		invariant(note.text.data == data && note.text.len < size);
		judge(&note);
		sign_again(note.text);
	}
	if (note_key_parse(in, &key) == ERR_OK) {
		uint8_t memory[NOTE_KEY_TEXT_MAX];
		struct writer out = WRITER_OVER(memory);

		invariant(note_key_put(&out, &key) == ERR_OK);
		invariant(out.len == size);
	}
	return 0;
}
