/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Random changes of a message, for tests that compare two readers of the same bytes. The seed is that of g_test_rand_int(). */

static inline void
test_mutate_byte (GByteArray *bytes)
{
  const guint at = (guint) g_test_rand_int_range (0, (gint32) bytes->len);

  switch (g_test_rand_int_range (0, 3))
    {
    case 0:
      bytes->data[at] = (guint8) g_test_rand_int ();
      break;
    case 1:
      bytes->data[at]++;
      break;
    default:
      g_byte_array_remove_index (bytes, at);
      break;
    }
}

/* Sets @mutated to a copy of @bytes with 1 to @most changes. @bytes must be longer than @most. */
static inline void
test_mutate (GByteArray *mutated, const GByteArray *bytes, guint most)
{
  const guint changes = 1 + (guint) g_test_rand_int_range (0, (gint32) most);

  g_assert_cmpuint (bytes->len, >, most);
  g_byte_array_set_size (mutated, 0);
  g_byte_array_append (mutated, bytes->data, bytes->len);
  for (guint change = 0; change < changes; change++)
    test_mutate_byte (mutated);
}
