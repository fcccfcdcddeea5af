/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that nobody here wrote: packages of the npm registry, which
 * tools/deps.sh installs beside the scripts in tests/interop.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system.h"

#define SCRIPT_S 90

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

static void start(void)
{
	struct policy policy = system_policy();

	if (access("tests/interop/node_modules", F_OK) != 0)
		cr_skip_test("the npm packages of tests/interop are not there");
	if (system_model() != NULL && strstr(system_model(), "stories") != NULL)
		cr_skip_test("this model has no chat");
	system_start_or_skip(&policy, &pcc);
}

TestSuite(interop, .init = start, .fini = stop, .timeout = 120);

static void tell(const char *name, const char *before, const char *value,
		 const char *after)
{
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s", before, value, after);
	setenv(name, text, 1);
}

static _Noreturn void become(const char *script)
{
	char socket[SYSTEM_PATH_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(SCRIPT_S);
	system_socket(&pcc, socket);
	tell("PCC_OPENAI_URL", "", pcc.client, "/v1");
	tell("PCC_GATEWAY_URL", "", pcc.gateway, "");
	tell("PCC_NODE_GRPC", "unix:", socket, "");
	tell("PCC_MODEL_NAME", SYSTEM_MODEL_NAME, "", "");
	execlp("node", "node", script, (char *)NULL);
	_exit(127);
}

/* The script says for itself what it proves; it ends with 0 when all of it is.
 */
static void expect_success(const char *script)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		become(script);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %x",
		  script, (unsigned)status);
}

Test(interop, the_openai_package_gets_streamed_and_whole_answers)
{
	expect_success("tests/interop/openai_sdk.mjs");
}

Test(interop, grpc_js_finds_every_method_and_state_of_the_front)
{
	expect_success("tests/interop/grpc_js.mjs");
}

Test(interop, hpke_js_and_bhttp_js_seal_what_the_node_opens)
{
	expect_success("tests/interop/hpke_js.mjs");
}
