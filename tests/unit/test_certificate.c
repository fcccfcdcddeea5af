/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/certificate_pem.h"
#include "tests/authority.h"
#include "tests/vector.h"

#define NOW AUTHORITY_NOW
#define DAY AUTHORITY_DAY

/* Leaf, intermediate, root: the usual chain, each of which a test may bend. */
enum {
	LEAF,
	MIDDLE,
	ROOT,
	PARTS
};

struct house {
	struct authority_wish wishes[PARTS];
	struct authority parts[PARTS];
	struct certificate_root roots[2];
	struct bytes crls[4];
	struct certificate_trust trust;
};

static void prepare(struct house *house)
{
	*house = (struct house){
		.wishes = { [LEAF] = { .name = "leaf", .role = AUTHORITY_LEAF },
			    [MIDDLE] = { .name = "middle" },
			    [ROOT] = { .name = "root",
				       .key = AUTHORITY_P384 } },
		.trust = { .now = NOW },
	};
}

static void tear_down(struct house *house)
{
	for (size_t i = 0; i < PARTS; i++)
		authority_close(&house->parts[i]);
}

/* From the root down; the root is trusted. */
static void build(struct house *house)
{
	tear_down(house);
	for (size_t i = PARTS; i-- > 0;) {
		if (i + 1 < PARTS)
			house->wishes[i].issuer = &house->parts[i + 1];
		authority_make(&house->wishes[i], &house->parts[i]);
	}
	house->roots[0] = authority_root(&house->parts[ROOT]);
	house->trust.roots = house->roots;
	house->trust.root_count = 1;
	house->trust.crls = house->crls;
}

/* The parts named, in this order. */
static enum err verify_parts(const struct house *house, const int *order,
			     size_t count)
{
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { .count = 0 };

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(certificate_chain_add(&chain,
						   house->parts[order[i]].der),
			     ERR_OK);
	return certificate_chain_verify(&chain, &house->trust);
}

static enum err verify(const struct house *house)
{
	return verify_parts(house, (const int[]){ LEAF, MIDDLE, ROOT }, 3);
}

Test(certificate, a_chain_to_an_accepted_root_is_good_in_any_order)
{
	SCOPED_WIPE(tear_down) struct house house;
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain none = { .count = 0 };

	prepare(&house);
	build(&house);
	cr_assert_eq(verify(&house), ERR_OK);
	cr_assert_eq(
		verify_parts(&house, (const int[]){ LEAF, ROOT, MIDDLE }, 3),
		ERR_OK);
	cr_assert_eq(verify_parts(&house,
				  (const int[]){ LEAF, ROOT, ROOT, MIDDLE }, 4),
		     ERR_OK);
	cr_assert_eq(verify_parts(&house, (const int[]){ ROOT }, 1), ERR_OK);
	cr_assert_eq(certificate_chain_verify(&none, &house.trust),
		     ERR_UNAUTHENTIC);
}

Test(certificate, a_part_less_or_another_root_is_no_chain)
{
	SCOPED_WIPE(tear_down) struct house house;

	prepare(&house);
	build(&house);
	cr_assert_eq(verify_parts(&house, (const int[]){ LEAF, MIDDLE }, 2),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(verify_parts(&house, (const int[]){ LEAF, ROOT }, 2),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(verify_parts(&house, (const int[]){ LEAF }, 1),
		     ERR_UNAUTHENTIC);
	house.roots[0].digest[31] ^= 1;
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
	house.roots[0].digest[31] ^= 1;
	cr_assert_eq(verify(&house), ERR_OK);
	house.trust.root_count = 0;
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
}

/* Trust in a key that does not sign itself is not trust in a root. */
Test(certificate, an_intermediate_or_leaf_among_the_roots_ends_no_chain)
{
	SCOPED_WIPE(tear_down) struct house house;
	static const int parts[] = { LEAF, MIDDLE };

	prepare(&house);
	build(&house);
	for (size_t i = 0; i < 2; i++) {
		house.roots[0] = authority_root(&house.parts[parts[i]]);
		cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
		cr_assert_eq(
			verify_parts(&house, (const int[]){ LEAF, MIDDLE }, 2),
			ERR_UNAUTHENTIC);
		cr_assert_eq(verify_parts(&house, (const int[]){ LEAF }, 1),
			     ERR_UNAUTHENTIC);
	}
	house.roots[0] = authority_root(&house.parts[MIDDLE]);
	house.roots[1] = authority_root(&house.parts[ROOT]);
	house.trust.root_count = 2;
	cr_assert_eq(verify(&house), ERR_OK);
}

/*
 * Everybody has the root's public key, and may write another certificate around
 * it: with a longer life, for one.
 */
Test(certificate, a_root_that_its_own_key_did_not_sign_is_none)
{
	SCOPED_WIPE(tear_down) struct house house;
	SCOPED_WIPE(authority_close) struct authority forged = { 0 };
	uint8_t *bits;

	prepare(&house);
	house.wishes[ROOT].not_after = NOW - DAY / 2;
	build(&house);
	cr_assert_eq(verify(&house), ERR_EXPIRED);
	authority_make(&(struct authority_wish){ .name = "root",
						 .twin = &house.parts[ROOT] },
		       &forged);
	bits = vector_copy(forged.der);
	bits[forged.der.len - 1] ^= 1;
	house.parts[ROOT].der = (struct bytes){ bits, forged.der.len };
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
	bits[forged.der.len - 1] ^= 1;
	cr_assert_eq(verify(&house), ERR_OK);
}

Test(certificate, what_has_ended_or_not_begun_is_expired)
{
	for (size_t i = 0; i < PARTS; i++) {
		SCOPED_WIPE(tear_down) struct house house;

		prepare(&house);
		house.wishes[i].not_before = NOW - 100;
		house.wishes[i].not_after = NOW + 100;
		build(&house);
		cr_assert_eq(verify(&house), ERR_OK);
		house.trust.now = NOW - 101;
		cr_assert_eq(verify(&house), ERR_EXPIRED);
		house.trust.now = NOW + 101;
		cr_assert_eq(verify(&house), ERR_EXPIRED);
	}
}

Test(certificate, no_time_is_too_great_or_too_small_to_be_compared)
{
	static const uint64_t times[] = { 0,	      1,
					  UINT32_MAX, (uint64_t)UINT32_MAX + 1,
					  1ull << 40, 253402300799,
					  1ull << 55, INT64_MAX,
					  1ull << 63, UINT64_MAX };
	SCOPED_WIPE(tear_down) struct house house;

	prepare(&house);
	build(&house);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		house.trust.now = times[i];
		cr_assert_eq(verify(&house), ERR_EXPIRED, "%zu", i);
	}
	/* And a forgery is not excused by its age. */
	house.roots[0].digest[0] ^= 1;
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
}

Test(certificate, a_chain_may_be_of_the_years_after_2038_and_2106)
{
	SCOPED_WIPE(tear_down) struct house house;
	const uint64_t far = 5000000000;

	prepare(&house);
	for (size_t i = 0; i < PARTS; i++) {
		house.wishes[i].not_before = far - 1;
		house.wishes[i].not_after = far + 1;
	}
	build(&house);
	house.trust.now = far;
	cr_assert_eq(verify(&house), ERR_OK);
	house.trust.now = far + 2;
	cr_assert_eq(verify(&house), ERR_EXPIRED);
}

Test(certificate, who_may_not_issue_has_issued_nothing)
{
	static const enum authority_role roles[] = { AUTHORITY_CA_BY_USAGE,
						     AUTHORITY_CA_WITHOUT_SIGN,
						     AUTHORITY_LEAF };

	for (size_t part = MIDDLE; part < PARTS; part++)
		for (size_t i = 0; i < 3; i++) {
			SCOPED_WIPE(tear_down) struct house house;

			prepare(&house);
			house.wishes[part].role = roles[i];
			build(&house);
			cr_assert_eq(verify(&house), ERR_UNAUTHENTIC,
				     "part %zu, role %zu", part, i);
		}
}

Test(certificate, a_path_is_no_longer_than_its_issuers_say)
{
	SCOPED_WIPE(tear_down) struct house house;

	prepare(&house);
	house.wishes[ROOT].path_most = 1 + 1;
	build(&house);
	cr_assert_eq(verify(&house), ERR_OK);
	house.wishes[ROOT].path_most = 0 + 1;
	build(&house);
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
}

Test(certificate, weak_keys_and_sha_1_make_no_chain)
{
	for (size_t i = 0; i < PARTS; i++) {
		SCOPED_WIPE(tear_down) struct house house;

		prepare(&house);
		house.wishes[i].key = AUTHORITY_RSA_2048;
		build(&house);
		cr_assert_eq(verify(&house), ERR_OK);
		house.wishes[i].key = AUTHORITY_RSA_1024;
		build(&house);
		cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
		if (i == ROOT)
			continue; /* nothing rests on its own signature's hash */
		house.wishes[i].key = AUTHORITY_P256;
		house.wishes[i].hash = "SHA1";
		build(&house);
		cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
	}
}

Test(certificate, no_flipped_bit_of_a_leaf_leaves_a_chain)
{
	SCOPED_WIPE(tear_down) struct house house;
	size_t opened = 0;
	struct bytes der;
	uint8_t *bits;

	prepare(&house);
	build(&house);
	der = house.parts[LEAF].der;
	bits = vector_copy(der);
	for (size_t bit = 0; bit < 8 * der.len; bit++) {
		SCOPED_WIPE(certificate_chain_close)
		struct certificate_chain chain = { .count = 0 };

		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (certificate_chain_add(&chain,
					  (struct bytes){ bits, der.len }) ==
		    ERR_OK) {
			opened++;
			cr_assert_eq(certificate_chain_add(
					     &chain, house.parts[MIDDLE].der),
				     ERR_OK);
			cr_assert_eq(certificate_chain_add(
					     &chain, house.parts[ROOT].der),
				     ERR_OK);
			cr_assert_neq(
				certificate_chain_verify(&chain, &house.trust),
				ERR_OK, "bit %zu", bit);
		}
		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_gt(opened, der.len);
}

/* A list by the issuer of a part, in place `at` of the trust. */
static void give_list(struct house *house, size_t at,
		      const struct authority_list_wish *wish)
{
	house->crls[at] = authority_list(wish);
	if (house->trust.crl_count <= at)
		house->trust.crl_count = at + 1;
}

Test(certificate, revoked_is_denied_whatever_else_the_lists_say)
{
	for (size_t part = LEAF; part < ROOT; part++) {
		SCOPED_WIPE(tear_down) struct house house;
		struct authority_list_wish wish;

		prepare(&house);
		build(&house);
		wish = (struct authority_list_wish){
			.issuer = &house.parts[part + 1]
		};
		give_list(&house, 0, &wish);
		cr_assert_eq(verify(&house), ERR_OK);
		wish.revoked = &house.parts[part];
		give_list(&house, 1, &wish);
		cr_assert_eq(verify(&house), ERR_DENIED);

		/* An older one is stale, and says so, too. */
		wish.revoked = NULL;
		wish.next = NOW - 1;
		give_list(&house, 0, &wish);
		cr_assert_eq(verify(&house), ERR_DENIED);
		wish.revoked = &house.parts[part];
		give_list(&house, 1, &wish);
		cr_assert_eq(verify(&house), ERR_DENIED);

		/* As is a revoked certificate that has expired as well. */
		house.trust.now = NOW + 2 * DAY;
		cr_assert_eq(verify(&house), ERR_DENIED);
	}
}

Test(certificate, a_stale_list_is_expired_unless_a_fresh_one_is_there)
{
	SCOPED_WIPE(tear_down) struct house house;
	struct authority_list_wish wish;

	prepare(&house);
	build(&house);
	wish = (struct authority_list_wish){ .issuer = &house.parts[MIDDLE],
					     .next = NOW };
	give_list(&house, 0, &wish);
	cr_assert_eq(verify(&house), ERR_EXPIRED);
	wish.next = NOW + 1;
	give_list(&house, 1, &wish);
	cr_assert_eq(verify(&house), ERR_OK);
	house.trust.now = NOW - 3 * DAY; /* before it was made */
	cr_assert_eq(verify(&house), ERR_EXPIRED);
}

Test(certificate, where_every_list_is_asked_for_none_may_be_missing)
{
	SCOPED_WIPE(tear_down) struct house house;
	struct authority_list_wish wish = { 0 };

	prepare(&house);
	build(&house);
	cr_assert_eq(verify(&house), ERR_OK);
	house.trust.revocation = CERTIFICATE_REVOCATION_ALL;
	cr_assert_eq(verify(&house), ERR_UNAVAILABLE);
	wish.issuer = &house.parts[MIDDLE];
	give_list(&house, 0, &wish);
	cr_assert_eq(verify(&house), ERR_UNAVAILABLE);
	wish.issuer = &house.parts[ROOT];
	give_list(&house, 1, &wish);
	cr_assert_eq(verify(&house), ERR_OK);
}

Test(certificate, a_list_that_its_issuer_did_not_sign_well_is_a_forgery)
{
	SCOPED_WIPE(tear_down) struct house house;
	struct authority_list_wish wish;
	uint8_t *bits;

	prepare(&house);
	build(&house);
	wish = (struct authority_list_wish){ .issuer = &house.parts[MIDDLE],
					     .signer = &house.parts[LEAF] };
	give_list(&house, 0, &wish);
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
	wish.signer = NULL;
	wish.hash = "SHA1";
	give_list(&house, 0, &wish);
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
	wish.hash = "SHA512";
	give_list(&house, 0, &wish);
	cr_assert_eq(verify(&house), ERR_OK);
	bits = vector_copy(house.crls[0]);
	bits[house.crls[0].len - 1] ^= 1;
	house.crls[0].data = bits;
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);

	house.wishes[MIDDLE].role = AUTHORITY_CA_OF_NO_LISTS;
	build(&house);
	wish.hash = NULL;
	give_list(&house, 0, &wish);
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
}

Test(certificate, a_list_that_may_be_of_a_part_only_is_not_read)
{
	/* deltaCRLIndicator of list 1; issuingDistributionPoint of users. */
	static const struct authority_extension extensions[] = {
		{ "2.5.29.27", BYTES_LITERAL("\x02\x01\x01"), true },
		{ "2.5.29.28", BYTES_LITERAL("\x30\x03\x81\x01\xff"), true },
	};
	SCOPED_WIPE(tear_down) struct house house;

	prepare(&house);
	build(&house);
	for (size_t i = 0; i < 2; i++) {
		give_list(&house, 0,
			  &(struct authority_list_wish){
				  .issuer = &house.parts[MIDDLE],
				  .extension = extensions[i] });
		cr_assert_eq(verify(&house), ERR_UNSUPPORTED);
	}
}

Test(certificate, a_list_that_does_not_parse_is_malformed)
{
	SCOPED_WIPE(tear_down) struct house house;
	struct bytes whole;
	uint8_t *longer;

	prepare(&house);
	build(&house);
	give_list(&house, 0,
		  &(struct authority_list_wish){
			  .issuer = &house.parts[MIDDLE] });
	whole = house.crls[0];
	for (house.crls[0].len = 0; house.crls[0].len < whole.len;
	     house.crls[0].len++)
		cr_assert_eq(verify(&house), ERR_MALFORMED);
	longer = vector_copy((struct bytes){ whole.data, whole.len });
	(void)vector_copy(BYTES_LITERAL("x")); /* the byte behind it */
	house.crls[0] = (struct bytes){ longer, whole.len + 1 };
	cr_assert_eq(verify(&house), ERR_MALFORMED);
}

Test(certificate, cut_or_longer_by_a_byte_it_is_malformed)
{
	SCOPED_WIPE(authority_close) struct authority one = { 0 };
	struct certificate certificate = { NULL };
	uint8_t longer[CERTIFICATE_BYTES_MAX + 1] = { 0 };

	authority_make(&(struct authority_wish){ .name = "one" }, &one);
	for (size_t len = 0; len < one.der.len; len++)
		cr_assert_eq(
			certificate_parse((struct bytes){ one.der.data, len },
					  &certificate),
			ERR_MALFORMED);
	memcpy(longer, one.der.data, one.der.len);
	cr_assert_eq(
		certificate_parse((struct bytes){ longer, one.der.len + 1 },
				  &certificate),
		ERR_MALFORMED);
	cr_assert_eq(certificate_parse(BYTES_ARRAY(longer), &certificate),
		     ERR_TOO_LARGE);
	cr_assert_null(certificate.x509);
}

Test(certificate, an_extension_is_there_once_or_the_certificate_is_none)
{
	const char *oid = "1.3.6.1.4.1.3704.1.1";
	struct authority_extension extension = { oid, BYTES_LITERAL("value"),
						 false };
	struct authority_wish wish = { .name = "one",
				       .extensions = { extension } };
	SCOPED_WIPE(authority_close) struct authority one = { 0 };
	SCOPED_WIPE(authority_close) struct authority two = { 0 };
	SCOPED_WIPE(certificate_close) struct certificate certificate = { 0 };
	struct bytes value = { 0 };

	authority_make(&wish, &one);
	cr_assert_eq(certificate_parse(one.der, &certificate), ERR_OK);
	cr_assert_eq(certificate_extension(&certificate, oid, &value), ERR_OK);
	cr_assert(bytes_equal(value, BYTES_LITERAL("value")));
	cr_assert_eq(certificate_extension(&certificate, "1.3.6.1.4.1.3704.1.2",
					   &value),
		     ERR_UNSUPPORTED);
	certificate_close(&certificate);
	wish.extensions[2] = extension;
	wish.extensions[2].value = BYTES_LITERAL("other");
	authority_make(&wish, &two);
	cr_assert_eq(certificate_parse(two.der, &certificate), ERR_MALFORMED);
}

Test(certificate, a_critical_extension_that_nobody_knows_ends_the_chain)
{
	SCOPED_WIPE(tear_down) struct house house;

	prepare(&house);
	house.wishes[LEAF].extensions[0] = (struct authority_extension){
		"1.3.6.1.4.1.3704.1.1", BYTES_LITERAL("\x05\x00"), false
	};
	build(&house);
	cr_assert_eq(verify(&house), ERR_OK);
	house.wishes[LEAF].extensions[0].critical = true;
	build(&house);
	cr_assert_eq(verify(&house), ERR_UNAUTHENTIC);
}

static enum err common_name(const struct authority_wish *wish,
			    char name[static CERTIFICATE_NAME_MAX])
{
	SCOPED_WIPE(authority_close) struct authority one = { 0 };
	SCOPED_WIPE(certificate_close) struct certificate certificate = { 0 };

	authority_make(wish, &one);
	cr_assert_eq(certificate_parse(one.der, &certificate), ERR_OK);
	return certificate_common_name(&certificate, CERTIFICATE_SUBJECT, name);
}

Test(certificate, a_common_name_is_one_and_plain)
{
	char name[CERTIFICATE_NAME_MAX] = "untouched";
	struct authority_wish wish = { .name = "SEV-Milan" };

	cr_assert_eq(common_name(&wish, name), ERR_OK);
	cr_assert_str_eq(name, "SEV-Milan");
	wish.second_name = "SEV-Genoa";
	cr_assert_eq(common_name(&wish, name), ERR_MALFORMED);
	wish.second_name = NULL;
	wish.name = "two\nlines";
	cr_assert_eq(common_name(&wish, name), ERR_MALFORMED);
	wish.name = "0123456789012345678901234567890123456789012345678901234"
		    "567890123";
	cr_assert_eq(strlen(wish.name), 64);
	cr_assert_eq(common_name(&wish, name), ERR_MALFORMED);
	cr_assert_str_eq(name, "SEV-Milan");
}

Test(certificate, validity_and_root_are_what_was_written)
{
	struct authority_wish wish = { .name = "one",
				       .not_before = 4102444800,
				       .not_after = 253402300799 };
	SCOPED_WIPE(authority_close) struct authority one = { 0 };
	SCOPED_WIPE(certificate_close) struct certificate certificate = { 0 };
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct certificate_root root, wanted;
	uint64_t begin, end;

	authority_make(&wish, &one);
	cr_assert_eq(certificate_parse(one.der, &certificate), ERR_OK);
	cr_assert_eq(certificate_validity(&certificate, &begin, &end), ERR_OK);
	cr_assert_eq(begin, 4102444800);
	cr_assert_eq(end, 253402300799);
	certificate_root_of(&certificate, &root);
	wanted = authority_root(&one);
	cr_assert_eq(memcmp(&root, &wanted, sizeof(root)), 0);
	cr_assert_eq(certificate_key(&certificate, &key), ERR_OK);
	cr_assert_eq(signature_check(&key,
				     (struct signature_scheme){ SIGNATURE_ECDSA,
								HASH_SHA256 },
				     BYTES_LITERAL("m"),
				     authority_sign(&one,
						    (struct signature_scheme){
							    SIGNATURE_ECDSA,
							    HASH_SHA256 },
						    BYTES_LITERAL("m"))),
		     ERR_OK);
}

/* A text out of pieces; NULL stands for the certificate. */
static enum err add_text(const struct authority *one, const char *before,
			 const char *after, size_t *count)
{
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { .count = 0 };
	uint8_t memory[8192];
	struct writer text = WRITER_OVER(memory);
	enum err err;

	cr_assert_eq(bytes_put(&text, bytes_of_string(before)), ERR_OK);
	cr_assert_eq(bytes_put(&text, authority_pem(one)), ERR_OK);
	cr_assert_eq(bytes_put(&text, bytes_of_string(after)), ERR_OK);
	err = certificate_chain_add_pem(&chain, bytes_written(&text));
	*count = chain.count;
	return err;
}

Test(certificate, between_certificates_in_a_text_there_is_nothing)
{
	SCOPED_WIPE(authority_close) struct authority one = { 0 };
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { .count = 0 };
	static const char *const rubbish[] = {
		"x",
		"a note\n",
		"-----BEGIN RUBBISH-----\n",
		"-----BEGIN CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN X509 CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\n",
	};
	size_t count;

	authority_make(&(struct authority_wish){ .name = "one" }, &one);
	cr_assert_eq(add_text(&one, "", "", &count), ERR_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(add_text(&one, "\r\n ", "\n\n\t", &count), ERR_OK);
	cr_assert_eq(certificate_chain_add_pem(&chain, BYTES_LITERAL("\0\0")),
		     ERR_MALFORMED);
	cr_assert_eq(certificate_chain_add_pem(&chain, BYTES_LITERAL("")),
		     ERR_MALFORMED);
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		cr_assert_eq(add_text(&one, rubbish[i], "", &count),
			     ERR_MALFORMED, "before: %s", rubbish[i]);
		cr_assert_eq(add_text(&one, "", rubbish[i], &count),
			     ERR_MALFORMED, "after: %s", rubbish[i]);
	}
}

Test(certificate, a_text_cut_anywhere_is_malformed_and_zeros_end_it)
{
	SCOPED_WIPE(authority_close) struct authority one = { 0 };
	uint8_t memory[4096] = { 0 };
	struct bytes pem;

	authority_make(&(struct authority_wish){ .name = "one" }, &one);
	pem = authority_pem(&one);
	memcpy(memory, pem.data, pem.len);
	for (size_t len = 0; len <= pem.len + 2; len++) {
		SCOPED_WIPE(certificate_chain_close)
		struct certificate_chain chain = { .count = 0 };

		/* The last line end may be missing; zeros may follow it. */
		cr_assert_eq(certificate_chain_add_pem(
				     &chain, (struct bytes){ memory, len }),
			     len + 1 < pem.len ? ERR_MALFORMED : ERR_OK, "%zu",
			     len);
	}
}

Test(certificate, a_text_holds_so_many_certificates_and_no_more)
{
	SCOPED_WIPE(authority_close) struct authority one = { 0 };
	uint8_t memory[16384];
	struct writer text = WRITER_OVER(memory);

	authority_make(&(struct authority_wish){ .name = "one" }, &one);
	for (size_t i = 0; i < CERTIFICATE_CHAIN_MAX + 1; i++) {
		SCOPED_WIPE(certificate_chain_close)
		struct certificate_chain chain = { .count = 0 };

		cr_assert_eq(bytes_put(&text, authority_pem(&one)), ERR_OK);
		cr_assert_eq(
			certificate_chain_add_pem(&chain, bytes_written(&text)),
			i < CERTIFICATE_CHAIN_MAX ? ERR_OK : ERR_TOO_LARGE);
	}
}

Test(certificate, a_certificate_as_text_fits_or_is_too_large)
{
	uint8_t memory[4];
	struct writer der = { memory, 0, 3 };
	struct bytes text = BYTES_LITERAL("-----BEGIN CERTIFICATE-----\n"
					  "QUJDRA==\n"
					  "-----END CERTIFICATE-----\n");
	const struct bytes whole = text;

	cr_assert_eq(certificate_pem_take(&text, &der), ERR_TOO_LARGE);
	cr_assert_eq(der.len, 0);
	cr_assert_eq(text.len, whole.len);
	der.max = 4;
	cr_assert_eq(certificate_pem_take(&text, &der), ERR_OK);
	cr_assert(bytes_equal(bytes_written(&der), BYTES_LITERAL("ABCD")));
	cr_assert(certificate_pem_is_end(text));
}

/* Chains that vendors made: each PEM of the sets of SNP and TDX. */
Test(certificate, the_chains_of_vendors_are_read)
{
	static const struct {
		const char *path;
		size_t count;
	} files[] = {
		{ "snp/roots/ask_ark_milan.pem", 2 },
		{ "snp/roots/ask_ark_genoa_vlek.pem", 2 },
		{ "snp/roots/ask_ark_turin_vcek.pem", 2 },
		{ "snp/azure-milan-vtpm/vcek.pem", 3 },
		{ "tdx/intel-sgx-root.pem", 1 },
		{ "tdx/v4-intel-synthetic/pckSignChain.pem", 2 },
		{ "nvidia/nvidia_device_root.pem", 1 },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		SCOPED_WIPE(certificate_chain_close)
		struct certificate_chain chain = { .count = 0 };

		cr_assert_eq(certificate_chain_add_pem(
				     &chain, vector_file(files[i].path)),
			     ERR_OK, "%s", files[i].path);
		cr_assert_eq(chain.count, files[i].count);
		vector_forget();
	}
}

/* AMD signs with RSA-PSS; its list is good until 2026-05-12. */
Test(certificate, a_list_by_amd_is_good_for_amd_s_chain)
{
	struct bytes crl[2] = { vector_file("snp/crl/milan.crl.der"),
				vector_file("tdx/v4-goTDX/pck.crl.der") };
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { .count = 0 };
	struct certificate_root root;
	struct certificate_trust trust = {
		.roots = &root,
		.root_count = 1,
		.crls = crl,
		.crl_count = 2,
		.revocation = CERTIFICATE_REVOCATION_ALL,
		.now = 1747000000,
	};

	cr_assert_eq(
		certificate_chain_add_pem(
			&chain, vector_file("snp/roots/ask_ark_milan.pem")),
		ERR_OK);
	certificate_root_of(&chain.list[1], &root);
	cr_assert_eq(certificate_chain_verify(&chain, &trust), ERR_OK);
	trust.now = 1778600000;
	cr_assert_eq(certificate_chain_verify(&chain, &trust), ERR_EXPIRED);
}
