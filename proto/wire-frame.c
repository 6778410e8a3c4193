/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-frame.h"

#define FIRST_BLOCK 1024u
#define GROWTH      4u
#define PLACE_MIN   4096u /* the smallest rest of a frame for which a read of its own pays */

const char *
wire_kind_name (guint8 kind)
{
  static const char *const names[] = { NULL,  "HELLO", "WELCOME", "PUBLISH", "DELIVER", "REQUEST", "REPLY", "DELIVERED",
                                       "ACK", "ERROR", "CREDIT",  "GAP",     "CANCEL",  "PING",    "PONG",  "GOODBYE" };

  return kind < G_N_ELEMENTS (names) ? names[kind] : NULL;
}

void
wire_frame_put_header (guint8 *out, guint8 kind, guint8 flags, guint32 body_len)
{
  guint32 len = GUINT32_TO_LE (body_len);

  memcpy (out, &len, sizeof len);
  out[4] = kind;
  out[5] = flags;
  out[6] = 0;
  out[7] = 0;
}

void
wire_frame_reader_init (WireFrameReader *reader, gsize max_body)
{
  *reader = (WireFrameReader){ .max_body = max_body };
}

static void
frame_drop_block (WireFrameReader *reader)
{
  g_clear_pointer (&reader->block, g_free);
  reader->have = 0;
  reader->capacity = 0;
  reader->lent = FALSE;
}

void
wire_frame_reader_clear (WireFrameReader *reader)
{
  frame_drop_block (reader);
}

static gsize
frame_body_len (const guint8 *header)
{
  guint32 len;

  memcpy (&len, header, sizeof len);
  return GUINT32_FROM_LE (len);
}

static WireFrameResult
frame_fail (WireFrameReader *reader, WireStatus status, gsize offset)
{
  frame_drop_block (reader);
  reader->status = status;
  reader->offset = offset;
  return WIRE_FRAME_BAD;
}

/* Returns WIRE_FRAME_COMPLETE when the header is good. */
static WireFrameResult
frame_check_header (WireFrameReader *reader, const guint8 *header)
{
  gsize len = frame_body_len (header);

  reader->kind = header[4];
  if (header[6] != 0)
    return frame_fail (reader, WIRE_STATUS_BAD_FRAME, 6);
  if (header[7] != 0)
    return frame_fail (reader, WIRE_STATUS_BAD_FRAME, 7);
  if (len == 0)
    return frame_fail (reader, WIRE_STATUS_FRAME_EMPTY, 0);
  if (len > reader->max_body)
    {
      reader->limit = reader->max_body;
      reader->value = len;
      return frame_fail (reader, WIRE_STATUS_FRAME_TOO_LARGE, 0);
    }
  return WIRE_FRAME_COMPLETE;
}

static void
frame_give (WireFrame *frame, const guint8 *whole, gboolean in_block)
{
  frame->kind = whole[4];
  frame->flags = whole[5];
  frame->body = wire_span (whole + WIRE_FRAME_HEADER_LEN, frame_body_len (whole));
  frame->in_block = in_block;
}

static gsize
frame_whole_len (const WireFrameReader *reader)
{
  return reader->have < WIRE_FRAME_HEADER_LEN ? WIRE_FRAME_HEADER_LEN
                                              : WIRE_FRAME_HEADER_LEN + frame_body_len (reader->block);
}

/* Enlarges the block, at most to the whole frame, or to the header until that is complete. It is called only when the
 * block is full, so a peer never makes us hold more than FIRST_BLOCK or GROWTH times the bytes that it sent. */
static gboolean
frame_grow (WireFrameReader *reader, gsize coming)
{
  gsize received = reader->have + coming;
  gsize wanted = MIN (frame_whole_len (reader), MAX (GROWTH * received, FIRST_BLOCK));
  guint8 *block;

  block = g_try_realloc (reader->block, wanted);
  if (block == NULL)
    return FALSE;
  reader->block = block;
  reader->capacity = wanted;
  return TRUE;
}

static gboolean
frame_gather (WireFrameReader *reader, WireSpan *input, gsize upto)
{
  while (reader->have < upto && input->len > 0)
    {
      gsize n;

      if (reader->capacity <= reader->have && !frame_grow (reader, MIN (input->len, upto - reader->have)))
        return FALSE;
      n = MIN (MIN (reader->capacity, upto) - reader->have, input->len);
      memcpy (reader->block + reader->have, input->data, n);
      reader->have += n;
      *input = wire_span (input->data + n, input->len - n);
    }
  return TRUE;
}

static WireFrameResult
frame_continue_split (WireFrameReader *reader, WireSpan *input, WireFrame *frame)
{
  gboolean had_header = reader->have >= WIRE_FRAME_HEADER_LEN;

  if (!frame_gather (reader, input, WIRE_FRAME_HEADER_LEN))
    return frame_fail (reader, WIRE_STATUS_NO_MEMORY, 0);
  if (reader->have < WIRE_FRAME_HEADER_LEN)
    return WIRE_FRAME_MORE;
  if (!had_header && frame_check_header (reader, reader->block) == WIRE_FRAME_BAD)
    return WIRE_FRAME_BAD;
  if (!frame_gather (reader, input, frame_whole_len (reader)))
    return frame_fail (reader, WIRE_STATUS_NO_MEMORY, 0);
  if (reader->have < frame_whole_len (reader))
    return WIRE_FRAME_MORE;
  frame_give (frame, reader->block, TRUE);
  reader->lent = TRUE;
  return WIRE_FRAME_COMPLETE;
}

WireFrameResult
wire_frame_reader_next (WireFrameReader *reader, WireSpan *input, WireFrame *frame)
{
  gsize whole;

  if (reader->status != WIRE_STATUS_OK)
    return WIRE_FRAME_BAD;
  if (reader->lent)
    frame_drop_block (reader);
  if (reader->have > 0 || (input->len > 0 && input->len < WIRE_FRAME_HEADER_LEN))
    return frame_continue_split (reader, input, frame);
  if (input->len == 0)
    return WIRE_FRAME_MORE;

  if (frame_check_header (reader, input->data) == WIRE_FRAME_BAD)
    return WIRE_FRAME_BAD;
  whole = WIRE_FRAME_HEADER_LEN + frame_body_len (input->data);
  if (input->len < whole)
    return frame_continue_split (reader, input, frame);
  frame_give (frame, input->data, FALSE);
  *input = wire_span (input->data + whole, input->len - whole);
  return WIRE_FRAME_COMPLETE;
}

guint8 *
wire_frame_reader_steal (WireFrameReader *reader, gsize *capacity)
{
  guint8 *block = reader->block;

  *capacity = reader->capacity;
  reader->block = NULL;
  frame_drop_block (reader);
  return block;
}

gsize
wire_frame_reader_place (WireFrameReader *reader, guint8 **where)
{
  if (reader->lent || reader->have < WIRE_FRAME_HEADER_LEN || frame_whole_len (reader) - reader->have < PLACE_MIN)
    return 0;
  if (reader->capacity <= reader->have && !frame_grow (reader, 0))
    return 0;
  *where = reader->block + reader->have;
  return reader->capacity - reader->have;
}

void
wire_frame_reader_placed (WireFrameReader *reader, gsize n)
{
  g_assert (n <= reader->capacity - reader->have);
  reader->have += n;
}
