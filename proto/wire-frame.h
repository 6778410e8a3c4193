/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"
#include "wire-status.h"

/*
 * Frames: an 8-byte header (u32 LE body length, u8 kind, u8 flags, two zero bytes) and a body.
 *
 * The reader takes bytes that arrive split anywhere and gives whole frames. A frame that lies whole in the bytes handed
 * in is given in place, without a copy; a split one is gathered in a block that grows with the bytes that came (by four,
 * never beyond the frame), never with the length that was announced. The reader knows nothing of the body.
 *
 * Invariant: after an error the reader gives the same error for ever; nothing after the bad byte is looked at.
 */

#define WIRE_FRAME_HEADER_LEN  8u
#define WIRE_HELLO_MAX         4096u /* body of a HELLO */
#define WIRE_HEADER_FIELDS_MAX 8192u /* all client fields but the payload */
#define WIRE_BROKER_FIELDS_MAX 8192u /* all broker fields */

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

/* The kind's name, "PUBLISH"; "kind N unknown" is the caller's to say: NULL for a number not in the table. */
const char *wire_kind_name (guint8 kind);

/* Writes a header to @out, which has WIRE_FRAME_HEADER_LEN bytes. */
void wire_frame_put_header (guint8 *out, guint8 kind, guint8 flags, guint32 body_len);

/* One whole frame. @body lies in the bytes handed in, or in @block; see wire_frame_reader_steal(). */
typedef struct
{
  guint8 kind;  /* any value: an unknown one is the protocol's business, not the frame's */
  guint8 flags; /* any value, likewise */
  WireSpan body;
  gboolean in_block; /* the body lies in the reader's own block and may be stolen */
} WireFrame;

typedef enum
{
  WIRE_FRAME_COMPLETE, /* @frame is filled */
  WIRE_FRAME_MORE,     /* all bytes are used, the frame is not whole yet */
  WIRE_FRAME_BAD,      /* reader->status and ->offset say what and where in the stream of this frame */
} WireFrameResult;

/* Treat the fields as private, but for those said to be public. */
typedef struct
{
  gsize max_body;    /* public: set by init, may be changed between frames (hello -> ready) */
  guint8 *block;     /* gathered header and body of a split frame; NULL between frames */
  gsize have;        /* bytes in block */
  gsize capacity;    /* of block */
  gboolean lent;     /* the last frame given lies in block: freed at the next call */
  guint8 kind;       /* public: of the last header that was whole, also of a bad one; 0: none yet */
  WireStatus status; /* public: why it is bad */
  gsize offset;      /* public: of the bad byte in its frame */
  guint64 limit;     /* public: FRAME_TOO_LARGE: the limit */
  guint64 value;     /* public: FRAME_TOO_LARGE: what was announced */
} WireFrameReader;

void wire_frame_reader_init (WireFrameReader *reader, gsize max_body);
void wire_frame_reader_clear (WireFrameReader *reader);

/* Takes bytes from the front of @input (and moves it forward) until a frame is whole, the bytes are used up, or a byte
 * is bad. A header is checked as soon as it is whole: reserved bytes zero (BAD_FRAME), length not 0 (FRAME_EMPTY), not
 * above max_body (FRAME_TOO_LARGE), before anything is stored. Out of memory: NO_MEMORY.
 * The frame is valid until the next call with this reader and as long as @input's bytes are. */
WireFrameResult wire_frame_reader_next (WireFrameReader *reader, WireSpan *input, WireFrame *frame);

/* Gives the block away in which the last frame lies (in_block); the body starts WIRE_FRAME_HEADER_LEN bytes into it.
 * @capacity gets the size of the allocation. Free with g_free(). */
guint8 *wire_frame_reader_steal (WireFrameReader *reader, gsize *capacity);

/* Where the next bytes of a large frame that has begun can be read to directly, and how many (0: nowhere, hand bytes in).
 * After reading @n bytes there, say so with wire_frame_reader_placed(), then call next() with an empty input. */
gsize wire_frame_reader_place (WireFrameReader *reader, guint8 **where);
void wire_frame_reader_placed (WireFrameReader *reader, gsize n);

/* Bytes that the reader holds: what its owner is charged. */
static inline gsize
wire_frame_reader_held (const WireFrameReader *reader)
{
  return reader->capacity;
}

/* Whether a frame has begun and is not whole (the slow-loris deadline runs). */
static inline gboolean
wire_frame_reader_is_partial (const WireFrameReader *reader)
{
  return reader->have > 0 && !reader->lent;
}
