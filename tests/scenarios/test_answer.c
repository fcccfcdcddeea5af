/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an OpenAI client sees of a good request, and of a bad one: through
 * pcc-client, pcc-gateway and every process of a node.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/openai.h"
#include "tests/system.h"

#define SEEDS 40      /* tried until one gives a text of some length */
#define TEXT_LEAST 12 /* bytes */
#define TOKENS 24

static struct system pcc;

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	struct policy policy = system_policy();

	(void)tests;
	policy.tick_ms = 5; /* paced, but the tests need not wait for it */
	system_share(&policy);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	(void)stats;
	system_unshare();
}

static void adopt(void)
{
	system_adopt(&pcc);
}

TestSuite(answer, .init = adopt);

static void ask(const struct openai_question *question,
		struct openai_answer *answer)
{
	openai_complete(pcc.client, question, answer);
	cr_assert(openai_is_whole(answer), "status %ld, code %s, end %d",
		  answer->status, answer->error_code, answer->end);
}

/* A seed under which the model has something to say. */
static void find_talk(struct openai_question *question,
		      struct openai_answer *answer)
{
	*question = (struct openai_question){ .prompt = "Once upon a time",
					      .max_tokens = TOKENS };
	for (question->seed = 1; question->seed <= SEEDS; question->seed++) {
		ask(question, answer);
		if (strlen(answer->text) >= TEXT_LEAST)
			return;
	}
	cr_assert_fail("the model says nothing");
}

Test(answer, a_streamed_and_a_whole_answer_of_one_seed_are_one_text)
{
	struct openai_question question;
	struct openai_answer whole, streamed;

	find_talk(&question, &whole);
	question.form = OPENAI_STREAMED;
	ask(&question, &streamed);
	cr_assert(streamed.is_done);
	cr_assert_str_eq(streamed.text, whole.text);
	cr_assert_str_eq(streamed.finish, whole.finish);
	cr_assert_eq(streamed.prompt_tokens, whole.prompt_tokens);
	cr_assert_eq(streamed.answer_tokens, whole.answer_tokens);
}

Test(answer, one_seed_gives_one_text_and_others_give_others)
{
	struct openai_question question;
	struct openai_answer first, again;
	unsigned alike = 0;

	find_talk(&question, &first);
	ask(&question, &again);
	cr_assert_str_eq(again.text, first.text);
	for (unsigned i = 1; i <= 4; i++) {
		question.seed += i;
		ask(&question, &again);
		alike += strcmp(again.text, first.text) == 0;
	}
	cr_assert_lt(alike, 4);
}

Test(answer, a_request_without_a_seed_is_answered_anew_each_time)
{
	struct openai_question question;
	struct openai_answer answers[4];
	unsigned alike = 0;

	find_talk(&question, &answers[0]);
	question.seed = 0;
	for (size_t i = 0; i < 4; i++) {
		ask(&question, &answers[i]);
		alike += strcmp(answers[i].text, answers[0].text) == 0;
	}
	cr_assert_lt(alike, 4, "four answers, one text");
}

Test(answer, without_temperature_every_seed_gives_one_text)
{
	struct openai_question question = { .prompt = "Once upon a time",
					    .max_tokens = TOKENS,
					    .is_greedy = true,
					    .seed = 1 };
	struct openai_answer first, second;

	ask(&question, &first);
	question.seed = 2;
	ask(&question, &second);
	cr_assert_str_eq(first.text, second.text);
}

Test(answer, max_tokens_bounds_the_answer_and_the_usage_counts_it)
{
	for (unsigned tokens = 1; tokens <= 9; tokens += 4) {
		struct openai_question question = {
			.prompt = "Once upon a time",
			.max_tokens = tokens,
			.seed = 7,
		};
		struct openai_answer answer;

		ask(&question, &answer);
		cr_assert(answer.has_usage);
		cr_assert_gt(answer.prompt_tokens, 1);
		cr_assert_geq(answer.answer_tokens, 1);
		cr_assert_leq(answer.answer_tokens, tokens);
		if (strcmp(answer.finish, "length") == 0)
			cr_assert_eq(answer.answer_tokens, tokens);
		else
			cr_assert_str_eq(answer.finish, "stop");
	}
}

Test(answer, a_stop_string_ends_the_answer_before_itself)
{
	struct openai_question question;
	struct openai_answer full, cut;
	char stop[4] = "";

	find_talk(&question, &full);
	memcpy(stop, full.text + strlen(full.text) / 2, 3);
	question.stop = stop;
	ask(&question, &cut);
	*strstr(full.text, stop) = '\0';
	cr_assert_str_eq(cut.text, full.text);
	cr_assert_str_eq(cut.finish, "stop");
}

Test(answer, padding_never_reaches_the_openai_client)
{
	struct openai_question question = { .prompt = "Once upon a time",
					    .max_tokens = 2,
					    .form = OPENAI_STREAMED };
	struct openai_answer answer;

	ask(&question, &answer);
	cr_assert_eq(answer.foreign, 0, "%zu bytes of a stream",
		     answer.foreign);
	question.form = OPENAI_WHOLE;
	ask(&question, &answer);
	cr_assert_eq(answer.foreign, 0, "%zu bytes of a whole answer",
		     answer.foreign);
}

Test(answer, a_chat_is_answered_where_the_model_knows_how)
{
	struct openai_answer answer;

	openai_post(pcc.client, "/v1/chat/completions",
		    "{\"model\":\"" SYSTEM_MODEL_NAME "\",\"max_tokens\":64,"
		    "\"temperature\":0,\"messages\":[{\"role\":\"user\","
		    "\"content\":\"turn on the kitchen lights\"}]}",
		    &answer);
	if (strstr(system_model(), "home.gguf") == NULL) {
		cr_assert_eq(answer.status, 400);
		cr_assert_str_eq(answer.error_code, "unsupported_parameter");
		cr_assert_str_eq(answer.error_param, "messages");
		return;
	}
	cr_assert(openai_is_whole(&answer));
	cr_assert_neq(strchr(answer.text, '{'), NULL, "%s", answer.text);
}

static json_t *get(const char *path, long *status)
{
	struct fetch_response *response = fetch_response_new();
	char url[128];
	json_t *document;

	snprintf(url, sizeof(url), "%s%s", pcc.client, path);
	fetch(&(struct fetch_request){ .url = url }, response);
	*status = response->status;
	document = json_loadb(response->body, response->len, 0, NULL);
	free(response);
	return document;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

Test(answer, the_one_model_is_listed_and_described)
{
	long status;
	json_t *list = get("/v1/models", &status);
	json_t *one;

	cr_assert_eq(status, 200);
	cr_assert_str_eq(text_of(list, "object"), "list");
	cr_assert_eq(json_array_size(json_object_get(list, "data")), 1);
	one = json_array_get(json_object_get(list, "data"), 0);
	cr_assert_str_eq(text_of(one, "id"), SYSTEM_MODEL_NAME);
	cr_assert_str_eq(text_of(one, "object"), "model");
	json_decref(list);

	one = get("/v1/models/" SYSTEM_MODEL_NAME, &status);
	cr_assert_eq(status, 200);
	cr_assert_str_eq(text_of(one, "id"), SYSTEM_MODEL_NAME);
	json_decref(one);
}

Test(answer, a_model_that_is_not_there_is_not_described)
{
	long status;
	json_t *refusal = get("/v1/models/gpt-4o", &status);

	cr_assert_eq(status, 404);
	cr_assert_str_eq(text_of(json_object_get(refusal, "error"), "code"),
			 "model_not_found");
	json_decref(refusal);
}

#define COMPLETION "/v1/completions"
#define CHAT "/v1/chat/completions"
#define HEAD "{\"model\":\"" SYSTEM_MODEL_NAME "\","
#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"

static const struct refused {
	const char *path;
	const char *body;
	long status;
	const char *code;
	const char *param;
} refused[] = {
	{ COMPLETION, "{\"model\":\"gpt-4o\",\"prompt\":\"x\"}", 404,
	  "model_not_found", "model" },
	{ "/v1/embeddings", "{}", 404, "not_found", "" },
	{ "/v1/completions/", "{}", 404, "not_found", "" },
	{ "/v1/models", "{}", 405, "method_not_allowed", "" },
	{ COMPLETION, "{\"model\":", 400, "invalid_json", "" },
	{ COMPLETION, "[]", 400, "invalid_json", "" },
	{ COMPLETION, HEAD "\"prompt\":\"x\"} {}", 400, "invalid_json", "" },
	{ COMPLETION, "{\"prompt\":\"x\"}", 400, "missing_required_parameter",
	  "model" },
	{ COMPLETION, HEAD "\"prompt\":7}", 400, "invalid_type", "prompt" },
	{ COMPLETION, HEAD "\"prompt\":\"x\",\"max_tokens\":0}", 400,
	  "invalid_value", "max_tokens" },
	{ COMPLETION, HEAD "\"prompt\":\"x\",\"temperature\":3}", 400,
	  "invalid_value", "temperature" },
	{ CHAT,
	  HEAD MESSAGES ",\"tools\":[{\"type\":\"function\",\"function\":"
			"{\"name\":\"f\"}}]}",
	  400, "unsupported_parameter", "tools" },
	{ CHAT, HEAD "\"messages\":[]}", 400, "invalid_value", "messages" },
};

Test(answer, a_bad_request_gets_an_error_that_openai_clients_know)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct refused *row = &refused[i];
		struct openai_answer answer;

		openai_post(pcc.client, row->path, row->body, &answer);
		cr_expect_eq(answer.status, row->status, "%s: %ld", row->body,
			     answer.status);
		cr_expect_str_eq(answer.error_type, "invalid_request_error",
				 "%s: %s", row->body, answer.error_type);
		cr_expect_str_eq(answer.error_code, row->code, "%s: %s",
				 row->body, answer.error_code);
		cr_expect_str_eq(answer.error_param, row->param, "%s: %s",
				 row->body, answer.error_param);
	}
}

Test(answer, a_prompt_beyond_the_context_is_refused_by_name)
{
	static char prompt[4096];
	struct openai_question question = { .prompt = prompt };
	struct openai_answer answer;

	for (size_t i = 0; i + 2 < sizeof(prompt); i += 2)
		memcpy(prompt + i, "q ", 2);
	openai_complete(pcc.client, &question, &answer);
	cr_assert_eq(answer.status, 400);
	cr_assert_str_eq(answer.error_code, "context_length_exceeded");
}
