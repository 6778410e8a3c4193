/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The record of one process, as procmond reports it, and the functions that escape and bound text which the process itself
 * chose.
 *
 * This module reads nothing from the system; proc-source and proc-identity do. A record is shared by the tables that
 * contain it and is not changed then.
 *
 * Invariant: all text is valid UTF-8 and, with the escapes counted, bounded. A text that was cut ends in PROC_CUT, which a
 * process can't fake, because backslashes are escaped.
 */

/*
 * Bounds of a command line. A process chooses its own arguments, which may be megabytes long. Without a bound one process
 * could push a whole shard above the largest payload, or above the limits of the receiver, and so hide other processes and
 * its own start. Arguments beyond the bound are left out, and PROC_CUT is added as the last argument.
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
  PROC_FIELD_START_TIME = 1u << 7, /* only of a process that had ended before it was read */
  PROC_FIELD_CPU_TIME = 1u << 8,
  PROC_FIELD_RESIDENT = 1u << 9,
  PROC_FIELD_VIRTUAL = 1u << 10,
  PROC_FIELD_EXE_DELETED = 1u << 12,
} ProcField;

#define PROC_UID_UNKNOWN G_MAXUINT32 /* belongs to nobody, so a reader who ignores the mask does not see root */

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
  char *exe;            /* "": it has none, or it is unknown */
  gboolean exe_deleted; /* no file of this name is the executable any more */
  char **command_line;  /* never NULL; bounded, see PROC_COMMAND_LINE_BYTES */
  gboolean shortened;   /* exe or command_line was cut */
  guint unknown;        /* of ProcField: they could not be read */
} ProcRecord;

/* All fields are zero or empty, none is unknown. (transfer full) */
ProcRecord *proc_record_new (guint32 pid, guint64 start_time);
/* Nothing but the number is known. (transfer full) */
ProcRecord *proc_record_new_unknown (guint32 pid);
ProcRecord *proc_record_ref (ProcRecord *record);
void proc_record_unref (ProcRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProcRecord, proc_record_unref)

/* Any bytes as UTF-8: bytes that are not valid, and backslashes, become \xNN. (transfer full) */
char *proc_text_escape (const char *bytes, gssize len);

/* Sets the arguments, escaped and bounded. @args: NULL-ended or NULL. */
void proc_record_set_command_line (ProcRecord *record, const char *const *args);

/*
 * Sizes of records in an answer. Each argument costs more than its bytes, because the receiver's bound of memory
 * (wire-guard.h) is a multiple of the bytes that it receives: many empty arguments would exceed it.
 */
#define PROC_ARG_COST    4u  /* besides its bytes */
#define PROC_RECORD_COST 96u /* all numbers at their longest, and what protobuf adds */

/* The part of the cost that can be cut: exe and arguments. */
gsize proc_record_text_size (const ProcRecord *record);
/* At least the bytes that the record has in an answer. */
gsize proc_record_cost (const ProcRecord *record);

/* A copy whose exe and arguments are cut so that proc_record_text_size() is at most @bytes, or PROC_SHORTEST if that is
 * more; the record itself if it is not larger. (transfer full) */
#define PROC_SHORTEST 16u
ProcRecord *proc_record_shorten (ProcRecord *record, gsize bytes);
