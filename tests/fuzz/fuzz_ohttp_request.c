/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunked requests that hold the right key and break the rules.
 *
 * A fuzzer cannot guess a tag, so its bytes are a script: each step puts a
 * chunk on the wire, sealed honestly or with one thing wrong.  A model beside
 * it tells what has to come out; the opener has to agree, byte for byte and
 * however the wire is cut.  The same bytes are also fed raw, header and all.
 */
#include <stdint.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/ohttp_opener.h"

#define WIRE_MAX 8192
#define CHUNK_MAX 300 /* of plaintext: the opener's limit */
#define SCRATCH (CHUNK_MAX + OHTTP_CHUNK_TAG)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
	STEP_MORE = 0, /* an honest chunk */
	STEP_FINAL,    /* an honest final chunk */
	STEP_AS_FINAL, /* a chunk sealed as final, not framed so */
	STEP_AS_MORE,  /* the reverse */
	STEP_SKIP,     /* a sequence number is left out */
	STEP_FLIP,     /* a bit of the tag is flipped */
	STEP_RAW,      /* a byte that nobody sealed */
	STEP_KINDS,
};

enum trust {
	TRUST_FORGED = 0,
	TRUST_HONEST,
};

/* The wire as the steps make it, and what the opener must think of it. */
struct script {
	struct bytes in;
	struct hpke_context context;
	struct writer wire;
	struct writer expected; /* plaintext that must come out */
	enum err fault;		/* the first fault before a final chunk */
	size_t final_begin;	/* on the wire, after its length; 0: none yet */
	size_t final_end;
	enum trust final_trust;
	size_t raw_bytes; /* with these the model knows less */
};

static struct ohttp_exchange fixed_exchange(uint16_t aead)
{
	struct ohttp_exchange exchange = {
		.form = OHTTP_CHUNKED,
		.header = { .suite = { HPKE_KEM_X25519, HPKE_HKDF_SHA256,
				       aead },
			    .enc_len = 32 },
	};

	exchange.context.suite = exchange.header.suite;
	memset(exchange.context.key, 0x42, aead_key_len(aead));
	return exchange;
}

/* A length in 1 << form bytes, or in more where those do not hold it. */
static enum err put_length(struct writer *out, size_t length, unsigned form)
{
	static const size_t most[] = { 0x3f, 0x3fff, 0x3fffffff, SIZE_MAX };
	uint64_t value = length;

	while (length > most[form])
		form++;
	value |= (uint64_t)form << (8 * (1u << form) - 2);
	for (unsigned left = 1u << form; left > 0; left--)
		TRY(bytes_put_u8(out, (uint8_t)(value >> (8 * (left - 1)))));
	return ERR_OK;
}

static void put_chunk(struct script *script, enum step step, struct bytes text,
		      unsigned form)
{
	bool framed_final = step == STEP_FINAL || step == STEP_AS_MORE;
	bool sealed_final = step == STEP_FINAL || step == STEP_AS_FINAL;
	struct bytes aad = sealed_final ? BYTES_LITERAL("final")
					: (struct bytes){ NULL, 0 };
	size_t length = framed_final ? 0 : text.len + OHTTP_CHUNK_TAG;

	invariant(put_length(&script->wire, length, form) == ERR_OK);
	if (framed_final && script->final_begin == 0)
		script->final_begin = script->wire.len;
	if (step == STEP_SKIP)
		script->context.sequence++;
	invariant(hpke_seal(&script->context, aad, text, &script->wire) ==
		  ERR_OK);
	if (step == STEP_FLIP)
		script->wire.data[script->wire.len - 1] ^= 0x10;
}

/* Enter a chunk into the model, before it is put on the wire. */
static void judge_chunk(struct script *script, enum step step,
			struct bytes text)
{
	enum trust trust = step == STEP_MORE || step == STEP_FINAL
				   ? TRUST_HONEST
				   : TRUST_FORGED;

	if (script->fault != ERR_OK || script->final_begin != 0)
		return; /* not a chunk any more: part of what came before */
	if (step == STEP_FINAL || step == STEP_AS_MORE)
		script->final_trust = trust;
	else if (text.len > CHUNK_MAX)
		script->fault = ERR_TOO_LARGE;
	else if (trust == TRUST_FORGED || text.len == 0)
		script->fault = ERR_UNAUTHENTIC;
	if (script->fault == ERR_OK)
		invariant(bytes_put(&script->expected, text) == ERR_OK);
}

static enum err run_step(struct script *script)
{
	static const uint8_t letters[512] = "It is a truth universally "
					    "acknowledged, that a single man";
	bool had_final = script->final_begin != 0;
	struct bytes text;
	uint8_t head, len;

	TRY(bytes_take_u8(&script->in, &head));
	TRY(bytes_take_u8(&script->in, &len));
	if (head % STEP_KINDS == STEP_RAW) {
		script->raw_bytes++;
		return bytes_put_u8(&script->wire, len);
	}
	text = (struct bytes){ letters + head, len };
	if (head & 0x20)
		text = (struct bytes){ letters, (size_t)len * 2 };
	judge_chunk(script, (enum step)(head % STEP_KINDS), text);
	put_chunk(script, (enum step)(head % STEP_KINDS), text, head >> 6);
	if (!had_final)
		script->final_end = script->wire.len;
	return ERR_OK;
}

static enum err verdict(const struct script *script)
{
	if (script->fault != ERR_OK)
		return script->fault;
	if (script->final_begin == 0)
		return ERR_TRUNCATED;
	if (script->wire.len - script->final_begin > SCRATCH)
		return ERR_TOO_LARGE;
	if (script->final_trust != TRUST_HONEST ||
	    script->wire.len != script->final_end)
		return ERR_UNAUTHENTIC;
	return ERR_OK;
}

/* Open the wire in pieces whose sizes come from `cuts`, the rest at once. */
static enum err open_wire(struct bytes wire, uint16_t aead, struct bytes cuts,
			  struct writer *out)
{
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	struct ohttp_exchange exchange = fixed_exchange(aead);
	uint8_t scratch[SCRATCH];

	ohttp_opener_init(&opener, OHTTP_REQUEST, &exchange,
			  WRITER_OVER(scratch));
	while (wire.len > 0) {
		struct bytes piece;
		uint8_t cut;

		if (bytes_take_u8(&cuts, &cut) != ERR_OK || cut > wire.len)
			invariant(bytes_take(&wire, wire.len, &piece) ==
				  ERR_OK);
		else
			invariant(bytes_take(&wire, cut, &piece) == ERR_OK);
		TRY(ohttp_opener_push(&opener, piece, out));
	}
	return ohttp_opener_finish(&opener, out);
}

static void run_script(struct bytes in, uint16_t aead)
{
	static uint8_t wire[WIRE_MAX], expected[WIRE_MAX];
	static uint8_t opened_bytes[WIRE_MAX], again_bytes[WIRE_MAX];
	struct script script = {
		.in = in,
		.context = fixed_exchange(aead).context,
		.wire = WRITER_OVER(wire),
		.expected = WRITER_OVER(expected),
	};
	struct writer opened = WRITER_OVER(opened_bytes);
	struct writer again = WRITER_OVER(again_bytes);
	enum err err;

	while (script.wire.len + 600 < WIRE_MAX && run_step(&script) == ERR_OK)
		continue;

	err = open_wire(bytes_written(&script.wire), aead,
			(struct bytes){ NULL, 0 }, &opened);
	invariant(open_wire(bytes_written(&script.wire), aead, in, &again) ==
		  err);
	invariant(bytes_equal(bytes_written(&opened), bytes_written(&again)));
	if (script.raw_bytes > 0)
		return; /* such a byte may even be the first of a length */
	invariant(err == verdict(&script));
	if (err != ERR_OK && script.final_begin != 0 && script.fault == ERR_OK)
		return; /* the final chunk is expected, but did not come out */
	invariant(bytes_equal(bytes_written(&opened),
			      bytes_written(&script.expected)));
}

/* The same bytes as a request that nobody made: only the header can be true. */
static void run_raw(struct bytes in)
{
	struct ohttp_header header;
	struct bytes rest = in;
	uint8_t memory[OHTTP_HEADER_MAX];
	struct writer out = WRITER_OVER(memory);

	if (ohttp_header_take(&rest, &header) != ERR_OK) {
		invariant(rest.data == in.data && rest.len == in.len);
		return;
	}
	invariant(ohttp_header_write(&header, &out) == ERR_OK);
	invariant(out.len + rest.len == in.len);
	invariant(memcmp(memory, in.data, out.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	uint8_t choice;

	run_raw(in);
	if (bytes_take_u8(&in, &choice) == ERR_OK)
		run_script(in, (uint16_t)(1 + choice % 3));
	return 0;
}
