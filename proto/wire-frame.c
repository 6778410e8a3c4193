/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-frame.h"

#include "wire-block.h"
#include "wire-hot.h"

#define FIRST_BLOCK 1024u
#define GROWTH      4u
#define PLACE_MIN   4096u  /* the smallest rest of a frame that is worth a separate read */
#define AHEAD_MIN   32768u /* the smallest large frame: another one of its size is expected after it */
#define AHEAD_SLACK 512u   /* room for small frames that arrive before it */
#define AHEAD_SMALL 8u     /* after this many smaller frames no large one is expected any more */

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
frame_return_borrowed (WireFrameReader *reader)
{
  if (reader->borrowed > 0)
    wire_block_return (reader->borrowed);
  reader->borrowed = 0;
}

static void
frame_drop_block (WireFrameReader *reader)
{
  frame_return_borrowed (reader);
  wire_block_free (reader->block, reader->at + reader->capacity);
  reader->block = NULL;
  reader->at = 0;
  reader->have = 0;
  reader->capacity = 0;
  reader->lent = FALSE;
  reader->ahead = FALSE;
  reader->resized = FALSE;
}

static void
frame_drop_rest (WireFrameReader *reader)
{
  wire_block_free (reader->rest_block, reader->rest_size);
  reader->rest_block = NULL;
  reader->rest = wire_span (NULL, 0);
}

/* Returns the header of the frame in the block. */
static guint8 *
frame_start (const WireFrameReader *reader)
{
  return reader->block + reader->at;
}

void
wire_frame_reader_clear (WireFrameReader *reader)
{
  frame_drop_block (reader);
  frame_drop_rest (reader);
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
  wire_frame_reader_clear (reader);
  reader->expected = 0;
  reader->status = status;
  reader->offset = offset;
  return WIRE_FRAME_BAD;
}

/* Returns WIRE_FRAME_COMPLETE if the header is valid. */
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

/* Notes the length of a complete frame. A large frame makes the reader expect another one of the same length. */
static void
frame_expect (WireFrameReader *reader, gsize len)
{
  if (len >= AHEAD_MIN)
    {
      reader->expected = len;
      reader->n_small = 0;
    }
  else if (G_UNLIKELY (reader->expected > 0) && ++reader->n_small >= AHEAD_SMALL)
    reader->expected = 0;
}

static void
frame_give (WireFrameReader *reader, WireFrame *frame, const guint8 *whole, gboolean in_block)
{
  frame_expect (reader, WIRE_FRAME_HEADER_LEN + frame_body_len (whole));
  frame->kind = whole[4];
  frame->flags = whole[5];
  frame->body = wire_span (whole + WIRE_FRAME_HEADER_LEN, frame_body_len (whole));
  frame->in_block = in_block;
}

static gsize
frame_whole_len (const WireFrameReader *reader)
{
  return reader->have < WIRE_FRAME_HEADER_LEN ? WIRE_FRAME_HEADER_LEN
                                              : WIRE_FRAME_HEADER_LEN + frame_body_len (frame_start (reader));
}

/* Enlarges the block for the first @upto bytes of the frame: all of it, or the header until that is complete. It is called only
 * when the block is full, so the block never has more than FIRST_BLOCK bytes or GROWTH times the bytes that the peer sent. */
static gboolean
frame_grow (WireFrameReader *reader, gsize upto, gsize coming)
{
  gsize most = MAX (GROWTH * (reader->have + coming), FIRST_BLOCK);
  gsize wanted = MIN (upto, most);
  guint8 *block;

  g_assert (reader->at == 0); /* a block with something in front of the frame has room for all of it */
  frame_return_borrowed (reader);
  reader->resized = reader->block != NULL;
  /* The peer is charged for the block, so its size may not depend on the kept blocks. */
  block = reader->block == NULL ? wire_block_new (wanted, wanted, &wanted) : g_try_realloc (reader->block, wanted);
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

      if (reader->capacity <= reader->have && !frame_grow (reader, upto, MIN (input->len, upto - reader->have)))
        return FALSE;
      n = MIN (MIN (reader->capacity, upto) - reader->have, input->len);
      memcpy (frame_start (reader) + reader->have, input->data, n);
      reader->have += n;
      *input = wire_span (input->data + n, input->len - n);
    }
  return TRUE;
}

/* Collects the header, and checks it. It returns WIRE_FRAME_COMPLETE if the header is valid. */
static WireFrameResult
frame_gather_header (WireFrameReader *reader, WireSpan *input)
{
  if (!frame_gather (reader, input, WIRE_FRAME_HEADER_LEN))
    return frame_fail (reader, WIRE_STATUS_NO_MEMORY, 0);
  if (reader->have < WIRE_FRAME_HEADER_LEN)
    return WIRE_FRAME_MORE;
  return frame_check_header (reader, frame_start (reader));
}

/* Collects a frame of which the input contains a part. If that part includes the header, which frame_read() has checked, the
 * frame gets a block of its full length at once, as far as the received bytes justify it: a block that begins with the header
 * and grows would be allocated twice, and could not be a kept block. */
static WireFrameResult
frame_continue_split (WireFrameReader *reader, WireSpan *input, WireFrame *frame)
{
  gsize whole;

  if (reader->have == 0 && input->len >= WIRE_FRAME_HEADER_LEN)
    whole = WIRE_FRAME_HEADER_LEN + frame_body_len (input->data);
  else
    {
      if (reader->have < WIRE_FRAME_HEADER_LEN)
        {
          WireFrameResult result = frame_gather_header (reader, input);

          if (result != WIRE_FRAME_COMPLETE)
            return result;
        }
      whole = frame_whole_len (reader);
    }
  if (!frame_gather (reader, input, whole))
    return frame_fail (reader, WIRE_STATUS_NO_MEMORY, 0);
  if (reader->have < whole)
    return WIRE_FRAME_MORE;
  /* The owner of a stolen block is charged for its frame, so a block that still has borrowed bytes can't be stolen. */
  frame_give (reader, frame, frame_start (reader), reader->borrowed == 0);
  reader->lent = TRUE;
  return WIRE_FRAME_COMPLETE;
}

WIRE_HOT static WireFrameResult
frame_read (WireFrameReader *reader, WireSpan *input, WireFrame *frame)
{
  gsize whole;

  if (reader->have > 0 || (input->len > 0 && input->len < WIRE_FRAME_HEADER_LEN))
    return frame_continue_split (reader, input, frame);
  if (input->len == 0)
    return WIRE_FRAME_MORE;

  if (frame_check_header (reader, input->data) == WIRE_FRAME_BAD)
    return WIRE_FRAME_BAD;
  whole = WIRE_FRAME_HEADER_LEN + frame_body_len (input->data);
  if (input->len < whole)
    return frame_continue_split (reader, input, frame);
  frame_give (reader, frame, input->data, FALSE);
  *input = wire_span (input->data + whole, input->len - whole);
  return WIRE_FRAME_COMPLETE;
}

/* Continues in the block of the rest, without a copy, if the rest is the beginning of a frame for which the block has enough
 * room, and the received bytes justify the size of the block. FALSE: one of these conditions does not hold, or the header is
 * invalid. */
static gboolean
frame_adopt_rest (WireFrameReader *reader)
{
  gsize at, room;

  if (reader->rest.len < WIRE_FRAME_HEADER_LEN)
    return FALSE;
  at = (gsize) (reader->rest.data - reader->rest_block);
  room = reader->rest_size - at;
  if (WIRE_FRAME_HEADER_LEN + frame_body_len (reader->rest.data) > room || reader->rest_size > GROWTH * reader->rest.len
      || frame_check_header (reader, reader->rest.data) == WIRE_FRAME_BAD)
    return FALSE;
  reader->block = g_steal_pointer (&reader->rest_block);
  reader->at = at;
  reader->have = reader->rest.len;
  reader->capacity = room;
  reader->rest = wire_span (NULL, 0);
  return TRUE;
}

static gboolean
frame_is_whole (WireSpan input)
{
  return input.len >= WIRE_FRAME_HEADER_LEN && input.len - WIRE_FRAME_HEADER_LEN >= frame_body_len (input.data);
}

static WireFrameResult
frame_read_rest (WireFrameReader *reader, WireSpan *input, WireFrame *frame)
{
  WireFrameResult result;

  if (!frame_is_whole (reader->rest) && frame_adopt_rest (reader))
    return frame_read (reader, input, frame);
  if (reader->status != WIRE_STATUS_OK)
    return WIRE_FRAME_BAD;
  result = frame_read (reader, &reader->rest, frame);
  if (result != WIRE_FRAME_MORE)
    return result;
  frame_drop_rest (reader);
  return frame_read (reader, input, frame);
}

WireFrameResult
wire_frame_reader_next (WireFrameReader *reader, WireSpan *input, WireFrame *frame)
{
  if (reader->status != WIRE_STATUS_OK)
    return WIRE_FRAME_BAD;
  if (reader->lent || reader->ahead)
    frame_drop_block (reader);
  return G_LIKELY (reader->rest_block == NULL) ? frame_read (reader, input, frame)
                                               : frame_read_rest (reader, input, frame);
}

guint8 *
wire_frame_reader_steal (WireFrameReader *reader, gsize *capacity)
{
  guint8 *block = reader->block;

  *capacity = reader->at + reader->capacity;
  reader->block = NULL;
  frame_drop_block (reader);
  return block;
}

/* --- bytes that the caller stores in the block --- */

/* Offers a block for a frame of the expected length, before a byte of it was received. Reuses the block of the last frame if its
 * size fits. */
static gsize
frame_place_ahead (WireFrameReader *reader, guint8 **where)
{
  gsize wanted = MIN (reader->expected, WIRE_FRAME_HEADER_LEN + reader->max_body);
  gsize size = reader->at + reader->capacity;

  if (size < wanted + AHEAD_SLACK || size / 2 > wanted + AHEAD_SLACK)
    {
      frame_drop_block (reader);
      reader->block = wire_block_new (wanted + AHEAD_SLACK, G_MAXSIZE, &size);
      if (reader->block == NULL)
        return 0;
    }
  reader->at = 0;
  reader->capacity = size;
  reader->have = 0;
  reader->lent = FALSE;
  reader->ahead = TRUE;
  *where = reader->block;
  return wanted;
}

/* There are two cases. If the header of a frame was received and much of the frame is missing, the caller may fill the rest of
 * the block. This alone would not be enough: a frame is known to be large only after its beginning was read into the
 * caller's buffer, so the beginning is copied, and the block then grows in steps of GROWTH, each with a reallocation.
 *
 * Large frames seldom come alone: a peer that sends a file or a table sends many of about the same length. So after a large
 * frame the reader expects another one, and offers a block for all of it before the first byte (frame_place_ahead()). If the
 * guess is right, the frame is read without a copy, and its block can be stolen (wire_frame_reader_steal()).
 *
 * The guess may be wrong. If other frames arrive, wire_frame_reader_placed() turns the block into input (rest_block). If only a
 * beginning arrives, the block is larger than it may be, and frame_justify() decides what happens to it. */
gsize
wire_frame_reader_place (WireFrameReader *reader, guint8 **where)
{
  gsize whole;

  if (reader->expected > 0 && (reader->have == 0 || reader->lent) && reader->rest_block == NULL)
    return frame_place_ahead (reader, where);
  if (reader->lent || reader->have < WIRE_FRAME_HEADER_LEN || frame_whole_len (reader) - reader->have < PLACE_MIN)
    return 0;
  if (reader->capacity <= reader->have && !frame_grow (reader, frame_whole_len (reader), 0))
    return 0;
  whole = frame_whole_len (reader);
  *where = frame_start (reader) + reader->have;
  return MIN (reader->capacity, whole) - reader->have;
}

static void
frame_shrink (WireFrameReader *reader, gsize size)
{
  guint8 *block = g_try_realloc (reader->block, size);

  if (block == NULL)
    return;
  reader->block = block;
  reader->capacity = size;
  reader->resized = TRUE;
}

/* Applies the limit of frame_grow() to a block that was allocated for a whole frame before its first byte arrived.
 *
 * Without this, a peer could send one large frame, then a few KiB of another one, and then nothing: on each of its connections
 * the broker would hold a block of the full length for these bytes. But to shrink the block after each read and to let it
 * grow again would copy the frame several times, which the offer of a whole block avoids.
 *
 * So the reader borrows the bytes beyond the limit from wire-block. They are not charged to the peer; their sum is limited
 * for the whole process (WIRE_BLOCK_LENT_BYTES). Each further read into the block returns a part of the loan. If
 * nothing can be borrowed, the block shrinks to the limit, and then grows with the received bytes like any other. A loan ends
 * with the block in the reader, so a block with borrowed bytes can't be stolen (frame_continue_split()). */
static void
frame_justify (WireFrameReader *reader)
{
  const gsize justified = MAX (GROWTH * reader->have, FIRST_BLOCK);
  const gsize more = reader->capacity > justified ? reader->capacity - justified : 0;

  frame_return_borrowed (reader);
  if (more == 0)
    return;
  if (wire_block_lend (more))
    reader->borrowed = more;
  else
    frame_shrink (reader, justified);
}

/* TRUE: the block contains one large frame, or at least PLACE_MIN bytes of it, and nothing else. */
static gboolean
frame_is_as_expected (const WireFrameReader *reader)
{
  return reader->have >= PLACE_MIN && frame_whole_len (reader) >= MAX (reader->have, AHEAD_MIN);
}

void
wire_frame_reader_placed (WireFrameReader *reader, gsize n)
{
  g_assert (n <= reader->capacity - reader->have);
  reader->have += n;
  if (!reader->ahead)
    {
      if (reader->borrowed > 0)
        frame_justify (reader);
      return;
    }
  reader->ahead = FALSE;
  if (frame_is_as_expected (reader))
    {
      if (frame_check_header (reader, reader->block) == WIRE_FRAME_COMPLETE)
        frame_justify (reader);
      return;
    }
  /* Other frames have arrived. They are read from the block as from any input. */
  reader->rest_block = g_steal_pointer (&reader->block);
  reader->rest_size = reader->capacity;
  reader->rest = wire_span (reader->rest_block, reader->have);
  frame_drop_block (reader);
}
