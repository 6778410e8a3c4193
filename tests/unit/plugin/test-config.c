/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <glib/gstdio.h>

/*
 * The key file: the shipped file lists every limit with its default, in a comment. An error message contains file, group and key.
 * Limits that a file does not contain are derived from those that it contains.
 */

static char *
write_file (const char *text)
{
  g_autoptr (GError) error = NULL;
  char *path;
  int fd = g_file_open_tmp ("deye-config-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  return path;
}

static void
assert_all_default (const BusConfig *config)
{
  for (BusLimit i = 0; i < BUS_N_LIMITS; i++)
    g_assert_cmpuint (bus_limit_value (&config->limits, i), ==, bus_limit_spec (i)->preset);
}

/* The shipped file, unchanged and with the comment mark in front of every setting removed. */
static void
test_shipped_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_strdup (g_getenv ("SHIPPED_CONF"));
  g_autoptr (BusConfig) config = bus_config_load (path, &error);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GRegex) comment = g_regex_new ("^#([a-z-]+=)", G_REGEX_MULTILINE, 0, NULL);
  g_autofree char *text = NULL;
  g_autofree char *active = NULL;

  g_assert_no_error (error);
  assert_all_default (config);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  active = g_regex_replace (comment, text, -1, 0, "\\1", 0, &error);
  g_assert_no_error (error);
  g_key_file_load_from_data (file, active, (gsize) -1, G_KEY_FILE_NONE, &error);
  g_assert_no_error (error);
  for (BusLimit i = 0; i < BUS_N_LIMITS; i++)
    {
      g_autofree char *key = g_strdelimit (g_strdup (bus_limit_name (i)), "_", '-');

      g_assert_cmpuint (g_key_file_get_uint64 (file, "limits", key, &error), ==, bus_limit_spec (i)->preset);
      g_assert_no_error (error);
    }
}

static const BusGroupRule *
rule_of (const BusConfig *config, const char *name)
{
  return bus_group_rules_find (config->groups, wire_span_str (name));
}

/* Sections of queue groups. */
static void
test_groups (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = write_file ("[group workers]\nstrategy = least-loaded\nin-flight=4\nweights= a:3 ; b-2:1\n"
                                      "[group other]\nstrategy=first-available\n");
  g_autoptr (BusConfig) config = bus_config_load (path, &error);
  const BusGroupRule *rule;

  g_unlink (path);
  g_assert_no_error (error);
  g_assert_cmpuint (config->groups->len, ==, 2);
  rule = rule_of (config, "workers");
  g_assert_cmpint (rule->strategy, ==, BUS_STRATEGY_LEAST_LOADED);
  g_assert_cmpuint (rule->in_flight, ==, 4);
  g_assert_cmpuint (bus_group_rule_weight (rule, "a"), ==, 3);
  g_assert_cmpuint (bus_group_rule_weight (rule, "b-2"), ==, 1);
  g_assert_cmpuint (bus_group_rule_weight (rule, "b"), ==, 0);
  rule = rule_of (config, "other");
  g_assert_cmpint (rule->strategy, ==, BUS_STRATEGY_FIRST_AVAILABLE);
  g_assert_cmpuint (rule->in_flight, ==, 0);
  g_assert_null (rule_of (config, "none"));
}

/* The shipped file with one changed setting, as an administrator would change it. */
static void
test_one_setting_of_the_shipped_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GString) edit = NULL;
  g_autoptr (BusConfig) config = NULL;

  g_assert_true (g_file_get_contents (g_getenv ("SHIPPED_CONF"), &text, NULL, NULL));
  edit = g_string_new (text);
  g_assert_cmpuint (g_string_replace (edit, "#max-connections=256", "max-connections=10", 0), ==, 1);
  path = write_file (edit->str);
  config = bus_config_load (path, &error);
  g_unlink (path);
  g_assert_no_error (error);
  g_assert_cmpuint (config->limits.max_connections, ==, 10);
  g_assert_cmpuint (config->limits.max_unauthenticated, ==, 10);
}

static void
test_values (void)
{
  g_autofree char *path = write_file ("[socket]\naddress=/run/x.sock\ngroup=adm\nuids=0; 1000\ntool-uids=7\n"
                                      "[limits]\nmax-payload=20480\nmax_connections=3\nmax-unauthenticated=2\n"
                                      "[peers]\nhealth-failed-action = close\n");
  g_autoptr (GError) error = NULL;
  g_autoptr (BusConfig) config = bus_config_load (path, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (config->address, ==, "/run/x.sock");
  g_assert_cmpstr (config->socket_group, ==, "adm");
  g_assert_cmpuint (config->n_accounts, ==, 2);
  g_assert_cmpuint (config->accounts[1], ==, 1000);
  g_assert_cmpuint (config->n_tool_accounts, ==, 1);
  g_assert_cmpuint (config->tool_accounts[0], ==, 7);
  g_assert_cmpuint (config->limits.max_payload, ==, 20480);
  g_assert_cmpuint (config->limits.max_connections, ==, 3);
  g_assert_true (config->closes_failed);
  g_unlink (path);
}

static void
test_defaults (void)
{
  g_autoptr (BusConfig) config = bus_config_load (NULL, NULL);

  g_assert_cmpuint (config->n_accounts, ==, 1);
  g_assert_cmpuint (config->accounts[0], ==, geteuid ());
  g_assert_null (config->address);
  g_assert_false (config->closes_failed);
}

static const struct
{
  const char *text;
  const char *want; /* in the message */
} bad[] = {
  { "[limit]\nx=1\n", "[limit]: unknown group" },
  { "[limits]\nmax-paylod=1\n", "[limits] max-paylod: unknown key" },
  { "[socket]\npath=/x\n", "[socket] path: unknown key" },
  { "[limits]\nmax-payload=lots\n", "[limits] max-payload: lots is not a number" },
  { "[limits]\nmax-payload=-1\n", "[limits] max-payload: -1 is not a number" },
  { "[limits]\nmax-payload=1\n", "[limits] max-payload: 1 is not between 16384 and 16777216" },
  { "[limits]\nmax-payload=99999999999\n", "is not between" },
  { "[limits]\nmax-payload=16777216\nqueue-hard-bytes=16777216\n", "queue-hard-bytes is below max-payload + 16384" },
  { "[limits]\nqueue-soft-bytes=9000000\nqueue-hard-bytes=8999999\n", "queue-soft-bytes is above queue-hard-bytes" },
  { "[limits]\nmax-payload=16777216\nbroker-bytes=1048576\n",
    "max-payload = 16777216 is too large for broker-bytes = 1048576" },
  { "[socket]\nuids=root\n", "[socket] uids: root is not a uid" },
  { "[socket]\nuids=4294967295\n", "is not a uid" },
  { "[group G]\nstrategy=random\n", "[group G] strategy: the name of a queue group is one segment" },
  { "[group g]\nstrategy=luck\n", "[group g] strategy: luck is not one of round-robin" },
  { "[group g]\nin-flight=0\n", "[group g] in-flight: 0 is not a number between 1 and 65536" },
  { "[group g]\nweights=a\n", "[group g] weights: the value must be a list" },
  { "[group g]\nweights=a:1;b:1001\n", "1001 is not a number between 1 and 1000" },
  { "[group g]\nweight=1\n", "[group g] weight: unknown key" },
  { "[socket]\naddress=\n", "[socket] address: the value is empty" },
  { "[peers]\nhealth-failed-action=kill\n", "[peers] health-failed-action: kill is not one of report, close" },
  { "[peers]\nhealth=close\n", "[peers] health: unknown key" },
  { "no key file", "can't read the configuration" },
};

static void
test_mistakes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *path = write_file (bad[i].text);
      g_autoptr (GError) error = NULL;
      BusConfig *config = bus_config_load (path, &error);

      g_assert_null (config);
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, bad[i].want));
      g_assert_nonnull (strstr (error->message, path));
      g_unlink (path);
    }
}

static void
test_missing_file_fails_closed (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (bus_config_load ("/nonexistent/daemoneye.conf", &error));
  g_assert_error (error, BUS_CONFIG_ERROR, BUS_CONFIG_ERROR_READ);
}

static void
test_address (void)
{
  g_autoptr (BusConfig) config = bus_config_new ();
  g_autofree char *from_host = NULL;
  g_autofree char *from_environment = NULL;
  g_autofree char *from_config = NULL;
  g_autofree char *fallback = NULL;

  g_setenv ("DAEMONEYE_BROKER_SOCKET", "/env.sock", TRUE);
  from_host = bus_config_resolve_address (config, "/host.sock");
  g_assert_cmpstr (from_host, ==, "/host.sock");
  from_environment = bus_config_resolve_address (config, NULL);
  g_assert_cmpstr (from_environment, ==, "/env.sock");
  config->address = g_strdup ("/config.sock");
  from_config = bus_config_resolve_address (config, NULL);
  g_assert_cmpstr (from_config, ==, "/config.sock");
  g_clear_pointer (&config->address, g_free);
  g_unsetenv ("DAEMONEYE_BROKER_SOCKET");
  g_setenv ("XDG_RUNTIME_DIR", "/run/user/1", TRUE);
  fallback = bus_config_resolve_address (config, NULL);
  g_assert_cmpstr (fallback, ==,
                   geteuid () == 0 ? "/run/daemoneye/eventbus.sock" : "/run/user/1/daemoneye/eventbus.sock");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/shipped-file", test_shipped_file);
  g_test_add_func ("/config/one-setting-of-the-shipped-file", test_one_setting_of_the_shipped_file);
  g_test_add_func ("/config/M07-groups", test_groups);
  g_test_add_func ("/config/values", test_values);
  g_test_add_func ("/config/defaults", test_defaults);
  g_test_add_func ("/config/mistakes", test_mistakes);
  g_test_add_func ("/config/A09-missing-file", test_missing_file_fails_closed);
  g_test_add_func ("/config/address", test_address);
  return g_test_run ();
}
