/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note: a text and the signatures under it (C2SP signed-note and
 * tlog-cosignature v1).
 *
 *     text, whose last line ends with a newline
 *     (an empty line)
 *     — NAME base64( key id, 4 bytes | signature )      one to 16 such lines
 *
 * A key is known by its name and its id together.  Signatures of keys that are
 * not known are passed over; one of a known key that is wrong condemns the
 * note.  Keys are told as texts of one line:
 *
 *     NAME+ID+base64( type | public key )               to verify
 *     PRIVATE+KEY+NAME+ID+base64( type | seed )         to sign: a secret
 */
#ifndef TLOG_NOTE_H
#define TLOG_NOTE_H

#include "crypto/sign.h"

#define NOTE_BYTES_MAX (64u << 10) /* text and signatures */
#define NOTE_SIGNATURES_MAX 16
#define NOTE_NAME_MAX 255
#define NOTE_KEY_TEXT_MAX 384 /* bytes of a key as a text, either kind */
#define NOTE_LINE_MAX 512     /* bytes of one signature line we write */

enum note_type {
	NOTE_ED25519 = 1,     /* signs the text */
	NOTE_COSIGNATURE = 4, /* signs a time and the text of a checkpoint */
};

struct note_key {
	char name[NOTE_NAME_MAX + 1];
	uint32_t id;
	enum note_type type;
	struct sign_public_key public_key;
};

/* A secret; declare with SCOPED_WIPE(note_signer_wipe). */
struct note_signer {
	struct note_key key;
	struct sign_private_key private_key;
};

struct note_signature {
	struct bytes name; /* borrowed from the note */
	uint32_t id;
	size_t len; /* of the signature; too long to be ours: the maximum + 1 */
	uint8_t bytes[8 + SIGN_SIGNATURE_BYTES];
};

struct note {
	struct bytes text; /* borrowed; with its last newline */
	struct note_signature signatures[NOTE_SIGNATURES_MAX];
	size_t count; /* at least one */
};

/*
 * Take a note apart; it fills `in`.  ERR_MALFORMED for what is no note,
 * ERR_TOO_LARGE beyond the limits above.  Nothing is verified yet.
 */
MUST_CHECK enum err note_parse(struct bytes in, struct note *out);

enum note_mark {
	NOTE_ABSENT = 0, /* this key signed nothing here */
	NOTE_SIGNED,
};

/* What one key said of a note. */
struct note_finding {
	enum note_mark mark;
	uint64_t time; /* of a cosignature, Unix seconds; the newest; else 0 */
};

/*
 * Look for keys[count] and verify each of their signatures.  ERR_UNAUTHENTIC
 * where one of them is wrong; that no key signed is no error here, so that a
 * caller can count.
 */
MUST_CHECK enum err note_verify(const struct note *note,
				const struct note_key *keys, size_t count,
				struct note_finding *findings);

/*
 * Append the line with this key's signature of a text that ends with a newline.
 * `time` is for a cosignature alone.  ERR_TOO_LARGE without room.
 */
MUST_CHECK enum err note_sign(const struct note_signer *signer,
			      struct bytes text, uint64_t time,
			      struct writer *out);

/* Append a signature's line as it was read; of keys of our types alone. */
MUST_CHECK enum err note_put_signature(struct writer *out,
				       const struct note_signature *signature);

/* A key of this name, which has to be one: ERR_MALFORMED if it is not. */
MUST_CHECK enum err note_key_make(struct bytes name, enum note_type type,
				  const struct sign_public_key *public_key,
				  struct note_key *out);

/* Keys as texts.  A line's end is no part of them. */
MUST_CHECK enum err note_key_parse(struct bytes text, struct note_key *out);
MUST_CHECK enum err note_key_put(struct writer *out,
				 const struct note_key *key);
MUST_CHECK enum err note_signer_parse(struct bytes text,
				      struct note_signer *out);
MUST_CHECK enum err note_signer_put(struct writer *out,
				    const struct note_signer *signer);

/* A new key pair of this name. */
MUST_CHECK enum err note_signer_generate(struct bytes name, enum note_type type,
					 struct note_signer *out);
void note_signer_wipe(struct note_signer *signer);

#endif
