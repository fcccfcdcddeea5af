/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_collateral: what Intel says about platforms, and signs (Intel SGX and TDX
 * Provisioning Certification Service, API version 4: "Get TDX TCB Info", "Get
 * TDX QE Identity").
 *
 *     {"tcbInfo":{...},"signature":"<128 digits>"}
 *     {"enclaveIdentity":{...},"signature":"<128 digits>"}
 *
 * The signature is over the bytes of the first value as they came, so that is
 * how they are found: between this head and this tail, which have one spelling.
 * Only what is signed is read as JSON.  Members that are not named here are not
 * looked at; a member that is doubled, absent or of another kind is refused.
 */
#ifndef ATTEST_TDX_COLLATERAL_H
#define ATTEST_TDX_COLLATERAL_H

#include "attest/appraisal.h"
#include "attest/pck.h"

#define TDX_COLLATERAL_BYTES_MAX (128u << 10)
#define TDX_COLLATERAL_LEVELS_MAX 64
#define TDX_COLLATERAL_MODULES_MAX 16
#define TDX_COLLATERAL_SVNS 16

#define TDX_COLLATERAL_TCB_INFO "tcbInfo"
#define TDX_COLLATERAL_QE_IDENTITY "enclaveIdentity"

/* From when until when it is good; both ends are. */
struct tdx_collateral_period {
	uint64_t issued, next; /* Unix seconds */
};

/* A platform that has at least all of these is in this state. */
struct tdx_collateral_level {
	uint8_t sgx[TDX_COLLATERAL_SVNS];
	uint8_t tdx[TDX_COLLATERAL_SVNS];
	uint16_t pcesvn;
	enum appraisal_tdx_status status;
};

/* The same for something that has a single number. */
struct tdx_collateral_step {
	uint16_t isvsvn;
	enum appraisal_tdx_status status; /* up to date, out of, or revoked */
};

struct tdx_collateral_steps {
	struct tdx_collateral_step list[TDX_COLLATERAL_LEVELS_MAX];
	size_t count;
};

struct tdx_collateral_module {
	uint8_t version; /* NN of the id "TDX_NN"; 0 for the one without */
	uint8_t mrsigner[48];
	uint8_t attributes[8], attributes_mask[8];
	struct tdx_collateral_steps steps; /* none for the one without */
};

struct tdx_collateral_tcb_info {
	struct tdx_collateral_period period;
	uint8_t fmspc[PCK_FMSPC_BYTES];
	uint8_t pceid[PCK_PCEID_BYTES];
	uint32_t evaluation; /* tcbEvaluationDataNumber */
	struct tdx_collateral_module module;
	struct tdx_collateral_module modules[TDX_COLLATERAL_MODULES_MAX];
	size_t module_count;
	struct tdx_collateral_level levels[TDX_COLLATERAL_LEVELS_MAX];
	size_t level_count; /* in Intel's order, the best first */
};

struct tdx_collateral_qe_identity {
	struct tdx_collateral_period period;
	uint32_t evaluation;
	uint8_t miscselect[4], miscselect_mask[4];
	uint8_t attributes[16], attributes_mask[16];
	uint8_t mrsigner[32];
	uint16_t isvprodid;
	struct tdx_collateral_steps steps;
};

/*
 * The signed value of this name (one of the two above), borrowed.
 * ERR_MALFORMED for another form, ERR_UNAUTHENTIC unless the key signed it.
 */
MUST_CHECK enum err tdx_collateral_open(struct bytes text, const char *name,
					const struct signature_key *key,
					struct bytes *value);

/*
 * Read a signed value.  ERR_MALFORMED for what is not such a value,
 * ERR_UNSUPPORTED for one of another version or of SGX, ERR_TOO_LARGE beyond a
 * limit above.
 */
MUST_CHECK enum err
tdx_collateral_parse_tcb_info(struct bytes value,
			      struct tdx_collateral_tcb_info *out);
MUST_CHECK enum err
tdx_collateral_parse_qe_identity(struct bytes value,
				 struct tdx_collateral_qe_identity *out);

/* ERR_EXPIRED before the period and after it. */
MUST_CHECK enum err
tdx_collateral_check_period(const struct tdx_collateral_period *period,
			    uint64_t now);

/* Intel's word for a state, such as "UpToDate". */
const char *tdx_collateral_status_name(enum appraisal_tdx_status status);

#endif
