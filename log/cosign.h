/* SPDX-License-Identifier: Apache-2.0 */
/* cosign: `pcc-log cosign`, a log that asks witnesses for their signatures. */
#ifndef LOG_COSIGN_H
#define LOG_COSIGN_H

int cosign_run(int argc, char **argv);

#endif
