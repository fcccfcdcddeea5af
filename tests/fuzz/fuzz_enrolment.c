/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and answers of an enrolment that parse are the one encoding of what
 * they hold; no request is answered for want of a maker that signed it.
 */
#include <stdlib.h>

#include "attest/enrolment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A root that signed nothing of the corpus: fresh, of OpenSSL's tool. */
#define ROOT                                                                 \
	"-----BEGIN CERTIFICATE-----\n"                                      \
	"MIIBdzCCAR2gAwIBAgIUbTiXW0YSqSSeh66i8orkTGJxdzAwCgYIKoZIzj0EAwIw\n" \
	"ETEPMA0GA1UEAwwGbm9ib2R5MB4XDTI2MTEyMjIyMjkwOVoXDTQ2MTExNzIyMjkw\n" \
	"OVowETEPMA0GA1UEAwwGbm9ib2R5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n" \
	"1u0ykRl5lZhqfSpV8nTw2Ityt0dw29I92ooOzfkfWmimZ7/V5ZfAeb4CLmyd0F3f\n" \
	"XGEtVnBMXUh+uFP64eelD6NTMFEwHQYDVR0OBBYEFAmpk5b1z6MD1afEiqULq3oG\n" \
	"kEZCMB8GA1UdIwQYMBaAFAmpk5b1z6MD1afEiqULq3oGkEZCMA8GA1UdEwEB/wQF\n" \
	"MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgBW0dzhcoc0XgimKbFWTPToPJnado3tgy\n" \
	"x+1e+b4mTU0CIQDClZ/+644DCPOFRZ9q/tEpyR5I9zUEXbgn26lVnQ5NBQ==\n"     \
	"-----END CERTIFICATE-----\n"

static void check_request(struct bytes in, struct writer out)
{
	static const struct issuer issuer;
	struct enrolment_request request;
	const struct enrolment_authority authority = {
		.issuer = &issuer, /* never reached */
		.ek_roots = BYTES_LITERAL(ROOT),
		.now = 1800000000,
		.days = 1,
	};
	const char *why = NULL;

	if (enrolment_request_parse(in, &request) != ERR_OK)
		return;
	invariant(enrolment_request_write(&request, &out) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), in));
	invariant(enrolment_answer(&request, &authority, &out, &why) != ERR_OK);
	invariant(why != NULL);
}

static void check_answer(struct bytes in, struct writer out)
{
	static const struct secret32 secret;
	struct enrolment_answer answer;

	if (enrolment_answer_parse(in, &answer) != ERR_OK)
		return;
	invariant(enrolment_answer_write(&answer, &out) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), in));
	out.len = 0;
	invariant(enrolment_open(&answer, &secret, &out) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct writer out = { malloc(size + 1), 0, size };
	struct bytes certificates[2];
	size_t count = 0;

	check_request(in, out);
	check_answer(in, out);
	if (enrolment_chain_parse(in, 2, certificates, &count) == ERR_OK)
		invariant(count <= 2);
	free(out.data);
	return 0;
}
