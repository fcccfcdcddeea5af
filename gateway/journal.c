/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/journal.h"

#include "base/log.h"
#include "policy/events.h"

#define MS_MAX 1000000 /* the last bucket */

void journal_started(uint64_t nodes, uint64_t connections_max)
{
	static const struct log_form form = {
		"gateway_started",
		{ { "nodes", 1000 }, { "connections_max", 1000000 } },
	};

	log_line(&form, (const uint64_t[]){ nodes, connections_max });
}

void journal_request(unsigned status, uint64_t duration_ms)
{
	static const struct log_form form = {
		"gateway_request",
		{ { "status", 599 }, { "ms", MS_MAX } },
	};

	log_line(&form,
		 (const uint64_t[]){ status, events_bucket(duration_ms) });
}

void journal_node_refused(uint64_t exit_code)
{
	static const struct log_form form = { "gateway_node_refused",
					      { { "verdict", 99 } } };

	log_line(&form, (const uint64_t[]){ exit_code });
}

void journal_cut(uint64_t duration_ms)
{
	static const struct log_form form = { "gateway_cut",
					      { { "ms", MS_MAX } } };

	log_line(&form, (const uint64_t[]){ events_bucket(duration_ms) });
}

void journal_stopped(void)
{
	static const struct log_form form = { .event = "gateway_stopped" };

	log_line(&form, NULL);
}
