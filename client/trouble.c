/* SPDX-License-Identifier: Apache-2.0 */
#include "client/trouble.h"

#define EXIT_FAILED 2

#define SERVER "server_error"
#define VERIFICATION "verification_error"
#define PRIVACY "encryption_error"

static const struct {
	uint16_t status;
	const char *type;
	const char *code;
	const char *text;
	int exit_code;
} troubles[TROUBLE_COUNT] = {
	[TROUBLE_NONE] = { 200, SERVER, NULL, "No trouble.", 0 },
	[TROUBLE_UNREACHABLE] = { 502, SERVER, "gateway_unreachable",
				  "The gateway cannot be reached.",
				  EXIT_FAILED },
	[TROUBLE_DIRECTORY] = { 502, SERVER, "gateway_malformed",
				"The gateway's list of nodes cannot be read.",
				EXIT_FAILED },
	[TROUBLE_NO_NODES] = { 503, SERVER, "no_nodes",
			       "The gateway offers no node now.", EXIT_FAILED },
	[TROUBLE_SOFTWARE] = { 502, VERIFICATION, "software_evidence",
			       "The nodes show software evidence, which proves "
			       "nothing about hardware. Nothing was sent. For "
			       "development it can be accepted by name: "
			       "--accept-evidence software.",
			       10 },
	[TROUBLE_NOT_VERIFIED] = { 502, VERIFICATION, "node_not_verified",
				   "No node passed verification. Nothing was "
				   "sent. See pcc-client verify.",
				   10 },
	[TROUBLE_MALFORMED] = { 502, VERIFICATION, "bundle_malformed",
				"No node's bundle can be read. Nothing was "
				"sent. See pcc-client verify.",
				30 },
	[TROUBLE_EXPIRED] = { 503, VERIFICATION, "key_expired",
			      "The nodes' keys have expired and no newer ones "
			      "are offered. Nothing was sent.",
			      20 },
	[TROUBLE_TOO_LARGE] = { 413, "invalid_request_error",
				"request_too_large",
				"The request is too large.", EXIT_FAILED },
	[TROUBLE_KEY] = { 503, SERVER, "key_unknown",
			  "The node does not know the key it was sent.",
			  EXIT_FAILED },
	[TROUBLE_NODE_GONE] = { 503, SERVER, "node_gone",
				"The node is not served any more.",
				EXIT_FAILED },
	[TROUBLE_REFUSED] = { 502, PRIVACY, "request_refused",
			      "The encrypted request was refused.",
			      EXIT_FAILED },
	[TROUBLE_BUSY] = { 429, SERVER, "node_busy",
			   "The node is busy; try again.", EXIT_FAILED },
	[TROUBLE_UNAVAILABLE] = { 503, SERVER, "node_unavailable",
				  "The node is not available; try again.",
				  EXIT_FAILED },
	[TROUBLE_NODE_FAILED] = { 502, SERVER, "node_failed",
				  "The node ended without an answer.",
				  EXIT_FAILED },
	[TROUBLE_TIMEOUT] = { 504, SERVER, "timeout",
			      "The node did not answer in time.", EXIT_FAILED },
	[TROUBLE_CUT] = { 502, PRIVACY, "stream_cut",
			  "The answer was cut off before its authentic end.",
			  EXIT_FAILED },
	[TROUBLE_TAMPERED] = { 502, PRIVACY, "stream_tampered",
			       "The answer was changed on its way.",
			       EXIT_FAILED },
	[TROUBLE_LEFT] = { 499, SERVER, "client_left", "The client left.",
			   EXIT_FAILED },
	[TROUBLE_INTERNAL] = { 500, SERVER, "internal",
			       "The client could not do its work.",
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
	return result->records[VERIFY_EVIDENCE_SOFTWARE].mark == VERIFY_FAIL
		       ? TROUBLE_SOFTWARE
		       : TROUBLE_NOT_VERIFIED;
}

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
