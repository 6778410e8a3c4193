/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-reply.h"

void
procmond_reply_error (DeyeBusClient *client, DeyeBusMessage *request, const char *name, const char *detail)
{
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_respond_error (client, request, name, detail, &error))
    g_info ("a reply was not delivered: %s", error->message);
}

void
procmond_reply_no_processes (DeyeBusClient *client, DeyeBusMessage *request)
{
  procmond_reply_error (client, request, "NoProcesses", "the processes can't be listed now: try again");
}

void
procmond_reply (DeyeBusClient *client,
                DeyeBusMessage *request,
                GBytes *payload,
                DeyeBusOptions *options,
                const char *too_large)
{
  g_autoptr (GError) error = NULL;

  if (g_bytes_get_size (payload) > deye_bus_client_get_largest_payload (client))
    procmond_reply_error (client, request, "ResultTooLarge", too_large);
  else if (!deye_bus_client_respond (client, request, payload, options, &error))
    g_info ("a reply was not delivered: %s", error->message);
}
