/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_log_print: an event log for people, a line an event.
 *
 *     12  pcr4  EV_EFI_BOOT_SERVICES_APPLICATION  3f2a...  beside  ...
 *
 * Number, register, type, digest of the best bank; "data" where the digest is
 * the hash of the data, else "beside": such data are said, not proven; and as
 * much of the data as is text.  Logs are foreign bytes: nothing but printable
 * ASCII of them reaches the output.
 */
#ifndef ATTEST_EVENT_LOG_PRINT_H
#define ATTEST_EVENT_LOG_PRINT_H

#include <stdio.h>

#include "attest/event_log.h"

/*
 * Print the log up to its end or to where it stops being one, which is said in
 * a last line and returned.
 */
MUST_CHECK enum err event_log_print(struct bytes log, enum event_log_kind kind,
				    FILE *out);

#endif
