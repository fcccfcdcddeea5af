/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/collateral.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/secret.h"

static void close_folder(DIR **folder)
{
	if (*folder != NULL)
		closedir(*folder);
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name);

	return len > strlen(end) && strcmp(name + len - strlen(end), end) == 0;
}

/* Where a file of this name belongs, or NULL. */
static struct bytes *place_of(struct collateral *collateral, const char *name)
{
	if (strcmp(name, "tdx-tcb-info.json") == 0)
		return &collateral->tcb_info;
	if (strcmp(name, "tdx-qe-identity.json") == 0)
		return &collateral->qe_identity;
	if (strcmp(name, "tdx-signing-chain.pem") == 0)
		return &collateral->signing_chain;
	if (ends_in(name, ".crl.der") &&
	    collateral->crl_count < COLLATERAL_FILES_MAX)
		return &collateral->crls[collateral->crl_count++];
	if (ends_in(name, ".cer.der") &&
	    collateral->certificate_count < COLLATERAL_FILES_MAX)
		return &collateral
				->certificates[collateral->certificate_count++];
	return NULL;
}

static enum err read_file(int folder, const char *name, struct bytes *out)
{
	SCOPED_FD fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	uint8_t *memory = malloc(COLLATERAL_BYTES_MAX);
	struct writer text = { memory, 0, COLLATERAL_BYTES_MAX };

	if (fd < 0 || memory == NULL || fd_read_all(fd, &text) != ERR_OK) {
		free(memory);
		return ERR_UNAVAILABLE;
	}
	*out = bytes_written(&text);
	return ERR_OK;
}

enum err collateral_load(const char *program, const char *path,
			 struct collateral *out)
{
	SCOPED_WIPE(close_folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	*out = (struct collateral){ 0 };
	if (folder == NULL) {
		fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno));
		return ERR_UNAVAILABLE;
	}
	while ((entry = readdir(folder)) != NULL) {
		struct bytes *place;

		if (entry->d_name[0] == '.')
			continue;
		place = place_of(out, entry->d_name);
		if (place == NULL) {
			fprintf(stderr,
				"%s: %s: %s: no name of collateral, or one "
				"too many\n",
				program, path, entry->d_name);
			collateral_close(out);
			return ERR_UNSUPPORTED;
		}
		if (read_file(dirfd(folder), entry->d_name, place) != ERR_OK) {
			fprintf(stderr, "%s: %s: %s: cannot be read\n", program,
				path, entry->d_name);
			collateral_close(out);
			return ERR_UNAVAILABLE;
		}
	}
	return ERR_OK;
}

static void give_back(struct bytes *file)
{
	free((void *)(uintptr_t)file->data);
	*file = (struct bytes){ 0 };
}

void collateral_close(struct collateral *collateral)
{
	for (size_t i = 0; i < collateral->crl_count; i++)
		give_back(&collateral->crls[i]);
	for (size_t i = 0; i < collateral->certificate_count; i++)
		give_back(&collateral->certificates[i]);
	give_back(&collateral->tcb_info);
	give_back(&collateral->qe_identity);
	give_back(&collateral->signing_chain);
	collateral->crl_count = 0;
	collateral->certificate_count = 0;
}

void collateral_lend(const struct collateral *collateral,
		     struct appraisal_policy *policy)
{
	policy->crls = collateral->crls;
	policy->crl_count = collateral->crl_count;
	policy->certificates = collateral->certificates;
	policy->certificate_count = collateral->certificate_count;
	policy->tdx_tcb_info = collateral->tcb_info;
	policy->tdx_qe_identity = collateral->qe_identity;
	policy->tdx_signing_chain = collateral->signing_chain;
}
