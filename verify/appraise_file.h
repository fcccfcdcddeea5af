/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appraise_file: `pcc-verify appraise`, one piece of evidence by itself, such
 * as another machine's report: what it proves, and what it is.
 */
#ifndef VERIFY_APPRAISE_FILE_H
#define VERIFY_APPRAISE_FILE_H

int appraise_file_run(int argc, char **argv);

#endif
