/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/platform-trust-walk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The rule about directories, over trees that exist only here, for any account: the one that runs the tests does not matter. */

#define OWN   1000
#define OTHER 1001
#define GUEST 1002

typedef struct
{
  const char *path;
  uid_t uid;
  mode_t mode;
  const char *target; /* of a link */
} Entry;

#define DIRECTORY(mode) (S_IFDIR | (mode))
#define LINK            (S_IFLNK | 0777)

static const Entry tree[] = {
  { "/", 0, DIRECTORY (0755), NULL },
  { "/run", 0, DIRECTORY (0755), NULL },
  { "/run/bus", OWN, DIRECTORY (0750), NULL },
  { "/run/guest", GUEST, DIRECTORY (0755), NULL },
  { "/run/guest/open", GUEST, DIRECTORY (0775), NULL },
  { "/run/foreign", OTHER, DIRECTORY (0700), NULL },
  { "/run/foreign/bus", OWN, DIRECTORY (0700), NULL },
  { "/run/group", 0, DIRECTORY (0775), NULL },
  { "/run/group/bus", OWN, DIRECTORY (0700), NULL },
  { "/run/open", OWN, DIRECTORY (0777), NULL },
  { "/run/open/bus", OWN, DIRECTORY (0700), NULL },
  { "/run/mine-sticky", OWN, DIRECTORY (01777), NULL },
  { "/run/mine-sticky/bus", OWN, DIRECTORY (0700), NULL },
  { "/run/setgid", 0, DIRECTORY (02755), NULL },
  { "/run/file", 0, S_IFREG | 0644, NULL },
  { "/run/link", 0, LINK, "bus" },
  { "/run/absolute", 0, LINK, "/tmp/mine" },
  { "/run/up", 0, LINK, "../run/./bus/" },
  { "/run/via-open", 0, LINK, "open/bus" },
  { "/run/via-foreign-link", 0, LINK, "/tmp/planted" },
  { "/run/loop", 0, LINK, "loop" },
  { "/run/dangling", 0, LINK, "nothing" },
  { "/tmp", 0, DIRECTORY (01777), NULL },
  { "/tmp/mine", OWN, DIRECTORY (0700), NULL },
  { "/tmp/mine/bus", OWN, DIRECTORY (0700), NULL },
  { "/tmp/root", 0, DIRECTORY (0700), NULL },
  { "/tmp/theirs", OTHER, DIRECTORY (0755), NULL },
  { "/tmp/guest", GUEST, DIRECTORY (0755), NULL },
  { "/tmp/planted", OTHER, LINK, "/tmp/mine" },
  { "/tmp/mine/planted", OWN, LINK, "/tmp/planted" },
  { "/group-sticky", 0, DIRECTORY (01775), NULL },
  { "/group-sticky/bus", OWN, DIRECTORY (0700), NULL },
  { "/closed", 0, DIRECTORY (0755), NULL },
};

static const Entry *top = tree; /* instead of "/" */

static const Entry *
find (const char *path)
{
  if (g_str_equal (path, "/"))
    return top;
  for (guint i = 0; i < G_N_ELEMENTS (tree); i++)
    if (g_str_equal (tree[i].path, path))
      return &tree[i];
  return NULL;
}

static int
examine (const char *path, struct stat *st)
{
  const Entry *entry = find (path);

  g_assert_false (strlen (path) > 1 && g_str_has_suffix (path, "/"));
  errno = g_str_has_prefix (path, "/closed/") ? EACCES : ENOENT;
  if (entry == NULL)
    return -1;
  *st = (struct stat){ .st_uid = entry->uid, .st_mode = entry->mode };
  return 0;
}

static char *
read_link (const char *path)
{
  return g_strdup (find (path)->target);
}

static const PlatformTrustFiles files = { examine, read_link };

static const struct
{
  const char *name;
  const char *path;
  PlatformTrustProblem problem;
  const char *culprit; /* NULL: none */
} cases[] = {
  { "roots", "/run", PLATFORM_TRUST_GOOD, NULL },
  { "own", "/run/bus", PLATFORM_TRUST_GOOD, NULL },
  { "top", "/", PLATFORM_TRUST_GOOD, NULL },
  { "setgid", "/run/setgid", PLATFORM_TRUST_GOOD, NULL },
  { "sticky", "/tmp", PLATFORM_TRUST_GOOD, NULL },
  { "own-in-sticky", "/tmp/mine/bus", PLATFORM_TRUST_GOOD, NULL },
  { "roots-in-sticky", "/tmp/root", PLATFORM_TRUST_GOOD, NULL },
  { "group-sticky", "/group-sticky/bus", PLATFORM_TRUST_GOOD, NULL },
  { "slashes", "//run///bus/.", PLATFORM_TRUST_GOOD, NULL },
  { "up", "/run/bus/../../tmp/mine", PLATFORM_TRUST_GOOD, NULL },
  { "above-top", "/../../run", PLATFORM_TRUST_GOOD, NULL },
  { "up-into-sticky", "/tmp/mine/../theirs", PLATFORM_TRUST_FOREIGN, "/tmp/theirs" },
  { "link", "/run/link", PLATFORM_TRUST_GOOD, NULL },
  { "link-absolute", "/run/absolute/bus", PLATFORM_TRUST_GOOD, NULL },
  { "link-up", "/run/up", PLATFORM_TRUST_GOOD, NULL },
  { "link-missing", "/run/dangling", PLATFORM_TRUST_MISSING, "/run/nothing" },
  { "missing", "/run/bus/deep/er", PLATFORM_TRUST_MISSING, "/run/bus/deep" },
  { "missing-in-sticky", "/tmp/new", PLATFORM_TRUST_MISSING, "/tmp/new" },
  { "foreign", "/run/foreign", PLATFORM_TRUST_FOREIGN, "/run/foreign" },
  { "foreign-parent", "/run/foreign/bus", PLATFORM_TRUST_FOREIGN, "/run/foreign" },
  { "foreign-and-missing", "/run/foreign/new", PLATFORM_TRUST_FOREIGN, "/run/foreign" },
  { "foreign-in-sticky", "/tmp/theirs", PLATFORM_TRUST_FOREIGN, "/tmp/theirs" },
  { "guest-not-accepted", "/run/guest", PLATFORM_TRUST_FOREIGN, "/run/guest" },
  { "group-writable", "/run/group/bus", PLATFORM_TRUST_WRITABLE, "/run/group" },
  { "writable", "/run/open/bus", PLATFORM_TRUST_WRITABLE, "/run/open" },
  { "own-sticky", "/run/mine-sticky/bus", PLATFORM_TRUST_WRITABLE, "/run/mine-sticky" },
  { "link-to-writable", "/run/via-open", PLATFORM_TRUST_WRITABLE, "/run/open" },
  { "link-of-another", "/tmp/planted/bus", PLATFORM_TRUST_FOREIGN, "/tmp/planted" },
  { "link-to-link-of-another", "/run/via-foreign-link", PLATFORM_TRUST_FOREIGN, "/tmp/planted" },
  { "own-link-to-link-of-another", "/tmp/mine/planted", PLATFORM_TRUST_FOREIGN, "/tmp/planted" },
  { "link-loop", "/run/loop", PLATFORM_TRUST_LINKS, "/run/loop" },
  { "file", "/run/file/bus", PLATFORM_TRUST_NO_DIRECTORY, "/run/file" },
  { "no-access", "/closed/bus", PLATFORM_TRUST_UNKNOWN, "/closed/bus" },
};

static void
assert_verdict (const char *path, uid_t own, guint32 guest, PlatformTrustProblem problem, const char *culprit)
{
  g_auto (PlatformTrustVerdict) verdict = platform_trust_walk (&files, path, own, guest);
  g_autofree char *text = platform_trust_verdict_describe (&verdict);

  g_assert_cmpint (verdict.problem, ==, problem);
  g_assert_cmpstr (verdict.path, ==, culprit);
  if (culprit != NULL)
    g_assert_nonnull (strstr (text, culprit));
  if (problem == PLATFORM_TRUST_FOREIGN || problem == PLATFORM_TRUST_WRITABLE)
    {
      g_autofree char *mode = g_strdup_printf ("mode %04o", verdict.mode);
      g_autofree char *owner = g_strdup_printf ("uid %u", verdict.owner);

      g_assert_nonnull (strstr (text, mode));
      g_assert_nonnull (strstr (text, owner));
      g_assert_cmpuint (verdict.owner, ==, find (culprit)->uid);
    }
}

static void
test_case (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);

  assert_verdict (cases[i].path, OWN, PLATFORM_TRUST_NO_OTHER_OWNER, cases[i].problem, cases[i].culprit);
}

/* For root, a directory of any other user belongs to another account. */
static void
test_root (void)
{
  assert_verdict ("/run", 0, PLATFORM_TRUST_NO_OTHER_OWNER, PLATFORM_TRUST_GOOD, NULL);
  assert_verdict ("/tmp/root", 0, PLATFORM_TRUST_NO_OTHER_OWNER, PLATFORM_TRUST_GOOD, NULL);
  assert_verdict ("/run/bus", 0, PLATFORM_TRUST_NO_OTHER_OWNER, PLATFORM_TRUST_FOREIGN, "/run/bus");
  assert_verdict ("/tmp/mine", 0, PLATFORM_TRUST_NO_OTHER_OWNER, PLATFORM_TRUST_FOREIGN, "/tmp/mine");
}

static void
test_guest (void)
{
  assert_verdict ("/run/guest", OWN, GUEST, PLATFORM_TRUST_GOOD, NULL);
  assert_verdict ("/run/guest/open", OWN, GUEST, PLATFORM_TRUST_WRITABLE, "/run/guest/open");
  assert_verdict ("/tmp/guest", OWN, GUEST, PLATFORM_TRUST_FOREIGN, "/tmp/guest");
  assert_verdict ("/tmp/mine/../guest", OWN, GUEST, PLATFORM_TRUST_FOREIGN, "/tmp/guest");
  assert_verdict ("/tmp/../run/guest", OWN, GUEST, PLATFORM_TRUST_GOOD, NULL);
  assert_verdict ("/run/foreign", OWN, GUEST, PLATFORM_TRUST_FOREIGN, "/run/foreign");
}

/* In a user namespace without root the owner of the top is unknown. */
static void
test_bad_top (void)
{
  static const Entry unmapped = { "/", 65534, DIRECTORY (0755), NULL };
  static const Entry writable = { "/", 0, DIRECTORY (0777), NULL };

  top = &unmapped;
  assert_verdict ("/run", OWN, PLATFORM_TRUST_NO_OTHER_OWNER, PLATFORM_TRUST_FOREIGN, "/");
  top = &writable;
  assert_verdict ("/run", OWN, PLATFORM_TRUST_NO_OTHER_OWNER, PLATFORM_TRUST_WRITABLE, "/");
  top = tree;
}

/* The file system of this machine. */
static void
test_real_files (void)
{
  g_autofree char *directory = g_dir_make_tmp ("deye-XXXXXX", NULL);
  g_autofree char *inside = g_build_filename (directory, "inside", NULL);
  g_autofree char *link = g_build_filename (directory, "link", NULL);
  g_auto (PlatformTrustVerdict) good = platform_trust_check (directory, PLATFORM_TRUST_NO_OTHER_OWNER);

  g_assert_cmpint (good.problem, ==, PLATFORM_TRUST_GOOD);
  g_assert_cmpint (symlink ("/dev/null", link), ==, 0);
  {
    g_auto (PlatformTrustVerdict) missing = platform_trust_check (inside, PLATFORM_TRUST_NO_OTHER_OWNER);
    g_auto (PlatformTrustVerdict) device = platform_trust_check (link, PLATFORM_TRUST_NO_OTHER_OWNER);

    g_assert_cmpint (missing.problem, ==, PLATFORM_TRUST_MISSING);
    g_assert_cmpint (device.problem, ==, PLATFORM_TRUST_NO_DIRECTORY);
    g_assert_cmpstr (device.path, ==, "/dev/null");
  }
  g_assert_cmpint (chmod (directory, 0770), ==, 0);
  {
    g_auto (PlatformTrustVerdict) writable = platform_trust_check (inside, PLATFORM_TRUST_NO_OTHER_OWNER);

    g_assert_cmpint (writable.problem, ==, PLATFORM_TRUST_WRITABLE);
    g_assert_cmpuint (writable.mode, ==, 0770);
  }
  unlink (link);
  rmdir (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/platform/trust/A12/%s", cases[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_case);
    }
  g_test_add_func ("/platform/trust/A12/root", test_root);
  g_test_add_func ("/platform/trust/A12/guest", test_guest);
  g_test_add_func ("/platform/trust/A12/bad-top", test_bad_top);
  g_test_add_func ("/platform/trust/A12/real-files", test_real_files);
  return g_test_run ();
}
