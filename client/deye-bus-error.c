/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-error-private.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <inttypes.h>

/*
 * The error domain of the library. It is an extended domain, because an error may contain the name that a responder gave it.
 *
 * GLib's accessor of the private data returns NULL for an error of another domain. It is never called with one, but compilers that
 * inline it see a path with NULL, so its result is checked.
 */

typedef struct
{
  char *name;
} DeyeBusErrorPrivate;

static void
deye_bus_error_private_init (DeyeBusErrorPrivate *extra)
{
  if (extra != NULL)
    extra->name = NULL;
}

static void
deye_bus_error_private_copy (const DeyeBusErrorPrivate *from, DeyeBusErrorPrivate *to)
{
  if (from != NULL && to != NULL)
    to->name = g_strdup (from->name);
}

static void
deye_bus_error_private_clear (DeyeBusErrorPrivate *extra)
{
  if (extra != NULL)
    g_free (extra->name);
}

G_DEFINE_EXTENDED_ERROR (DeyeBusError, deye_bus_error)

typedef struct
{
  guint32 status;
  DeyeBusError code;
  const char *text;
} ErrorRow;

/* Each text contains the advice for the user; the detail that the broker sent is appended to it. */
static const ErrorRow error_rows[] = {
  { WIRE_STATUS_OK, DEYE_BUS_ERROR_UNKNOWN, N_ ("The broker ended the connection") },
  { WIRE_STATUS_UNKNOWN, DEYE_BUS_ERROR_UNKNOWN,
    N_ ("It is not known whether the message was handled: find out before you send it again") },
  { WIRE_STATUS_BAD_MAGIC, DEYE_BUS_ERROR_PROTOCOL,
    N_ ("The other side does not speak this protocol: check the address") },
  { WIRE_STATUS_BAD_FRAME, DEYE_BUS_ERROR_PROTOCOL, N_ ("A malformed frame: report it as a bug") },
  { WIRE_STATUS_FRAME_EMPTY, DEYE_BUS_ERROR_PROTOCOL, N_ ("An empty frame: report it as a bug") },
  { WIRE_STATUS_FRAME_TOO_LARGE, DEYE_BUS_ERROR_PROTOCOL, N_ ("A frame exceeds the size limit") },
  { WIRE_STATUS_BAD_MESSAGE, DEYE_BUS_ERROR_PROTOCOL, N_ ("A malformed message") },
  { WIRE_STATUS_PROTOCOL_ORDER, DEYE_BUS_ERROR_PROTOCOL, N_ ("An unexpected frame: report it as a bug") },
  { WIRE_STATUS_VERSION, DEYE_BUS_ERROR_VERSION,
    N_ ("Client and broker have no protocol version in common: update the older of the two") },
  { WIRE_STATUS_UNSUPPORTED, DEYE_BUS_ERROR_UNSUPPORTED, N_ ("The broker does not support this: update the broker") },
  { WIRE_STATUS_CREDIT_EXCEEDED, DEYE_BUS_ERROR_PROTOCOL, N_ ("Sent without credit: report it as a bug") },
  { WIRE_STATUS_BAD_TOPIC, DEYE_BUS_ERROR_BAD_TOPIC, N_ ("Not a valid topic") },
  { WIRE_STATUS_BAD_PATTERN, DEYE_BUS_ERROR_BAD_PATTERN, N_ ("Not a valid pattern") },
  { WIRE_STATUS_DENIED, DEYE_BUS_ERROR_DENIED, N_ ("The broker's policy does not allow it") },
  { WIRE_STATUS_LIMIT, DEYE_BUS_ERROR_LIMIT, N_ ("A limit of the broker was reached") },
  { WIRE_STATUS_WOULD_BLOCK, DEYE_BUS_ERROR_WOULD_BLOCK, N_ ("The queues of the receivers are full: try again later") },
  { WIRE_STATUS_DUPLICATE_ID, DEYE_BUS_ERROR_DUPLICATE_ID, N_ ("The id is in use: choose another one") },
  { WIRE_STATUS_NO_MEMORY, DEYE_BUS_ERROR_NO_MEMORY, N_ ("Out of memory: try again later") },
  { WIRE_STATUS_CASCADE, DEYE_BUS_ERROR_CASCADE,
    N_ ("The messages that caused this one form a loop, or their chain is too long") },
  { WIRE_STATUS_ABSENT, DEYE_BUS_ERROR_ABSENT, N_ ("The target is not connected") },
  { WIRE_STATUS_NOT_SUBSCRIBED, DEYE_BUS_ERROR_NOT_SUBSCRIBED,
    N_ ("The target neither subscribes to nor serves this topic") },
  { WIRE_STATUS_NO_RESPONDERS, DEYE_BUS_ERROR_NO_RESPONDERS, N_ ("No peer serves this topic: start one that does") },
  { WIRE_STATUS_RESPONDER_GONE, DEYE_BUS_ERROR_RESPONDER_GONE, N_ ("The responder disconnected before it answered") },
  { WIRE_STATUS_TIMEOUT, DEYE_BUS_ERROR_TIMEOUT, N_ ("No answer within the timeout") },
  { WIRE_STATUS_CANCELLED, DEYE_BUS_ERROR_CANCELLED, N_ ("Cancelled by the other side") },
  { WIRE_STATUS_EXPIRED, DEYE_BUS_ERROR_EXPIRED, N_ ("The time limit of the message or of the answer has expired") },
  { WIRE_STATUS_STALE_LEASE, DEYE_BUS_ERROR_FAILED, N_ ("The task has been given to another peer meanwhile") },
  { WIRE_STATUS_QUARANTINED, DEYE_BUS_ERROR_FAILED, N_ ("The task has failed too often and is quarantined") },
  { WIRE_STATUS_SLOW_CONSUMER, DEYE_BUS_ERROR_SLOW_CONSUMER, N_ ("The client did not read its messages fast enough") },
  { WIRE_STATUS_HELLO_TIMEOUT, DEYE_BUS_ERROR_TIMEOUT, N_ ("The handshake took too long") },
  { WIRE_STATUS_SHUTTING_DOWN, DEYE_BUS_ERROR_SHUTTING_DOWN,
    N_ ("The broker is shutting down: connect again when it has restarted") },
  { WIRE_STATUS_TAKEN_OVER, DEYE_BUS_ERROR_DUPLICATE_ID, N_ ("Another client has taken over this id") },
  { WIRE_STATUS_INTERNAL, DEYE_BUS_ERROR_INTERNAL, N_ ("The broker failed: see its log") },
  { WIRE_STATUS_UNRESPONSIVE, DEYE_BUS_ERROR_TIMEOUT,
    N_ ("The broker received no sign of life from the client in time: check that the client's main loop is not "
        "blocked") },
  { WIRE_STATUS_SUPERSEDED, DEYE_BUS_ERROR_FAILED, N_ ("The task has been given to another peer, or has ended") },
  { WIRE_STATUS_DRAINING, DEYE_BUS_ERROR_DRAINING, N_ ("The receiver is draining: it takes no new messages") },
  { WIRE_STATUS_FAILED, DEYE_BUS_ERROR_FAILED, N_ ("The responder failed") },
  { WIRE_STATUS_PARTIAL, DEYE_BUS_ERROR_PARTIAL, N_ ("Some of the required answers are missing") },
  { WIRE_STATUS_PAYLOAD_GONE, DEYE_BUS_ERROR_FAILED, N_ ("The payload of the task is not kept any more") },
};

static const ErrorRow *
error_find_row (guint32 status)
{
  static const ErrorRow unnumbered
      = { 0, DEYE_BUS_ERROR_INTERNAL,
          N_ ("The broker gave a reason that this client does not know: update the client") };

  for (guint i = 0; i < G_N_ELEMENTS (error_rows); i++)
    if (error_rows[i].status == status)
      return &error_rows[i];
  return &unnumbered;
}

static GError *
error_take (DeyeBusError code, GString *text)
{
  GError *error = g_error_new_literal (DEYE_BUS_ERROR, (gint) code, text->str);

  g_string_free (text, TRUE);
  return error;
}

/* The name of an environment variable, with a dollar sign, is not a key. */
char *
deye_bus_error_setting_key (WireSpan setting)
{
  char *key = setting.len > 0 ? g_strndup ((const char *) setting.data, setting.len) : g_strdup ("");

  return *key != '$' ? g_strdelimit (key, "_", '-') : key;
}

static void
error_append_limit (GString *text, guint64 limit, guint64 value, WireSpan setting)
{
  g_autofree char *key = deye_bus_error_setting_key (setting);

  g_string_append_c (text, ' ');
  g_string_append_printf (text, _ ("(limit %" PRIu64 ", value %" PRIu64 ", setting %s)"), limit, value, key);
}

gboolean
deye_bus_error_is_block_over (const WireEnvelope *envelope)
{
  return envelope->status == WIRE_STATUS_WOULD_BLOCK
         && wire_span_equal (envelope->setting, WIRE_SPAN_LITERAL ("longest_block_us"));
}

static const char *
error_text (const WireEnvelope *envelope, const ErrorRow *row)
{
  if (deye_bus_error_is_block_over (envelope))
    return N_ ("A receiver blocked its publishers for longer than the broker allows, and messages to it were dropped "
               "(value: their number): send important ones again; `deyebusctl slow` shows the slow subscription");
  return row->text;
}

/* TRUE if the broker's detail adds information to the text. */
static gboolean
error_detail_adds (WireSpan detail, const char *text)
{
  return detail.len > 0
         && (detail.len != strlen (text) || g_ascii_strncasecmp ((const char *) detail.data, text, detail.len) != 0);
}

static void
error_set_name (GError *error, WireSpan name)
{
  DeyeBusErrorPrivate *extra = deye_bus_error_get_private (error);

  if (extra != NULL)
    extra->name = g_strndup ((const char *) name.data, name.len);
}

GError *
deye_bus_error_from_envelope (const WireEnvelope *envelope)
{
  const ErrorRow *row = error_find_row (envelope->status);
  const char *plain = error_text (envelope, row);
  GString *text = g_string_new (_ (plain));
  GError *error;

  if (error_detail_adds (envelope->detail, plain))
    {
      g_string_append (text, ": ");
      g_string_append_len (text, (const char *) envelope->detail.data, (gssize) envelope->detail.len);
    }
  if (envelope->setting.len > 0)
    error_append_limit (text, envelope->limit, envelope->value, envelope->setting);
  if (envelope->offset > 0)
    {
      g_string_append_c (text, ' ');
      g_string_append_printf (text, _ ("(at byte %" PRIu64 ")"), envelope->offset);
    }
  error = error_take (row->code, text);
  if (envelope->error_name.len > 0)
    error_set_name (error, envelope->error_name);
  return error;
}

GError *
deye_bus_error_from_goodbye (guint32 status, const char *detail)
{
  const ErrorRow *row = error_find_row (status);
  GString *text = g_string_new (_ (row->text));

  if (detail != NULL && *detail != '\0')
    g_string_append_printf (text, ": %s", detail);
  return error_take (row->code, text);
}

GError *
deye_bus_error_new_limit (const char *what, guint64 limit, guint64 value, const char *setting)
{
  GString *text = g_string_new (what);

  error_append_limit (text, limit, value, wire_span_str (setting));
  return error_take (DEYE_BUS_ERROR_LIMIT, text);
}

GError *
deye_bus_error_new (DeyeBusError code, const char *format, ...)
{
  va_list args;
  GError *error;

  va_start (args, format);
  error = g_error_new_valist (DEYE_BUS_ERROR, (gint) code, format, args);
  va_end (args);
  return error;
}

char *
deye_bus_error_get_name (const GError *error)
{
  const DeyeBusErrorPrivate *extra;

  g_return_val_if_fail (error != NULL, NULL);

  if (error->domain != DEYE_BUS_ERROR)
    return NULL;
  extra = deye_bus_error_get_private (error);
  return extra != NULL ? g_strdup (extra->name) : NULL;
}
