/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: one HTTP request, and everything a test wants to know of its answer.
 *
 * Never follows, retries or reuses anything: one call is one connection.  Any
 * number of threads may call at once.
 */
#ifndef TESTS_SCENARIOS_FETCH_H
#define TESTS_SCENARIOS_FETCH_H

#include <stdbool.h>

#include "base/bytes.h"

#define FETCH_BODY_MAX ((size_t)1 << 20)
#define FETCH_PIECES_MAX 4096
#define FETCH_TEXT_MAX 64
#define FETCH_TIMEOUT_MS 30000

/* When how much of the body was there. */
struct fetch_piece {
	uint64_t us; /* since the request began */
	size_t len;  /* of the body, this piece included */
};

enum fetch_end {
	FETCH_WHOLE,  /* the answer ended as HTTP says it should */
	FETCH_CUT,    /* it broke off */
	FETCH_LEFT,   /* our own callback had enough */
	FETCH_FAILED, /* there was none: no connection, a time-out */
};

struct fetch_response {
	enum fetch_end end;
	long status; /* 0: no answer began */
	char type[FETCH_TEXT_MAX];
	char retry_after[FETCH_TEXT_MAX];
	uint64_t us; /* until the end */
	struct fetch_piece pieces[FETCH_PIECES_MAX];
	size_t piece_count; /* at most the maximum; the rest goes unrecorded */
	size_t len;
	char body[FETCH_BODY_MAX + 1]; /* zero-ended; the rest is counted */
};

struct fetch_request {
	const char *url;
	const char *const *headers; /* ended by NULL, or NULL */
	struct bytes body;	    /* empty: GET, unless a method is named */
	const char *method;	    /* NULL: GET or POST */
	bool is_chunked;	    /* send the body without its length */
	unsigned timeout_ms;	    /* 0: FETCH_TIMEOUT_MS */
	/* Called after each piece; false leaves.  May be NULL. */
	bool (*on_piece)(void *user, const struct fetch_response *so_far);
	void *user;
};

/* An empty response, from malloc, or the end of the test. */
struct fetch_response *fetch_response_new(void);

void fetch(const struct fetch_request *request, struct fetch_response *out);

/* The status of a GET, 0 for none. */
long fetch_status(const char *url);

#endif
