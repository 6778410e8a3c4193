/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-context.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

/*
 * Messages that the program has sent and that were never written to the socket.
 *
 * They are lost when the connection ends. The call that reports the end, such as close(), has their number in its error. If
 * there is no such call, the signal "error" and a log record report them. Messages whose own calls still wait are not reported
 * here, since those calls fail.
 */

#define UNSENT_DISPOSED N_ ("the last reference to the client was released: close the client first")

const char deye_bus_client_unsent_ended[] = N_ ("the connection ended: send them again");

guint64
deye_bus_client_get_unsent (DeyeBusClient *self)
{
  guint64 messages;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), 0);

  /* Without the context, another thread might write and free parts of the buffer during the count. */
  if (!deye_bus_context_acquire (self->context))
    return G_MAXUINT64;
  messages = deye_bus_client_count_kept (self);
  if (self->session != NULL)
    messages += deye_bus_session_count_unsent (self->session).messages;
  deye_bus_client_hand_over (self); /* the count has taken the bytes back */
  g_main_context_release (self->context);
  return messages;
}

GError *
deye_bus_client_new_unsent_error (guint64 messages, const char *why)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_UNSENT, _ ("Messages that were not sent and are lost: %" PRIu64 " (%s)"),
                             messages, _ (why));
}

static void
client_log_unsent (const DeyeBusClient *self, GLogLevelFlags level, guint64 messages, const char *why)
{
  g_autofree char *number = g_strdup_printf ("%" PRIu64, messages);

  g_log_structured (G_LOG_DOMAIN, level, "DEYE_BUS_PEER", self->id, "DEYE_BUS_UNSENT", number, "MESSAGE",
                    "client %s: messages that were not sent and are lost: %s (%s)", self->id, number, why);
}

void
deye_bus_client_end_unsent (DeyeBusClient *self, const char *why)
{
  deye_bus_client_report_unsent (self, deye_bus_session_count_unsent (self->session).unwatched, why);
}

void
deye_bus_client_report_unsent (DeyeBusClient *self, guint64 messages, const char *why)
{
  if (messages == 0)
    return;
  self->lost += messages;
  client_log_unsent (self, G_LOG_LEVEL_MESSAGE, messages, why);
  deye_bus_events_push (&self->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_REFUSED,
                                                       .subject = deye_bus_client_new_unsent_error (messages, why) });
}

void
deye_bus_client_report_uncertain (DeyeBusClient *self)
{
  guint64 messages = deye_bus_session_n_uncertain (self->session);
  g_autofree char *number = NULL;
  GError *error;

  if (messages == 0)
    return;
  number = g_strdup_printf ("%" PRIu64, messages);
  error
      = deye_bus_error_new (DEYE_BUS_ERROR_UNKNOWN,
                            _ ("Messages that were sent before the connection ended, and may or may not have arrived: "
                               "%s (ask for an acknowledgement to learn the outcome of each)"),
                            number);
  g_log_structured (
      G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "DEYE_BUS_PEER", self->id, "DEYE_BUS_UNCERTAIN", number, "MESSAGE",
      "client %s: messages that were sent before the connection ended, and may or may not have arrived: %s", self->id,
      number);
  deye_bus_events_push (&self->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_REFUSED, .subject = error });
}

/* FALSE: no handler was called, for example because a garbage collector released the last reference in another thread. */
static gboolean
client_emit_unsent (DeyeBusClient *self, guint64 messages)
{
  guint signal = deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR];
  g_autoptr (GError) error = NULL;

  if (!g_signal_has_handler_pending (self, signal, 0, FALSE) || !g_main_context_acquire (self->context))
    return FALSE;
  error = deye_bus_client_new_unsent_error (messages, UNSENT_DISPOSED);
  g_signal_emit (self, signal, 0, error);
  g_main_context_release (self->context);
  return TRUE;
}

void
deye_bus_client_dispose_unsent (DeyeBusClient *self, guint64 messages)
{
  gboolean is_handled;

  if (messages == 0)
    return;
  is_handled = client_emit_unsent (self, messages);
  client_log_unsent (self, is_handled ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_WARNING, messages, UNSENT_DISPOSED);
}
