/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads: what every thread of a program begins with, a library's too.
 */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

/*
 * Give all threads made from now on a stack of one MiB, whatever limit the
 * shell had that started the program: 8 MiB a thread would be too much for a
 * thousand, and verifying a bundle needs more than a small limit leaves.  To be
 * called first in main().
 */
void threads_set_stack(void);

#endif
