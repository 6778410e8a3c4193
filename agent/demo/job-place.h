/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * The place of the demonstration: a temporary directory with the broker's socket and configuration. So it never meets a broker
 * that is in use, also when root runs it.
 *
 * The configuration shortens the times after which the broker gives up on a collector, because the demonstration waits for them.
 */

typedef struct
{
  char *dir; /* NULL: there is none */
  char *address;
  char *config;
} JobPlace;

/* After a failure too job_place_remove() has to be called. */
gboolean job_place_create (JobPlace *self, GError **error);
void job_place_remove (JobPlace *self);
