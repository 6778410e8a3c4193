/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-error.h"

#include "deye-bus.h"

#include <glib/gi18n.h>
#include <string.h>

G_DEFINE_QUARK (ctl_error, ctl_error)

gboolean
ctl_fail (GError **error, CtlExit exit_code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (CTL_ERROR, (gint) exit_code, format, args);
  va_end (args);
  return FALSE;
}

typedef struct
{
  DeyeBusError code;
  CtlExit exit_code;
} ExitRow;

/* Errors whose meaning does not depend on whether there is still a connection. */
static const ExitRow always_rows[] = {
  { DEYE_BUS_ERROR_DENIED, CTL_EXIT_DENIED },           { DEYE_BUS_ERROR_TIMEOUT, CTL_EXIT_TIMEOUT },
  { DEYE_BUS_ERROR_NO_BROKER, CTL_EXIT_NO_BROKER },     { DEYE_BUS_ERROR_UNTRUSTED, CTL_EXIT_NO_BROKER },
  { DEYE_BUS_ERROR_PROTOCOL, CTL_EXIT_NO_BROKER },      { DEYE_BUS_ERROR_VERSION, CTL_EXIT_NO_BROKER },
  { DEYE_BUS_ERROR_NOT_CONNECTED, CTL_EXIT_NO_BROKER }, { DEYE_BUS_ERROR_CLOSED, CTL_EXIT_NO_BROKER },
  { DEYE_BUS_ERROR_SHUTTING_DOWN, CTL_EXIT_NO_BROKER }, { DEYE_BUS_ERROR_INVALID_ARGUMENT, CTL_EXIT_USAGE },
};

/* Errors that a peer or the broker answered. Without a connection, any error means that the connection has ended. */
static const ExitRow connected_rows[] = {
  { DEYE_BUS_ERROR_ABSENT, CTL_EXIT_NOTHING },        { DEYE_BUS_ERROR_NOT_SUBSCRIBED, CTL_EXIT_NOTHING },
  { DEYE_BUS_ERROR_NO_RESPONDERS, CTL_EXIT_NOTHING }, { DEYE_BUS_ERROR_BAD_TOPIC, CTL_EXIT_USAGE },
  { DEYE_BUS_ERROR_BAD_PATTERN, CTL_EXIT_USAGE },     { DEYE_BUS_ERROR_UNKNOWN, CTL_EXIT_TIMEOUT },
};

static CtlExit
exit_find (const ExitRow *rows, guint n_rows, gint code, CtlExit otherwise)
{
  for (guint i = 0; i < n_rows; i++)
    if ((gint) rows[i].code == code)
      return rows[i].exit_code;
  return otherwise;
}

CtlExit
ctl_exit_of (const GError *error, gboolean connected)
{
  CtlExit exit_code;

  if (error == NULL)
    return CTL_EXIT_OK;
  if (error->domain == CTL_ERROR)
    return (CtlExit) error->code;
  if (error->domain == G_OPTION_ERROR)
    return CTL_EXIT_USAGE;
  if (error->domain != DEYE_BUS_ERROR)
    return CTL_EXIT_FAILED;
  exit_code = connected ? exit_find (connected_rows, G_N_ELEMENTS (connected_rows), error->code, CTL_EXIT_FAILED)
                        : CTL_EXIT_NO_BROKER;
  return exit_find (always_rows, G_N_ELEMENTS (always_rows), error->code, exit_code);
}

const char *
ctl_error_hint (const GError *error)
{
  static const struct
  {
    DeyeBusError code;
    const char *hint;
  } rows[] = {
    { DEYE_BUS_ERROR_ABSENT, N_ ("`deyebusctl peers` lists the connected peers") },
    { DEYE_BUS_ERROR_NOT_SUBSCRIBED, N_ ("`deyebusctl subs PEER` shows what a peer subscribes to and serves") },
    { DEYE_BUS_ERROR_NO_RESPONDERS, N_ ("`deyebusctl subs` lists what is served") },
    { DEYE_BUS_ERROR_DENIED, N_ ("see daemoneye-eventbus(7) for the rights of peers") },
    { DEYE_BUS_ERROR_TIMEOUT, N_ ("use --timeout SECONDS to wait longer") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_error_matches (error, DEYE_BUS_ERROR, (gint) rows[i].code))
      return _ (rows[i].hint);
  return NULL;
}

const char *
ctl_error_responder_text (const GError *error)
{
  g_autofree char *prefix = g_strconcat (dgettext (GETTEXT_PACKAGE, "The responder failed"), ": ", NULL);

  return error->message + (g_str_has_prefix (error->message, prefix) ? strlen (prefix) : 0);
}
