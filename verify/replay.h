/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: `pcc-verify replay FILE --model MODEL`, the same answer once more.
 */
#ifndef VERIFY_REPLAY_H
#define VERIFY_REPLAY_H

/*
 * argv[0] is "replay".  0: the receipt fits and every token is the same; 10: it
 * does not, or one is not; 30: the file is no kept answer; 1: usage.
 */
int replay_run(int argc, char **argv);

#endif
