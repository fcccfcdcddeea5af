/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory: the nodes that a gateway lists (GET /v1/nodes), or a file holds.
 *
 *     {"nodes":[{"id":hex,"bundle":base64url,"next_refresh":Unix seconds}]}
 *
 * Nothing in it is believed: it only says what to verify.  A file is such a
 * list, or one bundle in its own encoding.
 */
#ifndef CLIENT_DIRECTORY_H
#define CLIENT_DIRECTORY_H

#include "client/trouble.h"
#include "net/http.h"
#include "wire/statement.h"

#define DIRECTORY_NODES_MAX 64

/* Both views live in the directory's memory. */
struct directory_node {
	struct bytes id; /* STATEMENT_DIGEST_BYTES, or empty from a bundle */
	struct bytes bundle; /* not yet parsed */
	uint64_t next_refresh;
};

struct directory {
	uint8_t *memory; /* owned */
	struct directory_node nodes[DIRECTORY_NODES_MAX];
	size_t count;
};

/*
 * Both give TROUBLE_NONE, or TROUBLE_DIRECTORY for what is no such list;
 * loading gives TROUBLE_FILE too, and fetching whatever can befall an exchange.
 */
enum trouble directory_fetch(const struct http_server *gateway,
			     struct directory *out);
enum trouble directory_load(const char *file, struct directory *out);

void directory_free(struct directory *directory);

#endif
