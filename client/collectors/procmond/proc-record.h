/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The record of one process, as procmond reports it, and the functions that escape and shorten text that the process itself
 * chose.
 *
 * This module reads no data from the system; proc-source and proc-identity do. Tables share records; a record that is in a table
 * is not changed.
 *
 * Invariant: all text is valid UTF-8, and its length including the escapes is limited. A text that was cut ends in PROC_CUT, which
 * a process can't fake, because backslashes are escaped.
 */

/*
 * Limits of a command line. A process chooses its own arguments, which may be megabytes long. Without a limit one process
 * could make a whole shard larger than the largest payload, or than the limits of the receiver, and so hide other processes and
 * its own start. Arguments beyond the limit are left out, and PROC_CUT is added as the last argument.
 */
#define PROC_COMMAND_LINE_BYTES 8192u /* after escaping: a byte may become four */
#define PROC_COMMAND_LINE_ARGS  256u
#define PROC_CUT                "\\cut"

/* Fields that can be unknown, as bits of ProcRecord.unknown: bit N is field N of ProcessRecord. */
typedef enum
{
  PROC_FIELD_PPID = 1u << 2,
  PROC_FIELD_NAME = 1u << 3,
  PROC_FIELD_EXE = 1u << 4,
  PROC_FIELD_COMMAND_LINE = 1u << 5,
  PROC_FIELD_UID = 1u << 6,
  PROC_FIELD_START_TIME = 1u << 7, /* only if the process ended before it was read */
  PROC_FIELD_CPU_TIME = 1u << 8,
  PROC_FIELD_RESIDENT = 1u << 9,
  PROC_FIELD_VIRTUAL = 1u << 10,
  PROC_FIELD_EXE_DELETED = 1u << 12,
} ProcField;

#define PROC_UID_UNKNOWN G_MAXUINT32 /* no user has this uid, so a reader that ignores the mask does not see root */

typedef struct
{
  guint32 pid;
  guint32 ppid;
  guint32 uid;
  guint64 start_time; /* Linux: clock ticks since boot; elsewhere seconds since 1970 */
  guint64 cpu_time_us;
  guint64 resident_bytes;
  guint64 virtual_bytes;
  char *name;           /* UTF-8: other bytes are escaped as \xNN */
  char *exe;            /* "": there is none, or it is unknown */
  gboolean exe_deleted; /* the path does not lead to the executable any more */
  char **command_line;  /* never NULL; bounded, see PROC_COMMAND_LINE_BYTES */
  gboolean shortened;   /* exe or command_line was cut */
  guint unknown;        /* bits of ProcField: fields that could not be read */
} ProcRecord;

/* Creates a record whose fields are zero or empty, and not marked as unknown. (transfer full) */
ProcRecord *proc_record_new (guint32 pid, guint64 start_time);
/* Creates a record of which only the number is known. (transfer full) */
ProcRecord *proc_record_new_unknown (guint32 pid);
ProcRecord *proc_record_ref (ProcRecord *record);
void proc_record_unref (ProcRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcRecord, proc_record_unref)

/* Converts bytes to UTF-8: invalid bytes and backslashes are escaped as \xNN. (transfer full) */
char *proc_text_escape (const char *bytes, gssize len);

/* Sets the arguments, escaped and limited in size. @args: NULL-ended or NULL. */
void proc_record_set_command_line (ProcRecord *record, const char *const *args);

/*
 * Sizes of records in an answer. Each argument costs more than its bytes, because the receiver's memory limit (wire-guard.h) is a
 * multiple of the bytes that it receives: many empty arguments would exceed it.
 */
#define PROC_ARG_COST    4u  /* in addition to its bytes */
#define PROC_RECORD_COST 96u /* all numbers at their largest size, and the overhead of protobuf */

/* Returns the part of the cost that can be cut: exe and arguments. */
gsize proc_record_text_size (const ProcRecord *record);
/* Returns at least the size of the record in an answer, in bytes. */
gsize proc_record_cost (const ProcRecord *record);

/* Returns a copy whose exe and arguments are cut so that proc_record_text_size() is at most @bytes or PROC_SHORTEST, whichever is
 * larger; the record itself if it is not larger. (transfer full) */
#define PROC_SHORTEST 16u
ProcRecord *proc_record_shorten (ProcRecord *record, gsize bytes);
