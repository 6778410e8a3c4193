/* SPDX-License-Identifier: Apache-2.0 */
#include "service-log.h"

#include "account.h"
#include "base/bus-unset.h"
#include "wire-hot.h"

#include <string.h>

#define FIELDS_MAX 12u

static const struct
{
  const char *what;
  DaemoneyeLogLevel level;
} service_log_kinds[] = {
  [BUS_NOTE_CONNECTED] = { "peer connected", DAEMONEYE_LOG_INFO },
  [BUS_NOTE_REFUSED] = { "peer refused", DAEMONEYE_LOG_WARNING },
  [BUS_NOTE_CLOSED] = { "peer disconnected", DAEMONEYE_LOG_WARNING },
  [BUS_NOTE_GONE] = { "peer gone", DAEMONEYE_LOG_INFO },
  [BUS_NOTE_DENIED] = { "denied", DAEMONEYE_LOG_NOTICE },
  [BUS_NOTE_DROPPED] = { "messages dropped", DAEMONEYE_LOG_WARNING },
  [BUS_NOTE_DEMOTED] = { "subscription demoted", DAEMONEYE_LOG_WARNING },
  [BUS_NOTE_CASCADE] = { "cascade refused", DAEMONEYE_LOG_WARNING },
  [BUS_NOTE_TASKS] = { "tasks changed", DAEMONEYE_LOG_NOTICE },
};

/* --- records --- */

typedef struct
{
  DaemoneyeLogLevel level;
  char *message;
  DaemoneyeLogField fields[FIELDS_MAX]; /* keys are static, values are owned */
  gsize n_fields;
  gsize size;
} ServiceLogRecord;

static ServiceLogRecord *
service_log_record_new (DaemoneyeLogLevel level, char *message)
{
  ServiceLogRecord *record = g_new0 (ServiceLogRecord, 1);

  record->level = level;
  record->message = message;
  record->size = sizeof *record + strlen (message) + 1;
  return record;
}

/* @value: (transfer full) */
static void
service_log_record_add (ServiceLogRecord *record, const char *key, char *value)
{
  g_assert (record->n_fields < FIELDS_MAX);
  record->fields[record->n_fields++] = (DaemoneyeLogField){ key, value };
  record->size += strlen (value) + 1;
}

static void
service_log_record_add_text (ServiceLogRecord *record, const char *key, const char *value)
{
  if (value != NULL && value[0] != '\0')
    service_log_record_add (record, key, g_strdup (value));
}

static void
service_log_record_add_number (ServiceLogRecord *record, const char *key, guint64 value)
{
  if (value != 0)
    service_log_record_add (record, key, g_strdup_printf ("%" G_GUINT64_FORMAT, value));
}

static void
service_log_record_free (gpointer data)
{
  ServiceLogRecord *record = data;

  for (gsize i = 0; i < record->n_fields; i++)
    g_free ((char *) record->fields[i].value);
  g_free (record->message);
  g_free (record);
}

/* --- the log thread --- */

typedef struct
{
  void (*log) (void *user_data,
               DaemoneyeLogLevel level,
               const char *message,
               const DaemoneyeLogField *fields,
               size_t n_fields); /* NULL: GLib's log */
  void *user_data;
} ServiceLogHost;

/* Converts the level to a GLib level and adds the syslog priority. The highest GLib level is G_LOG_LEVEL_MESSAGE, because a
 * record describes the behaviour of peers: with fatal warnings (G_DEBUG), a peer could otherwise abort the host. */
static void
service_log_write_to_glib (DaemoneyeLogLevel level,
                           const char *message,
                           const DaemoneyeLogField *fields,
                           gsize n_fields)
{
  GLogLevelFlags flags = level <= DAEMONEYE_LOG_NOTICE ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO;
  const char priority[] = { (char) ('0' + level), '\0' };
  GLogField all[3 + FIELDS_MAX]
      = { { "MESSAGE", message, -1 }, { "PRIORITY", priority, -1 }, { "GLIB_DOMAIN", G_LOG_DOMAIN, -1 } };
  gsize n = 3;

  for (gsize i = 0; i < n_fields; i++)
    all[n++] = (GLogField){ fields[i].key, fields[i].value, -1 };
  g_log_structured_array (flags, all, n);
}

static void
service_log_write_record (gpointer user, gpointer data)
{
  const ServiceLogHost *host = user;
  const ServiceLogRecord *record = data;

  if (host->log != NULL)
    host->log (host->user_data, record->level, record->message, record->fields, record->n_fields);
  else
    service_log_write_to_glib (record->level, record->message, record->fields, record->n_fields);
}

/* Returns a record that reports @n omitted records. @why: the reason, which ends the sentence */
WIRE_COLD static ServiceLogRecord *
service_log_left_out_record (guint64 n, const char *why)
{
  ServiceLogRecord *record = service_log_record_new (
      DAEMONEYE_LOG_WARNING, g_strdup_printf ("%" G_GUINT64_FORMAT " log records were left out: %s", n, why));

  service_log_record_add_number (record, "LEFT_OUT", n);
  return record;
}

static void
service_log_write_lost (gpointer user, guint64 n)
{
  ServiceLogRecord *record = service_log_left_out_record (n, "the log function of the host is too slow");

  service_log_write_record (user, record);
  service_log_record_free (record);
}

gboolean
service_log_init (ServiceLog *self, const DaemoneyeHost *host, GError **error)
{
  static const PlatformLogSink sink
      = { service_log_write_record, service_log_write_lost, service_log_record_free, g_free };
  ServiceLogHost *ours = g_new0 (ServiceLogHost, 1);

  if (host != NULL)
    *ours = (ServiceLogHost){ host->log, host->user_data };
  *self = (ServiceLog){ .thread = platform_log_thread_new ("deye-bus-log", &sink, ours, error) };
  return self->thread != NULL;
}

static void
service_log_push (ServiceLog *self, ServiceLogRecord *record)
{
  platform_log_thread_push (self->thread, record, record->size);
}

/* --- the broker thread --- */

/* Appends the subject of the record, which is between the peer and the reason: ": publish to tasks.netmond". */
static void
service_log_append_subject (GString *message, const BusNote *note)
{
  if (note->operation != NULL)
    g_string_append_printf (message, ": %s %s", note->operation, note->topic);
  if (note->policy != NULL)
    g_string_append_printf (message, ": subscription %u to %s (%s)", note->subscription, note->topic, note->policy);
  if (note->count > 0)
    g_string_append_printf (message, ": %" G_GUINT64_FORMAT " since the last record", note->count);
}

WIRE_COLD static ServiceLogRecord *
service_log_make_record (const BusNote *note)
{
  const char *status = wire_status_name (note->status);
  const char *reason = note->detail[0] != '\0' ? note->detail : wire_status_text (note->status);
  g_autofree char *account = account_name (note->account);
  GString *message = g_string_new (service_log_kinds[note->kind].what);
  ServiceLogRecord *record;

  g_string_append_printf (message, ": %s (pid %u, uid %s)", note->id[0] != '\0' ? note->id : "before hello", note->pid,
                          account);
  service_log_append_subject (message, note);
  g_string_append_printf (message, ": %s: %s", status, reason);
  if (note->suppressed > 0)
    g_string_append_printf (message, "; %" G_GUINT64_FORMAT " records were suppressed before this one",
                            note->suppressed);

  record = service_log_record_new (service_log_kinds[note->kind].level, g_string_free (message, FALSE));
  service_log_record_add_text (record, "PEER", note->id);
  service_log_record_add_text (record, "STATUS", status);
  service_log_record_add_text (record, "REASON", reason);
  service_log_record_add_number (record, "PID", note->pid);
  service_log_record_add_text (record, "UID", account);
  service_log_record_add_text (record, "OPERATION", note->operation);
  service_log_record_add_text (record, "TOPIC", note->topic);
  service_log_record_add_text (record, "RULE", note->rule);
  service_log_record_add_text (record, "POLICY", note->policy);
  service_log_record_add_number (record, "SUBSCRIPTION", note->subscription);
  service_log_record_add_number (record, "COUNT", note->count);
  service_log_record_add_number (record, "SUPPRESSED", note->suppressed);
  return record;
}

WIRE_HOT void
service_log_notes (ServiceLog *self, BusCore *core)
{
  BUS_UNSET BusNote note; /* set by bus_core_next_note() */
  guint64 missed;

  while (bus_core_next_note (core, &note, &missed))
    {
      if (missed > 0)
        service_log_push (self, service_log_left_out_record (missed, "too many peers caused them at the same time"));
      service_log_push (self, service_log_make_record (&note));
    }
}

void
service_log_pause (ServiceLog *self, gint64 now_us)
{
  BusNoteCap *cap = &self->pause_cap;
  ServiceLogRecord *record;

  if (!bus_note_cap_admit (cap, 1, now_us))
    return;
  record = service_log_record_new (
      DAEMONEYE_LOG_WARNING,
      g_strdup_printf (
          "accepting connections pauses: no file descriptors are left in this process: raise RLIMIT_NOFILE, or "
          "lower max-connections; %" G_GUINT64_FORMAT " pauses since the last record",
          cap->suppressed + 1));
  service_log_record_add_number (record, "COUNT", cap->suppressed + 1);
  cap->suppressed = 0;
  service_log_push (self, record);
}

static const struct
{
  const char *what;
  DaemoneyeLogLevel level;
} service_log_events[] = {
  [LISTENER_EVENT_LOST]
  = { "address lost: new clients can't connect, connected ones are not affected", DAEMONEYE_LOG_WARNING },
  [LISTENER_EVENT_NOT_RESTORED] = { "address not restored yet; the broker tries again", DAEMONEYE_LOG_WARNING },
  [LISTENER_EVENT_RESTORED] = { "address restored: clients can connect again", DAEMONEYE_LOG_NOTICE },
  [LISTENER_EVENT_LOCK_RESTORED] = { "lock of the address restored", DAEMONEYE_LOG_NOTICE },
};

void
service_log_address (ServiceLog *self, ListenerEvent event, const char *address, const char *text)
{
  ServiceLogRecord *record = service_log_record_new (
      service_log_events[event].level, g_strdup_printf ("%s: %s%s%s", address, service_log_events[event].what,
                                                        text != NULL ? ": " : "", text != NULL ? text : ""));

  service_log_record_add_text (record, "ADDRESS", address);
  service_log_record_add_text (record, "REASON", text);
  service_log_push (self, record);
}

gboolean
service_log_end (ServiceLog *self, gint64 until_us, guint64 *unwritten)
{
  return platform_log_thread_end (g_steal_pointer (&self->thread), until_us, unwritten);
}
