/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-page.h"

#include <string.h>

/* A list of texts is cut until it fits. Each costs 10 bytes more than its text. test-proc-page has the hostile cases. */

#define OVERHEAD 10u
#define SHORTEST 4u

static gsize
cost (gconstpointer text)
{
  return OVERHEAD + strlen (text);
}

static gsize
text_size (gconstpointer text)
{
  return strlen (text);
}

static gpointer
shorten (gpointer text, gsize bytes)
{
  return g_strndup (text, MAX (bytes, SHORTEST));
}

static const CollectorRecordClass texts = { cost, text_size, shorten, SHORTEST, g_free };
static const CollectorRecordClass numbers = { cost, NULL, NULL, 0, NULL };

/* One text for each length. (transfer full) */
static GPtrArray *
make (const guint *lengths, guint n)
{
  GPtrArray *records = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (records, g_strnfill (lengths[i], 'x'));
  return records;
}

static gsize
sum (const GPtrArray *records)
{
  gsize bytes = 0;

  for (guint i = 0; i < records->len; i++)
    bytes += cost (records->pdata[i]);
  return bytes;
}

typedef struct
{
  guint lengths[4];
  guint n;
  gsize room;
  gboolean shorten;
  guint want[4]; /* lengths afterwards */
  guint want_n;
} Case;

static const Case cases[] = {
  { { 5, 5, 5 }, 3, 45, TRUE, { 5, 5, 5 }, 3 },     /* everything fits, to the byte */
  { { 5, 5, 5 }, 3, 44, FALSE, { 5, 5 }, 2 },       /* a page: the omitted texts follow on the next page */
  { { 20, 5, 30 }, 3, 60, TRUE, { 12, 5, 12 }, 3 }, /* the longest are cut, to the same length */
  { { 20, 20, 20 }, 3, 35, TRUE, { 4, 4 }, 2 },     /* the shortest form is too long, too */
  { { 50 }, 1, 20, FALSE, { 10 }, 1 },              /* a single text is cut in a page as well */
  { { 50, 5 }, 2, 20, FALSE, { 10 }, 1 },           /* the same, and the other text is on the next page */
  { { 50, 50 }, 2, 0, TRUE, { 4 }, 1 },             /* without room, one text is left */
};

static void
test_fit (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *one = &cases[i];
      g_autoptr (GPtrArray) records = make (one->lengths, one->n);

      g_test_message ("case %u", i);
      collector_page_fit (records, &texts, one->room, one->shorten);
      g_assert_cmpuint (records->len, ==, one->want_n);
      for (guint j = 0; j < records->len; j++)
        g_assert_cmpuint (strlen (records->pdata[j]), ==, one->want[j]);
      if (records->len > 1)
        g_assert_cmpuint (sum (records), <=, one->room);
    }
}

/* Records that can't be cut are left out. */
static void
test_uncuttable (void)
{
  const guint lengths[] = { 20, 20, 20 };

  for (guint asked = 0; asked < 2; asked++)
    {
      g_autoptr (GPtrArray) records = make (lengths, 3);
      g_autoptr (GPtrArray) none = make (lengths, 0);

      collector_page_fit (records, &numbers, 60, asked != 0);
      g_assert_cmpuint (records->len, ==, 2);
      collector_page_fit (records, &numbers, 5, asked != 0);
      g_assert_cmpuint (records->len, ==, 1);
      collector_page_fit (none, &numbers, 60, asked != 0);
      collector_page_fit (none, &texts, 60, asked != 0);
      g_assert_cmpuint (none->len, ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/collector/page/fit", test_fit);
  g_test_add_func ("/collector/page/uncuttable", test_uncuttable);
  return g_test_run ();
}
