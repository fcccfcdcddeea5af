/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcc-node: one program, one measurement, six kinds of process.
 *
 * A person starts the supervisor.  It executes this same program for each role,
 * under the role's name; the zygote forks the workers.
 */
#include "node/attester.h"
#include "node/doctor.h"
#include "node/enrol.h"
#include "node/front.h"
#include "node/keeper.h"
#include "node/role.h"
#include "node/supervisor.h"
#include "node/zygote.h"

int main(int argc, char **argv)
{
	enum jail_role role = role_named(argc > 0 ? argv[0] : "");
	struct options options;

	if (role == JAIL_FRONT)
		front_run();
	if (role == JAIL_KEEPER)
		keeper_run();
	if (role == JAIL_ZYGOTE)
		zygote_run();
	if (role == JAIL_ATTESTER)
		attester_run();
	options_parse(argc, argv, &options);
	if (options.task == OPTIONS_ENROL_REQUEST ||
	    options.task == OPTIONS_ENROL_FINISH)
		return enrol_run(&options);
	if (options.task == OPTIONS_DOCTOR ||
	    options.task == OPTIONS_DOCTOR_CANARY)
		return doctor_run(&options);
	return supervisor_run(&options);
}
