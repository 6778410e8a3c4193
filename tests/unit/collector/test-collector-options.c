/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-options.h"

/* The command line that collectors have in common. */

static gint own;

static void
add_own (GOptionContext *context, gpointer data)
{
  const GOptionEntry entries[] = { { "own", 0, 0, G_OPTION_ARG_INT, data, "A number", "N" }, G_OPTION_ENTRY_NULL };

  g_option_context_add_main_entries (context, entries, NULL);
}

static gboolean
parse (CollectorOptions *options, const char *line, GError **error)
{
  const CollectorUsage usage = { .name = "netmond", .summary = "Reports.", .add_options = add_own, .data = &own };
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  g_autofree char **argv = g_memdup2 (words, (g_strv_length (words) + 1) * sizeof *words);
  char **rest = argv;
  int argc = (int) g_strv_length (words);

  *options = (CollectorOptions){ 0 };
  return collector_options_parse (options, &usage, &argc, &rest, error);
}

static void
test_defaults (void)
{
  g_auto (CollectorOptions) options = { 0 };

  g_assert_true (parse (&options, "netmond", NULL));
  g_assert_cmpstr (options.id, ==, "netmond-1");
  g_assert_cmpstr (options.type, ==, "netmond");
  g_assert_null (options.address);
  g_assert_cmpint (options.heartbeat_ms, ==, 5000);
  g_assert_cmpint (options.ready_fd, ==, -1);
  g_assert_false (options.version);
}

static void
test_all (void)
{
  g_auto (CollectorOptions) options = { 0 };

  g_assert_true (parse (
      &options, "netmond --id n-7 --type net --address /tmp/bus --heartbeat 250 --ready-fd 3 --version --own 9", NULL));
  g_assert_cmpstr (options.id, ==, "n-7");
  g_assert_cmpstr (options.type, ==, "net");
  g_assert_cmpstr (options.address, ==, "/tmp/bus");
  g_assert_cmpint (options.heartbeat_ms, ==, 250);
  g_assert_cmpint (options.ready_fd, ==, 3);
  g_assert_true (options.version);
  g_assert_cmpint (own, ==, 9);
}

static void
test_refused (void)
{
  const char *const lines[] = { "netmond --heartbeat 0", "netmond --heartbeat -1", "netmond --nonsense", "netmond --id",
                                "netmond /run/bus",      "netmond --id n-1 0/2",   "netmond -- --id" };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (CollectorOptions) options = { 0 };
      g_autoptr (GError) error = NULL;

      g_assert_false (parse (&options, lines[i], &error));
      g_assert_true (error->domain == G_OPTION_ERROR);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/collector/options/defaults", test_defaults);
  g_test_add_func ("/collector/options/all", test_all);
  g_test_add_func ("/collector/options/refused", test_refused);
  return g_test_run ();
}
