/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"
#include "deye-bus-client-private.h"
#include "wire-feature.h"

/* A client and a broker that grants streams. */

typedef ClientFixture Fixture;

#define TOPIC   "control.collector.task.process"
#define REQUEST 2u

static const ScriptWelcome with_streams = { .features = WIRE_FEATURE_STREAM };
