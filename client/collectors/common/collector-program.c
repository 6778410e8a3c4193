/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-program.h"

#include "deye-bus-locale.h"
#include "platform-console.h"
#include "platform-log.h"

#include <glib/gi18n.h>

static gboolean
program_parse (const CollectorProgram *program,
               CollectorOptions *options,
               gpointer data,
               int *argc,
               char ***argv,
               GError **error)
{
  const CollectorUsage usage = { .name = program->name,
                                 .summary = _ (program->summary),
                                 .description = program->description != NULL ? _ (program->description) : NULL,
                                 .add_options = program->add_options,
                                 .data = data };

  return collector_options_parse (options, &usage, argc, argv, error)
         && (program->check_options == NULL || program->check_options (data, error));
}

/* Returns the exit status. */
static int
program_work (const CollectorProgram *program, const CollectorOptions *options, gpointer data)
{
  g_autoptr (GError) error = NULL;
  CollectorBus bus;

  collector_bus_init (&bus, options);
  bus.data = data;
  if (program->start (&bus, data, &error))
    (void) collector_bus_run (&bus, &error);
  program->clear (data);
  collector_bus_clear (&bus);
  if (error == NULL)
    return 0;
  g_printerr ("%s: %s\n", program->name, error->message);
  return g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT) ? 0 : 1;
}

int
collector_program_main (const CollectorProgram *program, gpointer data, int argc, char **argv)
{
  g_auto (CollectorOptions) options = { 0 };
  g_autoptr (GError) error = NULL;
  int status = 0;

  platform_console_fill_streams ();
  deye_bus_locale_init ();
  platform_log_start ();
  if (!program_parse (program, &options, data, &argc, &argv, &error))
    {
      g_printerr ("%s: %s\n", program->name, error->message);
      status = 2;
    }
  else if (options.version)
    g_print ("%s %s\n", program->name, PACKAGE_VERSION);
  else
    status = program_work (program, &options, data);
  platform_log_end ();
  return status;
}
