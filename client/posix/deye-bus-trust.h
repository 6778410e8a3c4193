/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform-trust.h"

#include <sys/stat.h>

/*
 * The server of a connection: whether it is the broker that the address names, or a program that another user put there.
 *
 * The kernel reports as which user the server listens. Root and the current user are trusted wherever they listen. Another user
 * is trusted by an unprivileged client only, and only at a place that root has given to that user: the socket and its directory
 * belong to that user, and nobody else can change what the path leads to. A directory in one like /tmp is no such place, because
 * any user can create it. A client of root trusts no other user, whose home directory looks like such a place too.
 */

typedef enum
{
  DEYE_BUS_TRUST_GOOD,
  DEYE_BUS_TRUST_ROOT_ONLY, /* the client runs as root, and the server does not */
  DEYE_BUS_TRUST_PLACE,     /* other users can change what the path leads to */
  DEYE_BUS_TRUST_SOCKET,    /* the path leads to something else than a socket of the server's user */
} DeyeBusTrust;

/* The rule. @server, @own: users; @place: the verdict about the socket's directory with @server as guest; @file: what
 * lstat() says of the path, or NULL. */
DeyeBusTrust deye_bus_trust_judge (uid_t server, uid_t own, PlatformTrustProblem place, const struct stat *file);

/* Checks the server of the connected socket @fd at @path. FALSE: DEYE_BUS_ERROR_UNTRUSTED. */
gboolean deye_bus_trust_check (int fd, const char *path, GError **error);
