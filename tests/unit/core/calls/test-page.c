/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-page.h"

#include "calls/bus-budget.h"
#include "introspection.pb-c.h"

/* A page of entries: the added entries fit in the reply, in number and in bytes. */

typedef Daemoneye__Eventbus__V1__TopicInfo TopicInfo;

typedef struct
{
  BusPage page;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->page = (BusPage){ .limit = 1000,
                       .room = 1000,
                       .entries = g_ptr_array_new (),
                       .blocks = g_ptr_array_new_with_free_func (g_free),
                       .texts = g_string_chunk_new (1024) };
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_ptr_array_unref (f->page.entries);
  g_ptr_array_unref (f->page.blocks);
  g_string_chunk_free (f->page.texts);
}

static TopicInfo *
entry_new (Fixture *f, gsize topic_len)
{
  g_autofree char *topic = g_strnfill (topic_len, 't');
  TopicInfo *info = bus_page_block (&f->page, sizeof (TopicInfo));

  daemoneye__eventbus__v1__topic_info__init (info);
  info->topic = bus_page_text (&f->page, wire_span_str (topic));
  return info;
}

static gsize
size_of (const TopicInfo *info)
{
  return protobuf_c_message_get_packed_size (&info->base);
}

/* Blocks are zeroed. The page owns the blocks and the texts, which end with a NUL. */
static void
test_blocks (Fixture *f, gconstpointer data)
{
  static const char bytes[] = { 'a', '.', 'b', 'x' };
  const guint8 *block = bus_page_block (&f->page, 300);
  const char *text = bus_page_text (&f->page, wire_span (bytes, 3));

  for (guint i = 0; i < 300; i++)
    g_assert_cmpuint (block[i], ==, 0);
  g_assert_cmpuint (f->page.blocks->len, ==, 1);
  g_assert_cmpstr (text, ==, "a.b");
  g_assert_cmpstr (bus_page_text (&f->page, wire_span_str ("")), ==, "");
}

/* An entry that fills the page to its last byte fits; one byte more does not. */
static void
test_bytes (Fixture *f, gconstpointer data)
{
  TopicInfo *info = entry_new (f, 100);

  f->page.room = size_of (info) + 4;
  g_assert_true (bus_page_fits (&f->page, &info->base));
  g_assert_true (bus_page_put (&f->page, &info->base));
  g_assert_cmpuint (f->page.room, ==, 0);
  g_assert_cmpuint (f->page.entries->len, ==, 1);
  g_assert_false (f->page.is_full);

  f->page.room = size_of (info) + 3;
  g_assert_false (bus_page_fits (&f->page, &info->base));
  g_assert_false (bus_page_put (&f->page, &info->base));
  g_assert_true (f->page.is_full);
  g_assert_cmpuint (f->page.entries->len, ==, 1);
  g_assert_cmpuint (f->page.room, ==, size_of (info) + 3);
}

static void
test_number (Fixture *f, gconstpointer data)
{
  f->page.limit = 2;
  g_assert_true (bus_page_put (&f->page, &entry_new (f, 3)->base));
  g_assert_true (bus_page_put (&f->page, &entry_new (f, 3)->base));
  g_assert_false (f->page.is_full); /* set only when the next entry does not fit */
  g_assert_false (bus_page_put (&f->page, &entry_new (f, 3)->base));
  g_assert_true (f->page.is_full);
  g_assert_cmpuint (f->page.entries->len, ==, 2);
}

/* Each written entry counts as work, also the one that did not fit. */
static void
test_work (Fixture *f, gconstpointer data)
{
  f->page.limit = 1;
  bus_page_put (&f->page, &entry_new (f, 3)->base);
  bus_page_put (&f->page, &entry_new (f, 3)->base);
  g_assert_cmpuint (f->page.work, ==, 2 * BUS_WORK_ENTRY);
}

/* Entries of random sizes: the reply with all of them is never larger than the room. */
static void
test_fits_the_reply (Fixture *f, gconstpointer data)
{
  for (guint round = 0; round < 200; round++)
    {
      Daemoneye__Eventbus__V1__BusIntrospectReply reply = DAEMONEYE__EVENTBUS__V1__BUS_INTROSPECT_REPLY__INIT;
      gsize room = (gsize) g_test_rand_int_range (0, 60000);

      g_ptr_array_set_size (f->page.entries, 0);
      f->page.is_full = FALSE;
      f->page.room = room;
      while (bus_page_put (&f->page, &entry_new (f, (gsize) g_test_rand_int_range (0, 20000))->base))
        ;
      reply.n_topics = f->page.entries->len;
      reply.topics = (TopicInfo **) (gpointer) f->page.entries->pdata;
      g_assert_cmpuint (protobuf_c_message_get_packed_size (&reply.base), <=, room);
      g_ptr_array_set_size (f->page.blocks, 0);
    }
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/page/blocks", test_blocks);
  ADD ("/core/page/bytes", test_bytes);
  ADD ("/core/page/number", test_number);
  ADD ("/core/page/work", test_work);
  ADD ("/core/page/M23-fits-the-reply", test_fits_the_reply);
  return g_test_run ();
}
