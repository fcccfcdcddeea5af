/* SPDX-License-Identifier: Apache-2.0 */
#include "client/trouble.h"

#define EXIT_FAILED 2

#define SERVER "server_error"
#define VERIFICATION "verification_error"
#define PRIVACY "encryption_error"

static const struct {
	const char *type;
	const char *code;
	const char *text;
	uint16_t status;
	uint16_t exit_code;
} troubles[TROUBLE_COUNT] = {
	[TROUBLE_NONE] = { SERVER, NULL, "No trouble.", 200, 0 },
	[TROUBLE_UNREACHABLE] = { SERVER, "gateway_unreachable",
				  "The gateway cannot be reached.", 502,
				  EXIT_FAILED },
	[TROUBLE_DIRECTORY] = { SERVER, "gateway_malformed",
				"The gateway's list of nodes cannot be read.",
				502, EXIT_FAILED },
	[TROUBLE_NO_NODES] = { SERVER, "no_nodes",
			       "The gateway offers no node now.", 503,
			       EXIT_FAILED },
	[TROUBLE_FILE] = { SERVER, "file_unreadable",
			   "The file cannot be opened and read.", 500,
			   EXIT_FAILED },
	[TROUBLE_SOFTWARE] = { VERIFICATION, "software_evidence",
			       "The nodes show software evidence, which proves "
			       "nothing about hardware. Nothing was sent. For "
			       "development it can be accepted by name: "
			       "--accept-evidence software.",
			       502, 10 },
	[TROUBLE_NOT_VERIFIED] = { VERIFICATION, "node_not_verified",
				   "No node passed verification. Nothing was "
				   "sent. See pcc-client verify.",
				   502, 10 },
	[TROUBLE_MALFORMED] = { VERIFICATION, "bundle_malformed",
				"No node's bundle can be read. Nothing was "
				"sent. See pcc-client verify.",
				502, 30 },
	[TROUBLE_EXPIRED] = { VERIFICATION, "key_expired",
			      "The nodes' keys have expired and no newer ones "
			      "are offered. Nothing was sent.",
			      503, 20 },
	[TROUBLE_TOO_LARGE] = { "invalid_request_error", "request_too_large",
				"The request is too large.", 413, EXIT_FAILED },
	[TROUBLE_KEY] = { SERVER, "key_unknown",
			  "The node does not know the key it was sent.", 503,
			  EXIT_FAILED },
	[TROUBLE_NODE_GONE] = { SERVER, "node_gone",
				"The node is not served any more.", 503,
				EXIT_FAILED },
	[TROUBLE_REFUSED] = { PRIVACY, "request_refused",
			      "The encrypted request was refused.", 502,
			      EXIT_FAILED },
	[TROUBLE_BUSY] = { SERVER, "node_busy", "The node is busy; try again.",
			   429, EXIT_FAILED },
	[TROUBLE_UNAVAILABLE] = { SERVER, "node_unavailable",
				  "The node is not available; try again.", 503,
				  EXIT_FAILED },
	[TROUBLE_NODE_FAILED] = { SERVER, "node_failed",
				  "The node ended without an answer.", 502,
				  EXIT_FAILED },
	[TROUBLE_NODE_REFUSED] = { "invalid_request_error", "refused",
				   "The node refused the request.", 400,
				   EXIT_FAILED },
	[TROUBLE_TIMEOUT] = { SERVER, "timeout",
			      "The node did not answer in time.", 504,
			      EXIT_FAILED },
	[TROUBLE_CUT] = { PRIVACY, "stream_cut",
			  "The answer was cut off before its authentic end.",
			  502, EXIT_FAILED },
	[TROUBLE_TAMPERED] = { PRIVACY, "stream_tampered",
			       "The answer was changed on its way.", 502,
			       EXIT_FAILED },
	[TROUBLE_RECEIPT] = { VERIFICATION, "receipt_mismatch",
			      "The answer's receipt does not fit it: the node "
			      "signed something else.",
			      502, 10 },
	[TROUBLE_LEFT] = { SERVER, "client_left", "The client left.", 499,
			   EXIT_FAILED },
	[TROUBLE_INTERNAL] = { SERVER, "internal",
			       "The client could not do its work.", 500,
			       EXIT_FAILED },
};

struct chat_refusal trouble_refusal(enum trouble trouble)
{
	invariant(trouble < TROUBLE_COUNT);
	return (struct chat_refusal){
		.status = troubles[trouble].status,
		.type = troubles[trouble].type,
		.code = troubles[trouble].code,
		.message = troubles[trouble].text,
	};
}

const char *trouble_text(enum trouble trouble)
{
	invariant(trouble < TROUBLE_COUNT);
	return troubles[trouble].text;
}

int trouble_exit_code(enum trouble trouble)
{
	invariant(trouble < TROUBLE_COUNT);
	return troubles[trouble].exit_code;
}

enum trouble trouble_of_result(const struct verify_result *result)
{
	switch (result->verdict) {
	case VERIFY_VERIFIED:
		return TROUBLE_NONE;
	case VERIFY_EXPIRED:
		return TROUBLE_EXPIRED;
	case VERIFY_MALFORMED:
		return TROUBLE_MALFORMED;
	case VERIFY_NOT_VERIFIED:
		break;
	}
	return result->records[VERIFY_EVIDENCE_SOFTWARE].mark == RECORD_FAIL
		       ? TROUBLE_SOFTWARE
		       : TROUBLE_NOT_VERIFIED;
}

/* What a gateway says is unauthenticated: it can only ever make us refuse. */
enum trouble trouble_of_status(long status)
{
	switch (status) {
	case 401:
		return TROUBLE_KEY;
	case 404:
		return TROUBLE_NODE_GONE;
	case 413:
		return TROUBLE_TOO_LARGE;
	case 429:
		return TROUBLE_BUSY;
	case 502:
		return TROUBLE_NODE_FAILED;
	case 503:
		return TROUBLE_UNAVAILABLE;
	case 504:
		return TROUBLE_TIMEOUT;
	default:
		return TROUBLE_REFUSED;
	}
}

enum trouble trouble_of_failure(enum http_failure failure)
{
	switch (failure) {
	case HTTP_FINE:
		return TROUBLE_NONE;
	case HTTP_UNREACHABLE:
		return TROUBLE_UNREACHABLE;
	case HTTP_TIMED_OUT:
		return TROUBLE_TIMEOUT;
	case HTTP_CUT:
		return TROUBLE_CUT;
	case HTTP_LEFT:
		return TROUBLE_LEFT;
	case HTTP_TOO_LARGE:
		return TROUBLE_DIRECTORY;
	case HTTP_INTERNAL:
		break;
	}
	return TROUBLE_INTERNAL;
}
