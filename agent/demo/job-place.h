/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * The files of the demonstration: a temporary directory with the broker's socket and configuration. So the demonstration never
 * uses the address of another broker, even if root runs it.
 *
 * The configuration shortens the times after which the broker considers a collector dead, because the demonstration waits for
 * them.
 */

typedef struct
{
  char *dir; /* NULL: there is none */
  char *address;
  char *config;
} JobPlace;

/* Call job_place_remove() afterwards, also after a failure. */
gboolean job_place_create (JobPlace *self, GError **error);
void job_place_remove (JobPlace *self);
