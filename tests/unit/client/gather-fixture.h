/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"
#include "gather.pb-c.h"
#include "wire-feature.h"
#include "wire-status.h"

/* The frames of a gather: a request with the id GATHER_REQUEST, answers, and the manifest. */

#define GATHER_REQUEST 2u

static const ScriptWelcome with_gather = { .features = WIRE_FEATURE_STREAM | WIRE_FEATURE_TASKS };

typedef Daemoneye__Eventbus__V1__GatherAnswer ScriptAnswer;
typedef Daemoneye__Eventbus__V1__Manifest ScriptManifest;
typedef Daemoneye__Eventbus__V1__ManifestMember ScriptMember;
typedef Daemoneye__Eventbus__V1__Extent ScriptExtent;

#define CLASS(name) DAEMONEYE__EVENTBUS__V1__ANSWER_CLASS__ANSWER_##name
#define NEVER(name) DAEMONEYE__EVENTBUS__V1__NEVER_ASKED__NEVER_ASKED_##name

/* Appends an answer of the collector @id, which is the entry @index. @extent: (nullable) */
void gather_script_answer (GByteArray *out, guint index, const char *id, const char *payload, ScriptExtent *extent);
/* Appends a reply with any payload. */
void gather_script_reply (GByteArray *out, guint8 flags, guint32 status, const void *payload, gsize len);

/* The outcome of one collector. */
typedef struct
{
  const char *id; /* NULL: the end of the list */
  guint answer;
  guint never_asked;
  const char *text; /* NULL: none */
  gboolean truncated;
} ScriptEntry;

/* Returns a valid manifest of @entries, in static memory until the next call. */
ScriptManifest *gather_script_manifest (const ScriptEntry *entries, gboolean is_met);
/* Appends the manifest as the last reply. */
void gather_script_end (GByteArray *out, const ScriptManifest *manifest);
