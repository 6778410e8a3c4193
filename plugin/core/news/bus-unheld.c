/* SPDX-License-Identifier: Apache-2.0 */
#include "news/bus-unheld.h"

#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "control.pb-c.h"

void
bus_unheld_due (BusCore *core, gint64 now_us)
{
  BusHoldReport *report = &core->routes->holds->report;
  Daemoneye__Eventbus__V1__Missed missed;
  Daemoneye__Eventbus__V1__Missed *list[] = { &missed };
  Daemoneye__Eventbus__V1__DropEvent event;

  daemoneye__eventbus__v1__missed__init (&missed);
  daemoneye__eventbus__v1__drop_event__init (&event);
  event.pattern = report->topic;
  event.from = report->from;
  event.to = report->to;
  event.count = report->count;
  missed.reason = WIRE_STATUS_NO_RESPONDERS;
  missed.count = report->count;
  event.missed_by = list;
  event.n_missed_by = G_N_ELEMENTS (list);
  report->count = report->to = 0;
  report->next_us = now_us + G_TIME_SPAN_SECOND;
  bus_router_announce (core, "system.drop", &event.base, now_us);
}
