/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos-ledger.h"

#include <string.h>

struct ChaosLedger
{
  GOutputStream *stream;
};

ChaosLedger *
chaos_ledger_open (const char *path)
{
  ChaosLedger *self = g_new0 (ChaosLedger, 1);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;

  self->stream = G_OUTPUT_STREAM (g_file_append_to (file, G_FILE_CREATE_NONE, NULL, &error));
  g_assert_no_error (error);
  return self;
}

void
chaos_ledger_free (ChaosLedger *self)
{
  g_object_unref (self->stream);
  g_free (self);
}

void
chaos_ledger_write (ChaosLedger *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  line = g_strconcat (text, "\n", NULL);
  g_assert_cmpint (g_output_stream_write (self->stream, line, strlen (line), NULL, &error), ==, (gssize) strlen (line));
  g_assert_no_error (error);
}
