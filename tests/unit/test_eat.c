/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/eat.h"

#include <criterion/criterion.h>
#include <string.h>

#include "attest/psa.h"
#include "base/secret.h"
#include "tests/jwk.h"
#include "tests/vector.h"
#include "wire/cbor.h"

/*
 * github.com/ietf-rats-wg/eat, cddl/Example-Payloads (IETF Trust), encoded by
 * another implementation (Python's cbor2) from the text whose SHA-256 stands
 * beside it.
 */
#define MINIMAL "a20a48948f8860d13a463e190106f5"
#define SIMPLE                                                             \
	"a801636a6f650a4c88b20f5b9fc0bc8f7685bbc0190100500198f50a4ff6c058" \
	"61c8860d13a638ea1901024388124e19010350881cf5f243fbef3336bbd22547" \
	"dddefc190106f519010703061a5afd322e"
#define SUBMODS                                                            \
	"a60a5009f7b7b35fe82fff4986e6f1d0008c44190100500198f50a4ff6c05861" \
	"c8860d13a638ea190106f519010703061a5afd322e19010aa46f416e64726f69" \
	"642041707020466f6fa119010f67466f6f2e6170707253656375726520456c65" \
	"6d656e742045617458b3d83dd28443a10126a05866a80a48948f8860d13a463e" \
	"190100500198f50a4ff6c05861c8860d13a638ea19010219faf2190105041901" \
	"06f5190107031901048263332e310119010aa163544545822f5820e5cf95fd24" \
	"fab71446742dd58d43dae178e55fe2b94291a9291082ffc2635a0b5840f690cb" \
	"0388677fa624a3775fd7cbc4e8409ec9816be32fa474733b0f98c27fbaedbbc9" \
	"963b9cb5ecc03c3e35b3afc0b7b35b495deac0997122ea867f07b8d5eb6d4c69" \
	"6e757820416e64726f6964a119010f67416e64726f69646b5375627379737465" \
	"6d204a78b65b20224a5754222c202265794a30655841694f694a4b563151694c" \
	"434a68624763694f694a49557a49314e694a392e65794a7063334d694f694a4b" \
	"4c5546306447567a644756794969776961574630496a6f784e6a55784e7a6330" \
	"4f4459344c434a6c654841694f6d353162477773496d46315a43493649694973" \
	"496e4e315969493649694a392e676a77346e464d684c704a55755058764d507a" \
	"4b31474d6a68794a71327657586731343136584b737a775122205d"
#define TEE                                                                \
	"a40a5048df7b172d70b5a18935d0460a73dd71190106f5190107021901108182" \
	"1901025858a60064336132340c01016b41636d6520544545204f530d65332e31" \
	"2e340282a2181f6b41636d6520544545204f53182101a2181f6b41636d652054" \
	"4545204f5318210206a111a118186e61636d655f7465655f332e657865"

static enum err read_hex(const char *hex, struct eat *out)
{
	return eat_read(vector_hex(hex), out);
}

Test(eat, the_examples_of_the_working_group_are_read)
{
	struct eat eat, nested;
	struct cbor_item item;
	struct cose_sign1 message;

	cr_assert_eq(read_hex(MINIMAL, &eat), ERR_OK);
	cr_assert_eq(eat.nonce_count, 1);
	cr_assert(eat_has_nonce(&eat, vector_hex("948f8860d13a463e")));
	cr_assert_not(eat_has_nonce(&eat, vector_hex("948f8860d13a463f")));
	cr_assert_eq(eat.debug, EAT_DEBUG_UNSAID);
	cr_assert_eq(eat.ueid.len + eat.oemid.len + eat.hwmodel.len, 0);

	cr_assert_eq(read_hex(SIMPLE, &eat), ERR_OK);
	vector_expect(eat.ueid, "0198f50a4ff6c05861c8860d13a638ea");
	vector_expect(eat.oemid, "88124e");
	vector_expect(eat.hwmodel, "881cf5f243fbef3336bbd22547dddefc");
	cr_assert_eq(eat.debug, EAT_DEBUG_DISABLED_PERMANENTLY);
	cr_assert_eq(eat.issued, 1526542894);

	cr_assert_eq(read_hex(TEE, &eat), ERR_OK);
	cr_assert_eq(eat.debug, EAT_DEBUG_DISABLED_SINCE_BOOT);
	cr_assert_eq(eat.claims.count, 4);

	cr_assert_eq(read_hex(SUBMODS, &eat), ERR_OK);
	cr_assert_eq(eat.submods.count, 4);
	cr_assert(cbor_item_find_text(&eat.submods, "Linux Android", &item));
	cr_assert_eq(eat_read(item.encoding, &nested), ERR_OK);
	cr_assert(
		cbor_item_find_text(&eat.submods, "Secure Element Eat", &item));
	cr_assert_eq(item.kind, CBOR_ITEM_BYTES);
	cr_assert_eq(cbor_item_parse(item.content, &item), ERR_OK);
	cr_assert_eq(item.number, 61);
	cr_assert_eq(cose_sign1_parse(item.content, COSE_TAG_NEEDED, &message),
		     ERR_OK);
	cr_assert_eq(eat_read(message.payload, &nested), ERR_OK);
	vector_expect(nested.oemid, "19faf2");
	cr_assert_eq(nested.debug, EAT_DEBUG_DISABLED_PERMANENTLY);
}

Test(eat, the_examples_are_those_of_the_set)
{
	static const char *const files[][2] = {
		{ "cose-eat/eat-examples/minimal.diag",
		  "95a5aee4071c2d3685153f425ed994cd7062f83c3d242bad675cec799dc7"
		  "8518" },
		{ "cose-eat/eat-examples/simple.diag",
		  "5c90c51647d39cde6fd0793372ae2a765d3754ff0d6b63cba9d18332f268"
		  "a901" },
		{ "cose-eat/eat-examples/submods.diag",
		  "577c8492fe5b68e2311ed76a6423308a8368a2a6d23fb095cea88435868a"
		  "5011" },
		{ "cose-eat/eat-examples/valid_tee.diag",
		  "ce49b16580c5577fa3ba16b8cfe3cdd2fa7693b1237df3d8949c25e42512"
		  "db0f" },
	};
	uint8_t digest[32];

	for (size_t i = 0; i < 4; i++) {
		hash_sha256(vector_file(files[i][0]), digest);
		vector_expect(BYTES_ARRAY(digest), files[i][1]);
	}
}

Test(eat, a_claim_of_another_type_or_size_makes_no_token)
{
	static const struct {
		const char *hex;
		enum err err;
	} claims[] = {
		{ "a0", ERR_OK },
		{ "a10a470102030405060708", ERR_MALFORMED }, /* and a byte */
		{ "a10a4701020304050607", ERR_MALFORMED },
		{ "a10a480102030405060708", ERR_OK },
		{ "a10a8248010203040506070848010203040506070a", ERR_OK },
		{ "a10a81480102030405060708", ERR_MALFORMED },
		{ "a10a82480102030405060708f6", ERR_MALFORMED },
		{ "a10a850000000000", ERR_TOO_LARGE },
		{ "a119010046010203040506", ERR_MALFORMED },
		{ "a11901004701020304050607", ERR_OK },
		{ "a119010067312c3334353637", ERR_MALFORMED },
		{ "a11901024401020304", ERR_MALFORMED },
		{ "a119010243010203", ERR_OK },
		{ "a119010219faf2", ERR_OK },
		{ "a119010220", ERR_MALFORMED },
		{ "a119010340", ERR_MALFORMED },
		{ "a11901034101", ERR_OK },
		{ "a119010704", ERR_OK },
		{ "a119010705", ERR_MALFORMED },
		{ "a1190107f5", ERR_MALFORMED },
		{ "a119010960", ERR_MALFORMED },
		{ "a11901096161", ERR_OK },
		{ "a11901094106", ERR_OK },
		{ "a119010905", ERR_MALFORMED },
		{ "a104fb41d584367c200000", ERR_MALFORMED }, /* a fraction */
		{ "a10400", ERR_MALFORMED },
		{ "a10420", ERR_MALFORMED },
		{ "a1041a5612aeb0", ERR_OK },
		{ "a108a101a0", ERR_OK },
		{ "a10880", ERR_MALFORMED },
		{ "a119010aa16161a0", ERR_OK },
		{ "a119010aa101a0", ERR_MALFORMED },
		{ "a119010aa16161f6", ERR_MALFORMED },
		{ "a119010aa26161a06161a0", ERR_MALFORMED },
		{ "a11901118182004100", ERR_OK },
		{ "a119011180", ERR_MALFORMED },
		{ "a1190111818100", ERR_MALFORMED },
		{ "a11901118183004100f6", ERR_MALFORMED },
		{ "a1190111818241004100", ERR_MALFORMED },
		{ "a21901070419010704", ERR_MALFORMED },
		{ "80", ERR_MALFORMED },
	};

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		struct eat eat;
		enum err err = read_hex(claims[i].hex, &eat);

		cr_assert_eq(err, claims[i].err, "%s: %s", claims[i].hex,
			     err_name(err));
	}
}

Test(eat, cut_anywhere_claims_are_refused_and_a_flipped_bit_does_no_harm)
{
	static const char *const samples[] = { SIMPLE, SUBMODS, TEE };

	for (size_t i = 0; i < 3; i++) {
		struct bytes whole = vector_hex(samples[i]);
		uint8_t *bits = vector_copy(whole);
		struct eat eat;

		for (size_t len = 0; len < whole.len; len++)
			cr_assert_eq(
				eat_read((struct bytes){ bits, len }, &eat),
				ERR_TRUNCATED);
		for (size_t bit = 0; bit < 8 * whole.len; bit++) {
			bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (eat_read((struct bytes){ bits, whole.len }, &eat) ==
			    ERR_OK)
				cr_assert_leq(eat.nonce_count, EAT_NONCES_MAX);
			bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* A token of ours, with Ed25519. */
struct maker {
	struct sign_private_key private_key;
	struct signature_key key;
	uint8_t memory[512];
	struct writer out;
};

static void close_maker(struct maker *maker)
{
	signature_key_close(&maker->key);
}

static struct bytes make(struct maker *maker, const char *claims)
{
	struct cose_draft draft = { .protected_headers = COSE_PROTECTED_EDDSA,
				    .payload = vector_hex(claims),
				    .kind = COSE_PAYLOAD_ATTACHED };
	struct sign_public_key public_key;

	if (maker->key.key == NULL) {
		sign_key_generate(&maker->private_key, &public_key);
		cr_assert_eq(
			signature_key_from_ed25519(
				BYTES_ARRAY(public_key.bytes), &maker->key),
			ERR_OK);
	}
	maker->out = (struct writer)WRITER_OVER(maker->memory);
	cr_assert_eq(cose_sign1_write(&draft, &maker->private_key, &maker->out),
		     ERR_OK);
	return bytes_written(&maker->out);
}

/* { exp: 2000, nbf: 1000, iat: 900 } */
#define TIMED "a3041907d0051903e806190384"

Test(eat, a_token_is_of_its_time_alone)
{
	SCOPED_WIPE(close_maker) struct maker maker = { 0 };
	struct bytes token = make(&maker, TIMED);
	struct eat eat;

	cr_assert_eq(eat_open(token, &maker.key, 999, &eat), ERR_EXPIRED);
	cr_assert_eq(eat_open(token, &maker.key, 1000, &eat), ERR_OK);
	cr_assert_eq(eat_open(token, &maker.key, 1999, &eat), ERR_OK);
	cr_assert_eq(eat_open(token, &maker.key, 2000, &eat), ERR_EXPIRED);
	cr_assert_eq(eat_open(token, &maker.key, UINT64_MAX, &eat),
		     ERR_EXPIRED);
	cr_assert_eq(eat.expires, 2000);
	token = make(&maker, "a106190384"); /* { iat: 900 } */
	cr_assert_eq(eat_open(token, &maker.key, 899, &eat), ERR_EXPIRED);
	cr_assert_eq(eat_open(token, &maker.key, 900, &eat), ERR_OK);
}

Test(eat, no_flipped_bit_leaves_a_token_good)
{
	SCOPED_WIPE(close_maker) struct maker maker = { 0 };
	struct bytes token = make(&maker, SIMPLE);
	struct eat eat;

	cr_assert_eq(eat_open(token, &maker.key, 1800000000, &eat), ERR_OK);
	for (size_t bit = 0; bit < 8 * token.len; bit++) {
		maker.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_neq(eat_open(token, &maker.key, 1800000000, &eat),
			      ERR_OK, "bit %zu", bit);
		cr_assert_neq(eat_open(token, &maker.key, 1800000000, &eat),
			      ERR_EXPIRED, "bit %zu", bit);
		maker.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < token.len; len++)
		cr_assert_neq(eat_open((struct bytes){ token.data, len },
				       &maker.key, 1800000000, &eat),
			      ERR_OK);
}

Test(eat, an_unsigned_token_is_none_and_a_cwt_s_tag_may_stand_in_front)
{
	SCOPED_WIPE(close_maker) struct maker maker = { 0 };
	struct bytes token = make(&maker, SIMPLE);
	uint8_t memory[600];
	struct writer tagged = WRITER_OVER(memory);
	struct eat eat;

	cr_assert_eq(cbor_put_tag(&tagged, 61), ERR_OK);
	cr_assert_eq(bytes_put(&tagged, token), ERR_OK);
	cr_assert_eq(
		eat_open(bytes_written(&tagged), &maker.key, 1800000000, &eat),
		ERR_OK);
	tagged.len = 0;
	cr_assert_eq(cbor_put_tag(&tagged, 601), ERR_OK);
	cr_assert_eq(bytes_put(&tagged, vector_hex(SIMPLE)), ERR_OK);
	cr_assert_eq(
		eat_open(bytes_written(&tagged), &maker.key, 1800000000, &eat),
		ERR_UNSUPPORTED);
	cr_assert_eq(eat_open(vector_hex(SIMPLE), &maker.key, 1800000000, &eat),
		     ERR_MALFORMED);
}

/* RFC 8392, A.3: issued 2015-10-04, for some three and a half years. */
Test(eat, the_token_of_rfc_8392_is_good_while_it_lasts)
{
	json_t *file = vector_load("cose-eat/cose-wg/CWT/A_3.json");
	const json_t *part =
		json_object_get(json_object_get(file, "input"), "sign0");
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct bytes token =
		jwk_hex(vector_text(json_object_get(file, "output"), "cbor"));
	struct eat eat;

	jwk_open(json_object_get(part, "key"), &key);
	cr_assert_eq(eat_open(token, &key, 1443944944, &eat), ERR_OK);
	cr_assert_eq(eat.expires, 1444064944);
	cr_assert_eq(eat_open(token, &key, 1443944943, &eat), ERR_EXPIRED);
	cr_assert_eq(eat_open(token, &key, 1444064944, &eat), ERR_EXPIRED);
	json_decref(file);
}

#define NOW 1800000000u

static struct bytes psa_sample(struct signature_key *key)
{
	json_t *jwk = vector_load("cose-eat/veraison/ec-p256.jwk");

	jwk_open(jwk, key);
	json_decref(jwk);
	return vector_file("cose-eat/veraison/psa-evidence.cbor");
}

Test(psa, the_token_of_veraison_is_good)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct bytes token = psa_sample(&key);
	struct appraisal_policy policy = { .now = NOW };
	struct appraisal found;
	struct psa_token read;
	struct eat eat;

	cr_assert_eq(eat_open(token, &key, NOW, &eat), ERR_OK);
	cr_assert_eq(psa_read(&eat, &read), ERR_OK);
	cr_assert_eq(read.client, 1);
	cr_assert_eq(read.life, 0x3000);
	cr_assert(bytes_equal(read.implementation,
			      BYTES_LITERAL("acme-implementation-id-"
					    "000000001")));
	cr_assert_eq(read.part_count, 3);
	cr_assert(bytes_equal(read.parts[1].type, BYTES_LITERAL("PRoT")));
	cr_assert(bytes_equal(read.parts[1].version, BYTES_LITERAL("1.3.5")));
	psa_appraise(token, &key, &policy, &found);
	cr_assert(appraisal_holds(&found, PSA_NEEDED));
	vector_expect(found.report_data, "414a7c174141b3d0e9a1d28af31520f0d422"
					 "99feac4007ded89d68ae6cd92f19");
	cr_assert_eq(found.chip.len, 33);
}

Test(psa, no_flipped_bit_leaves_the_token_good)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct bytes token = psa_sample(&key);
	struct appraisal_policy policy = { .now = NOW };
	uint8_t *bits = vector_copy(token);
	struct appraisal found;

	token.data = bits;
	for (size_t bit = 0; bit < 8 * token.len; bit++) {
		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		psa_appraise(token, &key, &policy, &found);
		cr_assert_not(appraisal_holds(&found, PSA_NEEDED), "bit %zu",
			      bit);
		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	psa_appraise(token, &key, &policy, &found);
	cr_assert(appraisal_holds(&found, PSA_NEEDED));
}

Test(psa, another_key_another_chip_or_another_life_does_not_pass)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	SCOPED_WIPE(close_maker) struct maker maker = { 0 };
	struct bytes token = psa_sample(&key);
	struct appraisal_chip chip = { .len = 33 };
	struct appraisal_policy policy = { .now = NOW,
					   .chips = &chip,
					   .chip_count = 1 };
	struct cose_sign1 message;
	struct appraisal found;

	memcpy(chip.id,
	       vector_hex("01ceebae7b8927a3227e5303cf5e0f1f7b34bb542ad7250ac03f"
			  "bcde36ec2f1508")
		       .data,
	       33);
	psa_appraise(token, &key, &policy, &found);
	cr_assert(appraisal_holds(&found, PSA_NEEDED | 1u << APPRAISAL_CHIP));
	chip.id[32] ^= 1;
	psa_appraise(token, &key, &policy, &found);
	cr_assert_not(appraisal_holds(&found, PSA_NEEDED));
	chip.id[32] ^= 1;

	(void)make(&maker, MINIMAL);
	psa_appraise(token, &maker.key, &policy, &found);
	cr_assert_eq(found.records[APPRAISAL_SIGNATURE].mark, RECORD_FAIL);
	cr_assert_not(appraisal_holds(&found, PSA_NEEDED));

	/* The same claims, with another state of life, signed by a key. */
	cr_assert_eq(cose_sign1_parse(token, COSE_TAG_NEEDED, &message),
		     ERR_OK);
	for (unsigned life = 0; life < 8; life++) {
		uint8_t *claims = vector_copy(message.payload);
		struct cose_draft draft = {
			.protected_headers = COSE_PROTECTED_EDDSA,
			.payload = { claims, message.payload.len },
			.kind = COSE_PAYLOAD_ATTACHED
		};
		uint8_t memory[700];
		struct writer out = WRITER_OVER(memory);
		size_t at = 0;

		/* 2395: 0x3000 */
		while (memcmp(claims + at, "\x19\x09\x5b\x19\x30", 5) != 0)
			at++;
		claims[at + 4] = (uint8_t)(life << 4);
		cr_assert_eq(cose_sign1_write(&draft, &maker.private_key, &out),
			     ERR_OK);
		psa_appraise(bytes_written(&out), &maker.key, &policy, &found);
		cr_assert_eq(appraisal_holds(&found, PSA_NEEDED), life == 3);
	}
}
