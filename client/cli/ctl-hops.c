/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-hops.h"

#include "ctl-json.h"
#include "ctl-table.h"

#include <glib/gi18n.h>
#include <inttypes.h>

typedef struct
{
  DeyeBusHop hop;
  const char *name;  /* in JSON */
  const char *title; /* title of the time from the previous station to this one */
} HopTitle;

static const HopTitle hop_titles[] = {
  { DEYE_BUS_HOP_REQUEST_PUBLISHED, "request_published", N_ ("request sent") },
  { DEYE_BUS_HOP_REQUEST_ACCEPTED, "request_accepted", N_ ("request accepted by the broker") },
  { DEYE_BUS_HOP_REQUEST_QUEUED, "request_queued", N_ ("request queued for the responder") },
  { DEYE_BUS_HOP_REQUEST_WRITTEN, "request_written", N_ ("request written to the responder") },
  { DEYE_BUS_HOP_REQUEST_DELIVERED, "request_delivered", N_ ("request given to the responder") },
  { DEYE_BUS_HOP_PUBLISHED, "published", N_ ("message sent") },
  { DEYE_BUS_HOP_ACCEPTED, "accepted", N_ ("message accepted by the broker") },
  { DEYE_BUS_HOP_QUEUED, "queued", N_ ("message queued for the receiver") },
  { DEYE_BUS_HOP_WRITTEN, "written", N_ ("message written to the receiver") },
  { DEYE_BUS_HOP_DELIVERED, "delivered", N_ ("message received") },
};

/* Prints to standard error, because standard output contains only the payload. */
static void
hops_print_beside (DeyeBusMessage *message)
{
  for (guint i = 0; i < G_N_ELEMENTS (hop_titles); i++)
    if (deye_bus_message_get_hop (message, hop_titles[i].hop) >= 0)
      g_printerr (_ ("deyebusctl: %10" PRId64 " us  %s\n"), deye_bus_message_get_hop (message, hop_titles[i].hop),
                  _ (hop_titles[i].title));
}

static void
hops_show_table (Ctl *ctl, DeyeBusMessage *message)
{
  static const CtlColumn columns[] = { { N_ ("STATION"), CTL_COLUMN_SHRINKS },
                                       { N_ ("AT US"), CTL_COLUMN_RIGHT },
                                       { N_ ("TOOK US"), CTL_COLUMN_RIGHT } };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));
  gint64 before_us = 0;

  for (guint i = 0; i < G_N_ELEMENTS (hop_titles); i++)
    {
      gint64 at_us = deye_bus_message_get_hop (message, hop_titles[i].hop);

      if (at_us < 0)
        continue;
      ctl_table_cell (table, "%s", _ (hop_titles[i].title));
      ctl_table_cell (table, "%" G_GINT64_FORMAT, at_us);
      ctl_table_cell (table, "%" G_GINT64_FORMAT, at_us - before_us);
      before_us = at_us;
    }
  ctl_table_show (table, &ctl->output);
}

void
ctl_hops_show (Ctl *ctl, DeyeBusMessage *message)
{
  JsonObject *object;

  if (deye_bus_message_get_hop (message, DEYE_BUS_HOP_ACCEPTED) < 0)
    g_printerr (_ ("deyebusctl: no stations: the broker answered the request itself, or does not record stations\n"));
  else if (ctl->options.raw)
    hops_print_beside (message);
  else if (ctl->output.json)
    {
      object = json_object_new ();
      ctl_hops_add (object, message);
      ctl_output_json_object (&ctl->output, object);
    }
  else
    hops_show_table (ctl, message);
}

void
ctl_hops_add (JsonObject *object, DeyeBusMessage *message)
{
  for (guint i = 0; i < G_N_ELEMENTS (hop_titles); i++)
    {
      gint64 at_us = deye_bus_message_get_hop (message, hop_titles[i].hop);
      g_autofree char *name = g_strconcat ("hop.", hop_titles[i].name, NULL);

      if (at_us >= 0)
        json_object_set_int_member (object, name, at_us);
    }
}
