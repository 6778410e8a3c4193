/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "netmond-options.h"
#include "netmond-query.h"

/* The service daemoneye.Netmond: methods, events and properties. */

#define NETMOND_CONFIGURATION_TYPE "daemoneye.eventbus.v1.NetmondConfiguration"

/* @data must exist longer than the service. */
DeyeBusService *netmond_service_new (const NetmondOptions *options, const char *id, NetmondQueryData *data);
