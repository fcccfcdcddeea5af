/* SPDX-License-Identifier: Apache-2.0 */
#include "node/setup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "wire/bundle.h"

_Static_assert(sizeof(struct setup_digests) == (size_t)7 * SETUP_DIGEST_BYTES,
	       "the digests are sent as they lie in memory");

void setup_forget_key(struct setup *setup)
{
	secret_wipe(setup->pem[SETUP_PEM_KEY], SETUP_PEM_MAX);
}

static enum err take_policy(struct setup *setup, struct bytes text)
{
	struct policy_fault fault;

	return policy_parse(text, &setup->policy, &fault);
}

static enum err take_digests(struct setup *setup, struct bytes body)
{
	TRY(bytes_take_into(&body, &setup->digests, sizeof(setup->digests)));
	return bytes_expect_end(&body);
}

static enum err take_text(struct bytes text, char *out, size_t size)
{
	if (text.len >= size || memchr(text.data, 0, text.len) != NULL)
		return ERR_MALFORMED;
	memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return ERR_OK;
}

/*
 * The supervisor only opens these files, so that it never holds a key; what it
 * opened it shares with every front, so this reads without moving the offset.
 */
static enum err take_pem(struct setup *setup, const struct message *message,
			 int file)
{
	char *pem;
	ssize_t got;

	if (message->number[0] >= SETUP_PEMS)
		return ERR_MALFORMED;
	pem = setup->pem[message->number[0]];
	got = pread(file, pem, SETUP_PEM_MAX, 0);
	if (got <= 0)
		return ERR_UNAVAILABLE;
	if (got == SETUP_PEM_MAX || memchr(pem, 0, (size_t)got) != NULL)
		return ERR_MALFORMED;
	return ERR_OK;
}

static enum err take_descriptor(int *place, int passed)
{
	if (*place >= 0 || passed < 0)
		return ERR_MALFORMED;
	*place = passed;
	return ERR_OK;
}

static enum err take_evidence(struct setup *setup, uint64_t bits)
{
	if (setup->evidence != 0 || bits == 0 ||
	    bits >= 1u << BUNDLE_EVIDENCE_COUNT)
		return ERR_MALFORMED;
	setup->evidence = (uint32_t)bits;
	return ERR_OK;
}

static enum err take_event_log(struct setup *setup,
			       const struct message *message)
{
	struct setup_event_log *log;

	if (message->number[0] >= SETUP_LOGS)
		return ERR_MALFORMED;
	log = &setup->event_logs[message->number[0]];
	if (log->len != 0)
		return ERR_MALFORMED;
	if (message->body.len > sizeof(log->bytes))
		return ERR_TOO_LARGE;
	memcpy(log->bytes, message->body.data, message->body.len);
	log->len = message->body.len;
	return ERR_OK;
}

static enum err take_release(struct setup *setup, struct bytes body)
{
	TRY(bytes_take_into(&body, setup->checkpoint,
			    sizeof(setup->checkpoint)));
	if (setup->release_len != 0 || body.len > sizeof(setup->release))
		return ERR_MALFORMED;
	memcpy(setup->release, body.data, body.len);
	setup->release_len = body.len;
	return ERR_OK;
}

static enum err take(struct setup *setup, const struct message *message,
		     int passed)
{
	if (message->kind == MESSAGE_POLICY)
		return take_policy(setup, message->body);
	if (message->kind == MESSAGE_DIGESTS)
		return take_digests(setup, message->body);
	if (message->kind == MESSAGE_MODEL)
		return take_descriptor(&setup->model, passed);
	if (message->kind == MESSAGE_LISTENER)
		return take_descriptor(&setup->listener, passed);
	if (message->kind == MESSAGE_LISTEN_TLS)
		return take_text(message->body, setup->tls_address,
				 sizeof(setup->tls_address));
	if (message->kind == MESSAGE_PROVE)
		return take_evidence(setup, message->number[0]);
	if (message->kind == MESSAGE_TPM)
		return take_descriptor(&setup->tpm, passed);
	if (message->kind == MESSAGE_RTMR)
		return take_descriptor(&setup->rtmr, passed);
	if (message->kind == MESSAGE_REPORTS)
		return take_text(message->body, setup->reports,
				 sizeof(setup->reports));
	if (message->kind == MESSAGE_AK_CERTIFICATE)
		return take_text(message->body, setup->ak_certificate,
				 sizeof(setup->ak_certificate));
	if (message->kind == MESSAGE_RELEASE)
		return take_release(setup, message->body);
	if (message->kind == MESSAGE_EVENT_LOG)
		return take_event_log(setup, message);
	if (message->kind == MESSAGE_PEM) {
		enum err err = take_pem(setup, message, passed);

		fd_close(&passed);
		return err;
	}
	return ERR_MALFORMED;
}

enum err setup_receive(struct setup *out)
{
	static struct channel_packet packet;
	struct message message;

	memset(out, 0, sizeof(*out));
	out->model = out->listener = out->tpm = out->rtmr = -1;
	for (;;) {
		int passed;
		enum err err;

		err = channel_receive(SETUP_CONTROL_FD, &packet, &message,
				      &passed);
		/* Without its supervisor a role has no reason to be, and
		   nothing to complain of. */
		if (err == ERR_TRUNCATED)
			exit(EXIT_FAILURE);
		TRY(err);
		if (message.kind == MESSAGE_START)
			break;
		err = take(out, &message, passed);
		secret_wipe(packet.bytes, 1 + 8 + message.body.len);
		TRY(err);
	}
	return ERR_OK;
}

enum err setup_send_policy(int role, const struct policy *policy)
{
	uint8_t text[POLICY_TEXT_MAX];
	struct writer out = WRITER_OVER(text);

	TRY(policy_write(policy, &out));
	return channel_send(role,
			    &(struct message){ .kind = MESSAGE_POLICY,
					       .body = bytes_written(&out) },
			    -1);
}

enum err setup_send_digests(int role, const struct setup_digests *digests)
{
	struct message message = {
		.kind = MESSAGE_DIGESTS,
		.body = { (const uint8_t *)digests, sizeof(*digests) },
	};

	return channel_send(role, &message, -1);
}

enum err setup_send_pem(int role, enum setup_pem which, int file)
{
	struct message message = { .kind = MESSAGE_PEM, .number = { which } };

	return channel_send(role, &message, file);
}

void setup_state(const struct setup_digests *digests, struct statement *out)
{
	*out = (struct statement){ 0 };
	memcpy(out->binary_digest, digests->binary, SETUP_DIGEST_BYTES);
	memcpy(out->model_root, digests->model_root, SETUP_DIGEST_BYTES);
	memcpy(out->tokenizer_digest, digests->tokenizer, SETUP_DIGEST_BYTES);
	memcpy(out->policy_digest, digests->policy, SETUP_DIGEST_BYTES);
	memcpy(out->jail_digest, digests->jail, SETUP_DIGEST_BYTES);
	memcpy(out->log_digest, digests->grammar, SETUP_DIGEST_BYTES);
	memcpy(out->command_digest, digests->command, SETUP_DIGEST_BYTES);
}

enum err setup_tell_ready(uint16_t port)
{
	struct message message = { .kind = MESSAGE_READY, .number = { port } };

	return channel_send(SETUP_CONTROL_FD, &message, -1);
}

enum err setup_hear(struct channel_packet *packet, struct message *out,
		    int *passed)
{
	TRY(channel_receive(SETUP_CONTROL_FD, packet, out, passed));
	if (out->kind == MESSAGE_PULSE)
		setup_tell_alive();
	return ERR_OK;
}

/* One that does not read, such as a supervisor that somebody stopped, has
 * enough to read first; and one that is gone is noticed by who receives. */
void setup_tell_alive(void)
{
	(void)!channel_tell(SETUP_CONTROL_FD, MESSAGE_PULSE);
}

enum err setup_tell_unlinked(enum jail_role peer)
{
	struct message message = { .kind = MESSAGE_UNLINKED,
				   .number = { peer } };

	return channel_send(SETUP_CONTROL_FD, &message, -1);
}
