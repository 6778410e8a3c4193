/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "control.pb-c.h"

/*
 * control.bus.subscribe, adjust and unsubscribe: what a client asks of its subscriptions is checked here, then made, changed
 * or ended by bus-router and bus-admit.
 *
 * Invariant: after the answer the subscription is filed in both indexes, or in none.
 */
void bus_subscribe_answer (BusPeer *peer,
                           guint64 id,
                           const Daemoneye__Eventbus__V1__SubscribeRequest *request,
                           guint64 accept_seq);
void
bus_subscribe_adjust (BusPeer *peer, guint64 id, const Daemoneye__Eventbus__V1__AdjustRequest *request, gint64 now_us);
void bus_subscribe_end (BusPeer *peer,
                        guint64 id,
                        const Daemoneye__Eventbus__V1__UnsubscribeRequest *request,
                        gint64 now_us);
