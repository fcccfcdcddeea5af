/* SPDX-License-Identifier: Apache-2.0 */
/* serve: `pcc-log serve`, a log's files over HTTP, as any server would. */
#ifndef LOG_SERVE_H
#define LOG_SERVE_H

#include "log/listen.h"
#include "log/source.h"

int serve_run(int argc, char **argv);

/* Answer one request from the files of a folder. */
void serve_answer(const struct source *folder,
		  const struct listen_request *request,
		  struct listen_answer *out);

#endif
