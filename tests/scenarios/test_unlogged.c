/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word that exists nowhere else, in one place of a request after the other:
 * no program of the system writes it anywhere, in whatever encoding.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/figure.h"
#include "tests/scenarios/raw_call.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/canary.h"
#include "tests/system.h"
#include "wire/bhttp_write.h"

#define TEXT_MAX 2048
#define JSON_HEADER "Content-Type: application/json"
#define CHAT "/v1/chat/completions"
#define TEXT "/v1/completions"

static struct system pcc;

static void start(void)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	system_start_or_skip(&policy, &pcc);
}

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
}

TestSuite(unlogged, .init = start, .fini = stop, .timeout = 300);

/* Where a request goes; inside, it is sealed by hand. */
enum way {
	TO_CLIENT,
	TO_GATEWAY,
	INSIDE,
	TO_NODE
};

/* A word stands for every "%s"; what is NULL is as good requests have it. */
struct field {
	const char *what;
	enum way way;
	const char *method;
	const char *path;
	const char *header; /* of HTTP; inside, its name */
	const char *value;  /* inside: of that header; else not used */
	const char *body;
};

#define MODEL "\"model\":\"" SYSTEM_MODEL_NAME "\","
#define SAYS "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
#define ASKS "\"prompt\":\"hi\",\"max_tokens\":1"

static const struct field fields[] = {
	/* An OpenAI client's request, all of whose members are read. */
	{ .what = "prompt",
	  .body = "{" MODEL "\"prompt\":\"%s\",\"max_tokens\":1}" },
	{ .what = "model", .body = "{\"model\":\"%s\"," ASKS "}" },
	{ .what = "user", .body = "{" MODEL ASKS ",\"user\":\"%s\"}" },
	{ .what = "stop", .body = "{" MODEL ASKS ",\"stop\":\"%s\"}" },
	{ .what = "stops", .body = "{" MODEL ASKS ",\"stop\":[\"%s\",\"a\"]}" },
	{ .what = "suffix", .body = "{" MODEL ASKS ",\"suffix\":\"%s\"}" },
	{ .what = "seed", .body = "{" MODEL ASKS ",\"seed\":\"%s\"}" },
	{ .what = "temperature",
	  .body = "{" MODEL ASKS ",\"temperature\":\"%s\"}" },
	{ .what = "stream", .body = "{" MODEL ASKS ",\"stream\":\"%s\"}" },
	{ .what = "logit bias",
	  .body = "{" MODEL ASKS ",\"logit_bias\":{\"%s\":1}}" },
	{ .what = "metadata",
	  .body = "{" MODEL ASKS ",\"metadata\":{\"%s\":\"%s\"}}" },
	{ .what = "an unknown member",
	  .body = "{" MODEL ASKS ",\"%s\":\"%s\"}" },
	{ .what = "a member twice",
	  .body = "{" MODEL ASKS ",\"%s\":1,\"%s\":1}" },
	{ .what = "JSON that is none", .body = "{" MODEL ASKS ",%s" },
	{ .what = "no JSON at all", .body = "%s" },
	{ .what = "a body of NUL and a word", .body = "\"\\u0000%s\"" },
	{ .what = "role",
	  .path = CHAT,
	  .body = "{" MODEL
		  "\"messages\":[{\"role\":\"%s\",\"content\":\"a\"}]}" },
	{ .what = "content",
	  .path = CHAT,
	  .body = "{" MODEL
		  "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],"
		  "\"max_tokens\":1}" },
	{ .what = "content parts",
	  .path = CHAT,
	  .body = "{" MODEL
		  "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
		  "\"text\",\"text\":\"%s\"}]}],\"max_tokens\":1}" },
	{ .what = "an image's URL",
	  .path = CHAT,
	  .body = "{" MODEL
		  "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
		  "\"image_url\",\"image_url\":{\"url\":\"%s\"}}]}]}" },
	{ .what = "system",
	  .path = CHAT,
	  .body = "{" MODEL
		  "\"messages\":[{\"role\":\"system\",\"content\":\"%s\"},"
		  "{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":1}" },
	{ .what = "name",
	  .path = CHAT,
	  .body = "{" MODEL "\"messages\":[{\"role\":\"user\",\"name\":\"%s\","
		  "\"content\":\"a\"}],\"max_tokens\":1}" },
	{ .what = "tool",
	  .path = CHAT,
	  .body = "{" MODEL SAYS
		  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
		  "\"%s\",\"description\":\"%s\"}}]}" },
	{ .what = "tool call id",
	  .path = CHAT,
	  .body = "{" MODEL
		  "\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"%s\","
		  "\"content\":\"a\"}]}" },
	{ .what = "response format",
	  .path = CHAT,
	  .body = "{" MODEL SAYS "\"response_format\":{\"type\":\"%s\"}}" },
	/* What is around it. */
	{ .what = "path", .path = "/v1/%s", .body = "{}" },
	{ .what = "query", .path = TEXT "?%s=%s", .body = "{}" },
	{ .what = "a model's path", .method = "GET", .path = "/v1/models/%s" },
	{ .what = "method", .method = "%s", .path = TEXT },
	{ .what = "API key",
	  .header = "Authorization: Bearer %s",
	  .body = "{" MODEL ASKS "}" },
	{ .what = "header", .header = "X-%s: %s", .body = "{" MODEL ASKS "}" },
	{ .what = "cookie",
	  .header = "Cookie: %s=%s",
	  .body = "{" MODEL ASKS "}" },
	{ .what = "agent",
	  .header = "User-Agent: %s",
	  .body = "{" MODEL ASKS "}" },
	{ .what = "type", .header = "Content-Type: %s", .body = "{}" },
	/* The gateway's own face. */
	{ .what = "path", .way = TO_GATEWAY, .method = "GET", .path = "/%s" },
	{ .what = "query",
	  .way = TO_GATEWAY,
	  .method = "GET",
	  .path = "/v1/nodes?%s" },
	{ .what = "header",
	  .way = TO_GATEWAY,
	  .header = "X-%s: %s",
	  .body = "%s" },
	{ .what = "node",
	  .way = TO_GATEWAY,
	  .header = "PCC-Node: %s",
	  .body = "%s" },
	{ .what = "type",
	  .way = TO_GATEWAY,
	  .header = "Content-Type: %s",
	  .body = "%s" },
	{ .what = "sealed nonsense",
	  .way = TO_GATEWAY,
	  .header = "Content-Type: " SEALED_CHUNKED,
	  .body = "%s%s" },
	/* Inside the encryption. */
	{ .what = "method", .way = INSIDE, .method = "%s" },
	{ .what = "path", .way = INSIDE, .path = "/v1/%s" },
	{ .what = "authority", .way = INSIDE, .header = ":authority" },
	{ .what = "header's name",
	  .way = INSIDE,
	  .header = "x-%s",
	  .value = "a" },
	{ .what = "header's value",
	  .way = INSIDE,
	  .header = "x-a",
	  .value = "%s" },
	{ .what = "authorization",
	  .way = INSIDE,
	  .header = "authorization",
	  .value = "Bearer %s" },
	{ .what = "type",
	  .way = INSIDE,
	  .header = "content-type",
	  .value = "%s" },
	{ .what = "content", .way = INSIDE, .body = "%s" },
	{ .what = "no Binary HTTP",
	  .way = INSIDE,
	  .path = NULL,
	  .method = "BROKEN",
	  .body = "%s" },
	/* The node's own port. */
	{ .what = "method of gRPC", .way = TO_NODE, .path = "/%s/%s" },
	{ .what = "metadata",
	  .way = TO_NODE,
	  .path = "/pcc.node.v1.Node/Serve",
	  .header = "x-word",
	  .value = "%s" },
	{ .what = "a message",
	  .way = TO_NODE,
	  .path = "/pcc.node.v1.Node/Serve",
	  .body = "%s" },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* Every "%s" of a template becomes the word. */
static char *fill(const char *form, const char *otherwise, const char *word,
		  char out[static TEXT_MAX])
{
	size_t len = 0;

	for (form = form != NULL ? form : otherwise; *form != '\0';) {
		bool is_place = form[0] == '%' && form[1] == 's';
		const char *piece = is_place ? word : form;
		size_t size = is_place ? strlen(word) : 1;

		cr_assert_lt(len + size, TEXT_MAX);
		memcpy(out + len, piece, size);
		len += size;
		form += is_place ? 2 : 1;
	}
	out[len] = '\0';
	return out;
}

static void send_outside(const struct field *field, const char *word)
{
	char url[TEXT_MAX], path[TEXT_MAX], header[TEXT_MAX], body[TEXT_MAX];
	char method[TEXT_MAX];
	const char *const lines[] = {
		fill(field->header, JSON_HEADER, word, header),
		field->header == NULL || strstr(header, "Type:") != NULL
			? NULL
			: JSON_HEADER,
		NULL
	};
	struct fetch_response *response = fetch_response_new();

	snprintf(url, sizeof(url), "%.60s%.1900s",
		 field->way == TO_CLIENT ? pcc.client : pcc.gateway,
		 fill(field->path, field->way == TO_CLIENT ? TEXT : "/", word,
		      path));
	fetch(&(struct fetch_request){ .url = url,
				       .headers = lines,
				       .method =
					       field->method == NULL
						       ? NULL
						       : fill(field->method, "",
							      word, method),
				       .body = bytes_of_string(fill(
					       field->body, "", word, body)) },
	      response);
	cr_assert_neq(response->status, 0, "%s: no answer", field->what);
	free(response);
}

static struct bytes inner_of(const struct field *field, const char *word,
			     struct writer *out)
{
	static char method[TEXT_MAX], path[TEXT_MAX], name[TEXT_MAX];
	static char value[TEXT_MAX], body[TEXT_MAX];
	bool is_authority = field->header != NULL && field->header[0] == ':';
	struct bhttp_field line = {
		bytes_of_string(fill(field->header, "x-none", word, name)),
		bytes_of_string(fill(field->value, "a", word, value)),
	};
	struct bhttp_control control = {
		.method = bytes_of_string(
			fill(field->method, "POST", word, method)),
		.scheme = BYTES_LITERAL("https"),
		.path = bytes_of_string(fill(field->path, TEXT, word, path)),
	};
	struct bytes content = bytes_of_string(
		fill(field->body, "{" MODEL ASKS "}", word, body));

	if (strcmp(method, "BROKEN") == 0)
		return content;
	if (is_authority)
		control.authority = bytes_of_string(word);
	cr_assert_eq(bhttp_write_request(out, &control,
					 (struct bhttp_write_fields){
						 &line, is_authority ? 0 : 1 },
					 content),
		     ERR_OK, "%s", field->what);
	return bytes_written(out);
}

static void send_inside(const struct field *field, const char *word)
{
	struct fetch_response *response = fetch_response_new();
	uint8_t memory[4 * TEXT_MAX];
	struct writer inner = WRITER_OVER(memory);
	struct sealed_target target;
	struct sealed_request request;
	struct sealed_answer answer;

	cr_assert(sealed_find(pcc.gateway, &target));
	sealed_make(&target, OHTTP_CHUNKED, inner_of(field, word, &inner),
		    &request);
	sealed_send_request(&target, &request, response);
	cr_assert_eq(sealed_open(&request, response, &answer), ERR_OK, "%s",
		     field->what);
	free(answer.content);
	sealed_free(&request);
	free(response);
}

static void send_to_node(const struct field *field, const char *word)
{
	char path[TEXT_MAX], value[TEXT_MAX], body[TEXT_MAX];
	const struct raw_call_line lines[] = {
		{ field->header, fill(field->value, "", word, value) },
		{ NULL, NULL },
	};
	int call = raw_call_open(&pcc, fill(field->path, "/", word, path),
				 field->header == NULL ? NULL : lines);
	struct bytes message =
		bytes_of_string(fill(field->body, "", word, body));

	(void)raw_call_say_prefix(call, (uint32_t)message.len);
	(void)raw_call_say(call, message);
	cr_assert(raw_call_is_ended(call, 5000), "%s", field->what);
	close(call);
}

static void send_field(const struct field *field, const char *word)
{
	if (field->way == INSIDE)
		send_inside(field, word);
	else if (field->way == TO_NODE)
		send_to_node(field, word);
	else
		send_outside(field, word);
}

static size_t hits_of(const struct needles *needles)
{
	struct scan_finding finding = { 0 };

	scan_folder(needles, pcc.folder, &finding);
	cr_assert_not(finding.is_refused);
	cr_assert_gt(finding.bytes, 100);
	return finding.hits;
}

/* The control: it is found where somebody did write it. */
static size_t hits_once_written(const struct needles *needles, const char *word)
{
	char path[SYSTEM_PATH_MAX + 16];
	FILE *file;
	size_t hits;

	snprintf(path, sizeof(path), "%s/planted", pcc.folder);
	file = fopen(path, "we");
	cr_assert_not_null(file);
	fprintf(file, "a line with %s in it\n", word);
	fclose(file);
	hits = hits_of(needles);
	unlink(path);
	return hits;
}

/* Every part says its last words; the folder stays. */
static void end_all(void)
{
	for (int part = SYSTEM_PARTS - 1; part >= 0; part--)
		system_signal(&pcc, (enum system_part)part, SIGTERM);
	for (int part = SYSTEM_PARTS - 1; part >= 0; part--)
		cr_assert_neq(
			system_await_end(&pcc, (enum system_part)part, 10000),
			-1);
}

Test(unlogged, a_word_in_any_field_of_a_request_is_written_nowhere)
{
	static struct needles needles[FIELDS];
	static char words[FIELDS][CANARY_BYTES + 1];
	size_t hits = 0, late = 0, control = 0;

	for (size_t i = 0; i < FIELDS; i++) {
		uint8_t inverted[CANARY_BYTES];
		size_t found;

		canary_invent(inverted);
		canary_reveal(inverted, words[i]);
		words[i][32] = '\0'; /* which fits a header of every kind */
		canary_look_for(&needles[i], words[i]);
		send_field(&fields[i], words[i]);
		found = hits_of(&needles[i]);
		cr_expect_eq(found, 0, "%s", fields[i].what);
		hits += found > 0;
	}
	/* Nor later, when all have answered, and ended. */
	end_all();
	for (size_t i = 0; i < FIELDS; i++) {
		size_t found = hits_of(&needles[i]);

		cr_expect_eq(found, 0, "%s, at the end", fields[i].what);
		late += found > 0;
		control += hits_once_written(&needles[i], words[i]) > 0;
	}
	cr_assert_eq(control, FIELDS);
	figure_none("J3", "fields of requests whose word was written anywhere",
		    hits, FIELDS, control);
	figure_none("J3", "those found once all programs had ended", late,
		    FIELDS, control);
}
