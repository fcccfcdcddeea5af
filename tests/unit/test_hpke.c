/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/kem.h"
#include "tests/figure.h"
#include "tests/vector.h"

/* info and plaintext of every vector of RFC 9180, A. */
#define INFO BYTES_LITERAL("Ode on a Grecian Urn")
#define PLAINTEXT BYTES_LITERAL("Beauty is truth, truth beauty")

#define SEALED_COUNT 4
#define EXPORT_COUNT 3

struct rfc9180_case {
	struct hpke_suite suite;
	const char *ikm_recipient;
	const char *ikm_ephemeral;
	const char *private_key;
	const char *public_key;
	const char *enc;
	const char *shared_secret;
	const char *key;
	const char *base_nonce;
	const char *exporter_secret;
	struct {
		uint64_t sequence;
		const char *hex;
	} sealed[SEALED_COUNT];
	const char *exported[EXPORT_COUNT];
};

static const struct rfc9180_case cases[] = {
	/* RFC 9180, A.1.1 */
	{ .suite = { 0x0020, 0x0001, 0x0001 },
	  .ikm_recipient = "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f701"
		"3e525037",
	  .ikm_ephemeral = "7268600d403fce431561aef583ee1613527cff655c1343f29812e667"
		"06df3234",
	  .private_key = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8"
		"534e8ac8",
	  .public_key = "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca"
		"80815c4d",
	  .enc = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741"
		"f1bf4431",
	  .shared_secret = "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e"
		"7d2ea1fc",
	  .key = "4531685d41d65f03dc48f6b8302c05b0",
	  .base_nonce = "56d890e5accaaf011cff4b7d",
	  .exporter_secret = "45ff1c2e220db587171952c0592d5f5ebe103f1561a2614e38f2ffd4"
		"7e99e3f8",
	  .sealed = {
		{ 0, "f938558b5d72f1a23810b4be2ab4f84331acc02fc97bab"
		"c53a52ae8218a355a96d8770ac83d07bea87e13c512a" },
		{ 1, "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc853"
		"5458c2494e8a6eab251c03d0c22a56b8ca42c2063b84" },
		{ 255, "7175db9717964058640a3a11fb9007941a5d1757fda1a6"
		"935c805c21af32505bf106deefec4a49ac38d71c9e0a" },
		{ 256, "957f9800542b0b8891badb026d79cc54597cb2d225b54c"
		"00c5238c25d05c30e3fbeda97d2e0e1aba483a2df9f2" },
	  },
	  .exported = {
		"3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee",
		"2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5",
		"e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931",
	  } },
	/* RFC 9180, A.2.1 */
	{ .suite = { 0x0020, 0x0001, 0x0003 },
	  .ikm_recipient = "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da83"
		"5542e1df",
	  .ikm_ephemeral = "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db"
		"583a904b",
	  .private_key = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c"
		"4478e0fb",
	  .public_key = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b542"
		"9c59662a",
	  .enc = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f9579"
		"6bf2ac4a",
	  .shared_secret = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244"
		"930d69a7",
	  .key = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3"
		"e3ec1c91",
	  .base_nonce = "5c4d98150661b848853b547f",
	  .exporter_secret = "a3b010d4994890e2c6968a36f64470d3c824c8f5029942feb11e7a74"
		"b2921922",
	  .sealed = {
		{ 0, "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e"
		"131f0def8c8b60b4db21993c62ce81883d2dd1b51a28" },
		{ 1, "6b53c051e4199c518de79594e1c4ab18b96f081549d45c"
		"e015be002090bb119e85285337cc95ba5f59992dc98c" },
		{ 255, "18ab939d63ddec9f6ac2b60d61d36a7375d2070c9b6838"
		"61110757062c52b8880a5f6b3936da9cd6c23ef2a95c" },
		{ 256, "7a4a13e9ef23978e2c520fd4d2e757514ae160cd0cd05e"
		"556ef692370ca53076214c0c40d4c728d6ed9e727a5b" },
	  },
	  .exported = {
		"4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
		"8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
		"5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53",
	  } },
	/* RFC 9180, A.3.1 */
	{ .suite = { 0x0010, 0x0001, 0x0001 },
	  .ikm_recipient = "668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6"
		"ef817550",
	  .ikm_ephemeral = "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa228"
		"16ce860e",
	  .private_key = "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29d"
		"e4b8ffd2",
	  .public_key = "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39"
		"cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d"
		"128aafd68a2ce72ea0",
	  .enc = "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5"
		"e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9b"
		"fcb9382657222d18c4",
	  .shared_secret = "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537a"
		"eabb8cb8",
	  .key = "868c066ef58aae6dc589b6cfdd18f97e",
	  .base_nonce = "4e0bc5018beba4bf004cca59",
	  .exporter_secret = "14ad94af484a7ad3ef40e9f3be99ecc6fa9036df9d4920548424df12"
		"7ee0d99f",
	  .sealed = {
		{ 0, "5ad590bb8baa577f8619db35a36311226a896e7342a6d8"
		"36d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434" },
		{ 1, "fa6f037b47fc21826b610172ca9637e82d6e5801eb31cb"
		"d3748271affd4ecb06646e0329cbdf3c3cd655b28e82" },
		{ 255, "2ad71c85bf3f45c6eca301426289854b31448bcf8a8ccb"
		"1deef3ebd87f60848aa53c538c30a4dac71d619ee2cd" },
		{ 256, "10f179686aa2caec1758c8e554513f16472bd0a11e2a90"
		"7dde0b212cbe87d74f367f8ffe5e41cd3e9962a6afb2" },
	  },
	  .exported = {
		"5e9bc3d236e1911d95e65b576a8a86d478fb827e8bdfe77b741b289890490d4d",
		"6cff87658931bda83dc857e6353efe4987a201b849658d9b047aab4cf216e796",
		"d8f1ea7942adbba7412c6d431c62d01371ea476b823eb697e1f6e6cae1dab85a",
	  } },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

/* What the vectors export for: nothing, a zero byte, "TestContext". */
static struct bytes export_context(size_t i)
{
	return i == 0	? (struct bytes){ NULL, 0 }
	       : i == 1 ? BYTES_LITERAL("\0")
			: BYTES_LITERAL("TestContext");
}

/* One established pair of contexts, and all it took. */
struct pair {
	struct hpke_private_key private_key;
	struct hpke_public_key public_key;
	uint8_t enc[HPKE_ENC_MAX];
	size_t enc_len;
	struct hpke_context sender;
	struct hpke_context recipient;
};

static enum err receive(struct pair *pair, struct hpke_suite suite)
{
	struct hpke_received received = { suite,
					  { pair->enc, pair->enc_len },
					  INFO };

	return hpke_setup_receiver(&received, &pair->private_key,
				   &pair->public_key, &pair->recipient);
}

static struct pair derived_pair(const struct rfc9180_case *vector)
{
	struct pair pair;
	struct hpke_private_key ephemeral;
	struct hpke_public_key unused;
	uint8_t shared_secret[HPKE_SECRET_BYTES];
	struct writer enc = WRITER_OVER(pair.enc);

	cr_assert_eq(hpke_key_derive(vector->suite.kem,
				     vector_hex(vector->ikm_recipient),
				     &pair.private_key, &pair.public_key),
		     ERR_OK);
	cr_assert_eq(hpke_key_derive(vector->suite.kem,
				     vector_hex(vector->ikm_ephemeral),
				     &ephemeral, &unused),
		     ERR_OK);
	cr_assert_eq(
		kem_encap(&ephemeral, &pair.public_key, shared_secret, &enc),
		ERR_OK);
	pair.enc_len = enc.len;
	vector_expect(BYTES_ARRAY(shared_secret), vector->shared_secret);
	cr_assert_eq(
		hpke_schedule(vector->suite, shared_secret, INFO, &pair.sender),
		ERR_OK);
	cr_assert_eq(receive(&pair, vector->suite), ERR_OK);
	return pair;
}

static struct pair generated_pair(struct hpke_suite suite)
{
	struct pair pair;
	struct writer enc = WRITER_OVER(pair.enc);

	cr_assert_eq(hpke_key_generate(suite.kem, &pair.private_key,
				       &pair.public_key),
		     ERR_OK);
	cr_assert_eq(hpke_setup_sender(suite, &pair.public_key, INFO,
				       &pair.sender, &enc),
		     ERR_OK);
	pair.enc_len = enc.len;
	cr_assert_eq(receive(&pair, suite), ERR_OK);
	return pair;
}

Test(hpke, derived_keys_agree_with_rfc_9180)
{
	for (size_t i = 0; i < CASES; i++) {
		struct pair pair = derived_pair(&cases[i]);

		vector_expect(BYTES_ARRAY(pair.private_key.bytes),
			      cases[i].private_key);
		vector_expect((struct bytes){ pair.public_key.bytes,
					      pair.public_key.len },
			      cases[i].public_key);
		vector_expect((struct bytes){ pair.enc, pair.enc_len },
			      cases[i].enc);
		vector_forget();
	}
}

Test(hpke, the_key_schedule_agrees_with_rfc_9180_at_both_ends)
{
	for (size_t i = 0; i < CASES; i++) {
		struct pair pair = derived_pair(&cases[i]);
		struct hpke_context *ends[] = { &pair.sender, &pair.recipient };

		for (size_t end = 0; end < 2; end++) {
			vector_expect(
				(struct bytes){
					ends[end]->key,
					aead_key_len(cases[i].suite.aead) },
				cases[i].key);
			vector_expect(BYTES_ARRAY(ends[end]->base_nonce),
				      cases[i].base_nonce);
			vector_expect(BYTES_ARRAY(ends[end]->exporter_secret),
				      cases[i].exporter_secret);
			cr_assert_eq(ends[end]->sequence, 0);
		}
		vector_forget();
	}
}

Test(hpke, messages_agree_with_rfc_9180_across_the_byte_of_the_sequence)
{
	for (size_t i = 0; i < CASES; i++)
		for (size_t j = 0; j < SEALED_COUNT; j++) {
			struct pair pair = derived_pair(&cases[i]);
			uint64_t sequence = cases[i].sealed[j].sequence;
			uint8_t memory[64];
			struct writer out = WRITER_OVER(memory);
			char aad[16];

			snprintf(aad, sizeof(aad), "Count-%u",
				 (unsigned)sequence);
			pair.sender.sequence = sequence;
			pair.recipient.sequence = sequence;
			cr_assert_eq(hpke_seal(&pair.sender,
					       bytes_of_string(aad), PLAINTEXT,
					       &out),
				     ERR_OK);
			vector_expect(bytes_written(&out),
				      cases[i].sealed[j].hex);
			out.len = 0;
			cr_assert_eq(
				hpke_open(&pair.recipient, bytes_of_string(aad),
					  vector_hex(cases[i].sealed[j].hex),
					  &out),
				ERR_OK);
			cr_assert(bytes_equal(bytes_written(&out), PLAINTEXT));
			vector_forget();
		}
	figure_all("B1a", "messages that RFC 9180 prints, both ways",
		   CASES * SEALED_COUNT, CASES * SEALED_COUNT);
}

Test(hpke, exported_secrets_agree_with_rfc_9180)
{
	for (size_t i = 0; i < CASES; i++) {
		struct pair pair = derived_pair(&cases[i]);

		for (size_t j = 0; j < EXPORT_COUNT; j++) {
			uint8_t secret[32];

			hpke_export(&pair.recipient, export_context(j), secret,
				    sizeof(secret));
			vector_expect(BYTES_ARRAY(secret),
				      cases[i].exported[j]);
		}
		vector_forget();
	}
}

/* Every suite this build has. */
static struct hpke_suite suite_number(size_t i)
{
	return (struct hpke_suite){ i < 3 ? HPKE_KEM_X25519 : HPKE_KEM_P256,
				    HPKE_HKDF_SHA256, (uint16_t)(i % 3 + 1) };
}

#define SUITES 6

Test(hpke, every_suite_carries_messages_between_fresh_ends)
{
	for (size_t i = 0; i < SUITES; i++) {
		struct pair pair = generated_pair(suite_number(i));

		for (uint64_t count = 1; count <= 300; count++) {
			uint8_t sealed_memory[64];
			uint8_t opened_memory[64];
			struct writer sealed = WRITER_OVER(sealed_memory);
			struct writer opened = WRITER_OVER(opened_memory);

			cr_assert_eq(hpke_seal(&pair.sender, INFO, PLAINTEXT,
					       &sealed),
				     ERR_OK);
			cr_assert_eq(hpke_open(&pair.recipient, INFO,
					       bytes_written(&sealed), &opened),
				     ERR_OK);
			cr_assert(
				bytes_equal(bytes_written(&opened), PLAINTEXT));
			cr_assert_eq(pair.recipient.sequence, count);
		}
	}
}

Test(hpke, two_encapsulations_to_one_key_share_nothing)
{
	struct pair pair = generated_pair(suite_number(0));
	struct hpke_context again;
	uint8_t memory[HPKE_ENC_MAX];
	struct writer enc = WRITER_OVER(memory);

	cr_assert_eq(hpke_setup_sender(suite_number(0), &pair.public_key, INFO,
				       &again, &enc),
		     ERR_OK);
	cr_assert_arr_neq(memory, pair.enc, enc.len);
	cr_assert_arr_neq(again.key, pair.sender.key, 16);
}

Test(hpke, an_encapsulation_with_any_flipped_bit_leads_to_another_key)
{
	for (size_t i = 0; i < SUITES; i += 3) {
		struct pair pair = generated_pair(suite_number(i));

		for (size_t bit = 0; bit < 8 * pair.enc_len; bit++) {
			enum err err;

			/* X25519 ignores the last bit; enc is hashed too. */
			pair.enc[bit / 8] ^= (uint8_t)(1u << bit % 8);
			err = receive(&pair, suite_number(i));
			cr_assert(err == ERR_MALFORMED ||
				  !secret_equal(pair.recipient.key,
						pair.sender.key, 16));
			pair.enc[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

Test(hpke, an_encapsulation_of_any_other_length_is_malformed)
{
	for (size_t i = 0; i < SUITES; i += 3) {
		struct pair pair = generated_pair(suite_number(i));
		const size_t whole = pair.enc_len;
		uint8_t longer[HPKE_ENC_MAX + 1] = { 0 };
		struct hpke_received received = { suite_number(i),
						  { longer, whole + 1 },
						  INFO };

		for (pair.enc_len = 0; pair.enc_len < whole; pair.enc_len++)
			cr_assert_eq(receive(&pair, suite_number(i)),
				     ERR_MALFORMED);
		memcpy(longer, pair.enc, whole);
		cr_assert_eq(hpke_setup_receiver(&received, &pair.private_key,
						 &pair.public_key,
						 &pair.recipient),
			     ERR_MALFORMED);
	}
}

Test(hpke, an_encapsulation_that_leads_to_zero_is_malformed)
{
	struct pair pair = generated_pair(suite_number(0));

	memset(pair.enc, 0, sizeof(pair.enc));
	cr_assert_eq(receive(&pair, suite_number(0)), ERR_MALFORMED);
	pair.enc[0] = 1;
	cr_assert_eq(receive(&pair, suite_number(0)), ERR_MALFORMED);
}

Test(hpke, a_public_key_that_is_none_is_not_encrypted_to)
{
	struct pair pair = generated_pair(suite_number(3));
	struct hpke_context context;
	uint8_t memory[HPKE_ENC_MAX];
	struct writer enc = WRITER_OVER(memory);

	pair.public_key.bytes[40] ^= 1;
	cr_assert_eq(hpke_setup_sender(suite_number(3), &pair.public_key, INFO,
				       &context, &enc),
		     ERR_MALFORMED);
	pair = generated_pair(suite_number(0));
	memset(pair.public_key.bytes, 0, pair.public_key.len);
	cr_assert_eq(hpke_setup_sender(suite_number(0), &pair.public_key, INFO,
				       &context, &enc),
		     ERR_MALFORMED);
	cr_assert_eq(enc.len, 0);
}

Test(hpke, a_message_out_of_order_is_refused_and_the_sequence_stays)
{
	struct pair pair = generated_pair(suite_number(0));
	uint8_t first_memory[64], second_memory[64], opened_memory[64];
	struct writer first = WRITER_OVER(first_memory);
	struct writer second = WRITER_OVER(second_memory);
	struct writer opened = WRITER_OVER(opened_memory);

	cr_assert_eq(hpke_seal(&pair.sender, INFO, PLAINTEXT, &first), ERR_OK);
	cr_assert_eq(hpke_seal(&pair.sender, INFO, PLAINTEXT, &second), ERR_OK);
	cr_assert_eq(hpke_open(&pair.recipient, INFO, bytes_written(&second),
			       &opened),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(pair.recipient.sequence, 0);
	cr_assert_eq(hpke_open(&pair.recipient, INFO, bytes_written(&first),
			       &opened),
		     ERR_OK);
	cr_assert_eq(hpke_open(&pair.recipient, INFO, bytes_written(&first),
			       &opened),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(hpke_open(&pair.recipient, INFO, bytes_written(&second),
			       &opened),
		     ERR_OK);
}

Test(hpke, the_sequence_refuses_to_wrap)
{
	struct pair pair = generated_pair(suite_number(0));
	uint8_t memory[64];
	struct writer out = WRITER_OVER(memory);

	pair.sender.sequence = UINT64_MAX - 1;
	cr_assert_eq(hpke_seal(&pair.sender, INFO, PLAINTEXT, &out), ERR_OK);
	out.len = 0;
	cr_assert_eq(hpke_seal(&pair.sender, INFO, PLAINTEXT, &out),
		     ERR_EXPIRED);
	cr_assert_eq(pair.sender.sequence, UINT64_MAX);
	pair.recipient.sequence = UINT64_MAX;
	cr_assert_eq(hpke_open(&pair.recipient, INFO, PLAINTEXT, &out),
		     ERR_EXPIRED);
	cr_assert_eq(out.len, 0);
}

Test(hpke, what_this_build_lacks_is_unsupported)
{
	const struct hpke_suite lacking[] = {
		{ 0x0011, 0x0001, 0x0001 }, /* P-384 */
		{ 0x647a, 0x0001, 0x0001 }, /* MLKEM768-X25519 */
		{ 0x0020, 0x0003, 0x0001 }, /* HKDF-SHA512 */
		{ 0x0020, 0x0001, 0xffff }, /* export only */
		{ 0, 0, 0 },
	};
	struct pair pair = generated_pair(suite_number(0));

	for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
		struct hpke_context context;
		struct writer enc = WRITER_OVER(pair.enc);

		cr_assert_eq(hpke_suite_supported(lacking[i]), ERR_UNSUPPORTED);
		cr_assert_eq(receive(&pair, lacking[i]), ERR_UNSUPPORTED);
		cr_assert_eq(hpke_setup_sender(lacking[i], &pair.public_key,
					       INFO, &context, &enc),
			     ERR_UNSUPPORTED);
	}
	/* A suite of the other KEM is no use with this key. */
	cr_assert_eq(receive(&pair, suite_number(3)), ERR_UNSUPPORTED);
	cr_assert_eq(
		hpke_key_generate(0x0011, &pair.private_key, &pair.public_key),
		ERR_UNSUPPORTED);
	cr_assert_eq(hpke_public_key_len(0x0011), 0);
	cr_assert_eq(hpke_enc_len(0x0011), 0);
}

Test(hpke, a_recipient_with_another_info_has_another_key)
{
	struct pair pair = generated_pair(suite_number(0));
	struct hpke_context other;
	struct hpke_received received = { suite_number(0),
					  { pair.enc, pair.enc_len },
					  BYTES_LITERAL("Ode on a Grecian") };

	cr_assert_eq(hpke_setup_receiver(&received, &pair.private_key,
					 &pair.public_key, &other),
		     ERR_OK);
	cr_assert_arr_neq(other.key, pair.sender.key, 16);
	cr_assert_arr_neq(other.exporter_secret, pair.sender.exporter_secret,
			  32);
}

Test(hpke, a_private_key_elsewhere_needs_to_do_the_multiplication_only)
{
	for (size_t i = 0; i < SUITES; i++) {
		struct pair pair = generated_pair(suite_number(i));
		struct bytes enc = { pair.enc, pair.enc_len };
		struct hpke_context context;
		uint8_t dh[KEM_DH_BYTES];
		uint8_t shared_secret[HPKE_SECRET_BYTES];

		cr_assert_eq(kem_dh(&pair.private_key, enc, dh), ERR_OK);
		kem_shared_secret(dh, enc, &pair.public_key, shared_secret);
		cr_assert_eq(hpke_schedule(suite_number(i), shared_secret, INFO,
					   &context),
			     ERR_OK);
		cr_assert_arr_eq(&context, &pair.recipient, sizeof(context));
	}
}

/* What a keeper's decapsulation leaves on the stack that it ran on. */
static uint8_t stack[1 << 18] __attribute__((aligned(4096)));
static struct hpke_private_key stack_key;
static struct hpke_public_key stack_own;
static struct hpke_context stack_context;

static void *receive_on_stack(void *received)
{
	enum err err = hpke_setup_receiver(received, &stack_key, &stack_own,
					   &stack_context);

	return err == ERR_OK ? &stack_context : NULL;
}

static void expect_absent(struct bytes secret)
{
	cr_assert_null(memmem(stack, sizeof(stack), secret.data, secret.len));
}

Test(hpke, nothing_secret_is_left_on_the_stack_of_a_decapsulation)
{
	struct hpke_received received = { cases[0].suite,
					  vector_hex(cases[0].enc), INFO };
	pthread_attr_t attributes;
	pthread_t thread;
	void *done;

	cr_assert_eq(hpke_key_derive(HPKE_KEM_X25519,
				     vector_hex(cases[0].ikm_recipient),
				     &stack_key, &stack_own),
		     ERR_OK);
	cr_assert_eq(pthread_attr_init(&attributes), 0);
	cr_assert_eq(pthread_attr_setstack(&attributes, stack, sizeof(stack)),
		     0);
	cr_assert_eq(pthread_create(&thread, &attributes, receive_on_stack,
				    &received),
		     0);
	cr_assert_eq(pthread_join(thread, &done), 0);
	cr_assert_eq(done, &stack_context);

	vector_expect((struct bytes){ stack_context.key, 16 }, cases[0].key);
	expect_absent(vector_hex(cases[0].shared_secret));
	expect_absent(vector_hex(cases[0].key));
	expect_absent(vector_hex(cases[0].base_nonce));
	expect_absent(vector_hex(cases[0].exporter_secret));
	expect_absent(BYTES_ARRAY(stack_key.bytes));
	/* The scalar as X25519 clamps it differs in its first and last byte. */
	expect_absent((struct bytes){ stack_key.bytes + 1, 30 });
	/* RFC 9180, A.1.1: "secret" of the key schedule. */
	expect_absent(vector_hex("12fff91991e93b48de37e7daddb52981"
				 "084bd8aa64289c3788471d9a9712f397"));
}

Test(hpke, wiped_secrets_read_zero)
{
	struct pair pair = generated_pair(suite_number(0));

	hpke_private_key_wipe(&pair.private_key);
	hpke_context_wipe(&pair.sender);
	cr_assert(secret_is_zero(&pair.private_key, sizeof(pair.private_key)));
	cr_assert(secret_is_zero(&pair.sender, sizeof(pair.sender)));
}

/* The number of messages and secrets that were compared. */
static size_t run_messages(const json_t *vector, struct hpke_context *recipient)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(vector, "encryptions"), i, item)
	{
		struct bytes sealed = vector_bytes(item, "ct");
		uint8_t memory[128];
		struct writer out = WRITER_OVER(memory);

		recipient->sequence = vector_number(item, "seq");
		cr_assert_eq(hpke_open(recipient, vector_bytes(item, "aad"),
				       sealed, &out),
			     ERR_OK);
		vector_expect(bytes_written(&out), vector_text(item, "pt"));
		recipient->sequence = vector_number(item, "seq");
		out.len = 0;
		cr_assert_eq(hpke_seal(recipient, vector_bytes(item, "aad"),
				       vector_bytes(item, "pt"), &out),
			     ERR_OK);
		cr_assert(bytes_equal(bytes_written(&out), sealed));
	}
	json_array_foreach(json_object_get(vector, "exports"), i, item)
	{
		uint8_t secret[128];
		size_t len = vector_number(item, "L");

		hpke_export(recipient, vector_bytes(item, "exporter_context"),
			    secret, len);
		vector_expect((struct bytes){ secret, len },
			      vector_text(item, "exported_value"));
	}
	return json_array_size(json_object_get(vector, "encryptions")) +
	       json_array_size(json_object_get(vector, "exports"));
}

static size_t run_vector(const json_t *vector)
{
	struct hpke_suite suite = {
		(uint16_t)vector_number(vector, "kem_id"),
		(uint16_t)vector_number(vector, "kdf_id"),
		(uint16_t)vector_number(vector, "aead_id"),
	};
	struct hpke_received received = { suite, vector_bytes(vector, "enc"),
					  vector_bytes(vector, "info") };
	struct hpke_private_key private_key;
	struct hpke_public_key public_key;
	struct hpke_context context;

	cr_assert_eq(hpke_key_derive(suite.kem, vector_bytes(vector, "ikmR"),
				     &private_key, &public_key),
		     ERR_OK);
	vector_expect(BYTES_ARRAY(private_key.bytes),
		      vector_text(vector, "skRm"));
	vector_expect((struct bytes){ public_key.bytes, public_key.len },
		      vector_text(vector, "pkRm"));
	cr_assert_eq(hpke_setup_receiver(&received, &private_key, &public_key,
					 &context),
		     ERR_OK);
	vector_expect((struct bytes){ context.key, aead_key_len(suite.aead) },
		      vector_text(vector, "key"));
	return run_messages(vector, &context);
}

Test(hpke, the_full_rfc_9180_set_opens_and_seals_byte_for_byte)
{
	json_t *set = vector_load("hpke/rfc9180-base-x25519-p256-sha256.json");
	size_t run = 0, messages = 0;
	size_t i;
	json_t *vector;

	json_array_foreach(set, i, vector)
	{
		if (vector_number(vector, "aead_id") == 0xffff)
			continue; /* export only: we have no such context */
		messages += run_vector(vector);
		vector_forget();
		run++;
	}
	cr_assert_eq(run, SUITES);
	figure_all("B1b", "messages and secrets of the RFC 9180 set", messages,
		   messages);
	json_decref(set);
}
