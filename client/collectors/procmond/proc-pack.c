/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-pack.h"

#include "collection.pb-c.h"
#include "deye-bus-pack.h"

typedef Daemoneye__Eventbus__V1__ProcessRecord Record;

/* The record borrows all strings from @from. */
static void
pack_fill_record (Record *record, const ProcRecord *from)
{
  daemoneye__eventbus__v1__process_record__init (record);
  record->pid = from->pid;
  record->ppid = from->ppid;
  record->name = from->name;
  record->exe = from->exe;
  record->n_command_line = g_strv_length (from->command_line);
  record->command_line = from->command_line;
  record->uid = from->uid;
  record->start_time = from->start_time;
  record->cpu_time_us = from->cpu_time_us;
  record->resident_bytes = from->resident_bytes;
  record->virtual_bytes = from->virtual_bytes;
  record->unknown_fields = from->unknown;
  record->exe_deleted = from->exe_deleted;
}

GBytes *
proc_pack_table (const ProcTable *table)
{
  guint n = table->records->len;
  g_autofree Record *records = g_new (Record, n);
  g_autofree Record **list = g_new (Record *, n);
  Daemoneye__Eventbus__V1__ProcessTable message;

  daemoneye__eventbus__v1__process_table__init (&message);
  for (guint i = 0; i < n; i++)
    {
      const ProcRecord *from = g_ptr_array_index (table->records, i);

      pack_fill_record (&records[i], from);
      list[i] = &records[i];
      message.shortened += from->shortened ? 1 : 0;
    }
  message.n_processes = n;
  message.processes = list;
  message.vanished = table->vanished;
  message.unreadable = table->unreadable;
  message.next_cursor = table->next;
  return deye_bus_pack (&message.base);
}

#define EVENT_REST 48u /* cost of an event without its process */

/* As wait() reports it. */
static void
pack_fill_exit (Daemoneye__Eventbus__V1__ProcessExit *message, guint32 status)
{
  daemoneye__eventbus__v1__process_exit__init (message);
  message->signal = status & 0x7f;
  message->dumped_core = (status & 0x80) != 0;
  message->code = message->signal == 0 ? status >> 8 & 0xff : 0;
}

GBytes *
proc_pack_event (const ProcEvent *event, gint64 observed_time_us, gint64 poll_interval_us, gsize room)
{
  gsize text = proc_record_text_size (event->record);
  gsize rest = proc_record_cost (event->record) - text + EVENT_REST;
  g_autoptr (ProcRecord) bounded = proc_record_shorten (event->record, room > rest ? room - rest : 0);
  Daemoneye__Eventbus__V1__ProcessEvent message;
  Daemoneye__Eventbus__V1__ProcessExit end;
  Record record;

  daemoneye__eventbus__v1__process_event__init (&message);
  pack_fill_record (&record, bounded);
  message.kind = (Daemoneye__Eventbus__V1__ProcessEventKind) event->kind;
  message.process = &record;
  message.observed_time_us = (guint64) observed_time_us;
  message.poll_interval_us = (guint64) poll_interval_us;
  pack_fill_exit (&end, event->status);
  message.exit = event->has_status ? &end : NULL;
  return deye_bus_pack (&message.base);
}
