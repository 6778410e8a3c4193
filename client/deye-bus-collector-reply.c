/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-pack.h"
#include "wire-varint.h"

/*
 * The replies to an Execute: Progress and Outcome. They are encoded in one pass on the stack, because each task needs two of them.
 *
 * protobuf allows any order of the fields. The field that may be large is the last one, and its bytes are sent without a copy.
 *
 * Invariant: no text is longer than its bound, so the fields in front of the large one fit into REPLY_FRONT_MAX bytes.
 */

#define NUMBER_MAX 11u /* of a field: one byte for the key */
#define LENGTH_MAX 11u
#define EXTENT_MAX 256u
#define REPLY_FRONT_MAX                                                                                                \
  (DEYE_BUS_RUN_TOKEN_MAX + 3u * DEYE_BUS_RUN_TEXT_MAX + EXTENT_MAX + 3u * NUMBER_MAX + 6u * LENGTH_MAX)

#define NUMBER(field) ((field) << 3 | WIRE_TYPE_VARINT)
#define LENGTH(field) ((field) << 3 | WIRE_TYPE_LENGTH)

typedef enum
{
  PROGRESS_TOKEN = LENGTH (1),
  PROGRESS_STARTED = NUMBER (2),
  PROGRESS_DONE = NUMBER (3),
  PROGRESS_TOTAL = NUMBER (4),
  PROGRESS_TEXT = LENGTH (5),
  PROGRESS_DETAILS = LENGTH (6),
  OUTCOME_TOKEN = LENGTH (1),
  OUTCOME_KIND = NUMBER (2),
  OUTCOME_PAYLOAD = LENGTH (3),
  OUTCOME_PAYLOAD_TYPE = LENGTH (4),
  OUTCOME_ERROR_NAME = LENGTH (5),
  OUTCOME_ERROR_TEXT = LENGTH (6),
  OUTCOME_RETRY_AFTER_US = NUMBER (7),
  OUTCOME_EXTENT = LENGTH (8),
} ReplyKey;

/* --- fields --- */

static guint8 *
reply_put_number (guint8 *at, ReplyKey key, guint64 value)
{
  return value != 0 ? wire_varint_put (wire_varint_put (at, key), value) : at;
}

static guint8 *
reply_put_length (guint8 *at, ReplyKey key, gsize len)
{
  return len > 0 ? wire_varint_put (wire_varint_put (at, key), len) : at;
}

static guint8 *
reply_put_span (guint8 *at, ReplyKey key, WireSpan span)
{
  at = reply_put_length (at, key, span.len);
  if (span.len > 0)
    memcpy (at, span.data, span.len);
  return at + span.len;
}

/* The makers of reports and outcomes have cut all texts. */
static guint8 *
reply_put_text (guint8 *at, ReplyKey key, const char *text)
{
  return reply_put_span (at, key, wire_span (text, strnlen (text, DEYE_BUS_RUN_TEXT_MAX)));
}

static guint8 *
reply_put_extent (guint8 *at, const DeyeBusExtent *extent)
{
  Daemoneye__Eventbus__V1__Extent message;
  gsize size;

  if (extent == NULL)
    return at;
  deye_bus_extent_fill (extent, &message);
  size = protobuf_c_message_get_packed_size (&message.base);
  g_return_val_if_fail (size <= EXTENT_MAX, at);
  at = wire_varint_put (wire_varint_put (at, OUTCOME_EXTENT), size); /* an empty extent is not the same as none */
  return at + protobuf_c_message_pack (&message.base, at);
}

static gsize
reply_size (GBytes *bytes)
{
  return bytes != NULL ? g_bytes_get_size (bytes) : 0;
}

/* --- replies --- */

static gboolean
reply_send (DeyeBusCollector *self, DeyeBusMessage *request, const DeyeBusReply *reply)
{
  g_autoptr (GError) error = NULL;

  if (deye_bus_client_respond_own (self->client, request, reply, &error))
    return TRUE;
  g_debug ("collector %s: %s not sent: %s", self->client->id, reply->type_name, error->message);
  return FALSE;
}

gboolean
deye_bus_collector_send_outcome (DeyeBusCollector *self,
                                 DeyeBusMessage *request,
                                 WireSpan token,
                                 const DeyeBusOutcome *outcome)
{
  guint8 front[REPLY_FRONT_MAX];
  guint8 *at = reply_put_span (front, OUTCOME_TOKEN, token);
  DeyeBusReply reply
      = { .flags = WIRE_FLAG_FINAL, .type_name = DEYE_BUS_TYPE_PREFIX "Outcome", .payload = outcome->payload };

  at = reply_put_number (at, OUTCOME_KIND, outcome->kind);
  at = reply_put_text (at, OUTCOME_PAYLOAD_TYPE, outcome->payload_type);
  at = reply_put_text (at, OUTCOME_ERROR_NAME, outcome->error_name);
  at = reply_put_text (at, OUTCOME_ERROR_TEXT, outcome->error_text);
  at = reply_put_number (at, OUTCOME_RETRY_AFTER_US, (guint64) outcome->retry_after_us);
  at = reply_put_extent (at, outcome->extent);
  at = reply_put_length (at, OUTCOME_PAYLOAD, reply_size (outcome->payload));
  reply.front = wire_span (front, (gsize) (at - front));
  return reply_send (self, request, &reply);
}

gboolean
deye_bus_collector_send_progress (DeyeBusCollector *self,
                                  const DeyeBusRun *run,
                                  gboolean started,
                                  const DeyeBusReport *report)
{
  guint8 front[REPLY_FRONT_MAX];
  guint8 *at = reply_put_span (front, PROGRESS_TOKEN, deye_bus_token_span (&run->token));
  DeyeBusReply reply = { .flags = WIRE_FLAG_PROGRESS, .type_name = DEYE_BUS_TYPE_PREFIX "Progress" };

  at = reply_put_number (at, PROGRESS_STARTED, started ? 1 : 0);
  if (report != NULL)
    {
      at = reply_put_number (at, PROGRESS_DONE, report->done);
      at = reply_put_number (at, PROGRESS_TOTAL, report->total);
      at = reply_put_text (at, PROGRESS_TEXT, report->text);
      at = reply_put_length (at, PROGRESS_DETAILS, reply_size (report->details));
      reply.payload = report->details;
    }
  reply.front = wire_span (front, (gsize) (at - front));
  return reply_send (self, run->request, &reply);
}
