/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/swtpm.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/swtpm"
#define SETUP "/usr/bin/swtpm_setup"
#define LOOKS 500
#define LOOK_MS 10

const char *swtpm_obstacle(void)
{
	if (access(PROGRAM, X_OK) != 0)
		return "swtpm is not installed";
	if (access(SETUP, X_OK) != 0)
		return "swtpm-tools is not installed";
	return NULL;
}

static void wait_a_little(void)
{
	struct timespec time = { 0, LOOK_MS * 1000000l };

	nanosleep(&time, NULL);
}

/* argv has no const; what is behind these is never written. */
static char *word(const char *text)
{
	return (char *)(uintptr_t)text;
}

static pid_t run(const struct swtpm *tpm, char *const *arguments)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	char log[SWTPM_PATH_MAX + 8];

	cr_assert_geq(pid, 0);
	if (pid > 0)
		return pid;
	snprintf(log, sizeof(log), "%s/log", tpm->folder);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
	    dup2(open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), 1) != 1 ||
	    dup2(1, 2) != 2)
		_exit(126);
	execv(arguments[0], arguments);
	_exit(127);
}

static void write_text(const struct swtpm *tpm, const char *name,
		       const char *text)
{
	char path[SWTPM_PATH_MAX + 32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", tpm->folder, name);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

/* A maker of TPMs whose CA lives in the folder, too. */
static void make_certificates(struct swtpm *tpm)
{
	char setup[SWTPM_PATH_MAX + 16], text[1024];
	char *arguments[] = {
		word(SETUP),
		word("--tpm2"),
		word("--tpmstate"),
		tpm->folder,
		word("--create-ek-cert"),
		word("--lock-nvram"),
		word("--overwrite"),
		word("--config"),
		setup,
		NULL,
	};
	int status;

	snprintf(text, sizeof(text),
		 "statedir = %s/ca\nsigningkey = %s/ca/signkey.pem\n"
		 "issuercert = %s/ca/issuercert.pem\n"
		 "certserial = %s/ca/certserial\n",
		 tpm->folder, tpm->folder, tpm->folder, tpm->folder);
	write_text(tpm, "localca.conf", text);
	write_text(tpm, "localca.options",
		   "--platform-manufacturer Test\n--platform-version 1\n"
		   "--platform-model Test\n");
	snprintf(text, sizeof(text),
		 "create_certs_tool = /usr/bin/swtpm_localca\n"
		 "create_certs_tool_config = %s/localca.conf\n"
		 "create_certs_tool_options = %s/localca.options\n"
		 "active_pcr_banks = sha256\n",
		 tpm->folder, tpm->folder);
	write_text(tpm, "setup.conf", text);
	snprintf(setup, sizeof(setup), "%s/setup.conf", tpm->folder);
	snprintf(tpm->root, sizeof(tpm->root),
		 "%s/ca/swtpm-localca-rootca-cert.pem", tpm->folder);
	cr_assert_eq(waitpid(run(tpm, arguments), &status, 0) > 0, 1);
	cr_assert_eq(status, 0, "swtpm_setup: see %s/log", tpm->folder);
}

static int try_connect(const struct swtpm *tpm)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	memcpy(address.sun_path, tpm->socket, strlen(tpm->socket) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

int swtpm_connect(const struct swtpm *tpm)
{
	for (int i = 0; i < LOOKS; i++) {
		int fd = try_connect(tpm);

		if (fd >= 0)
			return fd;
		wait_a_little();
	}
	cr_assert_fail("swtpm does not listen");
	return -1;
}

static void switch_on(struct swtpm *tpm)
{
	char state[SWTPM_PATH_MAX + 8], server[SWTPM_PATH_MAX + 32];
	char *arguments[] = {
		word(PROGRAM),
		word("socket"),
		word("--tpm2"),
		word("--tpmstate"),
		state,
		word("--server"),
		server,
		word("--flags"),
		word("not-need-init,startup-clear"),
		NULL,
	};

	snprintf(state, sizeof(state), "dir=%s", tpm->folder);
	snprintf(server, sizeof(server), "type=unixio,path=%s", tpm->socket);
	tpm->pid = run(tpm, arguments);
	close(swtpm_connect(tpm));
}

static void switch_off(struct swtpm *tpm)
{
	int status;

	kill(tpm->pid, SIGTERM);
	waitpid(tpm->pid, &status, 0);
	tpm->pid = 0;
	unlink(tpm->socket);
}

void swtpm_start(enum swtpm_make make, struct swtpm *out)
{
	if (swtpm_obstacle() != NULL)
		cr_skip_test("%s", swtpm_obstacle());
	*out = (struct swtpm){ .folder = "/tmp/pcc-swtpm.XXXXXX" };
	cr_assert_not_null(mkdtemp(out->folder));
	snprintf(out->socket, sizeof(out->socket), "%s/tpm.sock", out->folder);
	if (make == SWTPM_WITH_EK)
		make_certificates(out);
	switch_on(out);
}

void swtpm_restart(struct swtpm *tpm)
{
	switch_off(tpm);
	switch_on(tpm);
}

static int remove_one(const char *path, const struct stat *status, int type,
		      struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

void swtpm_stop(struct swtpm *tpm)
{
	if (tpm->pid > 0)
		switch_off(tpm);
	if (tpm->folder[0] != '\0')
		nftw(tpm->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	*tpm = (struct swtpm){ 0 };
}
