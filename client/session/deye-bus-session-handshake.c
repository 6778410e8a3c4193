/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-handshake.h"

#include "deye-bus-error-private.h"
#include "envelope.pb-c.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-resend.h"
#include "session/deye-bus-session-state.h"
#include "wire-feature.h"
#include "wire-guard.h"

#define HELLO_MAGIC     0x42594544u
#define WIRE_VERSION    (1u << 16)
#define PAYLOAD_CEILING (64u << 20)

/* --- out --- */

void
deye_bus_session_send_hello (DeyeBusSession *session, const DeyeBusHello *hello)
{
  static char nothing[] = "";
  Daemoneye__Eventbus__V1__Hello message = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  g_autofree char *id = g_strdup (hello->id);
  g_autofree char *type = g_strdup (hello->type);
  g_autofree char *version = g_strdup (hello->software_version);
  g_autofree guint8 *body = NULL;

  message.magic = HELLO_MAGIC;
  message.oldest_version = WIRE_VERSION;
  message.newest_version = WIRE_VERSION;
  message.id = id;
  message.type = type != NULL ? type : nothing;
  message.role = hello->role;
  message.incarnation = hello->incarnation;
  message.features = session->offered = hello->features;
  message.software_version = version != NULL ? version : nothing;
  message.last_message = deye_bus_session_last_settled (session, hello->last_message);
  body = g_malloc (daemoneye__eventbus__v1__hello__get_packed_size (&message));
  deye_bus_outbuf_add_frame (&session->out, WIRE_KIND_HELLO,
                             wire_span (body, daemoneye__eventbus__v1__hello__pack (&message, body)));
}

void
deye_bus_session_send_goodbye (DeyeBusSession *session)
{
  Daemoneye__Eventbus__V1__Goodbye goodbye = DAEMONEYE__EVENTBUS__V1__GOODBYE__INIT;
  char detail[] = "closed by the client";
  guint8 body[64];

  goodbye.detail = detail;
  g_assert (daemoneye__eventbus__v1__goodbye__get_packed_size (&goodbye) <= sizeof body);
  deye_bus_outbuf_add_frame (&session->out, WIRE_KIND_GOODBYE,
                             wire_span (body, daemoneye__eventbus__v1__goodbye__pack (&goodbye, body)));
}

/* --- in --- */

static void
session_open_windows (DeyeBusSession *session, const Daemoneye__Eventbus__V1__Welcome *welcome)
{
  for (gsize i = 0; i < welcome->n_windows; i++)
    {
      const Daemoneye__Eventbus__V1__Window *window = welcome->windows[i];

      if (window->class_ > WIRE_CLASS_NONE && window->class_ < WIRE_N_CLASSES)
        deye_bus_window_open (&session->send_queue.windows[window->class_], window->messages, window->bytes);
    }
}

static void
session_take_welcome (DeyeBusSession *session, const Daemoneye__Eventbus__V1__Welcome *welcome)
{
  gboolean new_epoch = session->welcome.epoch != 0 && session->welcome.epoch != welcome->epoch;

  session->welcome.epoch = welcome->epoch;
  session->welcome.role = welcome->role;
  session->welcome.features = welcome->features & session->offered;
  session->welcome.largest_payload = MIN (welcome->largest_payload, PAYLOAD_CEILING);
  g_free (session->welcome.software_version);
  session->welcome.software_version = g_strdup (welcome->software_version);
  session->reader.max_body = session->welcome.largest_payload + WIRE_HEADER_FIELDS_MAX + WIRE_BROKER_FIELDS_MAX + 16;
  session_open_windows (session, welcome);
  session->state = DEYE_BUS_SESSION_READY;
  session->was_ready = TRUE;
  deye_bus_pending_table_finish (&session->pending, session->pending.hello, NULL);
  if (new_epoch || !(session->welcome.features & WIRE_FEATURE_DELIVERY))
    deye_bus_session_end_sent_before (session, new_epoch);
}

static void
session_refuse (DeyeBusSession *session, guint32 status, const char *detail)
{
  session->reason_status = status;
  deye_bus_session_fail (session, deye_bus_error_from_goodbye (status, detail));
}

void
deye_bus_session_handle_welcome (DeyeBusSession *session, const WireFrame *frame)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__welcome__descriptor, frame->body, 0, NULL);
  const Daemoneye__Eventbus__V1__Welcome *welcome;

  if (guard == NULL || session->state != DEYE_BUS_SESSION_HELLO)
    {
      deye_bus_session_misbehaved (session, guard == NULL ? "malformed WELCOME" : "second WELCOME");
      return;
    }
  welcome = wire_guard_message (guard);
  if (welcome->version >> 16 != 1)
    session_refuse (session, WIRE_STATUS_VERSION, NULL);
  else
    session_take_welcome (session, welcome);
}

void
deye_bus_session_handle_goodbye (DeyeBusSession *session, const WireFrame *frame)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__goodbye__descriptor, frame->body, 0, NULL);
  const Daemoneye__Eventbus__V1__Goodbye *goodbye;

  if (guard == NULL)
    {
      deye_bus_session_misbehaved (session, "malformed GOODBYE");
      return;
    }
  goodbye = wire_guard_message (guard);
  session->retry_us = (gint64) MIN (goodbye->retry_us, (guint64) G_MAXINT64);
  session_refuse (session, goodbye->status, goodbye->detail);
}
