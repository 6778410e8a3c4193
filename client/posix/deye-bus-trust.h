/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform-trust.h"

#include <sys/stat.h>

/*
 * Decides whether the server of a connection is the broker at this address, or a program that another user has put there.
 *
 * The kernel reports the user of the listening server. Root and the current user are trusted at any address. Another user is
 * only trusted by an unprivileged client, and only at a place that root has given to that user: the socket and its directory
 * belong to that user, and no other user can change any part of the path. A directory below one like /tmp is not such a place,
 * because any user can create it. A client of root trusts no other user, because the home directory of any user looks like such
 * a place.
 */

typedef enum
{
  DEYE_BUS_TRUST_GOOD,
  DEYE_BUS_TRUST_ROOT_ONLY, /* the client runs as root, and the server does not */
  DEYE_BUS_TRUST_PLACE,     /* other users can change a part of the path */
  DEYE_BUS_TRUST_SOCKET,    /* the file at the path is not a socket of the server's user */
} DeyeBusTrust;

/* Applies the rule. @server, @own: users; @place: the verdict about the socket's directory with @server as the other owner; @file:
 * the result of lstat() for the path, or NULL. */
DeyeBusTrust deye_bus_trust_judge (uid_t server, uid_t own, PlatformTrustProblem place, const struct stat *file);

/* Checks the server of the connected socket @fd at @path. FALSE: DEYE_BUS_ERROR_UNTRUSTED. */
gboolean deye_bus_trust_check (int fd, const char *path, GError **error);
