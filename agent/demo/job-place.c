/* SPDX-License-Identifier: Apache-2.0 */
#include "job-place.h"

#include <glib/gstdio.h>

static const char settings[] = "[limits]\n"
                               "task-offer-us = 1000000\n"
                               "task-progress-us = 1000000\n" /* for procmond, which sets no limit itself */
                               "task-return-us = 300000\n";   /* for a collector that died, and never connects again */

gboolean
job_place_create (JobPlace *self, GError **error)
{
  self->dir = g_dir_make_tmp ("daemoneye-demo-XXXXXX", error);
  if (self->dir == NULL)
    return FALSE;
  self->address = g_build_filename (self->dir, "eventbus.sock", NULL);
  self->config = g_build_filename (self->dir, "eventbus.conf", NULL);
  return g_file_set_contents (self->config, settings, -1, error);
}

void
job_place_remove (JobPlace *self)
{
  if (self->config != NULL)
    g_unlink (self->config);
  if (self->dir != NULL)
    g_rmdir (self->dir);
  g_clear_pointer (&self->dir, g_free);
  g_clear_pointer (&self->address, g_free);
  g_clear_pointer (&self->config, g_free);
}
