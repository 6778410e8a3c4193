/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DeyeBusHop:
 * @DEYE_BUS_HOP_REQUEST_PUBLISHED: the requester's call sent the request that this message answers
 * @DEYE_BUS_HOP_REQUEST_ACCEPTED: the broker accepted the request
 * @DEYE_BUS_HOP_REQUEST_QUEUED: the broker queued it for the responder
 * @DEYE_BUS_HOP_REQUEST_WRITTEN: the broker encoded it for the responder's connection
 * @DEYE_BUS_HOP_REQUEST_DELIVERED: the responder's callback was called
 * @DEYE_BUS_HOP_PUBLISHED: the sender's call sent the message
 * @DEYE_BUS_HOP_ACCEPTED: the broker accepted it
 * @DEYE_BUS_HOP_QUEUED: the broker queued it for the receiver
 * @DEYE_BUS_HOP_WRITTEN: the broker encoded it for the receiver's connection
 * @DEYE_BUS_HOP_DELIVERED: the library delivered it to the application; for a reply: the library read it
 *
 * Stations of a message on its way, in order. See deye_bus_options_set_want_hops().
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_HOP_REQUEST_PUBLISHED,
  DEYE_BUS_HOP_REQUEST_ACCEPTED,
  DEYE_BUS_HOP_REQUEST_QUEUED,
  DEYE_BUS_HOP_REQUEST_WRITTEN,
  DEYE_BUS_HOP_REQUEST_DELIVERED,
  DEYE_BUS_HOP_PUBLISHED,
  DEYE_BUS_HOP_ACCEPTED,
  DEYE_BUS_HOP_QUEUED,
  DEYE_BUS_HOP_WRITTEN,
  DEYE_BUS_HOP_DELIVERED,
} DeyeBusHop;

G_END_DECLS
