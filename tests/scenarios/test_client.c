/* SPDX-License-Identifier: Apache-2.0 */
/* pcc-client through pcc-gateway, before nodes good and bad. */
#include <criterion/criterion.h>

#include "tests/scenarios/peer.h"
#include "tests/scenarios/program.h"
#include "tests/scenarios/stub_node.h"

struct world {
	char address[128];
	char url[64];
	struct stub stub;
	struct program gateway;
	uint16_t gateway_port;
	struct program client; /* pcc-client serve, where it was begun */
	uint16_t port;
};

static struct world begin_with(struct stub_plan plan)
{
	struct world world = { .port = 0 };

	snprintf(world.address, sizeof(world.address),
		 "unix:/tmp/pcc-client-stub-%d.sock", (int)getpid());
	plan.address = world.address;
	world.stub = stub_start(&plan);
	world.gateway = program_start(
		"pcc-gateway",
		(const char *const[]){ "--port", "0", "--node", world.address,
				       "--drain", "0", NULL });
	world.gateway_port = program_port(&world.gateway);
	snprintf(world.url, sizeof(world.url), "http://127.0.0.1:%u",
		 world.gateway_port);
	for (int i = 0; i < 100; i++) {
		struct peer_answer answer =
			peer_get(world.gateway_port, "/healthz");

		if (answer.status == 200)
			return world;
		stub_rest(50);
	}
	cr_assert_fail("no node became ready");
	return world;
}

static struct world begin(enum stub_manner manner)
{
	return begin_with(
		(struct stub_plan){ .manner = manner, .expires_in = 3600 });
}

static void begin_serving(struct world *world)
{
	world->client = program_start(
		"pcc-client",
		(const char *const[]){ "serve", "--gateway", world->url,
				       "--accept-evidence", "software",
				       "--port", "0", NULL });
	world->port = program_port(&world->client);
}

static void end(struct world *world)
{
	if (world->port != 0)
		program_stop(&world->client);
	program_stop(&world->gateway);
	kill(world->stub.pid, SIGKILL);
	waitpid(world->stub.pid, NULL, 0);
	unlink(world->address + strlen("unix:"));
}

/* Run the client with these arguments to its end; what it printed, and how. */
static int run(const char *const *arguments, char text[static PROGRAM_TEXT_MAX])
{
	struct program client = program_start("pcc-client", arguments);

	program_read(&client, text);
	return program_end(&client);
}

static int run_once(const struct world *world, char *text)
{
	return run((const char *const[]){ "chat", "--gateway", world->url,
					  "--accept-evidence", "software",
					  "--once", "How warm is it?", NULL },
		   text);
}

#define CHAT "{\"model\":\"stub-model\",\"messages\":[]}"

static struct peer_answer ask(const struct world *world, const char *lines,
			      struct bytes body)
{
	int peer = peer_connect(world->port);
	struct peer_answer answer;

	peer_post(peer, "/v1/chat/completions", lines, body);
	answer = peer_receive(peer);
	close(peer);
	return answer;
}

Test(client, chat_prints_the_answer_of_a_verified_node, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(run_once(&world, text), 0);
	cr_assert_str_eq(text, STUB_TEXT "\n");
	end(&world);
}

Test(client, nothing_is_sent_when_evidence_is_not_accepted_by_name,
     .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(run((const char *const[]){ "chat", "--gateway", world.url,
						"--once", "secret", NULL },
			 text),
		     10);
	cr_assert_eq(stub_news(&world.stub, 300), 0);
	end(&world);
}

static int verify(const struct world *world, char *text)
{
	return run((const char *const[]){ "verify", "--gateway", world->url,
					  "--accept-evidence", "software",
					  "--json", NULL },
		   text);
}

Test(client, verify_says_what_was_proven_and_no_more, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(verify(&world, text), 0);
	cr_assert_not_null(strstr(text, "\"verdict\":\"verified\""));
	cr_assert_not_null(strstr(text, "proves nothing about hardware"));
	end(&world);
}

static int verify_file(const char *path, const char *now, char *text)
{
	return run((const char *const[]){ "verify", "--file", path,
					  "--accept-evidence", "software",
					  "--now", now, NULL },
		   text);
}

Test(client, a_saved_list_is_judged_at_any_time_without_a_network,
     .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	struct peer_answer nodes = peer_get(world.gateway_port, "/v1/nodes");
	char text[PROGRAM_TEXT_MAX], path[64], now[32];
	time_t clock = time(NULL);
	FILE *file;

	end(&world);
	snprintf(path, sizeof(path), "/tmp/pcc-saved-%d.json", (int)getpid());
	file = fopen(path, "w");
	cr_assert_eq(fwrite(nodes.body, 1, nodes.len, file), nodes.len);
	cr_assert_eq(fclose(file), 0);
	snprintf(now, sizeof(now), "%lld", (long long)clock);
	cr_assert_eq(verify_file(path, now, text), 0);
	cr_assert_not_null(strstr(text, "PASS  binding"));
	snprintf(now, sizeof(now), "%lld", (long long)clock + 7200);
	cr_assert_eq(verify_file(path, now, text), 20);
	file = fopen(path, "w");
	cr_assert_eq(fwrite(nodes.body, 1, nodes.len / 2, file), nodes.len / 2);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(verify_file(path, now, text), 30);
	unlink(path);
	cr_assert_eq(verify_file(path, now, text), 2);
}

Test(client, an_expired_key_is_told_from_a_forged_bundle, .timeout = 60)
{
	char text[PROGRAM_TEXT_MAX];
	struct world expired = begin_with((struct stub_plan){
		.manner = STUB_STREAM, .expires_in = (uint64_t)-60 });

	cr_assert_eq(verify(&expired, text), 20);
	cr_assert_eq(run_once(&expired, text), 20);
	cr_assert_eq(stub_news(&expired.stub, 300), 0);
	end(&expired);

	struct world forged =
		begin_with((struct stub_plan){ .manner = STUB_STREAM,
					       .expires_in = 3600,
					       .bundle = STUB_FORGED });

	cr_assert_eq(verify(&forged, text), 10);
	cr_assert_eq(run_once(&forged, text), 10);
	cr_assert_eq(stub_news(&forged.stub, 300), 0);
	end(&forged);
}

Test(client, responses_that_are_not_paced_have_to_be_accepted, .timeout = 60)
{
	struct world world =
		begin_with((struct stub_plan){ .manner = STUB_STREAM,
					       .expires_in = 3600,
					       .mode = STATEMENT_MODE_OFF });
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(run_once(&world, text), 10);
	cr_assert_eq(run((const char *const[]){ "chat", "--gateway", world.url,
						"--accept-evidence", "software",
						"--accept-shape", "off",
						"--once", "x", NULL },
			 text),
		     0);
	end(&world);
}

static void expect_chat_trouble(enum stub_manner manner)
{
	struct world world = begin(manner);
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(run_once(&world, text), 2);
	end(&world);
}

Test(client, a_cut_answer_is_an_error_in_the_terminal, .timeout = 120)
{
	expect_chat_trouble(STUB_CUT);
	expect_chat_trouble(STUB_CUT_OK);
	expect_chat_trouble(STUB_UNSEALED_END);
	expect_chat_trouble(STUB_FLIPPED);
	expect_chat_trouble(STUB_DIES);
}

Test(client, a_stream_arrives_without_the_nodes_padding, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	struct peer_answer answer;

	begin_serving(&world);
	answer = ask(&world, "Authorization: Bearer sk-ignored\r\n",
		     BYTES_LITERAL(CHAT));
	cr_assert_eq(answer.status, 200);
	cr_assert_str_eq(peer_field(answer.head, "Content-Type"),
			 "text/event-stream");
	cr_assert_eq(answer.ending, PEER_WHOLE);
	cr_assert_not_null(strstr((char *)answer.body, STUB_TEXT));
	cr_assert_not_null(strstr((char *)answer.body, "data: [DONE]\n\n"));
	cr_assert_null(strstr((char *)answer.body, "padding"));
	end(&world);
}

Test(client, a_whole_answer_is_passed_on_as_it_is, .timeout = 60)
{
	struct world world = begin(STUB_WHOLE);
	struct peer_answer answer;

	begin_serving(&world);
	answer = ask(&world, "", BYTES_LITERAL(CHAT));
	cr_assert_eq(answer.status, 200);
	cr_assert_str_eq(peer_field(answer.head, "Content-Type"),
			 "application/json");
	cr_assert_eq(answer.ending, PEER_WHOLE);
	cr_assert_not_null(strstr((char *)answer.body, STUB_TEXT));
	end(&world);
}

static void expect_stream_error(enum stub_manner manner, const char *code)
{
	struct world world = begin(manner);
	struct peer_answer answer;

	begin_serving(&world);
	answer = ask(&world, "", BYTES_LITERAL(CHAT));
	cr_assert_eq(answer.status, 200);
	cr_assert_eq(answer.ending, PEER_CUT);
	cr_assert_not_null(strstr((char *)answer.body, "data: {\"error\":{"),
			   "%s", (char *)answer.body);
	cr_assert_not_null(strstr((char *)answer.body, code), "%s",
			   (char *)answer.body);
	cr_assert_null(strstr((char *)answer.body, "[DONE]"));
	end(&world);
}

Test(client, a_cut_stream_ends_with_an_error_and_without_its_end,
     .timeout = 120)
{
	expect_stream_error(STUB_CUT, "stream_cut");
	expect_stream_error(STUB_CUT_OK, "stream_cut");
	expect_stream_error(STUB_DIES, "stream_cut");
	expect_stream_error(STUB_FLIPPED, "stream_tampered");
}

Test(client, an_answer_whose_sealed_end_is_missing_is_an_error, .timeout = 60)
{
	struct world world = begin(STUB_UNSEALED_END);
	struct peer_answer answer;

	begin_serving(&world);
	answer = ask(&world, "", BYTES_LITERAL(CHAT));
	/* All events came, the last too; but the node did not seal an end. */
	cr_assert_eq(answer.ending, PEER_CUT);
	cr_assert_not_null(strstr((char *)answer.body, "stream_cut"));
	end(&world);
}

Test(client, trouble_before_an_answer_is_typed_for_openai_clients,
     .timeout = 60)
{
	struct world world = begin(STUB_BUSY);
	struct peer_answer answer;

	begin_serving(&world);
	answer = ask(&world, "", BYTES_LITERAL(CHAT));
	cr_assert_eq(answer.status, 429);
	cr_assert_str_eq(peer_field(answer.head, "Retry-After"), "1");
	cr_assert_not_null(strstr((char *)answer.body, "\"node_busy\""));
	end(&world);
}

Test(client, a_key_that_was_rotated_away_is_renewed_once, .timeout = 60)
{
	struct world world = begin(STUB_FORGETFUL);
	struct peer_answer answer;

	begin_serving(&world);
	answer = ask(&world, "", BYTES_LITERAL(CHAT));
	cr_assert_eq(answer.status, 200);
	end(&world);
}

Test(client, a_node_that_knows_no_key_is_an_error_and_no_loop, .timeout = 60)
{
	struct world world = begin(STUB_KEYLESS);
	struct peer_answer answer;

	begin_serving(&world);
	answer = ask(&world, "", BYTES_LITERAL(CHAT));
	cr_assert_eq(answer.status, 503);
	cr_assert_not_null(strstr((char *)answer.body, "\"key_unknown\""));
	end(&world);
}

Test(client, leaving_reaches_the_node_while_nothing_has_come, .timeout = 60)
{
	struct world world = begin(STUB_SILENT);
	int peer;

	begin_serving(&world);
	peer = peer_connect(world.port);
	peer_post(peer, "/v1/chat/completions", "", BYTES_LITERAL(CHAT));
	cr_assert_eq(stub_news(&world.stub, 5000), 'q');
	close(peer);
	cr_assert_eq(stub_news(&world.stub, 500), 'c');
	end(&world);
}

Test(client, leaving_reaches_the_node_in_mid_stream, .timeout = 60)
{
	struct world world = begin(STUB_SLOW);
	int peer;

	begin_serving(&world);
	peer = peer_connect(world.port);
	peer_post(peer, "/v1/chat/completions", "", BYTES_LITERAL(CHAT));
	cr_assert_eq(stub_news(&world.stub, 5000), 'q');
	stub_rest(200);
	close(peer);
	cr_assert_eq(stub_news(&world.stub, 500), 'c');
	end(&world);
}

Test(client, sigterm_leaves_what_is_under_way, .timeout = 60)
{
	struct world world = begin(STUB_SLOW);
	uint64_t began;
	int peer;

	begin_serving(&world);
	peer = peer_connect(world.port);
	peer_post(peer, "/v1/chat/completions", "", BYTES_LITERAL(CHAT));
	cr_assert_eq(stub_news(&world.stub, 5000), 'q');
	began = program_now_ms();
	program_stop(&world.client);
	cr_assert_lt(program_now_ms() - began, 2000);
	cr_assert_eq(stub_news(&world.stub, 500), 'c');
	world.port = 0;
	end(&world);
}

static size_t size_at_node(const struct world *world, size_t prompt)
{
	static char body[1 << 20];
	struct peer_answer answer;
	const char *size;

	memset(body, 'a', prompt);
	answer = ask(world, "", (struct bytes){ (uint8_t *)body, prompt });
	size = strstr((char *)answer.body, "\"size\":");
	cr_assert_not_null(size);
	return strtoul(size + strlen("\"size\":"), NULL, 10);
}

Test(client, requests_are_padded_to_classes_of_size, .timeout = 60)
{
	struct world world = begin(STUB_ECHO_SIZE);

	begin_serving(&world);
	cr_assert_eq(size_at_node(&world, 1), 1024);
	cr_assert_eq(size_at_node(&world, 900), 1024);
	cr_assert_eq(size_at_node(&world, 3000), size_at_node(&world, 2970));
	cr_assert_neq(size_at_node(&world, 3000), 3000);
	cr_assert_eq(size_at_node(&world, 100000) % 2048, 0);
	end(&world);
}

Test(client, serve_is_for_this_machine_alone, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	char text[PROGRAM_TEXT_MAX];
	int peer;

	cr_assert_eq(run((const char *const[]){ "serve", "--gateway", world.url,
						"--address", "0.0.0.0", NULL },
			 text),
		     1);
	begin_serving(&world);
	peer = peer_connect(world.port);
	peer_say(peer, "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n");
	cr_assert_eq(peer_receive(peer).status, 403);
	peer = peer_connect(world.port);
	peer_say(peer, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
		       "Origin: https://evil.example\r\n\r\n");
	cr_assert_eq(peer_receive(peer).status, 403);
	cr_assert_eq(stub_news(&world.stub, 300), 0);
	end(&world);
}

Test(client, paths_that_are_not_of_the_api_go_nowhere, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);

	begin_serving(&world);
	cr_assert_eq(peer_get(world.port, "/v1/files").status, 404);
	cr_assert_eq(peer_get(world.port, "/v1/completions").status, 405);
	cr_assert_eq(peer_get(world.port, "/v1/models/a%0ab").status, 404, "%s",
		     peer_get(world.port, "/v1/models/a%0ab").head);
	cr_assert_eq(stub_news(&world.stub, 300), 0);
	end(&world);
}

Test(client, a_gateway_that_is_not_there_is_told_as_that, .timeout = 60)
{
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(run((const char *const[]){ "verify", "--gateway",
						"http://127.0.0.1:1", NULL },
			 text),
		     2);
	cr_assert_eq(run((const char *const[]){ "verify", NULL }, text), 1);
}
