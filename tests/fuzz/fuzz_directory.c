/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway's list of nodes: what is read lies in the directory's own memory,
 * and a refused one leaves nothing.
 *
 *     u8 status of the answer, or a failure | body
 */
#include <string.h>

#include "client/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes body;
static uint8_t kind;

/* In place of net/http.c. */
enum http_failure http_get(const struct http_server *server, const char *path,
			   struct writer *out, long *status)
{
	invariant(server != NULL && path[0] == '/');
	*status = kind < 0xf0 ? 200 : 100 + kind;
	if (kind >= 0xf8)
		return (enum http_failure)(kind - 0xf8);
	return bytes_put(out, body) == ERR_OK ? HTTP_FINE : HTTP_TOO_LARGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct http_server server = { "http://127.0.0.1", NULL };
	struct directory directory;
	uint64_t sum = 0;

	body = (struct bytes){ data, size };
	if (bytes_take_u8(&body, &kind) != ERR_OK)
		return 0;
	if (directory_fetch(&server, &directory) != TROUBLE_NONE) {
		invariant(directory.memory == NULL && directory.count == 0);
		return 0;
	}
	invariant(directory.count <= DIRECTORY_NODES_MAX);
	for (size_t i = 0; i < directory.count; i++) {
		const struct directory_node *node = &directory.nodes[i];

		invariant(node->id.len == 0 ||
			  node->id.len == STATEMENT_DIGEST_BYTES);
		for (size_t j = 0; j < node->id.len; j++)
			sum += node->id.data[j];
		for (size_t j = 0; j < node->bundle.len; j++)
			sum += node->bundle.data[j];
	}
	invariant(sum < UINT64_MAX);
	directory_free(&directory);
	return 0;
}
