/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <pthread.h>

#include "base/secret.h"

#define UNCOMPRESSED 0x04

/* Made once and kept until the process ends. */
static EC_GROUP *group;
static pthread_once_t group_once = PTHREAD_ONCE_INIT;

static void make_group(void)
{
	group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	invariant(group != NULL);
}

static void free_number(BIGNUM **number)
{
	BN_clear_free(*number);
}

static void free_point(EC_POINT **point)
{
	EC_POINT_clear_free(*point);
}

#define SCOPED_NUMBER SCOPED_WIPE(free_number) BIGNUM
#define SCOPED_POINT SCOPED_WIPE(free_point) EC_POINT

/* The private key as a number in range, or NULL. */
static BIGNUM *take_scalar(const uint8_t *private_key)
{
	BIGNUM *scalar = BN_secure_new();

	errno = 0;
	if (scalar == NULL)
		die("no memory for a number");
	if (BN_bin2bn(private_key, P256_SCALAR_BYTES, scalar) != NULL &&
	    !secret_tell(BN_is_zero(scalar)) &&
	    secret_tell(BN_cmp(scalar, EC_GROUP_get0_order(group))) < 0) {
		BN_set_flags(scalar, BN_FLG_CONSTTIME);
		return scalar;
	}
	BN_clear_free(scalar);
	return NULL;
}

enum err p256_public_key(const uint8_t *private_key, uint8_t *public_key)
{
	SCOPED_NUMBER *scalar = NULL;
	SCOPED_POINT *product = NULL;

	pthread_once(&group_once, make_group);
	scalar = take_scalar(private_key);
	product = EC_POINT_new(group);
	if (scalar == NULL)
		return ERR_MALFORMED;
	if (product == NULL ||
	    EC_POINT_mul(group, product, scalar, NULL, NULL, NULL) != 1 ||
	    EC_POINT_point2oct(group, product, POINT_CONVERSION_UNCOMPRESSED,
			       public_key, P256_POINT_BYTES,
			       NULL) != P256_POINT_BYTES)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

enum err p256_dh(const uint8_t *private_key, const uint8_t *peer, uint8_t *dh)
{
	SCOPED_NUMBER *scalar = NULL;
	SCOPED_NUMBER *x = NULL;
	SCOPED_POINT *point = NULL;
	SCOPED_POINT *product = NULL;

	pthread_once(&group_once, make_group);
	scalar = take_scalar(private_key);
	x = BN_secure_new();
	point = EC_POINT_new(group);
	product = EC_POINT_new(group);
	invariant(x != NULL && point != NULL && product != NULL);

	/* oct2point refuses coordinates out of range and off the curve. */
	if (scalar == NULL || peer[0] != UNCOMPRESSED ||
	    EC_POINT_oct2point(group, point, peer, P256_POINT_BYTES, NULL) != 1)
		return ERR_MALFORMED;
	if (EC_POINT_mul(group, product, NULL, point, scalar, NULL) != 1 ||
	    EC_POINT_get_affine_coordinates(group, product, x, NULL, NULL) !=
		    1 ||
	    BN_bn2binpad(x, dh, P256_SCALAR_BYTES) != P256_SCALAR_BYTES)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}
