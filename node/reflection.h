/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reflection: grpc.reflection.v1 and v1alpha, which differ in name only, so
 * that a caller can find out what this port offers.
 */
#ifndef NODE_REFLECTION_H
#define NODE_REFLECTION_H

#include "node/server.h"

extern const struct server_service reflection_service;
extern const struct server_service reflection_alpha_service;

#endif
