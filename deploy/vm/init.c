/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: the first process of the measured machine, and with pcc-node the only
 * program in it.
 *
 *   holds   the deployment: this machine's address and its TLS key
 *   sees    numbers that the node logs; no request, no key of the node's
 *   never   listens, reads a request, starts another program, or goes on
 *           where a step failed: the machine then turns itself off
 *
 * All that it does stands in tables of this file and in /node/command, so the
 * image's measurement covers it.  What differs from machine to machine comes on a small disk that
 * is found by its first bytes and is not measured:
 *
 *     slot = length u32, big-endian | bytes | 00 ... up to 64 KiB
 *
 *     0  "pcc-deployment/1" | address, "A.B.C.D/BITS"
 *     1  this machine's certificates, PEM
 *     2  their key, PEM
 *     3  who may call, PEM
 *     4  the certificates of the TPM's key, from enrolment, PEM
 *     5  the release that this machine is, and its proof (wire/release.h)
 *
 * Nothing there decides what a client trusts: it names who carries ciphertext
 * and where to, and shows what an authority that clients know has signed.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPLOYMENT "pcc-deployment/1"
#define SLOT_BYTES (64u << 10)
#define LENGTH_BYTES 4u
#define COMMAND_MAX 4096
#define COMMAND_WORDS 64
#define PCRS 24
#define PATIENCE 100 /* tenths of a second that a device may take to appear */
#define HARDENED (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *type, *place;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", HARDENED },
	{ "sysfs", "/sys", HARDENED },
	{ "devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC },
	{ "securityfs", "/sys/kernel/security", HARDENED },
	{ "tmpfs", "/run", HARDENED },
};

/* The last of them ends all loading of modules. */
static const struct {
	const char *file, *value;
} settings[] = {
	{ "/proc/sys/kernel/core_pattern", "" },
	{ "/proc/sys/kernel/dmesg_restrict", "1" },
	{ "/proc/sys/kernel/kptr_restrict", "2" },
	{ "/proc/sys/kernel/sysrq", "0" },
	{ "/proc/sys/kernel/kexec_load_disabled", "1" },
	{ "/proc/sys/kernel/unprivileged_bpf_disabled", "1" },
	{ "/proc/sys/kernel/yama/ptrace_scope", "3" },
	{ "/proc/sys/kernel/modules_disabled", "1" },
};

/* What the deployment holds, in the order of its slots. */
static const char *const slots[] = {
	NULL, /* the address */
	"/run/certificate.pem",
	"/run/key.pem",
	"/run/roots.pem",
	"/run/ak.pem",
	"/run/release",
};

static _Noreturn void power_off(void)
{
	sync();
	reboot(LINUX_REBOOT_CMD_POWER_OFF);
	_exit(EXIT_FAILURE); /* which makes the kernel panic */
}

static _Noreturn void fail(const char *what)
{
	printf("init: %s: %s\n", what, strerror(errno));
	power_off();
}

/*
 * The kernel's first root can never be left by pivot_root, which a jail has to
 * do: what lies in it is mounted once more on top of it, and this is the root.
 */
static void make_root(void)
{
	if (mount("/", "/run", NULL, MS_BIND, NULL) != 0 ||
	    chdir("/run") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 ||
	    chroot(".") != 0 || chdir("/") != 0)
		fail("root");
}

static void mount_all(void)
{
	for (size_t i = 0; i < COUNT_OF(mounts); i++)
		if (mount("none", mounts[i].place, mounts[i].type,
			  mounts[i].flags, NULL) != 0)
			fail(mounts[i].place);
}

/* The kernel may have had no console to give before /dev was there. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static void apply_settings(void)
{
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		const char *value = settings[i].value;
		/* An empty value is an empty line. */
		size_t len = strlen(value) + 1;
		char line[8];
		int fd = open(settings[i].file, O_WRONLY | O_CLOEXEC);

		snprintf(line, sizeof(line), "%s\n", value);
		if (fd < 0 || write(fd, line, len) != (ssize_t)len)
			fail(settings[i].file);
		close(fd);
	}
}

/* In the order of their names, which begin with numbers. */
static void load_modules(void)
{
	struct dirent **names;
	int count = scandir("/modules", &names, NULL, alphasort);
	char path[300];

	if (count < 0)
		fail("/modules");
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
			fail(path);
		close(fd);
	}
}

static void set_address(int fd, struct ifreq *request, unsigned long which,
			uint32_t address)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(address) };

	memcpy(&request->ifr_addr, &where, sizeof(where));
	if (ioctl(fd, which, request) != 0)
		fail("network address");
}

/* An interface that is up, with this address and so many leading bits. */
static void bring_up(const char *name, uint32_t address, unsigned bits)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	for (int i = 0; i < PATIENCE; i++) {
		if (ioctl(fd, SIOCGIFINDEX, &request) == 0)
			break;
		usleep(100000);
	}
	set_address(fd, &request, SIOCSIFADDR, address);
	set_address(fd, &request, SIOCSIFNETMASK,
		    (uint32_t)(0xffffffffULL << (32 - bits)));
	if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		fail(name);
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		fail(name);
	close(fd);
}

static void bring_up_text(const char *text)
{
	struct in_addr address;
	char host[16];
	unsigned bits;
	int end = 0;

	errno = EINVAL;
	if (sscanf(text, "%15[0-9.]/%2u%n", host, &bits, &end) != 2 ||
	    text[end] != '\0' || bits < 1 || bits > 32 ||
	    inet_pton(AF_INET, host, &address) != 1)
		fail("the deployment's address");
	bring_up("lo", INADDR_LOOPBACK, 8);
	bring_up("eth0", ntohl(address.s_addr), bits);
}

/* The disk that begins as a deployment does, or -1. */
static int find_deployment(void)
{
	DIR *disks = opendir("/sys/class/block");
	struct dirent *entry;
	char path[300];
	char magic[sizeof(DEPLOYMENT) - 1];

	if (disks == NULL)
		return -1;
	while ((entry = readdir(disks)) != NULL) {
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 &&
		    pread(fd, magic, sizeof(magic), LENGTH_BYTES) ==
			    sizeof(magic) &&
		    memcmp(magic, DEPLOYMENT, sizeof(magic)) == 0) {
			closedir(disks);
			return fd;
		}
		if (fd >= 0)
			close(fd);
	}
	closedir(disks);
	return -1;
}

static void write_private(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		fail(path);
	close(fd);
}

/* A slot's bytes, with a zero behind them; how many there are. */
static size_t read_slot(int disk, size_t number, char *out)
{
	uint8_t *at = (uint8_t *)out;
	off_t from = (off_t)number * SLOT_BYTES;
	uint32_t len;

	if (pread(disk, at, LENGTH_BYTES, from) != LENGTH_BYTES)
		fail("the deployment is too short");
	len = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	      (uint32_t)at[2] << 8 | at[3];
	if (len > SLOT_BYTES - LENGTH_BYTES ||
	    pread(disk, out, len, from + LENGTH_BYTES) != (ssize_t)len)
		fail("the deployment has a slot that is none");
	out[len] = '\0';
	return len;
}

static void take_deployment(void)
{
	static char data[SLOT_BYTES];
	int disk = -1;

	for (int i = 0; i < PATIENCE && disk < 0; i++) {
		disk = find_deployment();
		if (disk < 0)
			usleep(100000);
	}
	if (disk < 0)
		fail("no disk holds a deployment");
	for (size_t i = 0; i < COUNT_OF(slots); i++) {
		size_t len = read_slot(disk, i, data);

		if (slots[i] == NULL)
			bring_up_text(data + sizeof(DEPLOYMENT) - 1);
		else
			write_private(slots[i], data, len);
	}
	explicit_bzero(data, sizeof(data));
	close(disk);
}

/* What the TPM holds before the node adds its own: for the machine's log. */
static void print_registers(void)
{
	char path[64];
	char value[80];

	for (int i = 0; i < PCRS; i++) {
		snprintf(path, sizeof(path),
			 "/sys/class/tpm/tpm0/pcr-sha256/%d", i);
		FILE *file = fopen(path, "re");

		if (file == NULL || fgets(value, sizeof(value), file) == NULL)
			fail("no TPM 2.0 with SHA-256");
		printf("init: pcr%d %s", i, value);
		fclose(file);
	}
}

/* The node's own command line, a word a line. */
static void read_command(char **words, size_t most)
{
	static char text[COMMAND_MAX];
	char *rest = text;
	char *line;
	int fd = open("/node/command", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len < 0)
		fail("/node/command");
	close(fd);
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		if (most-- == 1)
			fail("/node/command is too long");
		*words++ = line;
	}
	*words = NULL;
}

/* Whatever happens to it, this machine ends with the node. */
static int run_node(void)
{
	static char *const empty[] = { NULL };
	static char *node[COMMAND_WORDS];
	int status = 0;
	pid_t ended;

	read_command(node, COUNT_OF(node));
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		execve(node[0], node, empty);
		fail(node[0]);
	}
	do {
		ended = waitpid(-1, &status, 0);
	} while (ended >= 0 && ended != pid);
	return status;
}

int main(void)
{
	make_root();
	mount_all();
	open_console();
	load_modules();
	apply_settings();
	if (sethostname("pcc-node", strlen("pcc-node")) != 0)
		fail("host name");
	take_deployment();
	print_registers();
	printf("init: the node ended with status %d\n", run_node());
	power_off();
}
