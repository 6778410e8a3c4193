/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "index/bus-policy.h"

/* The principals that ask for rights in the tests of the policy, and the verdicts that are expected. */

/* The cast, each with the letter that stands for it in the tables. */
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
