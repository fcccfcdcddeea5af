/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/registers.h"

#include <stdio.h>

#include "attest/appraisal.h"

int registers_run(int argc, char **argv)
{
	char name[APPRAISAL_NAME_MAX];

	(void)argc;
	(void)argv;
	for (int i = 0; i < APPRAISAL_REGISTERS; i++)
		printf("%s\n", appraisal_register_name(
				       (enum appraisal_register)i, name));
	return 0;
}
