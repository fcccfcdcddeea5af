/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/kem.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"
#include "tests/figure.h"
#include "tests/vector.h"

#define CHUNKS 3

/* A printed exchange, in hexadecimal; unchunked has one chunk each way. */
struct printed {
	enum ohttp_form form;
	const char *recipient;
	const char *ephemeral;
	const char *info;
	const char *request_chunks[CHUNKS];
	const char *request;
	const char *response_nonce;
	const char *response_chunks[CHUNKS];
	const char *response;
	const char *response_key;
	const char *response_base_nonce;
	size_t chunks;
};

static const struct printed printed[] = {
	/* RFC 9458, A. */
	{ .form = OHTTP_UNCHUNKED,
	  .recipient = "3c168975674b2fa8e465970b79c8dcf0"
		       "9f1c741626480bd4c6162fc5b6a98e1a",
	  .ephemeral = "bc51d5e930bda26589890ac7032f70ad"
		       "12e4ecb37abb1b65b1256c9c48999c73",
	  .info = "6d6573736167652f626874747020726571756573740001002000010001",
	  .request_chunks = { "00034745540568747470730b6578616d706c652e636f6d"
			      "012f" },
	  .request = "010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee"
		     "6d31bad19dec96c208b4726374e469135906992e1268c594d2a10c69"
		     "5d858c40a026e7965e7d86b83dd440b2c0185204b4d63525",
	  .response_nonce = "c789e7151fcba46158ca84b04464910d",
	  .response_chunks = { "0140c8" },
	  .response = "c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4"
		      "a441f234f857fbd",
	  .response_key = "5d0172a080e428b16d298c4ea0db620d",
	  .response_base_nonce = "f6bf1aeb88d6df87007fa263",
	  .chunks = 1 },
	/* draft-ietf-ohai-chunked-ohttp-08, appendix. */
	{ .form = OHTTP_CHUNKED,
	  .recipient = "1c190d72acdbe4dbc69e680503bb781a"
		       "932c70a12c8f3754434c67d8640d8698",
	  .ephemeral = "b26d565f3f875ed480d1abced3d66515"
		       "9650c99174fd0b124ac4bda0c64ae324",
	  .info = "6d6573736167652f6268747470206368756e6b65642072657175657374"
		  "0001002000010001",
	  .request_chunks = { "00034745540568747470730b",
			      "6578616d706c652e636f6d012f", "" },
	  .request = "010020000100018811eb457e100811c40a0aa71340a1b81d804bb986"
		     "f736f2f566a7199761a0321c2ad24942d4d692563012f2980c8fef43"
		     "7a336b9b2fc938ef77a5834f1d2e33d8fd25577afe31bd1c79d094f7"
		     "6b6250ae6549b473ecd950501311001c6c1395d0ef7c102229796630"
		     "7b8a7f",
	  .response_nonce = "bcce7f4cb921309ba5d62edf1769ef09",
	  .response_chunks = { "01", "40c8", "" },
	  .response = "bcce7f4cb921309ba5d62edf1769ef091179bf1cc87fa0e2c02de45"
		      "46945aa3d1e4812b348b5bd4c594c16b6170b07b475845d1f3200ed"
		      "9d8a796617a5b27265f4d73247f639",
	  .response_key = "8209f78f2a1610d80c7125009b00aff0",
	  .response_base_nonce = "fead854635d2d5527d64f546",
	  .chunks = CHUNKS },
};

#define PRINTED (sizeof(printed) / sizeof(printed[0]))

static void key_pair(const char *private_hex, struct hpke_private_key *key,
		     struct hpke_public_key *own)
{
	key->kem = HPKE_KEM_X25519;
	memcpy(key->bytes, vector_hex(private_hex).data, sizeof(key->bytes));
	cr_assert_eq(kem_public_key(key, own), ERR_OK);
}

/* ohttp_send with the printed ephemeral key in place of a fresh one. */
static struct ohttp_exchange sent(const struct printed *vector)
{
	struct ohttp_exchange made = {
		.form = vector->form,
		.header = { .key_id = 1,
			    .suite = { HPKE_KEM_X25519, HPKE_HKDF_SHA256,
				       HPKE_AES_128_GCM } },
	};
	struct hpke_private_key ephemeral, unused;
	struct hpke_public_key unused_public, to;
	uint8_t shared_secret[HPKE_SECRET_BYTES];
	uint8_t info_bytes[OHTTP_INFO_MAX];
	struct writer info = WRITER_OVER(info_bytes);
	struct writer enc = WRITER_OVER(made.header.enc);

	key_pair(vector->recipient, &unused, &to);
	key_pair(vector->ephemeral, &ephemeral, &unused_public);
	cr_assert_eq(ohttp_info(made.form, &made.header, &info), ERR_OK);
	vector_expect(bytes_written(&info), vector->info);
	cr_assert_eq(kem_encap(&ephemeral, &to, shared_secret, &enc), ERR_OK);
	made.header.enc_len = enc.len;
	cr_assert_eq(hpke_schedule(made.header.suite, shared_secret,
				   bytes_written(&info), &made.context),
		     ERR_OK);
	return made;
}

/* What the node makes of the same; `body` is what follows the header. */
static struct ohttp_exchange received(const struct printed *vector,
				      struct bytes *body)
{
	struct ohttp_exchange made = { .form = vector->form };
	struct hpke_private_key key;
	struct hpke_public_key own;

	key_pair(vector->recipient, &key, &own);
	*body = vector_hex(vector->request);
	cr_assert_eq(ohttp_header_take(body, &made.header), ERR_OK);
	cr_assert_eq(ohttp_receive(made.form, &made.header, &key, &own,
				   &made.context),
		     ERR_OK);
	return made;
}

static void seal_all(struct ohttp_sealer *sealer, const char *const *chunks,
		     size_t count, struct writer *out)
{
	cr_assert_eq(ohttp_sealer_begin(sealer, out), ERR_OK);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(ohttp_sealer_put(sealer,
					      i + 1 == count ? OHTTP_CHUNK_FINAL
							     : OHTTP_CHUNK_MORE,
					      vector_hex(chunks[i]), out),
			     ERR_OK);
}

static void expect_opened(struct ohttp_opener *opener, struct bytes body,
			  const char *const *chunks, size_t count)
{
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);
	char joined[512] = "";

	for (size_t i = 0; i < count; i++)
		strcat(joined, chunks[i]);
	cr_assert_eq(ohttp_opener_push(opener, body, &out), ERR_OK);
	cr_assert_eq(ohttp_opener_finish(opener, &out), ERR_OK);
	vector_expect(bytes_written(&out), joined);
}

Test(ohttp, printed_requests_are_sealed_byte_for_byte)
{
	for (size_t i = 0; i < PRINTED; i++) {
		struct ohttp_exchange exchange = sent(&printed[i]);
		struct ohttp_sealer sealer;
		uint8_t memory[256];
		struct writer out = WRITER_OVER(memory);

		ohttp_sealer_init_request(&sealer, &exchange);
		seal_all(&sealer, printed[i].request_chunks, printed[i].chunks,
			 &out);
		vector_expect(bytes_written(&out), printed[i].request);
	}
}

Test(ohttp, printed_requests_open)
{
	for (size_t i = 0; i < PRINTED; i++) {
		struct bytes body;
		struct ohttp_exchange exchange = received(&printed[i], &body);
		struct ohttp_opener opener;
		uint8_t scratch[64];

		ohttp_opener_init(&opener, OHTTP_REQUEST, &exchange,
				  WRITER_OVER(scratch));
		expect_opened(&opener, body, printed[i].request_chunks,
			      printed[i].chunks);
	}
}

Test(ohttp, printed_responses_are_sealed_byte_for_byte)
{
	for (size_t i = 0; i < PRINTED; i++) {
		struct bytes body;
		struct ohttp_exchange exchange = received(&printed[i], &body);
		struct ohttp_sealer sealer;
		uint8_t entropy[OHTTP_NONCE_MAX] = { 0 };
		uint8_t memory[256];
		struct writer out = WRITER_OVER(memory);

		memcpy(entropy, vector_hex(printed[i].response_nonce).data, 16);
		ohttp_sealer_init_response(&sealer, &exchange, entropy);
		seal_all(&sealer, printed[i].response_chunks, printed[i].chunks,
			 &out);
		vector_expect(bytes_written(&out), printed[i].response);
	}
	figure_all("B1a", "exchanges that RFC 9458 and chunked OHTTP print",
		   PRINTED, PRINTED);
}

Test(ohttp, printed_responses_open)
{
	for (size_t i = 0; i < PRINTED; i++) {
		struct ohttp_exchange exchange = sent(&printed[i]);
		struct ohttp_opener opener;
		uint8_t scratch[64];

		ohttp_opener_init(&opener, OHTTP_RESPONSE, &exchange,
				  WRITER_OVER(scratch));
		expect_opened(&opener, vector_hex(printed[i].response),
			      printed[i].response_chunks, printed[i].chunks);
	}
}

Test(ohttp, response_keys_are_the_printed_ones_and_export_nothing)
{
	for (size_t i = 0; i < PRINTED; i++) {
		struct ohttp_exchange exchange = sent(&printed[i]);
		struct hpke_context keys;

		ohttp_response_keys(&exchange,
				    vector_hex(printed[i].response_nonce).data,
				    &keys);
		vector_expect((struct bytes){ keys.key, 16 },
			      printed[i].response_key);
		vector_expect(BYTES_ARRAY(keys.base_nonce),
			      printed[i].response_base_nonce);
		cr_assert(secret_is_zero(keys.exporter_secret,
					 sizeof(keys.exporter_secret)));
		cr_assert_eq(keys.sequence, 0);
	}
}

Test(ohttp, a_nonce_is_as_long_as_the_key_and_never_shorter_than_a_nonce)
{
	cr_assert_eq(ohttp_nonce_len(HPKE_AES_128_GCM), 16);
	cr_assert_eq(ohttp_nonce_len(HPKE_AES_256_GCM), 32);
	cr_assert_eq(ohttp_nonce_len(HPKE_CHACHA20_POLY1305), 32);
}

Test(ohttp, a_header_cut_anywhere_asks_for_more_and_takes_nothing)
{
	struct bytes whole = vector_hex(printed[0].request);
	const size_t header_len = OHTTP_HEADER_BYTES + 32;

	for (size_t len = 0; len < header_len; len++) {
		struct bytes cut = { whole.data, len };
		struct ohttp_header header = { .key_id = 77 };

		cr_assert_eq(ohttp_header_take(&cut, &header), ERR_TRUNCATED);
		cr_assert_eq(cut.len, len);
		cr_assert_eq(header.key_id, 77);
	}
}

Test(ohttp, a_header_is_written_as_it_was_taken)
{
	struct bytes in = vector_hex(printed[1].request);
	struct bytes whole = in;
	struct ohttp_header header;
	uint8_t memory[OHTTP_HEADER_MAX];
	struct writer out = WRITER_OVER(memory);
	struct writer small = { memory, 0, OHTTP_HEADER_BYTES + 31 };

	cr_assert_eq(ohttp_header_take(&in, &header), ERR_OK);
	cr_assert_eq(ohttp_header_write(&header, &small), ERR_TOO_LARGE);
	cr_assert_eq(small.len, 0);
	cr_assert_eq(ohttp_header_write(&header, &out), ERR_OK);
	whole.len = out.len;
	cr_assert(bytes_equal(bytes_written(&out), whole));
}

Test(ohttp, a_header_of_an_unknown_suite_is_unsupported)
{
	for (size_t at = 1; at < OHTTP_HEADER_BYTES; at++) {
		uint8_t *copy = vector_copy(vector_hex(printed[0].request));
		struct bytes in = { copy, OHTTP_HEADER_MAX };
		struct ohttp_header header;

		copy[at] ^= 0x40;
		cr_assert_eq(ohttp_header_take(&in, &header), ERR_UNSUPPORTED);
	}
}

/* The key id and the suite are bound by the info, each bit of them. */
Test(ohttp, a_header_changed_on_the_way_does_not_open)
{
	struct hpke_private_key key;
	struct hpke_public_key own;
	struct bytes body;
	struct ohttp_exchange good = received(&printed[0], &body);
	struct ohttp_exchange bad = good;

	key_pair(printed[0].recipient, &key, &own);
	bad.header.key_id ^= 1;
	cr_assert_eq(
		ohttp_receive(bad.form, &bad.header, &key, &own, &bad.context),
		ERR_OK);
	cr_assert_arr_neq(bad.context.key, good.context.key, 16);
	bad = good;
	bad.header.suite.aead = HPKE_CHACHA20_POLY1305;
	cr_assert_eq(
		ohttp_receive(bad.form, &bad.header, &key, &own, &bad.context),
		ERR_OK);
	cr_assert_arr_neq(bad.context.key, good.context.key, 16);
}

Test(ohttp, a_key_of_another_kem_and_a_form_of_none_are_unsupported)
{
	struct hpke_private_key key;
	struct hpke_public_key own;
	struct bytes body;
	struct ohttp_exchange exchange = received(&printed[0], &body);

	cr_assert_eq(ohttp_receive((enum ohttp_form)3, &exchange.header, &key,
				   &own, &exchange.context),
		     ERR_UNSUPPORTED);
	cr_assert_eq(hpke_key_generate(HPKE_KEM_P256, &key, &own), ERR_OK);
	cr_assert_eq(ohttp_receive(OHTTP_UNCHUNKED, &exchange.header, &key,
				   &own, &exchange.context),
		     ERR_UNSUPPORTED);
}

Test(ohttp, a_request_sealed_in_one_form_does_not_open_in_the_other)
{
	for (size_t i = 0; i < PRINTED; i++) {
		struct printed mixed = printed[i];
		struct ohttp_exchange exchange;
		struct ohttp_opener opener;
		struct bytes body;
		uint8_t scratch[256];
		uint8_t memory[256];
		struct writer out = WRITER_OVER(memory);
		enum err err;

		mixed.form = mixed.form == OHTTP_CHUNKED ? OHTTP_UNCHUNKED
							 : OHTTP_CHUNKED;
		exchange = received(&mixed, &body);
		ohttp_opener_init(&opener, OHTTP_REQUEST, &exchange,
				  WRITER_OVER(scratch));
		err = ohttp_opener_push(&opener, body, &out);
		if (err == ERR_OK)
			err = ohttp_opener_finish(&opener, &out);
		cr_assert_neq(err, ERR_OK);
		cr_assert_eq(out.len, 0);
	}
}

/* The framing may be bent to fit; the labels must still keep them apart. */
Test(ohttp, the_keys_of_the_forms_differ_in_both_directions)
{
	struct bytes body;
	struct printed mixed = printed[0];
	struct ohttp_exchange unchunked = received(&printed[0], &body);
	struct ohttp_exchange chunked;
	struct hpke_context first, second;
	uint8_t nonce[OHTTP_NONCE_MAX] = { 0 };

	mixed.form = OHTTP_CHUNKED;
	chunked = received(&mixed, &body);
	cr_assert_arr_neq(unchunked.context.key, chunked.context.key, 16);

	chunked = unchunked;
	chunked.form = OHTTP_CHUNKED;
	ohttp_response_keys(&unchunked, nonce, &first);
	ohttp_response_keys(&chunked, nonce, &second);
	cr_assert_arr_neq(first.key, second.key, 16);
	cr_assert_arr_neq(first.base_nonce, second.base_nonce, 12);
}

static struct ohttp_key_config config_of(const struct hpke_public_key *own)
{
	return (struct ohttp_key_config){
		.key_id = 5,
		.public_key = *own,
		.symmetric = { { HPKE_HKDF_SHA256, HPKE_AES_128_GCM },
			       { HPKE_HKDF_SHA256, HPKE_AES_256_GCM },
			       { HPKE_HKDF_SHA256, HPKE_CHACHA20_POLY1305 } },
		.symmetric_count = 3,
	};
}

/* A whole exchange between fresh ends: both ends hold the same. */
static void run_exchange(uint16_t kem, uint16_t aead, enum ohttp_form form)
{
	struct hpke_private_key key;
	struct hpke_public_key own;
	struct ohttp_key_config config;
	struct ohttp_exchange client, node;
	struct ohttp_sealer sealer;
	struct ohttp_opener opener;
	uint8_t entropy[OHTTP_NONCE_MAX] = { 9 };
	uint8_t scratch[64];
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);
	const char *const text[] = { "616263" };
	struct bytes body;

	cr_assert_eq(hpke_key_generate(kem, &key, &own), ERR_OK);
	config = config_of(&own);
	cr_assert_eq(
		ohttp_send(&config,
			   (struct hpke_symmetric){ HPKE_HKDF_SHA256, aead },
			   form, &client),
		ERR_OK);
	ohttp_sealer_init_request(&sealer, &client);
	seal_all(&sealer, text, 1, &out);

	node.form = form;
	body = bytes_written(&out);
	cr_assert_eq(ohttp_header_take(&body, &node.header), ERR_OK);
	cr_assert_eq(node.header.key_id, 5);
	cr_assert_eq(
		ohttp_receive(form, &node.header, &key, &own, &node.context),
		ERR_OK);
	ohttp_opener_init(&opener, OHTTP_REQUEST, &node, WRITER_OVER(scratch));
	expect_opened(&opener, body, text, 1);

	out.len = 0;
	ohttp_sealer_init_response(&sealer, &node, entropy);
	seal_all(&sealer, text, 1, &out);
	ohttp_opener_init(&opener, OHTTP_RESPONSE, &client,
			  WRITER_OVER(scratch));
	expect_opened(&opener, bytes_written(&out), text, 1);
}

Test(ohttp, every_suite_and_form_carries_a_request_and_its_response)
{
	for (uint16_t aead = HPKE_AES_128_GCM; aead <= HPKE_CHACHA20_POLY1305;
	     aead++) {
		run_exchange(HPKE_KEM_X25519, aead, OHTTP_CHUNKED);
		run_exchange(HPKE_KEM_X25519, aead, OHTTP_UNCHUNKED);
		run_exchange(HPKE_KEM_P256, aead, OHTTP_CHUNKED);
		run_exchange(HPKE_KEM_P256, aead, OHTTP_UNCHUNKED);
	}
}

Test(ohttp, a_pair_that_is_not_on_offer_is_not_used)
{
	struct hpke_private_key key;
	struct hpke_public_key own;
	struct ohttp_key_config config;
	struct ohttp_exchange exchange;

	cr_assert_eq(hpke_key_generate(HPKE_KEM_X25519, &key, &own), ERR_OK);
	config = config_of(&own);
	config.symmetric_count = 1;
	cr_assert_eq(ohttp_send(&config, config.symmetric[1], OHTTP_CHUNKED,
				&exchange),
		     ERR_UNSUPPORTED);
	memset(config.public_key.bytes, 0, 32);
	cr_assert_eq(ohttp_send(&config, config.symmetric[0], OHTTP_CHUNKED,
				&exchange),
		     ERR_MALFORMED);
}

static enum err open_gateway_case(const json_t *item, struct writer *out)
{
	struct hpke_private_key key;
	struct hpke_public_key own;
	struct ohttp_exchange exchange;
	struct ohttp_opener opener;
	uint8_t scratch[256];
	struct bytes in = vector_bytes(item, "encapsulated_request");

	key_pair(vector_text(item, "skR"), &key, &own);
	exchange.form = strstr(vector_text(item, "media"), "chunked") != NULL
				? OHTTP_CHUNKED
				: OHTTP_UNCHUNKED;
	TRY(ohttp_header_take(&in, &exchange.header));
	if (exchange.header.key_id != vector_number(item, "key_id"))
		return ERR_EXPIRED; /* as a node says of a key it has not */
	TRY(ohttp_receive(exchange.form, &exchange.header, &key, &own,
			  &exchange.context));
	ohttp_opener_init(&opener, OHTTP_REQUEST, &exchange,
			  WRITER_OVER(scratch));
	TRY(ohttp_opener_push(&opener, in, out));
	return ohttp_opener_finish(&opener, out);
}

Test(ohttp, the_gateway_cases_of_quiche_have_our_verdict)
{
	json_t *set = vector_load("ohttp/quiche-gateway.json");
	size_t i;
	json_t *item;

	json_array_foreach(set, i, item)
	{
		bool valid = json_is_true(json_object_get(item, "valid"));
		uint8_t memory[256];
		struct writer out = WRITER_OVER(memory);

		cr_assert_eq(open_gateway_case(item, &out) == ERR_OK, valid,
			     "%s", vector_text(item, "name"));
		if (valid)
			cr_assert(
				bytes_equal(bytes_written(&out),
					    bytes_of_string(vector_text(
						    item, "plaintext_ascii"))));
		else
			cr_assert_eq(out.len, 0);
	}
	figure_all("B1b", "requests of quiche's OHTTP gateway",
		   json_array_size(set), json_array_size(set));
	json_decref(set);
}
