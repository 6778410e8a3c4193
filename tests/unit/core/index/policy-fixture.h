/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "index/bus-policy.h"

/* The principals in the tests of the policy, and the assertion of a verdict. */

/* The principals, each with its letter in the tables. */
typedef struct
{
  char letter;
  BusRole role;
  const char *id;
  const char *type;
} PolicyActor;

extern const PolicyActor policy_cast[9];

#define ALL        "ATPQNSEFX"
#define AGENT      "AT"
#define COLLECTORS "PQNSEFX"
#define NOBODY     ""

BusPrincipal policy_principal (const PolicyActor *actor);

BusVerdict policy_ask (char letter, BusRight operation, const char *topic);

void policy_assert_verdict (char letter, BusRight operation, const char *topic, gboolean allowed, const char *rule);
