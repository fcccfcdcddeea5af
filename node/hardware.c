/* SPDX-License-Identifier: Apache-2.0 */
#include "node/hardware.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/bundle.h"

#define SOCKET_PREFIX "unix:"
#define REPORT_NAME "pcc-node"
#define RTMR_NAME "rtmr3:sha384"
#define UNUSED 0xff /* what firmware leaves after the last event of a CCEL */

static bool wants(const struct options *options, enum bundle_evidence_type kind)
{
	return (options->evidence & 1u << kind) != 0;
}

static bool wants_reports(const struct options *options)
{
	return wants(options, BUNDLE_EVIDENCE_SEV_SNP) ||
	       wants(options, BUNDLE_EVIDENCE_TDX);
}

/* NULL for the name of a device. */
static const char *socket_path(const char *address)
{
	size_t len = sizeof(SOCKET_PREFIX) - 1;

	return strncmp(address, SOCKET_PREFIX, len) == 0 ? address + len : NULL;
}

static enum err connect_socket(const char *path, int *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	SCOPED_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	errno = ENAMETOOLONG;
	if (strlen(path) >= sizeof(address.sun_path))
		return ERR_UNAVAILABLE;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return ERR_UNAVAILABLE;
	*out = fd_release(&fd);
	return ERR_OK;
}

enum err hardware_open_tpm(const char *address, int *out)
{
	const char *path = socket_path(address);
	int fd;

	if (path != NULL)
		return connect_socket(path, out);
	fd = open(address, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return ERR_UNAVAILABLE;
	*out = fd;
	return ERR_OK;
}

/* A file whole; one that is not there is empty where nobody named it. */
static size_t read_file(const char *named, const char *otherwise, uint8_t *out,
			size_t max)
{
	const char *path = named != NULL ? named : otherwise;
	struct writer text = { out, 0, max };
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && named == NULL && errno == ENOENT)
		return 0;
	if (fd < 0)
		die(path);
	errno = EFBIG;
	if (fd_read_all(fd, &text) != ERR_OK)
		die(path);
	return text.len;
}

static void read_log(const char *named, const char *otherwise,
		     struct setup_event_log *out)
{
	out->len = read_file(named, otherwise, out->bytes, sizeof(out->bytes));
}

static void open_tpm(const struct options *options, struct hardware *out)
{
	const char *address = options->tpm != NULL ? options->tpm : OPTIONS_TPM;

	if (hardware_open_tpm(address, &out->tpm) != ERR_OK)
		die(address);
	out->tpm_socket = socket_path(address);
	/* Asked anew for each attester: what one left unread goes with it. */
	if (out->tpm_socket != NULL)
		fd_close(&out->tpm);
	read_log(options->event_log, OPTIONS_EVENT_LOG,
		 &out->event_logs[SETUP_LOG_TPM]);
	if (options->ak_certificate != NULL)
		(void)read_file(options->ak_certificate, "",
				(uint8_t *)out->ak_certificate,
				sizeof(out->ak_certificate) - 1);
}

/*
 * Root alone may make a report, and its attester, which is another user then,
 * has to write what is to be signed.  One that is there already is of a node
 * that was killed; should it be at work, each notices the other by the
 * report's generation.
 */
static void open_reports(const struct options *options, struct hardware *out)
{
	const char *all =
		options->reports != NULL ? options->reports : OPTIONS_REPORTS;
	uid_t attester = JAIL_ID_BASE + JAIL_ATTESTER;
	SCOPED_FD directory = -1;

	if ((size_t)snprintf(out->reports, sizeof(out->reports), "%s/%s", all,
			     REPORT_NAME) >= sizeof(out->reports))
		die("--tsm is too long");
	if (mkdir(out->reports, 0755) != 0 && errno != EEXIST)
		die(out->reports);
	directory = open(out->reports, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		die(out->reports);
	if (geteuid() == 0 &&
	    fchownat(directory, "inblob", attester, attester, 0) != 0)
		die("a report has no inblob: is it configfs-tsm?");
}

/* Kernels before 6.16 have no such file, and then nothing is measured there. */
static void open_rtmr(const struct options *options, struct hardware *out)
{
	const char *named = options->measurements;
	char path[SETUP_REPORTS_MAX];

	snprintf(path, sizeof(path), "%s/" RTMR_NAME,
		 named != NULL ? named : OPTIONS_MEASUREMENTS);
	out->rtmr = open(path, O_RDWR | O_CLOEXEC);
	if (out->rtmr < 0 && (named != NULL || errno != ENOENT))
		die(path);
}

static void open_tdx(const struct options *options, struct hardware *out)
{
	struct setup_event_log *ccel = &out->event_logs[SETUP_LOG_CCEL];

	open_rtmr(options, out);
	read_log(options->ccel, OPTIONS_CCEL, ccel);
	while (ccel->len > 0 && ccel->bytes[ccel->len - 1] == UNUSED)
		ccel->len--;
}

void hardware_open(const struct options *options, struct hardware *out)
{
	memset(out, 0, sizeof(*out));
	out->evidence = options->evidence;
	out->tpm = out->rtmr = -1;
	if (wants(options, BUNDLE_EVIDENCE_TPM2))
		open_tpm(options, out);
	if (wants_reports(options))
		open_reports(options, out);
	if (wants(options, BUNDLE_EVIDENCE_TDX))
		open_tdx(options, out);
}

static enum err send_descriptor(int control, enum message_kind kind, int fd)
{
	return channel_send(control, &(struct message){ .kind = kind }, fd);
}

static enum err send_tpm(const struct hardware *hardware, int control)
{
	SCOPED_FD connected = -1;

	if (hardware->tpm_socket == NULL)
		return send_descriptor(control, MESSAGE_TPM, hardware->tpm);
	TRY(connect_socket(hardware->tpm_socket, &connected));
	return send_descriptor(control, MESSAGE_TPM, connected);
}

static enum err send_text(int control, enum message_kind kind, const char *text)
{
	struct message message = { .kind = kind,
				   .body = bytes_of_string(text) };

	if (message.body.len == 0)
		return ERR_OK;
	return channel_send(control, &message, -1);
}

static enum err send_log(const struct hardware *hardware, int control,
			 enum setup_log which)
{
	const struct setup_event_log *log = &hardware->event_logs[which];
	struct message message = { .kind = MESSAGE_EVENT_LOG,
				   .number = { which },
				   .body = { log->bytes, log->len } };

	return log->len == 0 ? ERR_OK : channel_send(control, &message, -1);
}

enum err hardware_send(const struct hardware *hardware, int control)
{
	if ((hardware->evidence & 1u << BUNDLE_EVIDENCE_TPM2) != 0)
		TRY(send_tpm(hardware, control));
	if (hardware->rtmr >= 0)
		TRY(send_descriptor(control, MESSAGE_RTMR, hardware->rtmr));
	for (int i = 0; i < SETUP_LOGS; i++)
		TRY(send_log(hardware, control, (enum setup_log)i));
	TRY(send_text(control, MESSAGE_REPORTS, hardware->reports));
	return send_text(control, MESSAGE_AK_CERTIFICATE,
			 hardware->ak_certificate);
}

void hardware_close(const struct hardware *hardware)
{
	if (hardware->reports[0] != '\0')
		(void)rmdir(hardware->reports);
}
