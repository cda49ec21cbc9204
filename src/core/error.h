/* SPDX-License-Identifier: MIT */
/*
 * Explained failures. Control calls end with 'return regioi_fail(-EINVAL, "step: cause; remedy")',
 * so that regio_last_error() can tell a person what to change.
 */
#ifndef REGIO_CORE_ERROR_H
#define REGIO_CORE_ERROR_H

/* Stores the sentence for this thread and returns 'error'. */
int regioi_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

#endif
