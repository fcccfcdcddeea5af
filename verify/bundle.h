/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: `pcc-verify bundle`, the checks of a saved bundle or of a gateway's
 * nodes.
 */
#ifndef VERIFY_BUNDLE_H
#define VERIFY_BUNDLE_H

int bundle_run(int argc, char **argv);

#endif
