/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repeat: runs a kept request through a model again, and holds every token
 * against the answer that was kept.
 *
 * Reading the request, rendering the chat and drawing tokens is the node's own
 * code (api/, inference/), and numbers are the same on every machine: so an
 * answer that is another one was not given by this model for this request, or
 * not with the numbers that the receipt names.
 */
#ifndef VERIFY_REPEAT_H
#define VERIFY_REPEAT_H

#include "attest/record.h"
#include "inference/generate.h"
#include "wire/receipt.h"

/* In the order in which they are asked and printed. */
enum repeat_code {
	REPEAT_MODEL = 0, /* the file is the receipt's model */
	REPEAT_RESPONSE,  /* the kept response can be read */
	REPEAT_REQUEST,	  /* the kept request can be answered */
	REPEAT_SAMPLING,  /* it asks for the numbers of the receipt */
	REPEAT_TOKENS,	  /* every token, and so the text */
	REPEAT_USAGE,	  /* as many tokens as the receipt says */
	REPEAT_FINISH,	  /* ended as the receipt and the response say */
	REPEAT_CODES,
};

struct repeat_setup {
	struct bytes file;  /* of the model, at a multiple of 64 */
	size_t threads;	    /* at least 1 */
	const char *kernel; /* a path of model_kernel(), or NULL: the best */
	const struct receipt_answer *answer;
	const uint8_t *model_root; /* the receipt's */
	struct bytes request;
	struct bytes response;
};

struct repeat {
	struct record records[REPEAT_CODES];
	const char *kernel;  /* that was used, or NULL */
	uint32_t tokens;     /* drawn again, up to the first that differs */
	uint32_t differs_at; /* that one, from 1 on; 0: none does */
};

/*
 * ERR_UNSUPPORTED: no such kernel here; ERR_UNAVAILABLE: no memory or threads.
 * Everything else is told in the records.
 */
MUST_CHECK enum err repeat_run(const struct repeat_setup *setup,
			       struct repeat *out);

/* Whether every question passed. */
bool repeat_holds(const struct repeat *repeat);

/* Such as "replay-tokens". */
const char *repeat_code_name(enum repeat_code code);

#endif
