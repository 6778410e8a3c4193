/* SPDX-License-Identifier: Apache-2.0 */
#include "service-log.h"

#include "account.h"

#define PER_SECOND 50u

static const struct
{
  const char *what;
  DaemoneyeLogLevel level;
} service_log_kinds[] = {
  [BUS_NOTE_CONNECTED] = { "peer connected", DAEMONEYE_LOG_INFO },
  [BUS_NOTE_REFUSED] = { "peer refused", DAEMONEYE_LOG_WARNING },
  [BUS_NOTE_CLOSED] = { "peer closed", DAEMONEYE_LOG_WARNING },
  [BUS_NOTE_GONE] = { "peer gone", DAEMONEYE_LOG_INFO },
  [BUS_NOTE_DENIED] = { "denied", DAEMONEYE_LOG_NOTICE },
  [BUS_NOTE_DROPPED] = { "messages dropped", DAEMONEYE_LOG_WARNING },
  [BUS_NOTE_DEMOTED] = { "subscription demoted", DAEMONEYE_LOG_WARNING },
};

/* Translates the level to GLib's and adds the priority of syslog. A record reports what a peer did, never a fault of this
 * process, so G_LOG_LEVEL_MESSAGE is the highest level: a peer must not be able to stop a host with fatal warnings. */
static void
service_log_write_to_glib (DaemoneyeLogLevel level,
                           const char *message,
                           const DaemoneyeLogField *fields,
                           gsize n_fields)
{
  GLogLevelFlags flags = level <= DAEMONEYE_LOG_NOTICE ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO;
  const char priority[] = { (char) ('0' + level), '\0' };
  GLogField all[8] = { { "MESSAGE", message, -1 }, { "PRIORITY", priority, -1 }, { "GLIB_DOMAIN", G_LOG_DOMAIN, -1 } };
  gsize n = 3;

  for (gsize i = 0; i < n_fields && n < G_N_ELEMENTS (all); i++)
    all[n++] = (GLogField){ fields[i].key, fields[i].value, -1 };
  g_log_structured_array (flags, all, n);
}

static void
service_log_write_record (ServiceLog *self,
                          DaemoneyeLogLevel level,
                          const char *message,
                          const DaemoneyeLogField *fields,
                          gsize n_fields)
{
  if (self->log != NULL)
    self->log (self->user_data, level, message, fields, n_fields);
  else
    service_log_write_to_glib (level, message, fields, n_fields);
}

static void
service_log_write_note (ServiceLog *self, const BusNote *note)
{
  const char *status = wire_status_name (note->status);
  const char *reason = note->detail[0] != '\0' ? note->detail : wire_status_text (note->status);
  g_autofree char *account = account_name (note->account);
  char pid[16];
  DaemoneyeLogField fields[] = {
    { "PEER", note->id }, { "STATUS", status }, { "REASON", reason }, { "PID", pid }, { "UID", account },
  };
  g_autofree char *message
      = g_strdup_printf ("%s: %s (pid %u, uid %s): %s: %s", service_log_kinds[note->kind].what,
                         note->id[0] != '\0' ? note->id : "before hello", note->pid, account, status, reason);

  g_snprintf (pid, sizeof pid, "%u", note->pid);
  service_log_write_record (self, service_log_kinds[note->kind].level, message, fields, G_N_ELEMENTS (fields));
}

static void
service_log_begin_second (ServiceLog *self, gint64 now_us)
{
  if (now_us - self->second_us < G_TIME_SPAN_SECOND)
    return;
  self->second_us = now_us;
  self->written = 0;
  if (self->left_out > 0)
    {
      g_autofree char *message
          = g_strdup_printf ("%u log records were left out (limit %u a second)", self->left_out, PER_SECOND);

      self->left_out = 0;
      service_log_write_record (self, DAEMONEYE_LOG_WARNING, message, NULL, 0);
    }
}

void
service_log_notes (ServiceLog *self, BusCore *core, gint64 now_us)
{
  BusNote note;
  guint64 missed;

  while (bus_core_next_note (core, &note, &missed))
    {
      service_log_begin_second (self, now_us);
      self->left_out += (guint) missed;
      if (self->written++ < PER_SECOND)
        service_log_write_note (self, &note);
      else
        self->left_out++;
    }
}

void
service_log_init (ServiceLog *self, const DaemoneyeHost *host)
{
  *self = (ServiceLog){ 0 };
  if (host == NULL || host->struct_size < sizeof (DaemoneyeHost))
    return;
  self->log = host->log;
  self->user_data = host->user_data;
}

void
service_log_clear (ServiceLog *self)
{
  if (self->left_out == 0)
    return;
  self->second_us = 0;
  service_log_begin_second (self, G_TIME_SPAN_SECOND);
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
  g_autofree char *message = g_strdup_printf ("%s: %s%s%s", address, service_log_events[event].what,
                                              text != NULL ? ": " : "", text != NULL ? text : "");
  DaemoneyeLogField fields[] = { { "ADDRESS", address }, { "REASON", text } };

  service_log_write_record (self, service_log_events[event].level, message, fields, text != NULL ? 2 : 1);
}
