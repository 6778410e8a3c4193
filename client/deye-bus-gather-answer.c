/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-gather-answer-private.h"

#include "deye-bus-extent-private.h"
#include "deye-bus-message-private.h"
#include "gather.pb-c.h"
#include "wire-field.h"
#include "wire-guard-scan.h"

/*
 * One answer to a question. A question gets one from each of many collectors, so it is read in place and is one block with its
 * texts and a small payload. The message can be freed at once, except if its payload is large: then the answer refers to it.
 */

#define SMALL_MAX 16384u /* a larger payload is not copied */

struct _DeyeBusGatherAnswer
{
  gatomicrefcount refs;
  guint index;
  guint attempt;
  guint64 incarnation;
  const char *id;           /* this text and the next one are in @bytes */
  const char *payload_type; /* "": none */
  WireSpan payload;         /* in @bytes; unused if there is @large */
  GBytes *large;            /* NULL: the payload is small */
  DeyeBusExtent *extent;    /* NULL: not set */
  char bytes[];
};

G_DEFINE_BOXED_TYPE (DeyeBusGatherAnswer,
                     deye_bus_gather_answer,
                     deye_bus_gather_answer_ref,
                     deye_bus_gather_answer_unref)

/* The fields of the messages GatherAnswer and Outcome. */
typedef struct
{
  guint64 index;
  guint64 incarnation;
  guint64 attempt;
  WireSpan id;
  WireSpan outcome;
  guint64 kind;
  WireSpan payload;
  WireSpan payload_type;
  WireSpan extent;
} AnswerFields;

#define NUMBER(member) WIRE_FIELD_ROW (WIRE_FIELD_NUMBER, AnswerFields, member)
#define SPAN(member)   WIRE_FIELD_ROW (WIRE_FIELD_SPAN, AnswerFields, member)

static const WireFieldRow answer_rows[] = {
  [1] = NUMBER (index), [2] = SPAN (id), [3] = NUMBER (incarnation), [4] = NUMBER (attempt), [5] = SPAN (outcome),
};
static const WireFieldRow outcome_rows[] = {
  [2] = NUMBER (kind),
  [3] = SPAN (payload),
  [4] = SPAN (payload_type),
  [8] = SPAN (extent),
};

static gboolean
answer_read (DeyeBusMessage *message, AnswerFields *fields)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  const WireSpan packed = wire_span (bytes, len);

  *fields = (AnswerFields){ .index = 0 };
  if (wire_guard_scan (&daemoneye__eventbus__v1__gather_answer__descriptor, packed, 0, TRUE).status != WIRE_STATUS_OK)
    return FALSE;
  wire_field_read (packed, answer_rows, G_N_ELEMENTS (answer_rows), fields);
  wire_field_read (fields->outcome, outcome_rows, G_N_ELEMENTS (outcome_rows), fields);
  return fields->id.len > 0 && fields->kind == DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED;
}

DeyeBusGatherAnswer *
deye_bus_gather_answer_new (DeyeBusMessage *message)
{
  AnswerFields fields;
  DeyeBusGatherAnswer *answer;
  WireSpan small;
  char *at;

  if (!answer_read (message, &fields))
    return NULL;
  small = fields.payload.len <= SMALL_MAX ? fields.payload : wire_span (NULL, 0);
  answer = g_malloc (sizeof *answer + fields.id.len + fields.payload_type.len + small.len + 3);
  at = answer->bytes;
  *answer = (DeyeBusGatherAnswer){
    .index = (guint) fields.index,
    .attempt = (guint) fields.attempt,
    .incarnation = fields.incarnation,
    .large = fields.payload.len > SMALL_MAX ? deye_bus_message_dup_part (message, fields.payload) : NULL,
    .extent = deye_bus_extent_read (fields.extent),
  };
  g_atomic_ref_count_init (&answer->refs);
  answer->id = wire_span_put_text (&at, fields.id);
  answer->payload_type = wire_span_put_text (&at, fields.payload_type);
  answer->payload = wire_span (wire_span_put_text (&at, small), small.len);
  return answer;
}

DeyeBusGatherAnswer *
deye_bus_gather_answer_ref (DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);

  g_atomic_ref_count_inc (&answer->refs);
  return answer;
}

void
deye_bus_gather_answer_unref (DeyeBusGatherAnswer *answer)
{
  g_return_if_fail (answer != NULL);

  if (!g_atomic_ref_count_dec (&answer->refs))
    return;
  g_clear_pointer (&answer->extent, deye_bus_extent_unref);
  g_clear_pointer (&answer->large, g_bytes_unref);
  g_free (answer);
}

/* --- reading --- */

const char *
deye_bus_gather_answer_get_id (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);
  return answer->id;
}

guint64
deye_bus_gather_answer_get_incarnation (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, 0);
  return answer->incarnation;
}

guint
deye_bus_gather_answer_get_index (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, 0);
  return answer->index;
}

guint
deye_bus_gather_answer_get_attempt (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, 0);
  return answer->attempt;
}

GBytes *
deye_bus_gather_answer_dup_payload (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);
  if (answer->large != NULL)
    return g_bytes_ref (answer->large);
  return g_bytes_new_with_free_func (answer->payload.data, answer->payload.len,
                                     (GDestroyNotify) deye_bus_gather_answer_unref,
                                     deye_bus_gather_answer_ref ((DeyeBusGatherAnswer *) (gsize) answer));
}

const char *
deye_bus_gather_answer_get_payload_type (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);
  return *answer->payload_type != '\0' ? answer->payload_type : NULL;
}

DeyeBusExtent *
deye_bus_gather_answer_dup_extent (const DeyeBusGatherAnswer *answer)
{
  g_return_val_if_fail (answer != NULL, NULL);
  return answer->extent != NULL ? deye_bus_extent_ref (answer->extent) : NULL;
}
