/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define DEYE_BUS_INSIDE
#include "deye-bus-client.h"
#include "deye-bus-client-connection.h"
#include "deye-bus-client-hold.h"
#include "deye-bus-client-publish.h"
#include "deye-bus-client-request.h"
#include "deye-bus-client-subscribe.h"
#include "deye-bus-answers.h"
#include "deye-bus-error.h"
#include "deye-bus-hop.h"
#include "deye-bus-message.h"
#include "deye-bus-options.h"
#include "deye-bus-peer.h"
#include "deye-bus-peer-watch.h"
#include "deye-bus-subscribe-options.h"
#include "deye-bus-subscription.h"
#include "deye-bus-task.h"
#include "deye-bus-task-spec.h"
#include "deye-bus-client-standard.h"
#include "deye-bus-service.h"
#include "deye-bus-collector.h"
#include "deye-bus-standing-task.h"
#include "deye-bus-work.h"
#undef DEYE_BUS_INSIDE
