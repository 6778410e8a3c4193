/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-spare.h"

#include "deye-bus-client-private.h"

gboolean
deye_bus_client_has_spare_credit (DeyeBusClient *self, const char *topic)
{
  DeyeBusCall probe = { .kind = WIRE_KIND_PUBLISH, .topic = topic };

  return self->state == DEYE_BUS_CLIENT_STATE_READY && deye_bus_session_has_spare_credit (self->session, &probe);
}
