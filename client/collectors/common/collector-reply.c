/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-reply.h"

#include "collector-page.h"

void
collector_reply_error (DeyeBusClient *client, DeyeBusMessage *request, const char *name, const char *detail)
{
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_respond_error (client, request, name, detail, &error))
    g_info ("a reply was not delivered: %s", error->message);
}

gsize
collector_reply_room (DeyeBusClient *client, gsize rest)
{
  guint64 largest = MIN (deye_bus_client_get_largest_payload (client), COLLECTOR_PAGE_MAX);

  return (gsize) (largest > rest ? largest - rest : 0);
}

/* Only a limit of the broker that leaves no room for one record makes a reply too large. */
void
collector_reply (DeyeBusClient *client, DeyeBusMessage *request, GBytes *payload, DeyeBusOptions *options)
{
  g_autoptr (GError) error = NULL;

  if (g_bytes_get_size (payload) > deye_bus_client_get_largest_payload (client))
    collector_reply_error (client, request, "ResultTooLarge",
                           "the broker's limit max-payload is too small for a reply with one record");
  else if (!deye_bus_client_respond (client, request, payload, options, &error))
    g_info ("a reply was not delivered: %s", error->message);
}
