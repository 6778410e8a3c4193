/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"

/*
 * Credit that a collector of this project reserves for its replies.
 *
 * A reply of more than 16 KiB uses credit of the class may-drop, as most events do. A stalled subscriber with the policy block
 * does not return the credit of the events that it got. So a collector that publishes until its credit is used up could not
 * send such a reply, although the requester does not block. Therefore it only publishes while this function permits it, and
 * keeps further events itself.
 */

/* TRUE if a small publish on @topic would be sent at once, and half of the window of its class is left. */
gboolean deye_bus_client_has_spare_credit (DeyeBusClient *self, const char *topic);
