/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-extent.h"

#include "wire-field.h"

#define NUMBER(member) WIRE_FIELD_ROW (WIRE_FIELD_NUMBER, WireExtent, member)
#define SPAN(member)   WIRE_FIELD_ROW (WIRE_FIELD_SPAN, WireExtent, member)

static const WireFieldRow extent_rows[] = {
  [1] = NUMBER (rows),        [2] = NUMBER (is_truncated),  [3] = NUMBER (limit),          [4] = NUMBER (from_time_us),
  [5] = NUMBER (to_time_us),  [6] = NUMBER (gaps),          [7] = NUMBER (share_permille), [8] = NUMBER (age_us),
  [9] = SPAN (configuration), [10] = NUMBER (is_uncounted),
};

void
wire_extent_read (WireSpan packed, WireExtent *extent)
{
  *extent = (WireExtent){ 0 };
  wire_field_read (packed, extent_rows, G_N_ELEMENTS (extent_rows), extent);
}
