/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cose.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "tests/authority.h"
#include "tests/jwk.h"
#include "tests/vector.h"
#include "wire/cbor.h"

#define NOTHING ((struct bytes){ NULL, 0 })
#define CONTENT BYTES_LITERAL("This is the content.")

/* The key of RFC 8032, 7.1, test 1. */
#define SEED "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define POINT "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

/*
 * github.com/cose-wg/Examples (public domain): eddsa-examples/eddsa-sig-01 and
 * ecdsa-examples/ecdsa-sig-01.
 */
#define EDDSA_SIG_01                                                         \
	"d28445a201270300a10442313154546869732069732074686520636f6e74656e74" \
	"2e58407142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7a" \
	"fb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef" \
	"0d"
#define ECDSA_SIG_01                                                         \
	"d28445a201260300a10442313154546869732069732074686520636f6e74656e74" \
	"2e58406520bbaf2081d7e0ed0f95f76eb0733d667005f7467cec4b87b9381a6ba1" \
	"ede8e00df29f32a37230f39a842a54821fdd223092819d7728efb9d3a0080b7538" \
	"0b"
#define ECDSA_X \
	"bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
#define ECDSA_Y \
	"20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"

static void open_ed25519(struct signature_key *key)
{
	cr_assert_eq(signature_key_from_ed25519(vector_hex(POINT), key),
		     ERR_OK);
}

static enum err check(struct bytes in, const struct signature_key *key,
		      struct bytes external)
{
	struct cose_sign1 message;

	TRY(cose_sign1_parse(in, COSE_TAG_NEEDED, &message));
	return cose_sign1_check(&message, key, external);
}

static enum err parse(const char *hex)
{
	struct cose_sign1 message;

	return cose_sign1_parse(vector_hex(hex), COSE_TAG_OPTIONAL, &message);
}

Test(cose, messages_of_the_working_group_are_good_and_of_one_piece)
{
	static const struct {
		const char *hex;
		int64_t algorithm;
	} messages[] = { { EDDSA_SIG_01, COSE_EDDSA },
			 { ECDSA_SIG_01, COSE_ES256 } };

	for (size_t i = 0; i < 2; i++) {
		SCOPED_WIPE(signature_key_close)
		struct signature_key key = { NULL };
		struct bytes whole = vector_hex(messages[i].hex);
		uint8_t *bits = vector_copy(whole);
		struct cose_sign1 message;
		size_t signed_bits = 0;

		if (i == 0)
			open_ed25519(&key);
		else
			cr_assert_eq(signature_key_from_point(
					     SIGNATURE_P256,
					     vector_hex(ECDSA_X),
					     vector_hex(ECDSA_Y), &key),
				     ERR_OK);
		cr_assert_eq(cose_sign1_parse(whole, COSE_TAG_NEEDED, &message),
			     ERR_OK);
		cr_assert_eq(message.algorithm, messages[i].algorithm);
		cr_assert(bytes_equal(message.payload, CONTENT));
		cr_assert_eq(cose_sign1_check(&message, &key, NOTHING), ERR_OK);
		cr_assert_eq(
			cose_sign1_check(&message, &key, BYTES_LITERAL("\x00")),
			ERR_UNAUTHENTIC);
		for (size_t bit = 0; bit < 8 * whole.len; bit++) {
			enum err err;

			bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
			err = check((struct bytes){ bits, whole.len }, &key,
				    NOTHING);
			/* The unprotected header is what its name says. */
			if (err == ERR_OK)
				cr_assert(bit / 8 >= 9 && bit / 8 <= 12,
					  "bit %zu", bit);
			else
				signed_bits++;
			bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		cr_assert_gt(signed_bits, 8 * whole.len - 32);
		for (size_t len = 0; len < whole.len; len++)
			cr_assert_neq(check((struct bytes){ bits, len }, &key,
					    NOTHING),
				      ERR_OK);
	}
}

/* Examples sign-pass-01 and sign-pass-02 of the working group. */
Test(cose, no_header_is_signed_as_no_bytes_however_it_was_written)
{
	static const char *const forms[] = {
		"8441a0a054546869732069732074686520636f6e74656e742e40",
		"8440a054546869732069732074686520636f6e74656e742e40",
		"8442bfffa054546869732069732074686520636f6e74656e742e40",
	};
	uint8_t memory[256];

	for (size_t i = 0; i < 3; i++) {
		struct writer out = WRITER_OVER(memory);
		struct cose_sign1 message;

		cr_assert_eq(cose_sign1_parse(vector_hex(forms[i]),
					      COSE_TAG_OPTIONAL, &message),
			     ERR_OK);
		cr_assert_eq(message.algorithm, COSE_NONE);
		cr_assert_eq(cose_sign1_to_be_signed(&message, NOTHING, &out),
			     ERR_OK);
		vector_expect(bytes_written(&out),
			      "846a5369676e617475726531404054546869732069732074"
			      "686520636f6e74656e742e");
	}
}

Test(cose, an_algorithm_that_is_not_protected_is_none)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct sign_private_key private_key;
	struct sign_public_key public_key;
	uint8_t memory[256], signature[64];
	struct writer out = WRITER_OVER(memory);

	open_ed25519(&key);
	sign_key_from_seed(vector_hex(SEED).data, &private_key, &public_key);
	sign_message(&private_key,
		     vector_hex("846a5369676e61747572653140404161"), signature);
	/* 18([ h'', { 1: -8 }, 'a', signature ]) */
	cr_assert_eq(bytes_put(&out, vector_hex("d28440a1012741615840")),
		     ERR_OK);
	cr_assert_eq(bytes_put(&out, BYTES_ARRAY(signature)), ERR_OK);
	cr_assert_eq(check(bytes_written(&out), &key, NOTHING),
		     ERR_UNSUPPORTED);
	cr_assert_eq(sign_verify(&public_key,
				 vector_hex("846a5369676e61747572653140404161"),
				 signature),
		     ERR_OK);
}

Test(cose, what_is_no_such_message_is_refused)
{
	static const struct {
		const char *hex;
		enum err err;
	} messages[] = {
		{ "d28443a10126a041404000", ERR_MALFORMED }, /* trailing */
		{ "d28443a10126a04140", ERR_TRUNCATED },
		{ "d28443a10126a0f640", ERR_OK }, /* detached */
		{ "8443a10126a0414141", ERR_TRUNCATED },
		{ "8443a10126a0414140", ERR_OK },
		{ "8543a10126a041414040", ERR_MALFORMED },
		{ "8343a10126a040", ERR_MALFORMED },
		{ "9f43a10126a0414140ff", ERR_OK },	 /* indefinite */
		{ "84a10126a0414140", ERR_MALFORMED },	 /* no bytes */
		{ "8443a1012680414140", ERR_MALFORMED }, /* no map */
		{ "8443a10126a0614140", ERR_MALFORMED }, /* a text */
		{ "8443a10126a0f740", ERR_MALFORMED },	 /* undefined */
		{ "8443a10126a0414160", ERR_MALFORMED },
		{ "844401260126a0414140", ERR_MALFORMED },
		{ "8444a1012600a0414140", ERR_MALFORMED },   /* trailing */
		{ "8445a201260126a0414140", ERR_MALFORMED }, /* twice */
		{ "8443a10126a10126414140", ERR_MALFORMED }, /* in both */
		{ "8443a10126a204413104413141614140", ERR_MALFORMED },
		{ "8446a20126028104a0414140", ERR_UNSUPPORTED }, /* crit */
		{ "8446a20126028101a0414140", ERR_UNSUPPORTED },
		{ "8445a201260280a0414140", ERR_UNSUPPORTED },
		{ "8443a10126a1028104414140", ERR_MALFORMED },
		{ "8448a101654553323536a0414140", ERR_UNSUPPORTED },
		{ "8443a101f4a0414140", ERR_MALFORMED },
		{ "d18443a10126a0414140", ERR_UNSUPPORTED }, /* a MAC */
		{ "d8628443a10126a0414140", ERR_UNSUPPORTED },
		{ "d2d28443a10126a0414140", ERR_MALFORMED },
		{ "f6", ERR_MALFORMED },
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		cr_assert_eq(parse(messages[i].hex), messages[i].err, "%s: %s",
			     messages[i].hex, err_name(parse(messages[i].hex)));
}

Test(cose, the_tag_is_there_unless_it_may_be_missing)
{
	struct cose_sign1 message;
	struct bytes bare = vector_hex("8443a10126a0414140");

	cr_assert_eq(cose_sign1_parse(bare, COSE_TAG_NEEDED, &message),
		     ERR_MALFORMED);
	cr_assert_eq(cose_sign1_parse(bare, COSE_TAG_OPTIONAL, &message),
		     ERR_OK);
}

static const struct {
	int64_t algorithm;
	enum authority_key key;
	struct signature_scheme scheme;
} offered[] = {
	{ COSE_ES256, AUTHORITY_P256, { SIGNATURE_ECDSA, HASH_SHA256 } },
	{ COSE_ESP256, AUTHORITY_P256, { SIGNATURE_ECDSA, HASH_SHA256 } },
	{ COSE_ES384, AUTHORITY_P384, { SIGNATURE_ECDSA, HASH_SHA384 } },
	{ COSE_ESP384, AUTHORITY_P384, { SIGNATURE_ECDSA, HASH_SHA384 } },
	{ COSE_ES512, AUTHORITY_P521, { SIGNATURE_ECDSA, HASH_SHA512 } },
	{ COSE_ESP512, AUTHORITY_P521, { SIGNATURE_ECDSA, HASH_SHA512 } },
	{ COSE_PS256, AUTHORITY_RSA_2048, { SIGNATURE_RSA_PSS, HASH_SHA256 } },
	{ COSE_PS384, AUTHORITY_RSA_2048, { SIGNATURE_RSA_PSS, HASH_SHA384 } },
	{ COSE_PS512, AUTHORITY_RSA_2048, { SIGNATURE_RSA_PSS, HASH_SHA512 } },
	{ COSE_EDDSA, AUTHORITY_ED25519, { SIGNATURE_ED25519, HASH_SHA512 } },
	{ COSE_ED25519, AUTHORITY_ED25519, { SIGNATURE_ED25519, HASH_SHA512 } },
};

#define OFFERED (sizeof(offered) / sizeof(offered[0]))

/* A message that says one algorithm and is signed by another's scheme. */
static enum err sign_and_check(const struct authority *maker, int64_t algorithm,
			       struct signature_scheme scheme)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	uint8_t headers_memory[16], signed_memory[128];
	struct writer headers = WRITER_OVER(headers_memory);
	struct writer signed_bytes = WRITER_OVER(signed_memory);
	struct cose_sign1 message = { .kind = COSE_PAYLOAD_ATTACHED,
				      .payload = CONTENT,
				      .algorithm = algorithm };

	cr_assert_eq(cbor_put_map(&headers, 1), ERR_OK);
	cr_assert_eq(cbor_put_integer(&headers, COSE_LABEL_ALGORITHM), ERR_OK);
	cr_assert_eq(cbor_put_integer(&headers, algorithm), ERR_OK);
	message.protected_bytes = bytes_written(&headers);
	message.protected_headers.count = 1;
	cr_assert_eq(cose_sign1_to_be_signed(&message, NOTHING, &signed_bytes),
		     ERR_OK);
	message.signature =
		authority_sign(maker, scheme, bytes_written(&signed_bytes));
	cr_assert_eq(signature_key_from_spki(authority_spki(maker), &key),
		     ERR_OK);
	return cose_sign1_check(&message, &key, NOTHING);
}

static bool same_scheme(size_t a, size_t b)
{
	return offered[a].key == offered[b].key &&
	       offered[a].scheme.kind == offered[b].scheme.kind &&
	       offered[a].scheme.hash == offered[b].scheme.hash;
}

Test(cose, a_signature_is_of_the_algorithm_that_its_header_says)
{
	size_t good = 0, bad = 0;

	for (size_t i = 0; i < OFFERED; i++) {
		SCOPED_WIPE(authority_close) struct authority maker = { 0 };

		authority_make(
			&(struct authority_wish){ .name = "maker",
						  .key = offered[i].key },
			&maker);
		for (size_t j = 0; j < OFFERED; j++) {
			enum err err =
				sign_and_check(&maker, offered[j].algorithm,
					       offered[i].scheme);

			cr_assert_eq(err,
				     same_scheme(i, j) ? ERR_OK
						       : ERR_UNAUTHENTIC,
				     "%zu as %zu", i, j);
			*(err == ERR_OK ? &good : &bad) += 1;
		}
		/* RS256 and ES256K, which are not offered. */
		cr_assert_eq(sign_and_check(&maker, -257, offered[i].scheme),
			     ERR_UNSUPPORTED);
		cr_assert_eq(sign_and_check(&maker, -47, offered[i].scheme),
			     ERR_UNSUPPORTED);
	}
	cr_assert_eq(good, 8 * 2 + 3);
	cr_assert_eq(bad, OFFERED * OFFERED - good);
}

/* RFC 9864 binds the curve, RFC 9053 does not. */
Test(cose, a_fully_specified_algorithm_is_of_one_curve)
{
	SCOPED_WIPE(authority_close) struct authority maker = { 0 };
	struct signature_scheme scheme = { SIGNATURE_ECDSA, HASH_SHA256 };

	authority_make(&(struct authority_wish){ .name = "maker",
						 .key = AUTHORITY_P384 },
		       &maker);
	cr_assert_eq(sign_and_check(&maker, COSE_ES256, scheme), ERR_OK);
	cr_assert_eq(sign_and_check(&maker, COSE_ESP256, scheme),
		     ERR_UNAUTHENTIC);
}

static void private_key_of_rfc8032(struct sign_private_key *key)
{
	struct sign_public_key public_key;

	sign_key_from_seed(vector_hex(SEED).data, key, &public_key);
}

/* Ed25519 is deterministic, so ours has the bytes of the working group's. */
Test(cose, what_is_signed_here_is_what_the_working_group_signed)
{
	struct sign_private_key key;
	uint8_t memory[512];
	struct writer out = WRITER_OVER(memory);
	struct cose_draft draft = {
		.protected_headers = vector_hex("a201270300"),
		.headers = vector_hex("a104423131"),
		.payload = CONTENT,
		.kind = COSE_PAYLOAD_ATTACHED,
	};

	private_key_of_rfc8032(&key);
	cr_assert_eq(cose_sign1_write(&draft, &key, &out), ERR_OK);
	vector_expect(bytes_written(&out), EDDSA_SIG_01);
}

Test(cose, a_detached_payload_has_to_be_given_and_be_the_one_signed)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct sign_private_key private_key;
	uint8_t memory[512];
	struct writer out = WRITER_OVER(memory);
	struct cose_sign1 message, other;
	struct cose_draft draft = {
		.protected_headers = COSE_PROTECTED_EDDSA,
		.payload = CONTENT,
		.external = BYTES_LITERAL("context"),
		.kind = COSE_PAYLOAD_DETACHED,
	};

	open_ed25519(&key);
	private_key_of_rfc8032(&private_key);
	cr_assert_eq(cose_sign1_write(&draft, &private_key, &out), ERR_OK);
	cr_assert_eq(out.len, 1 + 1 + 4 + 1 + 1 + 2 + 64);
	cr_assert_eq(cose_sign1_parse(bytes_written(&out), COSE_TAG_NEEDED,
				      &message),
		     ERR_OK);
	cr_assert_eq(message.kind, COSE_PAYLOAD_DETACHED);
	cr_assert_eq(cose_sign1_check(&message, &key, draft.external),
		     ERR_UNAUTHENTIC);
	other = message;
	cr_assert_eq(cose_sign1_attach(&message, CONTENT), ERR_OK);
	cr_assert_eq(cose_sign1_attach(&message, CONTENT), ERR_MALFORMED);
	cr_assert_eq(cose_sign1_check(&message, &key, draft.external), ERR_OK);
	cr_assert_eq(cose_sign1_check(&message, &key, NOTHING),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(cose_sign1_attach(&other, BYTES_LITERAL("else")), ERR_OK);
	cr_assert_eq(cose_sign1_check(&other, &key, draft.external),
		     ERR_UNAUTHENTIC);

	/* No payload signs no payload, and is no detached one. */
	other = message;
	other.payload = NOTHING;
	cr_assert_eq(cose_sign1_check(&other, &key, draft.external),
		     ERR_UNAUTHENTIC);
}

Test(cose, nothing_is_signed_that_a_reader_would_refuse)
{
	static const struct {
		const char *protected_headers, *headers;
		enum err err;
	} drafts[] = {
		{ "a10127", "", ERR_OK },
		{ "a10132", "", ERR_OK },	 /* -19 */
		{ "a10126", "", ERR_MALFORMED }, /* ES256 */
		{ "", "", ERR_MALFORMED },
		{ "a0", "", ERR_MALFORMED },
		{ "a10127", "a10127", ERR_MALFORMED },
		{ "a10127", "80", ERR_MALFORMED },
		{ "a10127", "a000", ERR_MALFORMED },
		{ "a1012700", "", ERR_MALFORMED },
		{ "a20127028104", "", ERR_UNSUPPORTED },
	};
	struct sign_private_key key;
	uint8_t memory[256];

	private_key_of_rfc8032(&key);
	for (size_t i = 0; i < sizeof(drafts) / sizeof(drafts[0]); i++) {
		struct writer out = WRITER_OVER(memory);
		struct cose_draft draft = {
			.protected_headers =
				vector_hex(drafts[i].protected_headers),
			.headers = vector_hex(drafts[i].headers),
			.payload = CONTENT,
			.kind = COSE_PAYLOAD_ATTACHED,
		};

		cr_assert_eq(cose_sign1_write(&draft, &key, &out),
			     drafts[i].err, "%zu", i);
		cr_assert_eq(out.len == 0, drafts[i].err != ERR_OK);
	}
}

Test(cose, what_does_not_fit_is_not_written_at_all)
{
	static uint8_t large[COSE_BYTES_MAX];
	struct sign_private_key key;
	uint8_t memory[256];
	struct cose_draft draft = {
		.protected_headers = COSE_PROTECTED_EDDSA,
		.payload = CONTENT,
		.kind = COSE_PAYLOAD_ATTACHED,
	};
	struct writer whole = WRITER_OVER(memory);

	private_key_of_rfc8032(&key);
	cr_assert_eq(cose_sign1_write(&draft, &key, &whole), ERR_OK);
	for (size_t max = 0; max < whole.len; max++) {
		struct writer out = { memory, 0, max };

		cr_assert_eq(cose_sign1_write(&draft, &key, &out),
			     ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
	draft.payload = BYTES_ARRAY(large);
	draft.kind = COSE_PAYLOAD_DETACHED;
	whole.len = 0;
	cr_assert_eq(cose_sign1_write(&draft, &key, &whole), ERR_TOO_LARGE);
}

/* One file of a set: its message, key and external data, by the set's habits. */
static enum err judge(const json_t *file)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	const json_t *input = json_object_get(file, "input");
	const json_t *verify = json_object_get(file, "sign1::verify");
	const json_t *part =
		input != NULL ? json_object_get(input, "sign0") : verify;
	const json_t *jwk = json_object_get(input != NULL ? part : file, "key");
	const json_t *external = json_object_get(part, "external");
	const char *hex =
		input != NULL
			? vector_text(json_object_get(file, "output"), "cbor")
			: vector_text(
				  json_object_get(verify, "taggedCOSESign1"),
				  "cborHex");
	struct cose_sign1 message;

	TRY(cose_sign1_parse(jwk_hex(hex), COSE_TAG_OPTIONAL, &message));
	jwk_open(jwk, &key);
	return cose_sign1_check(&message, &key,
				external == NULL
					? NOTHING
					: jwk_hex(json_string_value(external)));
}

struct wanted {
	const char *path;
	enum err err;
};

static size_t run_family(const struct wanted *files, size_t count)
{
	size_t good = 0;

	for (size_t i = 0; i < count; i++) {
		char path[128];
		json_t *file;
		enum err err;

		snprintf(path, sizeof(path), "cose-eat/%s.json", files[i].path);
		file = vector_load(path);
		err = judge(file);
		cr_assert_eq(err, files[i].err, "%s: %s", path, err_name(err));
		good += err == ERR_OK;
		json_decref(file);
		vector_forget();
	}
	return good;
}

#define RUN_FAMILY(files) run_family(files, sizeof(files) / sizeof(files[0]))

Test(cose, the_working_group_s_verdicts_are_ours)
{
	static const struct wanted files[] = {
		{ "cose-wg/sign1-tests/sign-pass-02", ERR_OK },
		{ "cose-wg/sign1-tests/sign-pass-03", ERR_OK },
		{ "cose-wg/sign1-tests/sign-fail-02", ERR_UNAUTHENTIC },
		{ "cose-wg/sign1-tests/sign-fail-03", ERR_UNSUPPORTED },
		{ "cose-wg/sign1-tests/sign-fail-06", ERR_UNAUTHENTIC },
		{ "cose-wg/sign1-tests/sign-fail-07", ERR_UNAUTHENTIC },
		{ "cose-wg/ecdsa-examples/ecdsa-sig-01", ERR_OK },
		{ "cose-wg/ecdsa-examples/ecdsa-sig-02", ERR_OK },
		{ "cose-wg/ecdsa-examples/ecdsa-sig-04", ERR_OK },
		{ "cose-wg/eddsa-examples/eddsa-sig-01", ERR_OK },
		{ "cose-wg/CWT/A_3", ERR_OK },
	};

	cr_assert_eq(RUN_FAMILY(files), 7);
}

/* Sound messages of kinds that are not offered: never called good. */
Test(cose, what_is_not_offered_is_refused_by_name)
{
	static const struct wanted files[] = {
		/* Ed448, which is another kind of key than Ed25519. */
		{ "cose-wg/eddsa-examples/eddsa-sig-02", ERR_UNAUTHENTIC },
		/* Several signers, MACs, a ciphertext. */
		{ "cose-wg/eddsa-examples/eddsa-01", ERR_UNSUPPORTED },
		{ "cose-wg/ecdsa-examples/ecdsa-02", ERR_UNSUPPORTED },
		{ "cose-wg/ecdsa-examples/ecdsa-03", ERR_UNSUPPORTED },
		{ "cose-wg/CWT/A_4", ERR_UNSUPPORTED },
		{ "cose-wg/CWT/A_6", ERR_UNSUPPORTED },
		{ "cose-wg/CWT/A_7", ERR_UNSUPPORTED },
	};

	cr_assert_eq(RUN_FAMILY(files), 0);
}

Test(cose, gluecose_s_verdicts_are_ours)
{
	static const struct wanted files[] = {
		{ "gluecose/sign1-verify-0000", ERR_OK },
		{ "gluecose/sign1-verify-0001", ERR_OK },
		{ "gluecose/sign1-verify-0003", ERR_OK },
		{ "gluecose/sign1-verify-0004", ERR_OK },
		{ "gluecose/sign1-verify-0006", ERR_OK },
	};

	cr_assert_eq(RUN_FAMILY(files), 5);
}

Test(cose, go_cose_s_negatives_are_malformed)
{
	static const struct wanted files[] = {
		{ "go-cose/sign1-verify-negative-0000", ERR_MALFORMED },
		{ "go-cose/sign1-verify-negative-0001", ERR_MALFORMED },
		{ "go-cose/sign1-verify-negative-0002", ERR_MALFORMED },
	};

	cr_assert_eq(RUN_FAMILY(files), 0);
}

#define LABEL_VDS 395 /* which tree (RFC 9942) */
#define LABEL_VDP 396 /* proofs in it */

/* One file of one case of the set of SCITT. */
static struct bytes scitt_file(const char *name, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "scitt/v1/%s/%s", name, file);
	return vector_file(path);
}

/* Leaf 2 of 8: the sibling is right of it, then left, then right. */
static void fold(const json_t *expected, uint8_t root[static 32])
{
	const json_t *path = json_object_get(expected, "inclusion_path");
	uint8_t memory[65] = { 0 };
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(json_array_size(path), 3);
	cr_assert_eq(bytes_put_u8(&out, 0), ERR_OK);
	cr_assert_eq(bytes_put(&out, vector_bytes(expected, "leaf_entry")),
		     ERR_OK);
	hash_sha256(bytes_written(&out), root);
	for (size_t i = 0; i < 3; i++) {
		struct bytes one =
			vector_hex(json_string_value(json_array_get(path, i)));

		memory[0] = 1;
		memcpy(memory + (i == 1 ? 33 : 1), root, 32);
		memcpy(memory + (i == 1 ? 1 : 33), one.data, 32);
		hash_sha256(BYTES_ARRAY(memory), root);
	}
}

struct scitt_case {
	const char *name;
	enum err statement;
	int64_t tree; /* that the receipt says */
	int64_t statement_algorithm, receipt_algorithm;
};

static void run_scitt(const struct scitt_case *one)
{
	SCOPED_WIPE(signature_key_close) struct signature_key issuer = { NULL };
	SCOPED_WIPE(signature_key_close) struct signature_key log = { NULL };
	char path[128];
	struct cose_sign1 statement, receipt;
	struct cbor_item item;
	json_t *expected;
	uint8_t root[32];
	int64_t tree;

	snprintf(path, sizeof(path), "scitt/v1/%s/expected.json", one->name);
	expected = vector_load(path);
	jwk_open_pem(scitt_file(one->name, "issuer-key.pub"), &issuer);
	jwk_open_pem(scitt_file(one->name, "log-key.pub"), &log);
	cr_assert_eq(cose_sign1_parse(scitt_file(one->name, "statement.cose"),
				      COSE_TAG_NEEDED, &statement),
		     ERR_OK);
	cr_assert_eq(statement.algorithm, one->statement_algorithm);
	cr_assert(bytes_equal(statement.payload,
			      scitt_file(one->name, "payload.bin")));
	cr_assert_eq(cose_sign1_check(&statement, &issuer, NOTHING),
		     one->statement, "%s", one->name);
	cr_assert_eq(cose_sign1_check(&statement, &log, NOTHING),
		     ERR_UNAUTHENTIC);

	cr_assert_eq(cose_sign1_parse(scitt_file(one->name, "receipt.cose"),
				      COSE_TAG_NEEDED, &receipt),
		     ERR_OK);
	cr_assert_eq(receipt.algorithm, one->receipt_algorithm);
	cr_assert_eq(receipt.kind, COSE_PAYLOAD_DETACHED);
	cr_assert(cbor_item_find(&receipt.protected_headers, LABEL_VDS, &item));
	cr_assert_eq(cbor_item_integer(&item, &tree), ERR_OK);
	cr_assert_eq(tree, one->tree);
	cr_assert_not(cbor_item_find(&receipt.headers, LABEL_VDS, &item));
	cr_assert(cbor_item_find(&receipt.headers, LABEL_VDP, &item));
	if (json_is_array(json_object_get(expected, "inclusion_path")))
		fold(expected, root);
	else
		memcpy(root, vector_bytes(expected, "reconstructed_root").data,
		       sizeof(root));
	if (json_is_string(json_object_get(expected, "reconstructed_root")))
		vector_expect(BYTES_ARRAY(root),
			      vector_text(expected, "reconstructed_root"));
	cr_assert_eq(cose_sign1_attach(&receipt, BYTES_ARRAY(root)), ERR_OK);
	cr_assert_eq(cose_sign1_check(&receipt, &log, NOTHING), ERR_OK, "%s",
		     one->name);
	root[0] ^= 1;
	cr_assert_eq(cose_sign1_check(&receipt, &log, NOTHING),
		     ERR_UNAUTHENTIC);
	json_decref(expected);
	vector_forget();
}

/* The tree that is not supported is the log's to refuse; its label is there. */
Test(cose, signatures_of_scitt_statements_and_receipts_are_as_documented)
{
	static const struct scitt_case cases[] = {
		{ "valid-eddsa", ERR_OK, 1, COSE_EDDSA, COSE_EDDSA },
		{ "valid-ccf-vds2", ERR_OK, 2, COSE_ES256, COSE_ES384 },
		{ "fail-bad-statement-sig", ERR_UNAUTHENTIC, 1, COSE_EDDSA,
		  COSE_EDDSA },
		{ "fail-unsupported-vds", ERR_OK, 2, COSE_EDDSA, COSE_EDDSA },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_scitt(&cases[i]);
}

/* Its key was not published, so it is read alone. */
Test(cose, the_receipt_of_the_specification_is_read)
{
	struct cose_sign1 message;
	struct cbor_item item;

	cr_assert_eq(cose_sign1_parse(vector_file("scitt/inclusion-receipt."
						  "cbor"),
				      COSE_TAG_NEEDED, &message),
		     ERR_OK);
	cr_assert_eq(message.algorithm, COSE_ES256);
	cr_assert_eq(message.kind, COSE_PAYLOAD_DETACHED);
	cr_assert(cbor_item_find(&message.protected_headers, LABEL_VDS, &item));
	cr_assert_eq(item.number, 1);
}
