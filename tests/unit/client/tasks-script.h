/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-tasks-private.h"
#include "script.h"
#include "wire-feature.h"
#include "wire-guard.h"
#include "wire-status.h"

/* The frames about tasks that a scripted broker sends and receives. */

static const ScriptWelcome with_tasks = { .features = WIRE_FEATURE_STREAM | WIRE_FEATURE_TASKS };

/* Lets the client offer the feature TASKS. To be called before it connects. */
void tasks_script_allow (DeyeBusClient *client);

/* --- from the client --- */

/* Returns the first request with @method; NULL: there is none. */
const ScriptFrame *tasks_script_find (GPtrArray *frames, const char *method);
guint tasks_script_count (GPtrArray *frames, const char *method);
/* Returns the ids in a request of any kind: "one two". */
char *tasks_script_ids (const ScriptFrame *request);
/* Returns the tasks of a Submit: "one two+ three+agent-1/2", with "+" for a repetition, last holder and last attempt. */
char *tasks_script_repetitions (const ScriptFrame *request);

/* --- from the broker: appended to @out --- */

typedef struct
{
  guint32 status;
  DeyeBusTaskState state;
  DeyeBusWaitReason reason;
  const char *detail;
  const char *setting;
  guint64 value;
} ScriptVerdict;
/* The answer to @request: the same verdict for the first @n tasks. */
void tasks_script_answer (GByteArray *out, const ScriptFrame *request, guint n, const ScriptVerdict *verdict);
/* The answer to @request: all tasks are accepted and queued. */
void tasks_script_accept (GByteArray *out, const ScriptFrame *request);
/* The same for a request about one task that has not arrived yet. */
void tasks_script_accept_early (GByteArray *out, guint64 request, const char *id);

typedef struct
{
  const char *id;
  guint state;
  guint reason;
  const char *cause;
  const char *holder;
  guint attempt;
  gboolean late;
  gboolean unconfirmed;
  gboolean dropped;
  guint skipped;
  const char *doing; /* the text of the progress; NULL: no progress */
  guint64 done;
  guint64 total;
  const char *result; /* outcome: payload; NULL: no outcome unless there is a name */
  const char *result_type;
  const char *error_name;
  const char *error_text;
} ScriptPush;
void tasks_script_push (GByteArray *out, guint64 await, const ScriptPush *push);
/* The answer to Result. */
void tasks_script_result (GByteArray *out, guint64 request, const ScriptPush *push);
/* A push with any payload. */
void tasks_script_push_bytes (GByteArray *out, guint64 await, const char *bytes);
