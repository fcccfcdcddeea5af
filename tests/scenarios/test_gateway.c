/* SPDX-License-Identifier: Apache-2.0 */
/* pcc-gateway before nodes that behave, and before nodes that do not. */
#include <criterion/criterion.h>

#include "tests/scenarios/peer.h"
#include "tests/scenarios/program.h"
#include "tests/scenarios/stub_node.h"
#include "wire/base64.h"

#define TYPE_CHUNKED "Content-Type: message/ohttp-chunked-req\r\n"

struct world {
	char address[128];
	struct stub stub;
	struct program gateway;
	uint16_t port;
	struct ohttp_key_config key;
};

static void wait_until_healthy(uint16_t port)
{
	for (int i = 0; i < 100; i++) {
		struct peer_answer answer = peer_get(port, "/healthz");

		if (answer.status == 200)
			return;
		stub_rest(50);
	}
	cr_assert_fail("no node became ready");
}

static void fetch_key(struct world *world)
{
	struct peer_answer keys =
		peer_get(world->port, "/.well-known/ohttp-gateway");
	size_t count;

	cr_assert_eq(keys.status, 200);
	cr_assert_eq(ohttp_keys_parse((struct bytes){ keys.body, keys.len },
				      &world->key, 1, &count),
		     ERR_OK);
}

static struct world begin(enum stub_manner manner)
{
	struct world world;
	struct stub_plan plan = { .manner = manner, .expires_in = 3600 };

	snprintf(world.address, sizeof(world.address),
		 "unix:/tmp/pcc-stub-%d.sock", (int)getpid());
	plan.address = world.address;
	world.stub = stub_start(&plan);
	world.gateway = program_start(
		"pcc-gateway",
		(const char *const[]){ "--port", "0", "--node", world.address,
				       "--drain", "1", NULL });
	world.port = program_port(&world.gateway);
	wait_until_healthy(world.port);
	fetch_key(&world);
	return world;
}

static void end(struct world *world)
{
	program_stop(&world->gateway);
	kill(world->stub.pid, SIGKILL);
	waitpid(world->stub.pid, NULL, 0);
	unlink(world->address + strlen("unix:"));
}

/* An encapsulated request with this much content; good until the next. */
static struct writer seal(const struct world *world, size_t content_len,
			  struct ohttp_exchange *exchange)
{
	static uint8_t content[5u << 20]; /* zeros */
	static uint8_t plain_memory[5u << 20], memory[5u << 20];
	struct writer plain = WRITER_OVER(plain_memory);
	struct writer out = WRITER_OVER(memory);
	struct bhttp_control control = { BYTES_LITERAL("POST"),
					 BYTES_LITERAL("https"),
					 { NULL, 0 },
					 BYTES_LITERAL("/v1/completions") };
	struct ohttp_sealer sealer;
	struct bytes piece, rest;

	cr_assert_eq(
		bhttp_write_request(&plain, &control,
				    (struct bhttp_write_fields){ NULL, 0 },
				    (struct bytes){ content, content_len }),
		ERR_OK);
	cr_assert_eq(ohttp_send(&world->key, world->key.symmetric[0],
				OHTTP_CHUNKED, exchange),
		     ERR_OK);
	ohttp_sealer_init_request(&sealer, exchange);
	cr_assert_eq(ohttp_sealer_begin(&sealer, &out), ERR_OK);
	rest = bytes_written(&plain);
	while (rest.len > 16384) {
		cr_assert_eq(bytes_take(&rest, 16384, &piece), ERR_OK);
		cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, piece,
					      &out),
			     ERR_OK);
	}
	cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL, rest, &out),
		     ERR_OK);
	return out;
}

static struct peer_answer exchange(const struct world *world,
				   size_t content_len,
				   struct ohttp_exchange *keys)
{
	struct writer sealed = seal(world, content_len, keys);
	int peer = peer_connect(world->port);
	struct peer_answer answer;

	peer_post(peer, "/", TYPE_CHUNKED, bytes_written(&sealed));
	answer = peer_receive(peer);
	close(peer);
	return answer;
}

/* Open an answer; what it says, or the error of opening. */
static enum err open_answer(const struct peer_answer *answer,
			    const struct ohttp_exchange *keys, char *text,
			    size_t max)
{
	uint8_t chunk[65536 + 16];
	struct writer out = { (uint8_t *)text, 0, max - 1 };
	struct ohttp_opener opener;
	enum err err;

	ohttp_opener_init(&opener, OHTTP_RESPONSE, keys,
			  (struct writer)WRITER_OVER(chunk));
	err = ohttp_opener_push(
		&opener, (struct bytes){ answer->body, answer->len }, &out);
	if (err == ERR_OK)
		err = ohttp_opener_finish(&opener, &out);
	text[out.len] = '\0';
	for (size_t i = 0; i < out.len; i++)
		if (text[i] == '\0')
			text[i] = '?';
	return err;
}

Test(gateway, a_sealed_request_and_its_answer_pass_through, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	struct ohttp_exchange keys;
	struct peer_answer answer = exchange(&world, 100, &keys);
	char text[8192];

	cr_assert_eq(answer.status, 200);
	cr_assert_str_eq(peer_field(answer.head, "Content-Type"),
			 "message/ohttp-chunked-res");
	cr_assert_str_eq(peer_field(answer.head, "Incremental"), "?1");
	cr_assert_eq(answer.ending, PEER_WHOLE);
	cr_assert_eq(open_answer(&answer, &keys, text, sizeof(text)), ERR_OK);
	cr_assert_not_null(strstr(text, STUB_TEXT));
	cr_assert_eq(stub_news(&world.stub, 1000), 'q');
	end(&world);
}

Test(gateway, four_mebibytes_pass_and_more_do_not, .timeout = 60)
{
	struct world world = begin(STUB_ECHO_SIZE);
	struct ohttp_exchange keys;
	struct peer_answer most = exchange(&world, (4u << 20) - 8192, &keys);
	char text[8192];

	cr_assert_eq(most.status, 200);
	cr_assert_eq(open_answer(&most, &keys, text, sizeof(text)), ERR_OK);
	cr_assert_not_null(strstr(text, "\"size\":41861"), "%s", text);
	cr_assert_eq(exchange(&world, 4u << 20, &keys).status, 413);
	end(&world);
}

Test(gateway, a_body_that_grows_beyond_its_limit_is_refused, .timeout = 60)
{
	struct world world = begin(STUB_SILENT);
	int peer = peer_connect(world.port);
	static const uint8_t piece[65536];
	struct peer_answer answer;

	peer_say(peer, "POST / HTTP/1.1\r\nHost: x\r\n" TYPE_CHUNKED
		       "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 66; i++) {
		peer_say(peer, "10000\r\n");
		peer_send(peer, (struct bytes){ piece, 65536 });
		peer_say(peer, "\r\n");
	}
	peer_say(peer, "0\r\n\r\n");
	answer = peer_receive(peer);
	cr_assert_eq(answer.status, 413);
	end(&world);
}

Test(gateway, it_publishes_the_bundle_of_its_node, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	struct peer_answer nodes = peer_get(world.port, "/v1/nodes");
	uint8_t memory[8192];
	struct writer out = WRITER_OVER(memory);
	const char *letters = strstr((char *)nodes.body, "\"bundle\":\"");
	struct bundle bundle;

	cr_assert_eq(nodes.status, 200);
	cr_assert_str_eq(peer_field(nodes.head, "Content-Type"),
			 "application/json");
	cr_assert_not_null(letters);
	letters += strlen("\"bundle\":\"");
	cr_assert_eq(base64_decode((struct bytes){ (const uint8_t *)letters,
						   strcspn(letters, "\"") },
				   &out),
		     ERR_OK);
	cr_assert_eq(bundle_parse(bytes_written(&out), &bundle), ERR_OK);
	end(&world);
}

static int post_status(const struct world *world, const char *path,
		       const char *lines)
{
	int peer = peer_connect(world->port);
	struct peer_answer answer;

	peer_post(peer, path, lines, BYTES_LITERAL("x"));
	answer = peer_receive(peer);
	close(peer);
	cr_assert_str_eq(peer_field(answer.head, "Content-Type"),
			 "application/problem+json");
	return answer.status;
}

Test(gateway, what_is_no_request_is_refused_by_its_kind, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);

	cr_assert_eq(post_status(&world, "/", "Content-Type: text/plain\r\n"),
		     415);
	cr_assert_eq(post_status(&world, "/", ""), 415);
	cr_assert_eq(post_status(&world, "/", TYPE_CHUNKED "PCC-Node: no\r\n"),
		     400);
	cr_assert_eq(post_status(&world, "/",
				 TYPE_CHUNKED "PCC-Node: AAAAAAAAAAAAAAAAAAAAAA"
					      "AAAAAAAAAAAAAAAAAAAAA\r\n"),
		     404);
	cr_assert_eq(post_status(&world, "/nowhere", TYPE_CHUNKED), 404);
	cr_assert_eq(post_status(&world, "/healthz", TYPE_CHUNKED), 405);
	cr_assert_eq(post_status(&world, "/", TYPE_CHUNKED), 400);
	cr_assert_eq(peer_get(world.port, "/").status, 405);
	end(&world);
}

/* What a server before it may have read otherwise is not read at all. */
Test(gateway, a_body_with_two_ends_is_refused_and_nothing_behind_it_is_heard,
     .timeout = 60)
{
	static const char *const ends[] = {
		"Content-Length: 3\r\nContent-Length: 3\r\n",
		"Content-Length: 3\r\nContent-Length: 60\r\n",
		"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
	};
	struct world world = begin(STUB_STREAM);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		int peer = peer_connect(world.port);
		char text[512];

		snprintf(text, sizeof(text),
			 "POST / HTTP/1.1\r\nHost: x\r\n" TYPE_CHUNKED
			 "%s\r\n0\r\n\r\n"
			 "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
			 ends[i]);
		peer_say(peer, text);
		cr_assert_eq(peer_receive(peer).status, 400, "%s", ends[i]);
		cr_assert_eq(peer_receive(peer).status, 0, "%s", ends[i]);
		close(peer);
	}
	end(&world);
}

Test(gateway, a_busy_node_is_told_apart_with_advice, .timeout = 60)
{
	struct world world = begin(STUB_BUSY);
	struct ohttp_exchange keys;
	struct peer_answer answer = exchange(&world, 100, &keys);

	cr_assert_eq(answer.status, 429);
	cr_assert_str_eq(peer_field(answer.head, "Retry-After"), "1");
	end(&world);
}

Test(gateway, an_unknown_key_is_told_by_its_registered_type, .timeout = 60)
{
	struct world world = begin(STUB_KEYLESS);
	struct ohttp_exchange keys;
	struct peer_answer answer = exchange(&world, 100, &keys);

	cr_assert_eq(answer.status, 401);
	cr_assert_not_null(
		strstr((char *)answer.body,
		       "\"https://iana.org/assignments/http-problem-types"
		       "#ohttp-key\""));
	end(&world);
}

Test(gateway, a_new_key_is_published_once_the_old_one_was_refused,
     .timeout = 60)
{
	struct world world = begin(STUB_FORGETFUL);
	struct ohttp_exchange keys;
	uint8_t old = world.key.key_id;

	cr_assert_eq(exchange(&world, 100, &keys).status, 401);
	for (int i = 0; i < 40 && world.key.key_id == old; i++) {
		stub_rest(100);
		fetch_key(&world);
	}
	cr_assert_neq(world.key.key_id, old);
	cr_assert_eq(exchange(&world, 100, &keys).status, 200);
	end(&world);
}

Test(gateway, a_node_that_answers_as_another_is_not_believed, .timeout = 60)
{
	struct world world = begin(STUB_WRONG_NODE);
	struct ohttp_exchange keys;

	cr_assert_eq(exchange(&world, 100, &keys).status, 502);
	end(&world);
}

static void expect_cut(enum stub_manner manner)
{
	struct world world = begin(manner);
	struct ohttp_exchange keys;
	uint64_t began = program_now_ms();
	struct peer_answer answer = exchange(&world, 100, &keys);
	char text[8192];

	cr_assert_eq(answer.status, 200);
	cr_assert_eq(answer.ending, PEER_CUT);
	cr_assert_neq(open_answer(&answer, &keys, text, sizeof(text)), ERR_OK);
	cr_assert_lt(program_now_ms() - began, 1500);
	end(&world);
}

Test(gateway, an_answer_that_the_node_breaks_off_arrives_as_cut, .timeout = 60)
{
	expect_cut(STUB_CUT);
}

Test(gateway, an_answer_without_a_last_chunk_arrives_as_cut, .timeout = 60)
{
	expect_cut(STUB_CUT_OK);
}

Test(gateway, a_client_learns_within_a_second_that_its_node_died, .timeout = 60)
{
	expect_cut(STUB_DIES);
}

Test(gateway, a_client_that_leaves_while_it_waits_is_cancelled_in_250_ms,
     .timeout = 60)
{
	struct world world = begin(STUB_SILENT);
	struct ohttp_exchange keys;
	struct writer sealed = seal(&world, 100, &keys);
	int peer = peer_connect(world.port);

	peer_post(peer, "/", TYPE_CHUNKED, bytes_written(&sealed));
	cr_assert_eq(stub_news(&world.stub, 5000), 'q');
	close(peer);
	cr_assert_eq(stub_news(&world.stub, 250), 'c');
	end(&world);
}

Test(gateway, a_client_that_leaves_in_mid_answer_is_cancelled_in_250_ms,
     .timeout = 60)
{
	struct world world = begin(STUB_SLOW);
	struct ohttp_exchange keys;
	struct writer sealed = seal(&world, 100, &keys);
	int peer = peer_connect(world.port);
	uint8_t some[256];

	peer_post(peer, "/", TYPE_CHUNKED, bytes_written(&sealed));
	cr_assert_gt(recv(peer, some, sizeof(some), 0), 0);
	cr_assert_eq(stub_news(&world.stub, 5000), 'q');
	close(peer);
	cr_assert_eq(stub_news(&world.stub, 250), 'c');
	end(&world);
}

Test(gateway, a_client_that_leaves_in_mid_upload_is_cancelled_in_250_ms,
     .timeout = 60)
{
	struct world world = begin(STUB_SILENT);
	static const uint8_t much[100000]; /* a node hears of it then */
	int peer = peer_connect(world.port);

	peer_say(peer, "POST / HTTP/1.1\r\nHost: x\r\n" TYPE_CHUNKED
		       "Content-Length: 1000000\r\n\r\n");
	peer_send(peer, (struct bytes){ much, sizeof(much) });
	stub_rest(200);
	close(peer);
	/* The stub reads a request that ends before its last chunk. */
	cr_assert_eq(stub_news(&world.stub, 250), 'x');
	end(&world);
}

Test(gateway, a_node_that_comes_back_is_used_again, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	struct stub_plan plan = { .manner = STUB_STREAM,
				  .expires_in = 3600,
				  .address = world.address };
	struct ohttp_exchange keys;

	kill(world.stub.pid, SIGKILL);
	waitpid(world.stub.pid, NULL, 0);
	stub_rest(500);
	cr_assert_eq(peer_get(world.port, "/healthz").status, 503);
	cr_assert_eq(exchange(&world, 100, &keys).status, 503);
	world.stub = stub_start(&plan);
	wait_until_healthy(world.port);
	fetch_key(&world);
	cr_assert_eq(exchange(&world, 100, &keys).status, 200);
	end(&world);
}

Test(gateway, sigterm_cuts_what_does_not_end_in_its_time, .timeout = 60)
{
	struct world world = begin(STUB_SLOW);
	struct ohttp_exchange keys;
	struct writer sealed = seal(&world, 100, &keys);
	int peer = peer_connect(world.port);

	peer_post(peer, "/", TYPE_CHUNKED, bytes_written(&sealed));
	cr_assert_eq(stub_news(&world.stub, 5000), 'q');
	program_stop(&world.gateway);
	cr_assert(peer_is_closed_within(peer, 100));
	cr_assert_eq(stub_news(&world.stub, 250), 'c');
}

/* Ten seconds for the headers, however many bytes of them come. */
Test(gateway, a_client_that_never_ends_its_headers_is_closed, .timeout = 60)
{
	struct world world = begin(STUB_STREAM);
	int silent = peer_connect(world.port);
	int slow = peer_connect(world.port);
	uint64_t began = program_now_ms();

	peer_say(slow, "GET / HTTP/1.1\r\nX: ");
	while (!peer_is_closed_within(slow, 500)) {
		cr_assert_lt(program_now_ms() - began, 13000);
		(void)send(slow, "a", 1, MSG_NOSIGNAL);
	}
	cr_assert_gt(program_now_ms() - began, 8000);
	cr_assert(peer_is_closed_within(silent, 2000));
	end(&world);
}

Test(gateway, a_network_node_without_tls_is_refused, .timeout = 60)
{
	struct program gateway =
		program_start("pcc-gateway",
			      (const char *const[]){ "--port", "0", "--node",
						     "dns:localhost:1", NULL });

	cr_assert_eq(program_end(&gateway), 1);
}

/* Whether a gateway that trusts only this lists the stub, with its evidence. */
static bool lists_node_under(const struct world *world, const char *trust)
{
	char path[64];
	FILE *file;
	struct program gateway;
	bool listed = false;

	snprintf(path, sizeof(path), "/tmp/pcc-stub-%d.trust", (int)getpid());
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(trust, file);
	fclose(file);
	gateway = program_start("pcc-gateway",
				(const char *const[]){ "--port", "0", "--node",
						       world->address,
						       "--trust", path, NULL });

	uint16_t port = program_port(&gateway);

	for (int i = 0; i < 20 && !listed; i++) {
		struct peer_answer answer = peer_get(port, "/v1/nodes");

		listed = memmem(answer.body, answer.len, "bundle", 6) != NULL;
		stub_rest(50);
	}
	program_stop(&gateway);
	unlink(path);
	return listed;
}

Test(gateway, one_that_was_told_whom_to_trust_lists_no_other_node,
     .timeout = 60)
{
	struct world world = begin(STUB_WHOLE);

	cr_assert(lists_node_under(&world, "evidence software\n"));
	cr_assert_not(lists_node_under(&world, "evidence tpm2\n"));
	end(&world);
}

Test(gateway, many_requests_at_once_are_all_answered, .timeout = 120)
{
	struct world world = begin(STUB_STREAM);
	struct ohttp_exchange keys[32];
	int peers[32];
	char text[8192];

	for (size_t i = 0; i < 32; i++) {
		struct writer sealed = seal(&world, 20000 * i, &keys[i]);

		peers[i] = peer_connect(world.port);
		peer_post(peers[i], "/", TYPE_CHUNKED, bytes_written(&sealed));
	}
	for (size_t i = 0; i < 32; i++) {
		struct peer_answer answer = peer_receive(peers[i]);

		cr_assert_eq(answer.status, 200);
		cr_assert_eq(open_answer(&answer, &keys[i], text, sizeof(text)),
			     ERR_OK);
	}
	end(&world);
}
