/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed: requests to a node's gateway made by hand, with the same crypto and
 * wire modules but none of the client's code and none of its good manners.
 *
 *     sealed_find     what node and key there are
 *     sealed_inner    a Binary HTTP request
 *     sealed_make     sealed; change its bytes as you like
 *     sealed_send     over HTTP, as raw bytes
 *     sealed_open     what the node answered inside, if it opens
 */
#ifndef TESTS_SCENARIOS_SEALED_H
#define TESTS_SCENARIOS_SEALED_H

#include "crypto/ohttp.h"
#include "tests/scenarios/fetch.h"
#include "wire/receipt.h"

#define SEALED_MAX (5u << 20)
#define SEALED_NODE_HEADER_MAX 80
#define SEALED_CHUNKED "message/ohttp-chunked-req"
#define SEALED_UNCHUNKED "message/ohttp-req"

struct sealed_target {
	char url[64]; /* of the gateway */
	char node_header[SEALED_NODE_HEADER_MAX];
	struct ohttp_key_config key; /* the newest */
};

/* A request; bytes is from malloc and has room for SEALED_MAX. */
struct sealed_request {
	struct ohttp_exchange exchange;
	uint8_t *bytes;
	size_t len;
};

/* What the gateway lists first.  False: it lists no node that can be read. */
bool sealed_find(const char *gateway, struct sealed_target *out);

/* A request of known length, into the writer. */
void sealed_inner(const char *method, const char *path, const char *content,
		  struct writer *out);

/* A question of the least kind: a completion of `tokens` tokens. */
void sealed_inner_question(const char *prompt, unsigned tokens,
			   struct writer *out);

/* Room for a request, and its header; no chunk yet. */
void sealed_begin(const struct sealed_target *target, enum ohttp_form form,
		  struct sealed_request *out);

/*
 * Append one chunk, of whatever kind and length: also those that
 * crypto/ohttp_sealer.h would not make.  Chunked form only.
 */
void sealed_chunk(struct sealed_request *request, enum ohttp_chunk kind,
		  struct bytes plaintext);

/* A whole request of one chunk, or unchunked. */
void sealed_make(const struct sealed_target *target, enum ohttp_form form,
		 struct bytes inner, struct sealed_request *out);

void sealed_free(struct sealed_request *request);

/* POST bytes as they are, under a media type. */
void sealed_send(const struct sealed_target *target, struct bytes bytes,
		 const char *media_type, struct fetch_response *out);

/* The same for a request, under the type of its form. */
void sealed_send_request(const struct sealed_target *target,
			 const struct sealed_request *request,
			 struct fetch_response *out);

/* An answer, opened.  content is from malloc, zero-ended. */
struct sealed_answer {
	unsigned status;
	char *content;
	size_t len;
};

/*
 * Open what came back.  Anything but ERR_OK: it is not whole, not authentic,
 * or not HTTP, and *out is as it was.
 */
enum err sealed_open(const struct sealed_request *request,
		     const struct fetch_response *response,
		     struct sealed_answer *out);

/* The receipt behind such an answer, whose signature is not looked at. */
enum err sealed_receipt(const struct sealed_request *request,
			const struct fetch_response *response,
			struct receipt *out);

/* Ask a good question of the node: whether a good answer came. */
bool sealed_is_answered(const struct sealed_target *target);

#endif
