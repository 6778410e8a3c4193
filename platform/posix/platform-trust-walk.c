/* SPDX-License-Identifier: Apache-2.0 */
#include "platform-trust-walk.h"

#include <errno.h>
#include <string.h>

#define LINKS_MAX 40u

typedef struct
{
  const PlatformTrustFiles *files;
  uid_t own;
  guint32 other_owner;
  char *here;         /* a good directory, without links; "" is the root */
  GQueue *left;       /* of char *: the names that remain to be resolved */
  gboolean is_shared; /* @here: accounts other than its owner can create entries in it */
  guint links;
  PlatformTrustVerdict verdict;
} TrustWalk;

static gboolean
trust_walk_stop (TrustWalk *self, PlatformTrustProblem problem, const char *path, const struct stat *st)
{
  self->verdict = (PlatformTrustVerdict){ .problem = problem, .path = g_strdup (path), .error = errno };
  if (st == NULL)
    return FALSE;
  self->verdict.owner = (guint32) st->st_uid;
  self->verdict.mode = (guint) st->st_mode & 07777;
  self->verdict.shown = TRUE;
  return FALSE;
}

static gboolean
trust_walk_examine (TrustWalk *self, const char *path, struct stat *st)
{
  if (self->files->examine (path, st) == 0)
    return TRUE;
  return trust_walk_stop (self, errno == ENOENT ? PLATFORM_TRUST_MISSING : PLATFORM_TRUST_UNKNOWN, path, NULL);
}

static gboolean
trust_walk_may_own (const TrustWalk *self, uid_t uid)
{
  if (uid == 0 || uid == self->own)
    return TRUE;
  return self->other_owner != PLATFORM_TRUST_NO_OTHER_OWNER && uid == (uid_t) self->other_owner && !self->is_shared;
}

static gboolean
trust_walk_enter (TrustWalk *self, const char *path, const struct stat *st)
{
  gboolean is_shared = (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;

  if (!trust_walk_may_own (self, st->st_uid))
    return trust_walk_stop (self, PLATFORM_TRUST_FOREIGN, path, st);
  if (is_shared && !((st->st_mode & S_ISVTX) != 0 && st->st_uid == 0))
    return trust_walk_stop (self, PLATFORM_TRUST_WRITABLE, path, st);
  g_free (self->here);
  self->here = g_strdup (g_str_equal (path, "/") ? "" : path);
  self->is_shared = is_shared;
  return TRUE;
}

static gboolean
trust_walk_enter_again (TrustWalk *self, const char *path)
{
  struct stat st;

  self->is_shared = FALSE;
  return trust_walk_examine (self, path, &st) && trust_walk_enter (self, path, &st);
}

static gboolean
trust_walk_up (TrustWalk *self)
{
  g_autofree char *parent = g_path_get_dirname (*self->here != '\0' ? self->here : "/");

  return trust_walk_enter_again (self, parent);
}

/* Puts the names of @path before the names that remain. */
static void
trust_walk_push (TrustWalk *self, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);

  for (guint i = g_strv_length (names); i > 0; i--)
    g_queue_push_head (self->left, g_strdup (names[i - 1]));
}

static gboolean
trust_walk_follow (TrustWalk *self, const char *path, const struct stat *st)
{
  g_autofree char *target = NULL;

  if (!trust_walk_may_own (self, st->st_uid))
    return trust_walk_stop (self, PLATFORM_TRUST_FOREIGN, path, st);
  if (++self->links > LINKS_MAX)
    return trust_walk_stop (self, PLATFORM_TRUST_LINKS, path, st);
  target = self->files->read_link (path);
  if (target == NULL)
    return trust_walk_stop (self, PLATFORM_TRUST_UNKNOWN, path, NULL);
  trust_walk_push (self, target);
  return *target != '/' || trust_walk_enter_again (self, "/");
}

static gboolean
trust_walk_step (TrustWalk *self, const char *name)
{
  g_autofree char *path = NULL;
  struct stat st;

  if (*name == '\0' || g_str_equal (name, "."))
    return TRUE;
  if (g_str_equal (name, ".."))
    return trust_walk_up (self);
  path = g_strconcat (self->here, "/", name, NULL);
  if (!trust_walk_examine (self, path, &st))
    return FALSE;
  if (S_ISLNK (st.st_mode))
    return trust_walk_follow (self, path, &st);
  if (S_ISDIR (st.st_mode))
    return trust_walk_enter (self, path, &st);
  return trust_walk_stop (self, PLATFORM_TRUST_NO_DIRECTORY, path, &st);
}

PlatformTrustVerdict
platform_trust_walk (const PlatformTrustFiles *files, const char *directory, uid_t own, guint32 other_owner)
{
  TrustWalk self = { .files = files, .own = own, .other_owner = other_owner, .left = g_queue_new () };
  gboolean continues = trust_walk_enter_again (&self, "/");

  trust_walk_push (&self, directory);
  while (continues && !g_queue_is_empty (self.left))
    {
      g_autofree char *name = g_queue_pop_head (self.left);

      continues = trust_walk_step (&self, name);
    }
  g_queue_free_full (self.left, g_free);
  g_free (self.here);
  return self.verdict;
}
