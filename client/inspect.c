/* SPDX-License-Identifier: Apache-2.0 */
#include "client/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest/verify_print.h"
#include "client/directory.h"

#define EXIT_NOTHING 2

static uint64_t time_of(const struct inspect_question *question)
{
	struct timespec now;

	if (question->now != 0)
		return question->now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

static enum trouble obtain(const struct inspect_question *question,
			   struct directory *directory)
{
	return question->file != NULL
		       ? directory_load(question->file, directory)
		       : directory_fetch(&question->gateway, directory);
}

/* The lower, the worse, but for expiry, which is better than a refusal. */
static int rank(enum verify_verdict verdict)
{
	return (int)verdict;
}

/* A lone bundle has no id of its own to go by: the check node-id judges it. */
static bool is_wanted(const struct inspect_question *question,
		      const struct directory_node *node)
{
	return question->policy->node_id == NULL || node->id.len == 0 ||
	       memcmp(node->id.data, question->policy->node_id, node->id.len) ==
		       0;
}

static int judge(const struct inspect_question *question,
		 const struct directory *directory,
		 struct verify_result *result)
{
	enum verify_verdict worst = VERIFY_VERIFIED;
	size_t judged = 0;

	for (size_t i = 0; i < directory->count; i++) {
		if (!is_wanted(question, &directory->nodes[i]))
			continue;
		if (judged++ > 0 && !question->json)
			printf("\n");
		verify_bundle(directory->nodes[i].bundle, question->policy,
			      time_of(question), NULL, result);
		if (question->json)
			verify_print_json(result, stdout);
		else
			verify_print_table(result, stdout);
		if (rank(result->verdict) < rank(worst))
			worst = result->verdict;
	}
	return judged == 0 ? EXIT_NOTHING : verify_exit_code(worst);
}

int inspect_run(const struct inspect_question *question)
{
	struct directory directory;
	struct verify_result *result = malloc(sizeof(*result));
	enum trouble trouble = TROUBLE_INTERNAL;
	int code = EXIT_NOTHING;

	if (result != NULL)
		trouble = obtain(question, &directory);
	if (trouble == TROUBLE_NONE) {
		code = judge(question, &directory, result);
		directory_free(&directory);
	} else {
		fprintf(stderr, "%s: %s\n", program_invocation_short_name,
			trouble_text(trouble));
		/* What is there and says nothing is malformed, not absent. */
		if (trouble == TROUBLE_DIRECTORY)
			code = verify_exit_code(VERIFY_MALFORMED);
	}
	free(result);
	return code;
}
