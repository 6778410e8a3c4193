/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "introspection.pb-c.h"

/*
 * control.bus.describe: the broker as a peer that says what it offers, as every peer does by its method Introspect. Its
 * methods are the table of bus-calls, its schema the one that was built in.
 */
void bus_describe_answer (BusPeer *asker,
                          guint64 id,
                          const Daemoneye__Eventbus__V1__IntrospectRequest *request,
                          gint64 now_us);
