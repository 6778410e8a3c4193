/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-outbuf.h"

#include "wire-frame.h"
#include "wire-hot.h"

#define CHUNK_BYTES       65536u
#define SMALL_CHUNK_BYTES 4096u /* while there are referenced payloads: each may need a chunk behind it */
#define SPARE_MAX         16u   /* enough for the messages that wait under a usual publish window */
#define SPARE_IDLE        1u    /* trim() keeps this number */
#define NO_FRAME          DEYE_BUS_OUT_NO_FRAME
#define KEY_OF_ID         0x08 /* the id is the first field of an envelope */

void
deye_bus_outbuf_init (DeyeBusOutbuf *outbuf)
{
  memset (outbuf, 0, sizeof *outbuf);
}

static void
outbuf_part_free (DeyeBusOutPart *part)
{
  g_clear_pointer (&part->payload, g_bytes_unref);
  g_free (part);
}

static void
outbuf_part_list_free (DeyeBusOutPart *part)
{
  while (part != NULL)
    {
      DeyeBusOutPart *next = part->next;

      outbuf_part_free (part);
      part = next;
    }
}

static void
outbuf_reclaim (const DeyeBusOutbuf *outbuf)
{
  if (outbuf->reclaim != NULL)
    outbuf->reclaim (outbuf->reclaim_data);
}

void
deye_bus_outbuf_trim (DeyeBusOutbuf *outbuf)
{
  for (; outbuf->n_spare > SPARE_IDLE; outbuf->n_spare--)
    {
      DeyeBusOutPart *part = outbuf->spare;

      outbuf->spare = part->next;
      g_free (part);
    }
}

gboolean
deye_bus_outbuf_is_trim (const DeyeBusOutbuf *outbuf)
{
  return outbuf->n_spare <= SPARE_IDLE;
}

void
deye_bus_outbuf_clear (DeyeBusOutbuf *outbuf)
{
  outbuf_reclaim (outbuf);
  outbuf_part_list_free (outbuf->first);
  outbuf_part_list_free (outbuf->spare);
  deye_bus_outbuf_init (outbuf);
}

static DeyeBusOutPart *
outbuf_part_new (DeyeBusOutbuf *outbuf, gsize len)
{
  DeyeBusOutPart *part = outbuf->spare;
  gsize capacity = MAX (len, outbuf->n_referred > 0 ? SMALL_CHUNK_BYTES : CHUNK_BYTES);

  if (part != NULL && capacity == CHUNK_BYTES)
    {
      outbuf->spare = part->next;
      outbuf->n_spare--;
    }
  else
    {
      part = g_malloc (sizeof *part + capacity);
      part->capacity = capacity;
    }
  part->next = NULL;
  part->payload = NULL;
  part->len = 0;
  part->first_frame = NO_FRAME;
  part->last_frame = NO_FRAME;
  return part;
}

static void
outbuf_append (DeyeBusOutbuf *outbuf, DeyeBusOutPart *part)
{
  if (outbuf->last != NULL)
    outbuf->last->next = part;
  else
    outbuf->first = part;
  outbuf->last = part;
}

guint8 *
deye_bus_outbuf_grow (DeyeBusOutbuf *outbuf, gsize most)
{
  outbuf_append (outbuf, outbuf_part_new (outbuf, most));
  return outbuf->last->bytes;
}

guint8 *
deye_bus_outbuf_add (DeyeBusOutbuf *outbuf, gsize len)
{
  guint8 *place = deye_bus_outbuf_begin (outbuf, len);

  deye_bus_outbuf_end (outbuf, len);
  return place;
}

void
deye_bus_outbuf_refer (DeyeBusOutbuf *outbuf, GBytes *payload)
{
  DeyeBusOutPart *part = g_malloc (sizeof *part);

  part->next = NULL;
  part->payload = g_bytes_ref (payload);
  part->len = g_bytes_get_size (payload);
  part->capacity = 0;
  part->first_frame = NO_FRAME;
  part->last_frame = NO_FRAME;
  outbuf_append (outbuf, part);
  outbuf->n_referred++;
  outbuf->bytes += part->len;
  outbuf->added += part->len;
}

void
deye_bus_outbuf_add_payload (DeyeBusOutbuf *outbuf, GBytes *payload)
{
  gsize len = payload != NULL ? g_bytes_get_size (payload) : 0;

  if (len > DEYE_BUS_OUTBUF_COPY_MAX)
    deye_bus_outbuf_refer (outbuf, payload);
  else if (len > 0)
    {
      memcpy (deye_bus_outbuf_begin (outbuf, len), g_bytes_get_data (payload, NULL), len);
      deye_bus_outbuf_count_bytes (outbuf, len);
    }
}

void
deye_bus_outbuf_add_frame (DeyeBusOutbuf *outbuf, guint8 kind, WireSpan body)
{
  guint8 *out = deye_bus_outbuf_add (outbuf, WIRE_FRAME_HEADER_LEN + body.len);

  wire_frame_put_header (out, kind, 0, (guint32) body.len);
  if (body.len > 0)
    memcpy (out + WIRE_FRAME_HEADER_LEN, body.data, body.len);
}

void
deye_bus_outbuf_add_envelope (DeyeBusOutbuf *outbuf, guint8 kind, const WireEnvelope *envelope)
{
  gsize len = wire_envelope_size (envelope);
  guint8 *out = deye_bus_outbuf_add (outbuf, WIRE_FRAME_HEADER_LEN + len);

  wire_frame_put_header (out, kind, 0, (guint32) len);
  wire_envelope_write (envelope, out + WIRE_FRAME_HEADER_LEN);
}

static const guint8 *
outbuf_part_data (const DeyeBusOutPart *part)
{
  return part->payload != NULL ? g_bytes_get_data (part->payload, NULL) : part->bytes;
}

guint
deye_bus_outbuf_gather (const DeyeBusOutbuf *outbuf, WireSpan *spans, guint max)
{
  gsize skip = outbuf->sent;
  guint n = 0;

  for (const DeyeBusOutPart *part = outbuf->first; part != NULL && n < max; part = part->next)
    {
      if (part->len > skip)
        spans[n++] = wire_span (outbuf_part_data (part) + skip, part->len - skip);
      skip = 0;
    }
  return n;
}

/* --- messages that were not written --- */

static gsize
outbuf_frame_size (const guint8 *header)
{
  return WIRE_FRAME_HEADER_LEN
         + (header[0] | (gsize) header[1] << 8 | (gsize) header[2] << 16 | (gsize) header[3] << 24);
}

/* Ids of publishes without an acknowledgement are odd; see deye-bus-session-send.h. */
static DeyeBusOutMessage
outbuf_classify (const guint8 *header)
{
  const guint8 *body = header + WIRE_FRAME_HEADER_LEN;

  switch (header[4])
    {
    case WIRE_KIND_PUBLISH:
      return body[0] == KEY_OF_ID && (body[1] & 1) != 0 ? DEYE_BUS_OUT_UNWATCHED : DEYE_BUS_OUT_WATCHED;
    case WIRE_KIND_REQUEST:
      return DEYE_BUS_OUT_WATCHED;
    case WIRE_KIND_REPLY:
      return DEYE_BUS_OUT_UNWATCHED;
    default:
      return DEYE_BUS_OUT_NO_MESSAGE;
    }
}

static void
outbuf_count_one (DeyeBusOutCount *count, DeyeBusOutMessage message)
{
  count->messages += message != DEYE_BUS_OUT_NO_MESSAGE ? 1 : 0;
  count->unwatched += message == DEYE_BUS_OUT_UNWATCHED ? 1 : 0;
}

/* Counts the messages that begin in @part, except those that end within its first @sent bytes. */
static void
outbuf_count_part (const DeyeBusOutPart *part, gsize sent, DeyeBusOutCount *count)
{
  gsize at = part->first_frame;

  while (at < part->len)
    {
      const guint8 *header = part->bytes + at;
      /* The payload of the last frame may be in the next part. */
      gsize end = at == part->last_frame ? part->len : at + outbuf_frame_size (header);

      if (end > sent || at + outbuf_frame_size (header) > part->len)
        outbuf_count_one (count, outbuf_classify (header));
      at = end;
    }
}

DeyeBusOutCount
deye_bus_outbuf_count (const DeyeBusOutbuf *outbuf)
{
  DeyeBusOutCount count = { 0, 0 };
  gsize sent;

  outbuf_reclaim (outbuf);
  sent = outbuf->sent;
  if (outbuf->bytes == 0)
    return count;
  /* The first bytes may be the rest of a message whose header was written before. */
  if (sent < MIN (outbuf->first->first_frame, outbuf->first->len))
    outbuf_count_one (&count, outbuf->begun);
  for (const DeyeBusOutPart *part = outbuf->first; part != NULL; part = part->next)
    {
      outbuf_count_part (part, sent, &count);
      sent = 0;
    }
  return count;
}

/* Offset of the first frame in @part that begins at or after @sent; the length of the part if there is none. */
static gsize
outbuf_first_unsent (const DeyeBusOutPart *part, gsize sent)
{
  gsize at = MIN (part->first_frame, part->len);

  while (at < sent && at < part->len)
    at = at == part->last_frame ? part->len : at + outbuf_frame_size (part->bytes + at);
  return at;
}

/* Appends the next @len bytes to @frame, and moves @part and @at behind them. */
static void
outbuf_copy_frame (const DeyeBusOutPart **part, gsize *at, gsize len, GByteArray *frame)
{
  while (len > 0)
    {
      gsize n = MIN (len, (*part)->len - *at);

      g_byte_array_append (frame, outbuf_part_data (*part) + *at, (guint) n);
      len -= n;
      *at += n;
      if (*at == (*part)->len)
        {
          *part = (*part)->next;
          *at = 0;
        }
    }
}

void
deye_bus_outbuf_foreach_unsent (const DeyeBusOutbuf *outbuf, DeyeBusOutFunc func, gpointer data)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  const DeyeBusOutPart *part;
  gsize at;

  outbuf_reclaim (outbuf);
  part = outbuf->first;
  at = part != NULL ? outbuf_first_unsent (part, outbuf->sent) : 0;
  while (part != NULL && at == part->len)
    {
      part = part->next;
      at = part != NULL ? outbuf_first_unsent (part, 0) : 0;
    }
  while (part != NULL)
    {
      g_byte_array_set_size (frame, 0);
      outbuf_copy_frame (&part, &at, outbuf_frame_size (part->bytes + at), frame);
      func (frame->data, frame->len, data);
    }
}

/* The first part is about to be freed: remembers the message that begins in it and continues in the next part. */
static void
outbuf_note_begun (DeyeBusOutbuf *outbuf)
{
  const DeyeBusOutPart *part = outbuf->first;

  if (part->last_frame != NO_FRAME)
    outbuf->begun = outbuf_classify (part->bytes + part->last_frame);
}

/* --- progress --- */

static void
outbuf_drop_first (DeyeBusOutbuf *outbuf)
{
  DeyeBusOutPart *part = outbuf->first;

  outbuf_note_begun (outbuf);
  outbuf->first = part->next;
  if (outbuf->first == NULL)
    outbuf->last = NULL;
  outbuf->sent = 0;
  if (part->payload != NULL)
    outbuf->n_referred--;
  if (part->capacity != CHUNK_BYTES || outbuf->n_spare >= SPARE_MAX)
    {
      outbuf_part_free (part);
      return;
    }
  part->next = outbuf->spare;
  outbuf->spare = part;
  outbuf->n_spare++;
}

WIRE_HOT void
deye_bus_outbuf_sent (DeyeBusOutbuf *outbuf, gsize n)
{
  g_assert (n <= outbuf->bytes);

  outbuf->bytes -= n;
  outbuf->sent += n;
  while (outbuf->first != NULL && outbuf->sent >= outbuf->first->len)
    {
      gsize more = outbuf->sent - outbuf->first->len;

      outbuf_drop_first (outbuf);
      outbuf->sent = more;
    }
}
