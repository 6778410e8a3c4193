/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

/*
 * Frames: an 8-byte header (u32 LE body length, u8 kind, u8 flags, two zero bytes) and a body.
 *
 * The reader turns a stream of bytes, split at any place, into whole frames. It does not interpret the body. A frame
 * that is complete in the input is returned in place, without a copy. A split frame is collected in a block, whose size is
 * at most four times the bytes received so far (or 1 KiB), independent of the length in the header. So a peer cannot make the
 * reader allocate memory by announcing a large frame.
 *
 * After a large frame the reader offers a block for another frame of the same length, so that the caller can read it from the
 * socket without a copy. If other frames arrive instead, the reader takes them from that block as from any input. If only
 * the beginning of a large frame arrives, the block is larger than the limit above. The reader borrows the excess from
 * wire-block, which lends a small amount to the whole process; when that is used up, the block shrinks to the limit.
 *
 * Invariant: after an error the reader returns the same error for ever, and reads no byte after the offending one.
 */

#define WIRE_FRAME_HEADER_LEN 8u
#define WIRE_HELLO_MAX        4096u /* body of a HELLO */
#define WIRE_FRAME_WHOLE_MAX                                                                                           \
  16384u /* the largest body that wire_frame_reader_next_whole() returns; less than that of a large frame */
#define WIRE_HEADER_FIELDS_MAX 8192u /* all fields of a client except the payload */
#define WIRE_BROKER_FIELDS_MAX 8192u /* all fields of the broker */

typedef enum
{
  WIRE_KIND_HELLO = 1,
  WIRE_KIND_WELCOME = 2,
  WIRE_KIND_PUBLISH = 3,
  WIRE_KIND_DELIVER = 4,
  WIRE_KIND_REQUEST = 5,
  WIRE_KIND_REPLY = 6,
  WIRE_KIND_DELIVERED = 7,
  WIRE_KIND_ACK = 8,
  WIRE_KIND_ERROR = 9,
  WIRE_KIND_CREDIT = 10,
  WIRE_KIND_GAP = 11,
  WIRE_KIND_CANCEL = 12,
  WIRE_KIND_PING = 13,
  WIRE_KIND_PONG = 14,
  WIRE_KIND_GOODBYE = 15,
} WireKind;

#define WIRE_KIND_LAST WIRE_KIND_GOODBYE

typedef enum
{
  WIRE_FLAG_WANT_ACK = 1,
  WIRE_FLAG_WANT_DELIVERED = 2,
  WIRE_FLAG_FINAL = 4,
  WIRE_FLAG_PROGRESS = 8,
  WIRE_FLAG_BROADCAST = 16,
  WIRE_FLAG_RETAIN = 32,
  WIRE_FLAG_RETAINED = 64,
} WireFlags;

#define WIRE_FLAGS_KNOWN 127u

/* Returns the name of the kind, such as "PUBLISH"; NULL: the kind is not known. */
const char *wire_kind_name (guint8 kind);

/* Writes a header to @out, which has WIRE_FRAME_HEADER_LEN bytes. */
void wire_frame_put_header (guint8 *out, guint8 kind, guint8 flags, guint32 body_len);

/* One whole frame. Its body is in the input, or in the reader's block; see wire_frame_reader_steal(). */
typedef struct
{
  guint8 kind;  /* any value; the frame layer does not check it */
  guint8 flags; /* any value */
  WireSpan body;
  gboolean in_block; /* the body is in the reader's block, which may be stolen: it is not much larger than the frame */
} WireFrame;

typedef enum
{
  WIRE_FRAME_COMPLETE, /* @frame is set */
  WIRE_FRAME_MORE,     /* the input is used up, and the frame is not complete */
  WIRE_FRAME_BAD,      /* reader->status is the error, reader->offset the offending byte of the frame */
} WireFrameResult;

/* Members are private unless their comment says public. */
typedef struct
{
  gsize max_body;     /* public: set by init, may be changed between frames (hello -> ready) */
  guint8 *block;      /* header and body of a split frame; NULL between frames */
  gsize at;           /* offset of the frame in block */
  gsize have;         /* bytes of the frame */
  gsize capacity;     /* size of block from that offset on */
  gsize borrowed;     /* part of capacity that wire_block_lend() has lent */
  gboolean lent;      /* block contains the frame that was returned last; the next call frees it */
  gboolean ahead;     /* block was offered before the first byte of a frame */
  gboolean resized;   /* public: block was resized, which may have left unused memory in the heap */
  gsize expected;     /* length of the last large frame with its header; 0: none is expected */
  guint n_small;      /* smaller frames since then */
  guint8 *rest_block; /* other frames, which arrived in a block that was offered for a large one; NULL: none */
  gsize rest_size;
  WireSpan rest;     /* the part of rest_block that was not returned yet */
  guint8 kind;       /* public: of the last complete header, also of a bad one; 0: none yet */
  WireStatus status; /* public: the error */
  gsize offset;      /* public: of the offending byte in its frame */
  guint64 limit;     /* public: FRAME_TOO_LARGE: the limit */
  guint64 value;     /* public: FRAME_TOO_LARGE: the announced length */
} WireFrameReader;

void wire_frame_reader_init (WireFrameReader *reader, gsize max_body);
void wire_frame_reader_clear (WireFrameReader *reader);

/* Consumes bytes of @input, which it moves forward, until a frame is complete, the input is used up, or a byte is bad.
 * It checks a header as soon as that is complete, before it stores any of the body: the reserved bytes are zero (else
 * BAD_FRAME), the length is not 0 (FRAME_EMPTY) and at most max_body (FRAME_TOO_LARGE). Out of memory: NO_MEMORY.
 * @frame is valid until the next call with this reader, and while the bytes of @input are. */
WireFrameResult wire_frame_reader_next (WireFrameReader *reader, WireSpan *input, WireFrame *frame);

/* A fast path of wire_frame_reader_next(), for a frame that is complete in @input, as nearly all are. FALSE: nothing has changed;
 * call wire_frame_reader_next(). */
static inline gboolean
wire_frame_reader_next_whole (WireFrameReader *reader, WireSpan *input, WireFrame *frame)
{
  const guint8 *header = input->data;
  guint32 len;

  if (input->len < WIRE_FRAME_HEADER_LEN || reader->block != NULL || reader->rest_block != NULL || reader->expected > 0
      || reader->status != WIRE_STATUS_OK)
    return FALSE;
  memcpy (&len, header, sizeof len);
  len = GUINT32_FROM_LE (len);
  if (len - 1 >= WIRE_FRAME_WHOLE_MAX || len > reader->max_body || len > input->len - WIRE_FRAME_HEADER_LEN
      || (header[6] | header[7]) != 0)
    return FALSE;
  reader->kind = frame->kind = header[4];
  frame->flags = header[5];
  frame->body = wire_span (header + WIRE_FRAME_HEADER_LEN, len);
  frame->in_block = FALSE;
  *input = wire_span (header + WIRE_FRAME_HEADER_LEN + len, input->len - WIRE_FRAME_HEADER_LEN - len);
  return TRUE;
}

/* Transfers the block that contains the last frame (only with in_block); frame->body points into it. Free it with
 * wire_block_free() or g_free(). @capacity: (out): its size */
guint8 *wire_frame_reader_steal (WireFrameReader *reader, gsize *capacity);

/* Offers memory for the next bytes of a large frame: the caller may store bytes of the stream at @where itself, which saves a
 * copy. Returns their largest number; 0: pass them as input. The last frame becomes invalid. After the caller has stored @n
 * bytes, it calls wire_frame_reader_placed(), and then wire_frame_reader_next() with an empty input. If it has stored none, it
 * calls neither. */
gsize wire_frame_reader_place (WireFrameReader *reader, guint8 **where);
void wire_frame_reader_placed (WireFrameReader *reader, gsize n);

/* Returns the number of bytes that the reader has allocated, for its owner's accounting. Borrowed bytes do not count. */
static inline gsize
wire_frame_reader_held (const WireFrameReader *reader)
{
  return reader->at + reader->capacity - reader->borrowed;
}

/* TRUE: the reader is as after wire_frame_reader_init(), so its owner may free it and make another one for the next bytes. */
static inline gboolean
wire_frame_reader_is_idle (const WireFrameReader *reader)
{
  return reader->block == NULL && reader->rest_block == NULL && reader->expected == 0
         && reader->status == WIRE_STATUS_OK;
}

/* TRUE: a part of a frame was received. The broker gives the peer a deadline for the rest. */
static inline gboolean
wire_frame_reader_is_partial (const WireFrameReader *reader)
{
  return reader->have > 0 && !reader->lent;
}
