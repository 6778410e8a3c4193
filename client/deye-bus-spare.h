/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

/*
 * Credit that a collector of this project keeps for its replies.
 *
 * A reply of more than 16 KiB takes the credit of the class may-drop, as most events do. A subscriber with the policy block
 * that stands still keeps the credit of every event that it got; a collector that publishes until none is left could not
 * send such a reply, although the requester does not block. So it publishes only while this function permits it, and keeps
 * further events itself.
 */

/* TRUE if a small publish on @topic would be sent at once, and half of the window of its class is left. */
gboolean deye_bus_client_has_spare_credit (DeyeBusClient *self, const char *topic);
