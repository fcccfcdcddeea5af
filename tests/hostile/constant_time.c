/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acts with keys, for test_constant_time.c to run under valgrind: everything
 * random is marked as undefined, and so is what is computed of it, so that
 * valgrind tells of each branch and each address that depends on a key.
 *
 *     constant_time ACT          77: not under valgrind, or built without it
 */
#include <stdio.h>
#include <string.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else /* the program then says that it cannot tell */
#define VALGRIND_MAKE_MEM_UNDEFINED(memory, len) ((void)(memory), (void)(len))
#define VALGRIND_MAKE_MEM_DEFINED(memory, len) ((void)(memory), (void)(len))
#define RUNNING_ON_VALGRIND 0
#endif

#include "base/secret.h"
#include "crypto/commitment.h"
#include "crypto/hkdf.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"
#include "node/question.h"
#include "tlog/note.h"
#include "wire/base64.h"

#define NOW 1800000000u
#define SECRETS_FROM 32 /* bytes of a key; what is shorter is an id */

void __wrap_random_bytes(void *out, size_t len);
void __real_random_bytes(void *out, size_t len);

static void mark(const void *memory, size_t len)
{
	VALGRIND_MAKE_MEM_UNDEFINED(memory, len);
}

/* What leaves in clear anyway. */
static void publish(const void *memory, size_t len)
{
	VALGRIND_MAKE_MEM_DEFINED(memory, len);
}

void __wrap_random_bytes(void *out, size_t len)
{
	__real_random_bytes(out, len);
	if (len >= SECRETS_FROM)
		mark(out, len);
}

/* What is told of secrets is known. */
int __wrap_secret_tell(int verdict);
int __wrap_secret_tell(int verdict)
{
	publish(&verdict, sizeof(verdict));
	return verdict;
}

static void must(enum err err)
{
	if (err != ERR_OK)
		die(err_name(err));
}

/* One exchange between both ends with these keys. */
static void exchange_texts(const struct ohttp_exchange *client,
			   const struct ohttp_exchange *node,
			   const uint8_t nonce[static OHTTP_NONCE_MAX])
{
	static uint8_t wire[512], text[512], scratch[512];
	struct writer out = WRITER_OVER(wire);
	struct writer opened = WRITER_OVER(text);
	SCOPED_WIPE(ohttp_sealer_wipe) struct ohttp_sealer sealer;
	SCOPED_WIPE(ohttp_sealer_wipe) struct ohttp_sealer answering;
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener reading;
	struct bytes rest;
	struct ohttp_header header;

	ohttp_sealer_init_request(&sealer, client);
	must(ohttp_sealer_begin(&sealer, &out));
	must(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, BYTES_LITERAL("one"),
			      &out));
	must(ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL, BYTES_LITERAL("two"),
			      &out));
	publish(wire, out.len);
	rest = bytes_written(&out);
	must(ohttp_header_take(&rest, &header));
	ohttp_opener_init(&opener, OHTTP_REQUEST, node,
			  (struct writer)WRITER_OVER(scratch));
	must(ohttp_opener_push(&opener, rest, &opened));
	must(ohttp_opener_finish(&opener, &opened));

	out.len = opened.len = 0;
	ohttp_sealer_init_response(&answering, node, nonce);
	must(ohttp_sealer_begin(&answering, &out));
	must(ohttp_sealer_put(&answering, OHTTP_CHUNK_FINAL,
			      BYTES_LITERAL("answer"), &out));
	publish(wire, out.len);
	ohttp_opener_init(&reading, OHTTP_RESPONSE, client,
			  (struct writer)WRITER_OVER(scratch));
	must(ohttp_opener_push(&reading, bytes_written(&out), &opened));
	must(ohttp_opener_finish(&reading, &opened));
}

/* From a keeper's new key to what its worker and a client have of a request. */
static void request(void)
{
	static const struct keyring_times times = { 1000, 2000, 10 };
	static struct signer signer;
	static uint8_t configs[256], asked[256],
		reply_bytes[QUESTION_REPLY_MAX];
	struct keyring *ring;
	struct writer out = WRITER_OVER(configs);
	struct writer head = WRITER_OVER(asked);
	struct writer memory = WRITER_OVER(reply_bytes);
	struct ohttp_key_config config;
	struct ohttp_exchange client, node = { .form = OHTTP_CHUNKED };
	struct request_keys keys;
	struct question question = { 0 };
	struct message message = { .kind = MESSAGE_OPEN,
				   .number = { OHTTP_CHUNKED } };
	struct message reply;
	struct commitment_salt salt;
	uint8_t commitment[COMMITMENT_BYTES];
	size_t count;

	must(keyring_open(&times, NOW, &ring));
	must(signer_open(&signer));
	signer.node.assurance = STATEMENT_SOFTWARE;
	publish(&signer.public_key, sizeof(signer.public_key));
	signer_note_offer(&signer, BYTES_LITERAL("bundle"), 1,
			  keyring_current_id(ring));
	must(keyring_configs(ring, &out));
	publish(configs, out.len);
	must(ohttp_keys_parse(bytes_written(&out), &config, 1, &count));
	must(ohttp_send(&config, config.symmetric[0], OHTTP_CHUNKED, &client));
	publish(&client.header, sizeof(client.header));
	must(ohttp_header_write(&client.header, &head));
	message.body = bytes_written(&head);
	if (question_answer(&question,
			    &(struct question_desk){ ring, &signer, NOW },
			    &message, &memory, &reply) != FAILURE_NONE ||
	    reply.kind != MESSAGE_KEYS)
		die("no keys");
	must(request_keys_parse(reply.body, &keys));
	node.header = client.header;
	node.context = keys.context;
	exchange_texts(&client, &node, keys.response_nonce);
	commitment_salt(&node.context, &salt);
	commitment_make(COMMITMENT_RESPONSE, &salt, BYTES_LITERAL("x"),
			commitment);
}

/* The receipt's signature. */
static void sign(void)
{
	struct sign_private_key private_key;
	struct sign_public_key public_key;
	uint8_t signature[SIGN_SIGNATURE_BYTES];

	sign_key_generate(&private_key, &public_key);
	sign_message(&private_key, BYTES_LITERAL("a receipt"), signature);
	sign_private_key_wipe(&private_key);
}

static void p256(void)
{
	struct hpke_private_key private_key;
	struct hpke_public_key public_key;
	struct hpke_suite suite = { HPKE_KEM_P256, HPKE_HKDF_SHA256,
				    HPKE_AES_128_GCM };
	uint8_t enc[HPKE_ENC_MAX];
	struct writer out = WRITER_OVER(enc);
	struct hpke_context sent, got;
	struct hpke_received received = { .suite = suite };

	must(hpke_key_generate(HPKE_KEM_P256, &private_key, &public_key));
	publish(&public_key, sizeof(public_key));
	must(hpke_setup_sender(suite, &public_key, (struct bytes){ NULL, 0 },
			       &sent, &out));
	publish(enc, sizeof(enc));
	received.enc = bytes_written(&out);
	must(hpke_setup_receiver(&received, &private_key, &public_key, &got));
}

static void compare(void)
{
	uint8_t a[32], b[32];
	bool same, zero;

	__wrap_random_bytes(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	same = secret_equal(a, b, sizeof(a));
	zero = secret_is_zero(a, sizeof(a));
	publish(&same, sizeof(same));
	publish(&zero, sizeof(zero));
	if (!same || zero)
		die("they are the same");
	secret_wipe(a, sizeof(a));
	if (a[0] != 0)
		die("it was wiped");
}

/* A log's key as it is written to its file, and read again. */
static void key_file(void)
{
	uint8_t text[NOTE_KEY_TEXT_MAX], key[33], back[33];
	struct writer out = WRITER_OVER(text);
	struct writer again = WRITER_OVER(back);
	struct note_signer signer;

	must(note_signer_generate(BYTES_LITERAL("log.example"), NOTE_ED25519,
				  &signer));
	publish(&signer.key, sizeof(signer.key));
	must(note_signer_put(&out, &signer));

	/* Whether the last letter of a text is an '=' is told of any text. */
	__wrap_random_bytes(key, sizeof(key));
	out.len = 0;
	must(base64_put_standard(&out, BYTES_ARRAY(key)));
	publish(text + out.len - 1, 1);
	must(base64_decode_standard(bytes_written(&out), &again));
	out.len = again.len = 0;
	must(base64_put(&out, BYTES_ARRAY(key)));
	must(base64_decode(bytes_written(&out), &again));
}

static volatile int seen;

/* What has to be found: the defence that everything else has, left out. */
static void branch(void)
{
	uint8_t a[32], b[32];

	__wrap_random_bytes(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	seen = memcmp(a, b, sizeof(a)) == 0 ? 1 : 2;
}

static void address(void)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t key[32];

	__wrap_random_bytes(key, sizeof(key));
	seen = digits[key[0] & 15];
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} acts[] = {
		{ "request", request },	  { "sign", sign },
		{ "p256", p256 },	  { "compare", compare },
		{ "key_file", key_file }, { "branch", branch },
		{ "address", address },
	};

	if (!RUNNING_ON_VALGRIND)
		return 77;
	for (size_t i = 0; argc == 2 && i < sizeof(acts) / sizeof(*acts); i++)
		if (strcmp(argv[1], acts[i].name) == 0) {
			acts[i].run();
			puts("done");
			return 0;
		}
	return 2;
}
