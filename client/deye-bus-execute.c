/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-execute.h"

#include "deye-bus-run.h"
#include "coordination.pb-c.h"
#include "wire-field.h"
#include "wire-guard-scan.h"

#define TASK_ID_MAX 64u
#define TEXT_MAX    256u

#define NUMBER(member) WIRE_FIELD_ROW (WIRE_FIELD_NUMBER, DeyeBusExecute, member)
#define SPAN(member)   WIRE_FIELD_ROW (WIRE_FIELD_SPAN, DeyeBusExecute, member)

static const WireFieldRow execute_rows[] = {
  [1] = SPAN (task_id),        [2] = SPAN (operation),     [3] = SPAN (payload),   [4] = SPAN (payload_type),
  [5] = NUMBER (priority),     [6] = NUMBER (attempt),     [7] = SPAN (token),     [8] = NUMBER (remaining_us),
  [10] = NUMBER (progress_us), [11] = SPAN (last_details), [12] = NUMBER (adopt),  [13] = NUMBER (finished),
  [14] = SPAN (claimed),       [15] = NUMBER (shard),      [16] = NUMBER (shards),
};

static gboolean
execute_is_valid (const DeyeBusExecute *execute)
{
  return execute->token.len > 0 && execute->token.len <= DEYE_BUS_RUN_TOKEN_MAX && execute->task_id.len > 0
         && execute->task_id.len <= TASK_ID_MAX && execute->operation.len <= TEXT_MAX
         && execute->payload_type.len <= TEXT_MAX && execute->attempt > 0
         && (execute->shards == 0 ? execute->shard == 0 : execute->shard < execute->shards)
         && (execute->adopt || !execute->finished);
}

gboolean
deye_bus_execute_read (DeyeBusExecute *execute, DeyeBusMessage *message)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  const WireSpan packed = wire_span (bytes, len);

  *execute = (DeyeBusExecute){ .attempt = 0 };
  if (wire_guard_scan (&daemoneye__eventbus__v1__execute__descriptor, packed, 0, TRUE).status != WIRE_STATUS_OK)
    return FALSE;
  wire_field_read (packed, execute_rows, G_N_ELEMENTS (execute_rows), execute);
  return execute_is_valid (execute);
}
