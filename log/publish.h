/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish: `pcc-log publish`, what a node is given so that it can show which
 * release it is: entry and proof as one file (wire/release.h).
 */
#ifndef LOG_PUBLISH_H
#define LOG_PUBLISH_H

int publish_run(int argc, char **argv);

#endif
